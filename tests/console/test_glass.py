from __future__ import annotations

import random

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.console.glass import BARE, Glass, change, numbered, pen

WIDTH, HEIGHT = 24, 6
CODES = (
    "",
    "1",
    "2",
    "1;31",
    "7",
    "4;38;5;246",
    "38;2;1;2;3",
    "1;38;2;208;208;208;48;2;18;18;18",
    "48;2;200;100;50",
    "97;41",
)
TEXTS = "ab cd│…·ef━"


def look(screen: pyte.Screen) -> list[tuple[object, ...]]:
    return [
        (c.data, c.fg, c.bg, c.bold, c.italics, c.underscore, c.reverse)
        for y in range(HEIGHT)
        for c in (screen.buffer[y][x] for x in range(WIDTH))
    ]


def painting(chance: random.Random, letters: str = TEXTS) -> str:
    """What Textual would write: rows or parts of rows, each a run of styled texts."""
    out = []
    for _ in range(chance.randint(1, HEIGHT)):
        y = chance.randint(1, HEIGHT)
        x = chance.choice((1, 1, chance.randint(1, WIDTH)))
        left = WIDTH - x + 1 if x == 1 else chance.randint(1, WIDTH - x + 1)
        out.append(f"\x1b[{y};{x}H")
        while left > 0:
            size = chance.randint(1, left)
            text = "".join(chance.choice(letters) for _ in range(size))
            code = chance.choice(CODES)
            out.append(f"\x1b[{code}m{text}\x1b[0m" if code else text)
            left -= size
        out.append("\n" if chance.random() < 0.5 else "")
    return "".join(out) + "\x1b[1;1H"


def colour_blind(cells: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [(c[0], *c[3:]) for c in cells]


@given(st.integers(0, 10**9))
@settings(max_examples=80, deadline=None)
def test_the_thin_painting_shows_the_same(seed):
    chance = random.Random(seed)  # noqa: S311  replayable, not secret
    plain, thin = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    plain_stream, thin_stream = pyte.Stream(plain), pyte.Stream(thin)
    # Both terminals have line wrap off, as Textual sets it.
    plain_stream.feed("\x1b[?7l")
    thin_stream.feed("\x1b[?7l")
    glass = Glass(WIDTH, HEIGHT)
    for _ in range(8):
        data = painting(chance)
        plain_stream.feed(data.replace("\n", ""))
        thin_stream.feed(glass.thin(data))
        assert colour_blind(look(thin)) == colour_blind(look(plain))
        if chance.random() < 0.2:
            glass.forget()


def test_what_stands_there_is_not_sent_again():
    glass = Glass(WIDTH, HEIGHT)
    row = "\x1b[2;1H\x1b[1;31mSTATE\x1b[0m" + " " * 19

    assert glass.thin(row) != ""
    assert glass.thin(row) == ""
    assert glass.thin(row.replace("STATE", "STALE")) == "\x1b[2;4H\x1b[1;31mL\x1b[0m"


def test_nothing_is_known_after_a_resize_or_on_another_screen():
    glass = Glass(WIDTH, HEIGHT)
    row = "\x1b[2;1H" + "x" * WIDTH
    glass.thin(row)

    glass.resize(WIDTH, HEIGHT)
    assert glass.thin(row) == ""
    glass.resize(WIDTH + 1, HEIGHT)
    assert glass.thin(row) != ""
    for clearing in ("\x1b[?1049h", "\x1b[2J"):
        glass.thin(row)
        assert glass.thin(clearing) == clearing
        assert glass.thin(row) != ""


def test_a_line_with_wide_characters_is_never_split():
    glass = Glass(WIDTH, HEIGHT)
    row = "\x1b[2;1H中文" + "x" * (WIDTH - 4)
    glass.thin(row)

    assert glass.thin(row) == ""
    assert glass.thin(row.replace("xx", "yx", 1)) == row.replace("xx", "yx", 1)


def test_what_is_no_painting_passes_untouched():
    glass = Glass(WIDTH, HEIGHT)

    for data in ("\x1b[?25l", "\x1b]52;c;aGk=\x07", "\x07", ""):
        assert glass.thin(data) == data
    strange = "\x1b[2;1Habc\x1b]0;title\x07"
    assert glass.thin(strange) == strange
    assert glass.thin(strange) == strange


@pytest.mark.parametrize("old", CODES)
@pytest.mark.parametrize("new", CODES)
def test_a_change_of_pen_ends_in_the_new_pen(old, new):
    left, right = pyte.Screen(1, 1), pyte.Screen(1, 1)
    pyte.Stream(left).feed(f"\x1b[{old}m{change(pen(old), pen(new))}x")
    pyte.Stream(right).feed(f"\x1b[0m{change(BARE, pen(new))}x")

    assert left.buffer[0][0] == right.buffer[0][0]


def test_a_colour_of_the_256_is_sent_by_its_number():
    assert numbered("38", ["2", "208", "208", "208"]) == "38;5;252"
    assert numbered("48", ["2", "18", "18", "18"]) == "48;5;233"
    assert numbered("38", ["2", "214", "175", "95"]) == "38;5;179"
    assert numbered("38", ["2", "43", "58", "73"]) == "38;2;43;58;73"
    assert numbered("38", ["5", "9"]) == "38;5;9"
