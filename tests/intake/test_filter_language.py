from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.filters import (
    MAX_CHARS,
    MAX_DEPTH,
    MAX_TERMS,
    And,
    Comparison,
    Emptiness,
    Field,
    FilterError,
    Membership,
    Not,
    Operator,
    Or,
    fields_of,
    written,
)
from watchfloor.intake.filter_language import check_fields, parse_filter


def one(name, column):
    return Comparison(Field(name, column), Operator.EQUAL, 1)


def refused(text):
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    return caught.value


def mistake_in(text):
    try:
        parse_filter(text)
    except FilterError as error:
        return error
    return None


def test_the_design_s_own_filter_becomes_its_tree():
    text = 'consent = "yes" and country in ("US", "CA") and not (plan = "trial")'

    assert parse_filter(text) == And(
        (
            Comparison(Field("consent", 1), Operator.EQUAL, "yes"),
            Membership(Field("country", 21), ("US", "CA")),
            Not(Comparison(Field("plan", 54), Operator.EQUAL, "trial")),
        )
    )


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_is_read_as_it_is_written(operator):
    text = f'a {operator} "x"'

    assert parse_filter(text) == Comparison(Field("a"), operator, "x")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a in (1)", Membership(Field("a"), (1,))),
        ('a not in (1, "x")', Membership(Field("a"), (1, "x"), negated=True)),
        ("a is empty", Emptiness(Field("a"))),
        ("a is not empty", Emptiness(Field("a"), negated=True)),
        ("A IS\n Not  EMPTY", Emptiness(Field("A"), negated=True)),
        ('a Starts With "x"', Comparison(Field("a"), Operator.STARTS_WITH, "x")),
        ("a=-1.50", Comparison(Field("a"), Operator.EQUAL, Decimal("-1.50"))),
        ("a>=007", Comparison(Field("a"), Operator.AT_LEAST, 7)),
    ],
)
def test_one_comparison(text, wanted):
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a = 1 or b=1 and c=1", Or((one("a", 1), And((one("b", 10), one("c", 18)))))),
        ("a = 1 or b=1 or c=1", Or((one("a", 1), one("b", 10), one("c", 17)))),
        ("a = 1 and (b=1 and c=1)", And((one("a", 1), one("b", 12), one("c", 20)))),
        ("not a = 1", Not(one("a", 5))),
        ("not not a = 1", one("a", 9)),
        ("not not not a = 1", Not(one("a", 13))),
        ("((a = 1))", one("a", 3)),
    ],
)
def test_and_binds_closer_than_or_and_not_closest(text, wanted):
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"it\'s"', "it's"),
        ("'say \"hi\"'", 'say "hi"'),
        ('"say ""hi"""', 'say "hi"'),
        ("'it''s'", "it's"),
        (r'"C:\new"', r"C:\new"),
        ('"Zoë 🦊 日本"', "Zoë 🦊 日本"),
        ('"\'; DROP TABLE contact; --"', "'; DROP TABLE contact; --"),
    ],
)
def test_a_doubled_quote_stands_for_one_and_nothing_else_is_special(literal, value):
    assert parse_filter(f"a = {literal}") == Comparison(
        Field("a"), Operator.EQUAL, value
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("`first name` = 1", "first name"),
        ("`a``b` = 1", "a`b"),
        ("call.code = 1", "call.code"),
        ("`first call`.code = 1", "first call.code"),
        ("field.`in` = 1", "field.in"),
        ("android = 1", "android"),
        ("in_ = 1", "in_"),
        ("Stra\u00dfe = 1", "Stra\u00dfe"),
        ("`cafe\u0301` = 1", "caf\u00e9"),
    ],
)
def test_a_name_is_a_word_or_anything_in_backquotes(text, name):
    assert [field.name for field in fields_of(parse_filter(text))] == [name]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_every_column_can_be_asked_about_as_it_is_written(name):
    wanted = parse_filter(f"{written(name)} is empty")

    assert [field.name for field in fields_of(wanted)] == [normalize("NFC", name)]


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("consent =", 10, "expected a value in quotes or a number after '='"),
        ('consent == "yes"', 9, "write = to compare"),
        ('a = "x" && b = 1', 9, "'and' or 'or' after \"x\"; write and"),
        ('a = "x" || b = 1', 9, "write or"),
        ("a <> 1", 3, "write != "),
        ("a =< 1", 3, "write <="),
        ("a => 1", 3, "write >="),
        ("!a", 1, "write not"),
        ('name LIKE "x"', 6, "write contains or starts with"),
        ('name not like "x"', 10, "write contains or starts with"),
        ('name not = "x"', 10, "write !="),
        ("age between 1 and 2", 5, "age >= 18 and age <= 30"),
        ("a = \u201cyes\u201d", 5, "typographic quote"),
        ("a = yes", 5, "after '='; put words and dates in quotes: \"yes\""),
        ("a in (yes)", 7, 'put words and dates in quotes: "yes"'),
        ("a = null", 5, "write is empty"),
        ("a is null", 6, "'empty' or 'not empty' after 'is'; write is empty"),
        ("a = 2026-11-23", 5, "put words and dates in quotes"),
        ("a = +5", 5, "a number is digits"),
        ("a = 1e5", 5, "a number is digits"),
        ("a contains 5", 12, "expected a text in quotes after 'contains'"),
        ('a = "yes', 5, "the quote that opens here is not closed"),
        ("`a = 1", 1, "the backquote that opens here is not closed"),
        ('"a" = 1', 1, "a field's name stands without quotes"),
        ("first name = 1", 7, "stands in backquotes"),
        ("first-name = 1", 6, "stands in backquotes"),
        ("cafe\u0301 = 1", 5, "stands in backquotes"),
        ("tag# = 1", 4, "stands in backquotes"),
        ("a not == 1", 7, "write = to compare"),
        ("2nd = 1", 1, "stands in backquotes"),
        ("in = 1", 1, "a field with the name of a keyword is written `in`"),
        ('a starts "x"', 10, "expected 'with'"),
        ('a in "x"', 6, "expected a list in brackets"),
        ('a in ("x" "y")', 11, "expected ',' or ')' after \"x\", found \"y\""),
        ("a in ()", 7, "expected a value in quotes or a number after '('"),
        ("(a = 1 and (b = 1)", 19, "the bracket of column 1 is not closed"),
        ("a = 1)", 6, "expected 'and' or 'or' after '1', found ')'"),
        ("a = 1 b = 2", 7, "expected 'and' or 'or' after '1', found 'b'"),
        ("a = 1 and", 10, "the filter ends here; expected the name of a field"),
        ("a", 2, "the filter ends here; expected a comparison such as ="),
        ("a = 1; b", 6, "a filter is one expression"),
        ('a = ""', 5, "write a is empty"),
        ('a in (1, " ")', 10, "write a is empty"),
        ('a contains ""', 12, "write a is empty"),
        ('a = " x"', 5, "begins or ends with a blank"),
        ("a = 1234567890123456", 5, "at most 15 digits"),
        ("a =\u200b1", 4, "a character that cannot be seen (U+200B)"),
        ("a = \x1b[2J", 5, "a character that cannot be seen (U+001B)"),
        ("a = 'x\0'", 7, "a character that no cell can hold (U+0000)"),
        ("a = '\ud800'", 6, "a character that no cell can hold (U+D800)"),
        ("", 1, "the filter is empty"),
        (" \n ", 1, "the filter is empty"),
        ("a =\n  b", 7, 'put words and dates in quotes: "b"'),
    ],
)
def test_a_mistake_is_told_with_its_column_and_what_would_be_right(text, column, said):
    error = refused(text)

    assert error.column == column
    assert str(error).startswith(f"column {column}: ")
    assert said in str(error)


