"""What stands on the terminal's glass, so that nothing is sent a second time.

Textual paints a screen several times for one modal and whole lines for one letter.
``Glass`` reads such a painting, compares it cell by cell with what it knows to stand
there, and returns the shortest painting that has the same effect. Characters whose
width terminals disagree about are never split: their line is sent as it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size

_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_CLEARS = re.compile(r"\x1b\[(?:\?1049[hl]|\d*J)")
_STRANGE = re.compile(r"\x1b(?!\[[0-9;]*m)|[\x00-\x1a\x1c-\x1f\x7f-\x9f]")

#: Sending a few cells again costs less than moving over them.
_BRIDGE = 5

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


BARE = Pen()


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
    return Pen(frozenset(attributes), ink, paper)


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


@dataclass(slots=True)
class _Row:
    raw: str = ""
    chars: list[str] = field(default_factory=list)
    pens: list[Pen] = field(default_factory=list)
    risky: bool = False


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
            row = self._rows[y] = _Row()
        if x == 1 and row.raw == body:
            return "", at
        as_it_came = f"{change(at, BARE)}\x1b[{y};{x}H{body}"
        if _STRANGE.search(body):
            del self._rows[y]
            return as_it_came, BARE
        chars, pens, risky = _cells(body)
        start, end = x - 1, x - 1 + len(chars)
        if end > self.width or y > self.height:
            del self._rows[y]
            return as_it_came, BARE
        if not row.chars:
            row.chars = [""] * self.width
            row.pens = [BARE] * self.width
        old_chars, old_pens = row.chars[start:end], row.pens[start:end]
        split_ok = not (risky or row.risky)
        row.chars[start:end], row.pens[start:end] = chars, pens
        row.raw = body if x == 1 and end == self.width else ""
        # An unknown cell is an empty string too, and so is the tail of a wide one.
        row.risky = any(len(char) != 1 for char in row.chars)
        changed = [
            i
            for i in range(len(chars))
            if chars[i] != old_chars[i] or pens[i] is not old_pens[i]
        ]
        if not changed:
            return "", at
        if not split_ok:
            return as_it_came, BARE
        return _runs(y, start, chars, pens, changed, at)


def _cells(body: str) -> tuple[list[str], list[Pen], bool]:
    chars: list[str] = []
    pens: list[Pen] = []
    risky = False
    now = BARE
    for i, part in enumerate(_SGR.split(body)):
        if i % 2:
            now = pen(part) if part not in ("0", "") else BARE
            continue
        if part.isascii() or all(get_character_cell_size(c) == 1 for c in part):
            chars.extend(part)
            pens.extend([now] * len(part))
        else:
            width = cell_len(part)
            chars.extend([part] + [""] * (width - 1))
            pens.extend([now] * width)
            risky = True
    return chars, pens, risky


def _runs(
    y: int, start: int, chars: list[str], pens: list[Pen], changed: list[int], at: Pen
) -> tuple[str, Pen]:
    out: list[str] = []
    place = -_BRIDGE - 1
    for i in changed:
        first = i
        if 0 <= i - place <= _BRIDGE and all(pens[k] is at for k in range(place, i)):
            first = place
        else:
            out.append(f"\x1b[{y};{start + i + 1}H")
        for k in range(first, i + 1):
            out.append(change(at, pens[k]))
            at = pens[k]
            out.append(chars[k])
        place = i + 1
    return "".join(out), at
