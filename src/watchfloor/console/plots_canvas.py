"""Curves on a canvas of dots; the one place that knows the plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

from watchfloor.console.pieces import Line, Piece
from watchfloor.console.plots_curves import Trace

_DOTS_X, _DOTS_Y = 2, 4
#: The braille cell without dots; the others follow it, a bit for each dot.
_FIRST = 0x2800
#: The left dots of a braille cell: a line of which only these stay is dotted.
_LEFT_DOTS = 0b01000111
#: Earlier runs are drawn as means over so many dots: calm enough to stand behind.
_SMOOTH = 4
_OWN, _EARLIER = "key", "dim"


class _Dot(NamedTuple):
    x: int
    y: int

    @property
    def cell(self) -> tuple[int, int]:
        return self.x // _DOTS_X, self.y // _DOTS_Y


@dataclass(frozen=True, slots=True)
class Field:
    """The cells curves are drawn in, and what their right and upper edge mean."""

    columns: int
    rows: int
    span_s: float
    top_per_s: float

    def dots(self, curve: Trace, apart: int = 1) -> list[_Dot | None]:
        """Return a curve from left to right, None for a gap; what is beyond is cut."""
        last = (self.columns * _DOTS_X - 1) // apart
        heard: dict[int, list[float]] = {}
        for at_s, per_s in curve.points:
            if at_s <= self.span_s:
                x = round(at_s / self.span_s * last) * apart
                heard.setdefault(x, []).extend(() if per_s is None else (per_s,))
        return [
            _Dot(x, self._y(sum(rates) / len(rates))) if rates else None
            for x, rates in heard.items()
        ]

    def _y(self, per_s: float) -> int:
        return round(per_s / self.top_per_s * (self.rows * _DOTS_Y - 1))


def drawn(
    field: Field, own: Trace, earlier: Sequence[Trace], *, ascii_only: bool
) -> list[Line]:
    """Return the field from its top: the own curve over earlier ones with numbers."""
    paths = [field.dots(curve, _SMOOTH) for curve in earlier]
    front = _painted(field, [field.dots(own)], {})
    back = _painted(field, paths, _numbers(paths))
    return [
        _merged(*rows, ascii_only=ascii_only) for rows in zip(front, back, strict=True)
    ]


def _painted(
    field: Field, paths: Sequence[Sequence[_Dot | None]], marks: dict[_Dot, str]
) -> list[str]:
    # Only here: the first plot pays for the import, not the first paint.
    from plotille import Canvas  # noqa: PLC0415 - see above

    wide, high = field.columns, field.rows
    canvas = Canvas(wide, high, 0, 0, wide * _DOTS_X, high * _DOTS_Y)
    for path in paths:
        for dot in path:
            if dot is not None:
                canvas.point(*dot)
        for before, after in pairwise(path):
            if before is not None and after is not None:
                canvas.line(*before, *after)
    for dot, mark in marks.items():
        canvas.point(*dot, marker=mark)
    return canvas.plot(linesep="\n").split("\n")


def _numbers(paths: Sequence[Sequence[_Dot | None]]) -> dict[_Dot, str]:
    """Return a number for the end of each path, or before it where one stands."""
    marks: dict[_Dot, str] = {}
    taken: set[tuple[int, int]] = set()
    for number, path in enumerate(paths, 1):
        dots = [dot for dot in reversed(path) if dot is not None]
        place = next((dot for dot in dots if dot.cell not in taken), None)
        if place is not None:
            taken.add(place.cell)
            marks[place] = str(number)
    return marks


def _merged(front: str, back: str, *, ascii_only: bool) -> Line:
    cells = [
        _cell(over, under, ascii_only=ascii_only)
        for over, under in zip(front, back, strict=True)
    ]
    pieces: list[Piece] = []
    for role, group in groupby(_carried(cells), key=lambda cell: cell.role):
        pieces.append(Piece("".join(cell.text for cell in group), role))
    return tuple(pieces)


def _carried(cells: Sequence[Piece]) -> list[Piece]:
    """Return the cells without the blanks at the end; others take the role before.

    A blank looks the same in every role, and each change of role costs bytes.
    """
    out: list[Piece] = []
    role = ""
    last = max((n for n, cell in enumerate(cells, 1) if cell.text != " "), default=0)
    for cell in cells[:last]:
        role = role if cell.text == " " else cell.role
        out.append(Piece(cell.text, role))
    return out


def _cell(over: str, under: str, *, ascii_only: bool) -> Piece:
    if under.isdigit():
        return Piece(under, _EARLIER)
    if ord(over) != _FIRST:
        return Piece("*" if ascii_only else over, _OWN)
    left = _FIRST | (ord(under) & _LEFT_DOTS)
    if left == _FIRST:
        return Piece(" ")
    return Piece("." if ascii_only else chr(left), _EARLIER)
