from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchfloor.domain.text import PLACEHOLDER, clean

#: No code point of these categories has a look of its own, and some of them act.
UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

HOSTILE = {
    "an escape sequence": "\x1b[31mred\x1b[0m",
    "a clipboard write": "\x1b]52;c;aGVsbG8=\x07",
    "a hyperlink": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a window title": "\x1b]0;owned\x07",
    "a device query": '\x1bP$q"p\x1b\\',
    "C1 controls": "\x9b31m \x9d52;c;aGk=\x9c \x90q\x9c",
    "line ends": "one\r\ntwo\nthree\x85four\u2028five\u2029six\x0bseven\x0ceight",
    "a backspace": "evil\x08\x08\x08\x08good",
    "bidirectional marks": "\u202e\u202d\u202a\u202b\u202c a \u2066\u2067\u2068\u2069",
    "marks of no width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg\u180eh",
    "tag characters": "x\U000e0001\U000e0041\U000e007fy",
    "variation selectors": "a\ufe0fb\ufe00c\U000e0100d\U000e01efe",
    "lone surrogates": "a\ud800b\udfff",
    "private use": "a\ue000b\U000f0000c\U0010fffdd",
    "unassigned": "a\u0378b\U0010ffffc",
    "blank letters": "a\u034fb\u115fc\u1160d\u3164e\uffa0f\u17b4g\u17b5h",
    "interlinear notes": "a\ufff9b\ufffac\ufffbd",
}

any_text = st.text(st.characters(exclude_categories=()), max_size=80)


def is_harmless(text):
    return not any(
        unicodedata.category(char) in UNSEEN
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0000" <= char <= "\U000e01ef"
        for char in text
    )


@given(any_text)
@example("\u0301" * 600)
@example("e" + "\u0301" * 600)
@example("\x00" * 600)
@example("\ufb2c" * 499)
def test_whatever_comes_in_one_harmless_bounded_line_goes_out(text):
    shown = clean(text)

    assert is_harmless(shown)
    assert len(shown.splitlines()) <= 1
    assert len(shown) <= 500


@given(any_text, st.integers(1, 40))
def test_no_text_is_longer_than_its_limit_and_a_cut_one_says_so(text, limit):
    shown = clean(text, limit)

    assert len(shown) <= limit
    assert shown == clean(text) or shown.endswith("…")


@given(any_text)
def test_cleaning_twice_is_cleaning_once(text):
    assert clean(clean(text)) == clean(text)


@given(any_text, st.integers(1, 20))
def test_cleaning_a_cut_text_again_changes_nothing(text, limit):
    once = clean(text, limit)

    assert clean(once, limit) == once


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_visible_and_harmless(text):
    shown = clean(text)

    assert is_harmless(shown)
    assert len(shown.splitlines()) == 1
    assert shown != text


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_no_control_of_either_set_passes(code):
    shown = clean(f"a{chr(code)}b")

    assert len(shown) == 3
    assert is_harmless(shown)


def test_a_control_is_shown_by_its_picture():
    assert clean("\x1b[31m\x07\n\x7f") == "␛[31m␇␊␡"


def test_what_has_no_look_is_shown_by_a_point():
    assert clean("pay\u202egpj.exe\u200b") == "pay·gpj.exe·"


def test_a_pile_of_combining_marks_is_cut():
    # Ten kilobytes on one letter would paint over the lines above and below.
    piled = clean("e" + "\u0301\u0302" * 2_500 + "x", limit=10_000)

    marks = [char for char in piled if unicodedata.category(char) == "Mn"]
    assert len(marks) <= 4
    assert piled[-1] == "x"


def test_a_mark_with_nothing_to_stand_on_stands_on_a_point():
    assert clean("\u0301") == f"{PLACEHOLDER}\u0301"


@pytest.mark.parametrize(
    "text",
    [
        "Autumn reminder",
        "Loïc Lefèvre, Åse Öberg, Řehoř",
        "Ελληνικά, русский, العربية, עברית",
        "हिन्दी, ไทย, 한국어",
        "中文字と仮名",
        "👍 🎉",
        "[bold]no markup[/] <b> & ${contact}",
        "+49 30 23125816",
        "two  spaces, a\u00a0hard one",
        "",
    ],
)
def test_printable_text_is_left_as_it_is(text):
    assert clean(text) == text


def test_what_no_two_terminals_draw_as_wide_is_shown_by_points():
    # A flag is two letters, a tone of skin joins the hand before it: or neither does.
    assert clean("🇩🇪") == PLACEHOLDER * 2
    assert clean("👍🏽 🎉") == f"👍{PLACEHOLDER} 🎉"


def test_a_letter_and_its_mark_are_one_letter():
    assert clean("Loi\u0308c") == "Loïc"


def test_a_text_of_the_very_limit_is_not_cut():
    assert clean("x" * 10, 10) == "x" * 10
    assert clean("x" * 11, 10) == "x" * 9 + "…"
    assert clean("é" * 10, 10) == "é" * 10
    assert clean("é" * 11, 10) == "é" * 9 + "…"


def test_what_is_no_text_is_shown_as_its_text():
    assert clean(12_000) == "12000"
    assert clean(ValueError("a\x1bb")) == "a␛b"


@pytest.mark.parametrize("mark", ["\u0301", "\u20dd"])
def test_so_many_marks_as_a_script_needs_are_kept_on_each_character(mark):
    assert clean(f"q{mark * 9}q{mark * 4}") == f"q{mark * 4}q{mark * 4}"


def test_marks_on_nothing_stand_on_a_placeholder_and_count_alike():
    assert clean("\u0315" * 9) == PLACEHOLDER + "\u0315" * 4


def test_a_text_whose_rest_would_not_be_shown_says_that_it_was_cut():
    # What follows the bound is invisible, and was cut off all the same.
    assert clean("é" + "\ufe0f" * 9, limit=5) == "é…"


def test_what_is_no_text_is_shown_as_it_prints_itself():
    class Loud(str):
        __slots__ = ()

        def __str__(self):
            return "another"

    assert clean(12.5) == "12.5"
    assert clean(Loud("plain")) == "plain"
