from __future__ import annotations

import json
import operator
import re
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, insert, select
from sqlalchemy.pool import StaticPool

from watchfloor.domain.filters import (
    And,
    Comparison,
    Emptiness,
    Field,
    FilterError,
    Membership,
    Not,
    Operator,
    Or,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.intake.filter_language import parse_filter
from watchfloor.store.filtering import (
    condition,
    contact_fields,
    record_fields,
    step_fields,
)
from watchfloor.store.tables import attempt, contact, metadata, record

COLUMNS = ("country", "plan", "age")
NINE = 1_700_000_000_000  # 2023-11-14T22:13:20Z
HOSTILE = (
    "'; DROP TABLE contact; --",
    '" OR 1=1 --',
    "%",
    "_",
    "*[",
    ":param",
    "?",
    "%(x)s",
    "\\",
    "\x1b[2J",
    "\u202eabc",
    "🦊",
    "a\nb",
    "x" * 1_500,
)


class Floor:
    """A store in memory, filled anew for every question."""

    def __init__(self):
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(self.engine)

    def selected(self, wanted, rows, columns=COLUMNS):
        """Return the places of the rows that a filter selects."""
        filtered = condition(wanted, contact_fields(columns))
        with self.engine.connect() as connection:
            connection.execute(
                insert(contact),
                [
                    {
                        "run_no": 1,
                        "seq": seq,
                        "row_no": seq,
                        "contact": f"+1202555{seq:04}",
                        "digest": b"",
                        "values_json": json.dumps(row),
                    }
                    for seq, row in enumerate(rows)
                ],
            )
            query = select(contact.c.seq).where(filtered).order_by(contact.c.seq)
            return list(connection.scalars(query))

    def values(self, text, cells):
        """Return which of some cells of one column a filter on ``a`` selects."""
        rows = [[cell] for cell in cells]
        return [cells[at] for at in self.selected(parse_filter(text), rows, ["a"])]


@pytest.fixture(scope="module")
def floor():
    made = Floor()
    yield made
    made.engine.dispose()


# What a filter means, said a second time and in another language.

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\Z")
ORDERS = {
    Operator.EQUAL: operator.eq,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def holds(wanted, row):
    match wanted:
        case And(parts):
            return all(holds(part, row) for part in parts)
        case Or(parts):
            return any(holds(part, row) for part in parts)
        case Not(part):
            return not holds(part, row)
        case _:
            place = COLUMNS.index(wanted.field.name)
            return suits(wanted, row[place].strip() if place < len(row) else "")


def suits(wanted, cell):
    match wanted:
        case Emptiness(_, negated):
            return (cell == "") is not negated
        case Membership(_, literals, negated):
            return any(same(cell, one) for one in literals) is not negated
        case Comparison(_, Operator.UNEQUAL, value):
            return not same(cell, value)
        case Comparison(_, Operator.CONTAINS, value):
            return str(value) in cell
        case Comparison(_, Operator.STARTS_WITH, value):
            return cell.startswith(str(value))
        case _:
            return compares(cell, ORDERS[wanted.operator], wanted.literal)


def compares(cell, order, value):
    if isinstance(value, str):
        return cell != "" and order(cell, value)
    return bool(NUMBER.match(cell)) and order(Decimal(cell), value)


def same(cell, value):
    if isinstance(value, str):
        return cell == value
    return bool(NUMBER.match(cell)) and Decimal(cell) == value


digits = st.integers(-(10**15) + 1, 10**15 - 1)
numbers = st.one_of(
    st.integers(-20, 20),
    digits,
    st.tuples(digits, st.integers(0, 15)).map(
        lambda pair: Decimal(pair[0]).scaleb(-pair[1])
    ),
    st.sampled_from([Decimal("0.1"), Decimal("-0.0"), Decimal("1.50")]),
)
words = st.one_of(
    st.sampled_from(["US", "us", "CA", "U", "trial", "New York", "Zoë", *HOSTILE]),
    st.sampled_from(["1e5", "0x10", "1,000", "5 %", "--5", "+-5", ".", "-", "inf"]),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        max_size=4,
    ),
)
blanks = st.text(" \t\n\xa0\u2003\u3000\x1f", max_size=2)
shown_numbers = numbers.map(lambda number: format(number, "f"))
odd_numbers = st.sampled_from(["+5", "05", "5.", ".5", "5.0", "-0", "1.50", "0.10"])
inner = st.one_of(words, shown_numbers, odd_numbers, st.just(""))
cells = st.tuples(blanks, inner, blanks).map("".join)
rows = st.lists(st.lists(cells, max_size=3), min_size=1, max_size=8)

fields = st.sampled_from(COLUMNS).map(Field)
texts = words.filter(bool)
exact = words.map(str.strip).filter(bool)
literals = st.one_of(exact, exact, numbers)
orders = st.sampled_from(list(ORDERS))
leaves = st.one_of(
    st.builds(Comparison, fields, orders, literals),
    st.builds(Comparison, fields, st.just(Operator.UNEQUAL), literals),
    st.builds(
        Comparison,
        fields,
        st.sampled_from([Operator.CONTAINS, Operator.STARTS_WITH]),
        texts,
    ),
    st.builds(
        Membership,
        fields,
        st.lists(literals, min_size=1, max_size=6).map(tuple),
        st.booleans(),
    ),
    st.builds(Emptiness, fields, st.booleans()),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=2, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=4).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


@given(filters, rows)
def test_sql_selects_what_the_filter_means(floor, wanted, rows):
    meant = [at for at, row in enumerate(rows) if holds(wanted, row)]

    assert floor.selected(wanted, rows) == meant


@given(filters, rows)
def test_not_selects_exactly_the_others(floor, wanted, rows):
    chosen, others = floor.selected(wanted, rows), floor.selected(Not(wanted), rows)

    assert sorted(chosen + others) == list(range(len(rows)))


@given(cells, literals)
def test_one_literal_finds_its_cell_however_it_is_asked(floor, cell, literal):
    row = [cell]
    equal = Comparison(Field("country"), Operator.EQUAL, literal)
    alone = Membership(Field("country"), (literal,))
    many = Membership(Field("country"), (literal,) * 5)

    answers = {bool(floor.selected(one, [row])) for one in (equal, alone, many)}

    assert answers == {same(cell.strip(), literal)}


@pytest.mark.parametrize(
    ("text", "cells", "chosen"),
    [
        ('a = "yes"', ["yes", " yes\t", "\xa0yes\u3000", "Yes", "yes!", ""], 3),
        ('a in ("US", "CA")', ["US", "CA ", " US", "\tCA", "USA", "U S"], 4),
        ('a != "yes"', ["no", "", "  ", "yes", "yes "], 3),
        ("a = 5", ["5", "05", "5.0", "+5", " 5 ", "5x", "five", "", "0x5"], 5),
        ("a < 5", ["4", "-1", "4.99", "5", "abc", "", " ", "1e0"], 3),
        ("a >= 5", ["5", "10", "5.0", "4", "abc", "", "1e9", "zzz"], 3),
        ("a != 5", ["4", "abc", "", "5", "5.0"], 3),
        ("a not in (5, 6)", ["4", "abc", "", "5", "6.0"], 3),
        ("a = 0", ["0", "-0", "0.00", "abc", "", "-", "."], 3),
        ("a = 0.1", ["0.1", "0.10", ".1", "0.11"], 3),
        ("a is empty", ["", "  ", "\t\xa0", "x", "0"], 3),
        ("a is not empty", ["x", "0", "-", "", " "], 3),
        ('a < "b"', ["a", "A", "B", "b", "", " "], 3),
        ('a >= "b"', ["b", "c", "ba", "a", "", "B"], 3),
        ('a contains "%"', ["5%", "%", "a % b", "5", "", "percent"], 3),
        ('a contains "An"', ["Anna", "x An", "JoAn", "anna", "ANNA", ""], 3),
        ('a starts with "+1"', ["+1202", " +1", "+1", "1202", "++1", ""], 3),
        ('a starts with "_"', ["_x", "_", "__", "ax", "", "x_"], 3),
        ('a contains " "', ["a b", "a  b", "x y z", " a", "b ", " "], 3),
    ],
)
def test_the_first_cells_are_chosen_and_the_rest_are_not(floor, text, cells, chosen):
    assert floor.values(text, cells) == cells[:chosen]


@cache
def every_blank() -> list[str]:
    """Return all of them: a quarter of a second, which is no module's to take."""
    return [chr(code) for code in range(0x110000) if chr(code).isspace()]


@pytest.mark.parametrize("word", ["yes", "\u00e9t\u00e9", "\u65e5\u672c", "~", "!"])
def test_every_blank_there_is_may_stand_around_a_cell(floor, word):
    padded = [f"{blank}{word}{blank}" for blank in every_blank()]

    assert len(padded) > 20
    assert floor.values(f'a = "{word}"', [*padded, word + "x"]) == padded
    assert floor.values("a is empty", [*every_blank(), word]) == every_blank()


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_only_ever_text(floor, text):
    quoted = text.replace('"', '""')

    found = floor.values(f'a = "{quoted}" or a contains "{quoted}"', [text, "other"])

    assert found == [text]


@pytest.mark.parametrize("name", HOSTILE[:-1], ids=ascii)
def test_a_hostile_column_is_only_ever_a_place(floor, name):
    wanted = Comparison(Field(name), Operator.EQUAL, "x")

    assert floor.selected(wanted, [["y", "x"], ["x", "y"]], ["first", name]) == [0]


def test_no_text_of_the_filter_stands_in_the_sql():
    wanted = parse_filter('plan = "SECRET" and age > 4711 and plan contains "HIDDEN"')

    sql = str(condition(wanted, contact_fields(COLUMNS)))

    assert not re.search("SECRET|4711|HIDDEN|plan|age", sql)


def nested(pattern, depth):
    text = "age = 1"
    for _ in range(depth):
        text = pattern.replace("@", f"({text})")
    return text


@pytest.mark.parametrize(
    "text",
    [
        nested('plan = "x" and age = 2 or @', 25),
        nested('plan = "x" or age > 2 and @', 24),
        nested("not @", 25),
        nested('plan in ("a", "b") and not (age < 3 or @)', 16),
        " or ".join([f"({nested('age = 1 or age = 2 and @', 22)})"] * 2),
        " or ".join(['plan = "x" and age contains "y"'] * 100),
        " and ".join(['plan > "x"'] * 200),
        f"plan in ({', '.join(str(n) for n in range(199))})",
    ],
    ids=["or", "and", "not", "mixed", "two arms", "wide or", "wide and", "list"],
)
def test_the_largest_filters_there_can_be_are_answered(floor, text):
    wanted = parse_filter(text)
    row = ["US", "basic", "1"]

    assert floor.selected(wanted, [row]) == ([0] if holds(wanted, row) else [])


def test_a_column_called_contact_wins_over_the_contact(floor):
    own = parse_filter('contact = "mine"')

    assert floor.selected(own, [["mine"]], ["contact"]) == [0]
    assert floor.selected(own, [["mine"]], ["other"]) == []
    assert floor.selected(parse_filter('contact starts with "+1202"'), [["x"]]) == [0]


def test_a_field_that_is_not_there_is_refused_with_its_column():
    with pytest.raises(FilterError, match=r"there is no field plam") as error:
        condition(parse_filter("age=1 or plam = 2"), contact_fields(COLUMNS))

    assert error.value.column == 10


RECORDS = [
    (1, RecordState.DELIVERED, 0, 1, OutcomeClass.DELIVERED, "accepted", NINE, None),
    (2, RecordState.FAILED, 1, 4, OutcomeClass.TRANSIENT, "busy", NINE + 500, None),
    (3, RecordState.RETRY, 0, 2, OutcomeClass.TRANSIENT, "busy", NINE, NINE + 60_000),
    (4, RecordState.PENDING, 0, 0, None, "", NINE - 1, None),
]
ATTEMPTS = [
    (1, 1, 0, OutcomeClass.DELIVERED, "accepted"),
    (2, 1, 0, OutcomeClass.TRANSIENT, "busy"),
    (2, 2, 0, OutcomeClass.TRANSIENT, "no_answer"),
    (2, 3, 1, OutcomeClass.PERMANENT, "bounced"),
    (3, 1, 0, OutcomeClass.TRANSIENT, "busy"),
    (3, 2, 0, None, ""),
]
UPLOAD = ("country", "state", "field.x", "contact")


@pytest.fixture(scope="module")
def run():
    """Return what selects the seqs of four records, three of them attempted."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for seq, state, step, tries, outcome, code, updated, due in RECORDS:
            for run_no in (1, 2):
                connection.execute(
                    insert(record).values(
                        run_no=run_no,
                        seq=seq,
                        state=state,
                        step=step,
                        attempts=tries,
                        outcome_class=outcome,
                        code=code,
                        updated_at_ms=updated,
                        next_at_ms=due,
                    )
                )
            connection.execute(
                insert(contact).values(
                    run_no=1,
                    seq=seq,
                    row_no=seq * 10,
                    contact=f"+120255501{seq:02}",
                    digest=b"",
                    values_json=json.dumps([f"C{seq}", "NY", "x", "theirs"]),
                )
            )
        for seq, number, step, outcome, code in ATTEMPTS:
            for run_no in (1, 2):
                connection.execute(
                    insert(attempt).values(
                        run_no=run_no,
                        seq=seq,
                        number=number,
                        step=step,
                        epoch=1,
                        ending="outcome" if outcome else "interrupted",
                        started_at_ms=NINE,
                        ended_at_ms=NINE,
                        outcome_class=outcome,
                        code=code if run_no == 1 else "other_run",
                        detail="",
                        provider_id="",
                        why="",
                    )
                )

    def selected(text, fields):
        wanted = condition(parse_filter(text), fields)
        query = (
            select(record.c.seq)
            .join(
                contact,
                (contact.c.run_no == record.c.run_no) & (contact.c.seq == record.c.seq),
            )
            .where(record.c.run_no == 1, wanted)
            .order_by(record.c.seq)
        )
        with engine.connect() as connection:
            return list(connection.scalars(query))

    yield selected
    engine.dispose()


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ("seq >= 3", [3, 4]),
        ("row in (10, 40)", [1, 4]),
        ('contact = "+12025550102"', [2]),
        ('state = "failed"', [2]),
        ('state != "failed"', [1, 3, 4]),
        ('state in ("retry", "pending")', [3, 4]),
        ('step = "text"', [2]),
        ("attempts > 1.5", [2, 3]),
        ('class = "transient"', [2, 3]),
        ('class != "transient"', [1, 4]),
        ('class not in ("transient", "delivered")', [4]),
        ("class is empty", [4]),
        ('code = "busy"', [2, 3]),
        ("code is empty", [4]),
        ('updated_at >= "2023-11-14T22:13:20Z"', [1, 2, 3]),
        ('updated_at > "2023-11-14T23:13:20+01:00"', [2]),
        ('updated_at < "2023-11-15"', [1, 2, 3, 4]),
        ('next_at > "2023-11-14"', [3]),
        ('not (next_at > "2023-11-14")', [1, 2, 4]),
        ("next_at is empty", [1, 2, 4]),
        ('country = "C2"', [2]),
        ('field.country = "C2"', [2]),
        ('field.state = "NY"', [1, 2, 3, 4]),
        ('field.contact = "theirs"', [1, 2, 3, 4]),
        ('contact = "theirs"', []),
        ('field.x = "x"', [1, 2, 3, 4]),
    ],
)
def test_records_are_selected_by_what_they_are_and_by_their_row(run, text, seqs):
    assert run(text, record_fields(UPLOAD, ("call", "text"))) == seqs


@pytest.mark.parametrize(
    ("text", "seqs"),
    [
        ('call.code in ("no_answer", "busy")', [2]),
        ('call.code = "accepted"', [1]),
        ("call.code is empty", [3, 4]),
        ('call.class = "transient"', [2]),
        ("call.class is empty", [3, 4]),
        ('not (call.class = "transient")', [1, 3, 4]),
        ("call.attempts = 2", [2, 3]),
        ("call.attempts = 0", [4]),
        ('`the text`.code = "bounced"', [2]),
        ('country = "C1" or `the text.class` = "permanent"', [1, 2]),
        ('call.code contains "other"', []),
    ],
)
def test_a_step_depends_on_the_last_attempt_of_an_earlier_one(run, text, seqs):
    assert run(text, step_fields(UPLOAD, ("call", "the text"))) == seqs


def test_a_step_s_own_name_wins_over_a_column(run):
    found = run('call.code = "accepted"', step_fields(["call.code"], ["call"]))

    assert found == [1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('seq=1 and state = "faild"', 'column 11: state is never "faild"; did you'),
        ('state = "Failed"', "The words are: pending, claimed"),
        ('class in ("delivered", "sent")', 'class is never "sent"'),
        ("class = 2", 'class is never "2"'),
        ('step = "call"', "The words are: none"),
        ('state > "failed"', "state is compared with =, !=, in, not with >"),
        ('attempts = "2"', "attempts is a number; write it without quotes"),
        ('attempts contains "2"', "attempts is compared with =, !=, <"),
        ('updated_at > "yesterday"', "updated_at is a time; write one such as"),
        ("next_at > 5", "next_at is a time"),
    ],
)
def test_what_a_field_cannot_be_compared_with_is_told_with_what_it_can(text, said):
    with pytest.raises(FilterError) as caught:
        condition(parse_filter(text), record_fields(UPLOAD))

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]
)
def test_the_ends_of_time_are_times(run, moment):
    late = moment.startswith("9")

    found = run(f'updated_at < "{moment}"', record_fields(UPLOAD))

    assert found == ([1, 2, 3, 4] if late else [])


def test_a_hostile_word_is_told_harmlessly_and_shortly():
    with pytest.raises(FilterError) as caught:
        condition(
            Comparison(Field("state"), Operator.EQUAL, "\x1b[2J\n" * 900),
            record_fields(UPLOAD),
        )

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_state_is_found_through_its_partial_index(run):
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    wanted = condition(parse_filter('state = "failed"'), record_fields(()))
    query = select(func.count()).where(record.c.run_no == 1, wanted)
    compiled = query.compile(engine)
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled}",
            tuple(compiled.params[name] for name in compiled.positiontup or ()),
        )
        told = " ".join(str(row) for row in plan)
    engine.dispose()

    assert "record_failed" in told
