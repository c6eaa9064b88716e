"""Text with roles: what a line is made of before any widget draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from watchfloor.domain.text import clean


class Piece(NamedTuple):
    """A text and the role it plays; a role is a look of ``console.tcss``."""

    text: str
    role: str = ""


Line = tuple[Piece, ...]

#: Returns the lines for a width; called again whenever the width changes.
Painter = Callable[[int], Sequence[Line]]

#: Every role a piece, a cell or a row may play.
ROLES = (
    "strong",
    "dim",
    "good",
    "bad",
    "warn",
    "key",
    "alarm",
    "mark",
    "changed",
    "cursor",
    "cursor-away",
)

#: Takes whatever room the other pieces of its line leave.
SPACE = Piece("", "space")


def measured(line: Line) -> int:
    """Return how many cells a line takes at least."""
    return sum(cell_len(clean(piece.text)) for piece in line)


def joined(parts: Sequence[Line], gap: str = "   ") -> Line:
    """Return the parts in one line with a gap between them."""
    out: list[Piece] = []
    for i, part in enumerate(parts):
        if i:
            out.append(Piece(gap))
        out.extend(part)
    return tuple(out)


def spread(left: Line, right: Line, width: int) -> Line:
    """Return a line with a part at each end, or the left one if both do not fit."""
    if measured(left) + measured(right) + 1 > width:
        return left
    return (*left, SPACE, *right)
