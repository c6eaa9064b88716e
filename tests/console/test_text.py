from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from watchfloor.console.text import fit, plain, wrapped

HOSTILE = (
    "\x1b[31mred",
    "\x1b]52;c;aGk=\x07",
    "\x1b]8;;http://evil.example\x1b\\click",
    "\x9b31m",
    "a\x00b\nc\rd",
    "a\u202eb\u2066c",
    "zero\u200bwidth\ufeff",
    "[/]",
    "[@click=app.quit]x[/]",
    "e" + "\u0301" * 10_000,
    "中文字",
    "👨\u200d👩\u200d👧 🇩🇪 👍🏽",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [0, 1, 2, 5, 20, 600])
def test_a_fitted_text_has_exactly_the_width(text, width):
    assert cell_len(fit(text, width)) == width


@given(st.text(max_size=60), st.integers(0, 40), st.booleans())
def test_any_text_can_be_fitted(text, width, right):
    fitted = fit(text, width, right=right)

    assert cell_len(fitted) == width
    assert "\x1b" not in fitted


def test_what_is_cut_says_so():
    assert fit("Completed", 5) == "Comp…"
    assert fit("42", 5, right=True) == "   42"


def test_markup_is_text():
    assert plain("[@click=app.quit]x[/]").plain == "[@click=app.quit]x[/]"


@given(st.text(max_size=200), st.integers(4, 40))
def test_wrapped_lines_fit_and_are_few(text, width):
    lines = wrapped(text, width, 3)

    assert 1 <= len(lines) <= 3
    assert all(cell_len(line) <= width for line in lines)


def test_a_text_that_wraps_keeps_its_words():
    text = "579,996 records will never be attempted"

    assert wrapped(text, 20, 4) == ["579,996 records will", "never be attempted"]
