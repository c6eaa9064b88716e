from __future__ import annotations

import random
import re

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.console.terminal import differences

from watchfloor.console.glass import BARE, Glass, change, numbered, pen

WIDTH, HEIGHT = 24, 6
CODES = (
    "",
    "1",
    "2",
    "1;2",
    "1;31",
    "7",
    "9",
    "1;7;38;5;9",
    "4;38;5;246",
    "38;2;1;2;3",
    "3;38;2;208;208;208",
    "1;38;2;208;208;208;48;2;18;18;18",
    "38;2;148;148;148;48;2;18;18;18",
    "48;2;200;100;50",
    "97;41",
)
#: What pyte and the driver agree about; a mark never begins a text.
NARROW = "ab cd  │…·ef━"
WIDE = ("中", "文", "😀", "한", "e\u0301", "a", " ")
_DIM = re.compile(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+")
_BLINKING = {"2": "5", "22": "22;25"}


class Both:
    """What a painting shows as it came, and as the glass thins it."""

    def __init__(self) -> None:
        self.plain = pyte.Screen(WIDTH, HEIGHT)
        self.thin = pyte.Screen(WIDTH, HEIGHT)
        self.glass = Glass(WIDTH, HEIGHT)
        self._plain, self._thin = pyte.Stream(self.plain), pyte.Stream(self.thin)
        for stream in (self._plain, self._thin):
            stream.feed("\x1b[?7l")  # line wrap is off, as Textual sets it

    def paint(self, data: str) -> str:
        sent = self.glass.thin(data)
        self._plain.feed(dim_as_blinking(data.replace("\n", "")))
        self._thin.feed(dim_as_blinking(sent))
        return sent

    def spoil(self) -> None:
        """Something else writes on the terminal."""
        self._plain.feed("\x1b[0m\x1b[2J")
        self._thin.feed("\x1b[0m\x1b[2J")
        self.glass.forget()


def dim_as_blinking(data: str) -> str:
    """What pyte, which knows no dim, can be shown instead; 22 ends bold and dim."""

    def told(found: re.Match[str]) -> str:
        return (
            f"\x1b[{_DIM.sub(lambda code: _BLINKING.get(code[0], code[0]), found[1])}m"
        )

    return re.sub(r"\x1b\[([0-9;]*)m", told, data)


def painting(chance: random.Random) -> str:
    """What Textual would write: rows or parts of rows, each a run of styled texts."""
    out = []
    for _ in range(chance.randint(1, HEIGHT)):
        y = chance.randint(1, HEIGHT)
        x = chance.choice((1, 1, chance.randint(1, WIDTH)))
        size = (
            WIDTH - x + 1 if chance.random() < 0.7 else chance.randint(1, WIDTH - x + 1)
        )
        out.append(f"\x1b[{y};{x}H{line(chance, size)}")
        out.append("\n" if chance.random() < 0.5 else "")
    return "".join(out) + chance.choice(("\x1b[1;1H", f"\x1b[{HEIGHT};3H", ""))


def line(chance: random.Random, left: int) -> str:
    out = []
    letters = WIDE if chance.random() < 0.15 else NARROW
    while left > 0:
        size = chance.randint(1, left)
        text = ""
        while (spare := size - cell_len(text)) > 0:
            text += chance.choice(letters) if spare > 1 else chance.choice("xy ")
        code = chance.choice(("", *CODES))
        out.append(f"\x1b[{code}m{text}\x1b[0m" if code else text)
        left -= size
    return "".join(out)


def varied(chance: random.Random, data: str) -> str:
    """The same painting but for a letter, a look or a place, as most paintings are."""
    old, new = chance.choice(
        (("a", "b"), ("x", " "), (" ", "c"), ("1;31m", "2m"), (";1H", ";3H"), ("", ""))
    )
    return data.replace(old, new, chance.randint(1, 3))


@given(st.integers(0, 10**9))
@settings(max_examples=180, deadline=None)
def test_the_thin_painting_shows_the_same(seed):
    chance = random.Random(seed)  # noqa: S311  replayable, not secret
    both, data = Both(), ""
    for _ in range(12):
        is_new = not data or chance.random() < 0.6
        data = painting(chance) if is_new else varied(chance, data)
        both.paint(data)
        assert differences(both.thin, both.plain) == [], repr(data)
        if chance.random() < 0.1:
            both.spoil()


def test_thin_paintings_are_thin():
    chance = random.Random(4)  # noqa: S311  replayable, not secret
    both = Both()
    came = sent = 0
    for _ in range(200):
        data = painting(chance)
        for shown in (data, varied(chance, data)):
            came += len(shown)
            sent += len(both.paint(shown))
    assert sent < came * 0.7


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
    stepped = f"\x1b[{old}m{change(pen(old), pen(new))}x"
    pyte.Stream(left).feed(dim_as_blinking(stepped))
    pyte.Stream(right).feed(dim_as_blinking(f"\x1b[0m{change(BARE, pen(new))}x"))

    assert left.buffer[0][0] == right.buffer[0][0]


def test_a_colour_of_the_256_is_sent_by_its_number():
    assert numbered("38", ["2", "208", "208", "208"]) == "38;5;252"
    assert numbered("48", ["2", "18", "18", "18"]) == "48;5;233"
    assert numbered("38", ["2", "214", "175", "95"]) == "38;5;179"
    assert numbered("38", ["2", "43", "58", "73"]) == "38;2;43;58;73"
    assert numbered("38", ["5", "9"]) == "38;5;9"


def test_a_bell_is_one_byte_and_leaves_what_is_known_of_the_glass():
    glass = Glass(WIDTH, HEIGHT)
    painting = "\x1b[1;1Hall is well"
    assert glass.thin(painting)

    assert glass.thin("\x07") == "\x07"

    assert glass.thin(painting) == ""