def test_the_first_mistake_is_the_one_that_is_told():
    assert refused("a LIKE \u201cx\u201d && b == yes").column == 3


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * MAX_CHARS,
        "(" * 2_000 + ")" * 2_000,
        "not " * 999,
        "not(" * 1_000,
        "a = 1 and (" * 300,
        "a in (" * 600,
        "`" * MAX_CHARS,
        '"' * MAX_CHARS,
        "'\"" * 2_000,
        "a." * 2_000,
        "=" * MAX_CHARS,
        ") " * 2_000,
        "a\u0301" * 2_000,
        "a" * MAX_CHARS,
        "-" * MAX_CHARS,
        "\U0001f98a" * MAX_CHARS,
    ],
    ids=lambda text: ascii(f"{text[:4]}{text[-4:]} {len(text)}"),
)
def test_no_text_however_deep_or_long_does_more_than_be_refused(text):
    error = refused(text)

    assert 1 <= error.column <= MAX_CHARS + 1
    assert len(str(error)) < 500


def test_brackets_may_stand_so_deep_and_no_deeper():
    def nested(depth):
        return "(" * depth + "a = 1" + ")" * depth

    assert parse_filter(nested(MAX_DEPTH)) == Comparison(
        Field("a", MAX_DEPTH + 1), Operator.EQUAL, 1
    )
    assert refused(nested(MAX_DEPTH + 1)).column == MAX_DEPTH + 1


