"""What stands on the terminal's glass, so that nothing is sent a second time.

Textual paints a screen several times for one modal and whole lines for one letter.
``Glass`` reads such a painting, compares it cell by cell with what it knows to stand
there, and returns the shortest painting that has the same effect. Characters whose
width terminals disagree about are never split: their line is sent as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size

_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_CLEARS = re.compile(r"\x1b\[(?:\?1049[hl]|\d*J)")
_UNKNOWN = "\0"
_STRANGE = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x1a\x1c-\x1f\x7f-\x9f]")

#: Sending so few cells again may cost less than moving over them.
_BRIDGE = 10

_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}


@dataclass(frozen=True, slots=True)
class Pen:
    """How a cell is drawn: SGR attributes and the two colours, as SGR codes."""

    attributes: frozenset[str] = frozenset()
    ink: str = ""
    paper: str = ""

    @property
    def codes(self) -> list[str]:
        """The SGR codes that make this pen of a bare one."""
        colours = [code for code in (self.ink, self.paper) if code]
        return [*sorted(self.attributes), *colours]


@cache
def _only(pen: Pen) -> Pen:
    """Return the one of all equal pens, so that they are told apart by identity."""
    return pen


BARE = _only(Pen())

#: What is seen of a blank too: underline, blink, reverse, strike, double and overline.
_SEEN_ON_BLANKS = frozenset(("4", "5", "7", "9", "21", "53"))

_STEPS = (0x00, 0x5F, 0x87, 0xAF, 0xD7, 0xFF)
_CUBE, _GREYS, _FIRST_GREY, _GREY_STEP, _GREY_COUNT = 16, 232, 8, 10, 24


def numbered(place: str, colour: list[str]) -> str:
    """Return an SGR colour by its number in the 256 where the two look the same.

    Textual's mixing of colours is off by one here and there, so one is let pass.

    Args:
        place: 38 for the ink, 48 for the paper.
        colour: What follows: 2 and three values, or 5 and a number.
    """
    as_it_came = ";".join([place, *colour])
    if colour[:1] != ["2"] or not all(value.isdigit() for value in colour):
        return as_it_came
    values = [int(value) for value in colour[1:4]]
    grey = round((values[0] - _FIRST_GREY) / _GREY_STEP)
    level = _FIRST_GREY + grey * _GREY_STEP
    if 0 <= grey < _GREY_COUNT and all(abs(value - level) <= 1 for value in values):
        return f"{place};5;{_GREYS + grey}"
    number = 0
    for value in values:
        near = [i for i, step in enumerate(_STEPS) if abs(step - value) <= 1]
        if not near:
            return as_it_came
        number = 6 * number + near[0]
    return f"{place};5;{_CUBE + number}"


@lru_cache(maxsize=2048)
def pen(codes: str) -> Pen:
    """Return the pen that a bare one becomes by these SGR codes."""
    attributes: set[str] = set()
    ink = paper = ""
    rest = codes.split(";") if codes else []
    while rest:
        code = rest.pop(0)
        if code in ("38", "48"):
            taken = 4 if rest[:1] == ["2"] else 2
            colour = numbered(code, rest[:taken])
            rest = rest[taken:]
            ink, paper = (colour, paper) if code == "38" else (ink, colour)
        elif code in ("0", ""):
            attributes.clear()
            ink = paper = ""
        elif code[0] in "39" and len(code) > 1:
            ink = code
        elif code[0] in "41" and len(code) > 1:
            paper = code
        else:
            attributes.add(code)
    return _only(Pen(frozenset(attributes), ink, paper))


@lru_cache(maxsize=4096)
def on_blank(pen: Pen) -> Pen:
    """Return as much of a pen as is seen of a blank: mostly its paper alone."""
    return pen if pen.attributes & _SEEN_ON_BLANKS else _only(Pen(paper=pen.paper))


@lru_cache(maxsize=4096)
def change(old: Pen, new: Pen) -> str:
    """Return the shortest SGR sequence that turns one pen into another."""
    if old == new:
        return ""
    fresh = "\x1b[" + ";".join(["0", *new.codes]) + "m" if new.codes else "\x1b[0m"
    gone = old.attributes - new.attributes
    if any(code not in _OFF for code in gone):
        return fresh
    off = {_OFF[code] for code in gone}
    # 22 ends bold and dim alike: what is to stay must be said again.
    kept = {c for c in old.attributes & new.attributes if _OFF.get(c) in off}
    codes = [*sorted(off), *sorted((new.attributes - old.attributes) | kept)]
    if old.ink != new.ink:
        codes.append(new.ink or "39")
    if old.paper != new.paper:
        codes.append(new.paper or "49")
    step = "\x1b[" + ";".join(codes) + "m"
    return step if len(step) < len(fresh) else fresh


class _Cells(NamedTuple):
    """What a painting puts on a line, cell by cell."""

    chars: list[str]
    pens: list[Pen]


class _Row:
    """A line of the glass.

    Attributes:
        last: Where the last painting began, and the painting.
    """

    __slots__ = ("chars", "last", "pens")

    def __init__(self, width: int, last: tuple[int, str] = (0, "")) -> None:
        self.last = last
        self.chars = [_UNKNOWN] * width
        self.pens = [BARE] * width

    def take(self, start: int, new: _Cells) -> list[int]:
        """Let the new cells stand here and return which of them must be sent."""
        end = start + len(new.chars)
        changed = [
            i
            for i, (char, drawn) in enumerate(zip(*new, strict=True))
            if char != self.chars[start + i] or drawn is not self.pens[start + i]
        ]
        self.chars[start:end], self.pens[start:end] = new
        return changed


@dataclass(slots=True)
class Glass:
    """A terminal's cells as far as they are known.

    Attributes:
        saved: Characters that did not have to be sent.
    """

    width: int = 0
    height: int = 0
    saved: int = 0
    _rows: dict[int, _Row] = field(default_factory=dict)

    def resize(self, width: int, height: int) -> None:
        """Take a new size; what stood there is not known any more."""
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            self.forget()

    def forget(self) -> None:
        """Know nothing: the next painting is sent whole."""
        self._rows.clear()

    def thin(self, data: str) -> str:
        """Return what must be sent so that the glass shows what *data* paints."""
        head, *parts = _MOVE.split(data)
        if head or not parts:
            # Modes, queries, the clipboard: not a painting, or not one we can read.
            if parts or _CLEARS.search(data):
                self.forget()
            return data
        out: list[str] = []
        parked = ""
        at = BARE
        places = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        for y, x, text in places:
            body = text.rstrip("\n")
            if not body:
                parked = "" if (y, x) == ("1", "1") else f"\x1b[{y};{x}H"
                continue
            sent, at = self._painted(int(y), int(x), body, at)
            out.append(sent)
        painting = "".join(out)
        self.saved += len(data) - len(painting)
        if not painting:
            return ""
        return painting + change(at, BARE) + parked

    def _painted(self, y: int, x: int, body: str, at: Pen) -> tuple[str, Pen]:
        row = self._rows.get(y)
        if row is None:
            row = self._rows[y] = _Row(self.width)
        if row.last == (x, body):
            return "", at
        row.last = (x, body)
        as_it_came = f"{change(at, BARE)}\x1b[{y};{x}H{body}"
        if _STRANGE.search(body) or y > self.height:
            del self._rows[y]
            return as_it_came, BARE
        new = _cells(body)
        end = x - 1 + len(new.chars)
        if not new.chars or end > self.width:
            # Wherever the terminal drew it: none of the line's cells is known now.
            self._rows[y] = _Row(self.width, row.last)
            return as_it_came, BARE
        return _stroke(y, x - 1, new, row.take(x - 1, new), at)


def _cells(body: str) -> _Cells:
    """Return the cells of a painting; none where a character is not one cell wide."""
    chars: list[str] = []
    pens: list[Pen] = []
    now = BARE
    for i, part in enumerate(_SGR.split(body)):
        if i % 2:
            now = pen(part)
        elif part.isascii() or all(get_character_cell_size(c) == 1 for c in part):
            chars.extend(part)
            bare = on_blank(now)
            pens.extend([bare if char == " " else now for char in part])
        else:
            return _Cells([], [])
    return _Cells(chars, pens)


def _stroke(
    y: int, start: int, cells: _Cells, changed: list[int], at: Pen
) -> tuple[str, Pen]:
    """Return what paints the changed cells of a line, in the fewest bytes."""
    out: list[str] = []
    place = -_BRIDGE - 1
    # Where the cursor is after what some terminals draw wider, nobody is sure.
    is_sure = False
    for first, end in _stretches(changed):
        text, after = _drawn(cells, first, end, at)
        jump = f"{first - place}C" if is_sure else f"{y};{start + first + 1}H"
        sure_after = text.isascii()
        text = f"\x1b[{jump}{text}"
        if first - place <= _BRIDGE:
            bridge, beyond = _drawn(cells, place, end, at)
            if len(bridge.encode()) <= len(text.encode()):
                text, after = bridge, beyond
                sure_after = is_sure and bridge.isascii()
        is_sure = sure_after
        out.append(text)
        at, place = after, end
    return "".join(out), at


def _stretches(places: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the end of each run of neighbours."""
    first = end = -1
    for place in places:
        if place != end:
            if end >= 0:
                yield first, end
            first = place
        end = place + 1
    if end >= 0:
        yield first, end


def _drawn(cells: _Cells, first: int, end: int, at: Pen) -> tuple[str, Pen]:
    """Return what draws these cells with a pen that is *at*, and the pen after it."""
    out: list[str] = []
    for i in range(first, end):
        wanted = cells.pens[i]
        if cells.chars[i] == " ":
            if on_blank(at) is not wanted:
                wanted = _for_blanks(cells, i, end, at)
            else:
                wanted = at
        out.append(change(at, wanted) + cells.chars[i])
        at = wanted
    return "".join(out), at


def _for_blanks(cells: _Cells, first: int, end: int, at: Pen) -> Pen:
    """Return the pen for the blanks that begin here: the next letter's, if it may."""
    bare = cells.pens[first]
    for i in range(first, end):
        drawn = cells.pens[i]
        if cells.chars[i] != " ":
            return drawn if on_blank(drawn) is bare else _keeping(at, bare)
        if drawn is not bare:
            break
    return _keeping(at, bare)


def _keeping(at: Pen, bare: Pen) -> Pen:
    """Return a pen that draws blanks as *bare* does and is soon reached from *at*."""
    if bare.attributes:
        return bare
    return _only(Pen(at.attributes - _SEEN_ON_BLANKS, at.ink, bare.paper))