def test_nots_count_with_the_brackets_they_stand_before():
    assert mistake_in("not (" * 25 + "a = 1" + ")" * 25) is None
    assert "more than 50 deep" in str(refused("not (" * 26 + "a = 1" + ")" * 26))
    assert "more than 50 deep" in str(refused("not " * 51 + "a = 1"))


def test_nots_of_one_comparison_do_not_count_for_the_next():
    assert mistake_in(" and ".join(["not not a not in (1)"] * 60)) is None


def test_and_in_or_in_and_counts_without_the_brackets_too():
    text = "a = 1"
    for _ in range(30):
        text = f"b = 1 and c = 1 or a = 1 and ({text})"

    assert "more than 50 deep" in str(refused(text))


def test_so_many_terms_and_no_more():
    def joined(terms):
        return " or ".join(["a = 1"] * terms)

    assert len(fields_of(parse_filter(joined(MAX_TERMS)))) == MAX_TERMS
    assert "more than 200" in str(refused(joined(MAX_TERMS + 1)))
    assert "more than 200" in str(refused(f"a in ({', '.join(['1'] * 201)})"))


def test_so_many_characters_and_no_more():
    text = "a = 1".ljust(MAX_CHARS)

    assert mistake_in(text) is None
    assert refused(text + " ").column == MAX_CHARS + 1


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_filter_error(text):
    error = mistake_in(text)

    assert error is None or 1 <= error.column <= len(text) + 1


PIECES = [
    *("a", "call.code", "`x y`", "=", "==", "!=", "<>", "<", "<=", "and", "or", "not"),
    *("in", "is", "empty", "contains", "starts", "with", "(", ")", ",", '"x"', "'y'"),
    *('"', "'", "`", "5", "-1.5", "1e5", "&&", "like", "\u201c", ";", ".", "\x1b"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_any_pieces_of_the_language_are_a_filter_or_a_visible_sentence(pieces):
    text = " ".join(pieces)
    error = mistake_in(text)

    assert error is None or 1 <= error.column <= len(text) + 1
    assert str(error).isprintable()
    assert len(str(error)) < 300


COLUMNS = ("phone", "country", "first name", "plan")


def unknown(text, known=COLUMNS):
    with pytest.raises(FilterError) as caught:
        check_fields(parse_filter(text), known, "the columns of the upload")
    return caught.value


def test_fields_that_are_known_pass():
    check_fields(parse_filter("plan = 1 and `first name` = 1"), COLUMNS, "columns")


def test_an_unknown_field_is_told_with_its_column_the_nearest_and_the_list():
    error = unknown('plan = "x" and contry = "US"')

    assert str(error) == (
        "column 16: there is no field contry; did you mean country? the columns of "
        "the upload are: phone, country, `first name`, plan"
    )


def test_a_field_in_another_case_is_another_field_but_near():
    assert "did you mean plan?" in str(unknown("PLAN = 1"))


def test_a_list_of_many_fields_is_cut():
    error = unknown("zzz = 1", [f"column_{n}" for n in range(500)])

    assert "and 480 more" in str(error)
    assert len(str(error)) < 500


def test_hostile_names_are_shown_harmless():
    error = unknown("`\x1b[2J\u202e` = 1", ["\x1b]0;x\x07" * 100])

    assert str(error).isprintable()
    assert len(str(error)) < 300


def test_no_fields_at_all_are_none():
    assert str(unknown("a = 1", [])).endswith("are: none")


def test_loading_the_language_does_not_load_lark():
    probe = (
        "import sys, watchfloor.intake.filter_language; print('lark' in sys.modules)"
    )

    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "False"
