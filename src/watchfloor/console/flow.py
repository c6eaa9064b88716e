"""Parts of a line that go on in other lines where one is too short for them."""

from __future__ import annotations

from collections.abc import Sequence

from watchfloor.console.pieces import Line, Piece, joined, measured, spread
from watchfloor.console.text import shortened, wrapped

#: A name takes no more than one in so many of a line's cells.
_SHARE = 2
#: What an operator must read to its end: it says what to do next.
_WHOLE = ("bad", "warn")
#: So many lines what is said to an operator may take.
MOST_SAID = 6


def name_piece(name: str, width: int) -> Piece:
    """Return a name that leaves room for what else is to be said in its line."""
    return Piece(shortened(name, max(1, width // _SHARE)), "strong")


def parted(parts: Sequence[Line], width: int) -> tuple[Line, list[Line]]:
    """Return as many parts as fit in one line, and those that are left."""
    many = len(parts)
    while many > 1 and measured(joined(parts[:many])) > width:
        many -= 1
    return joined(parts[:many]), list(parts[many:])


def flowed_parts(parts: Sequence[Line], width: int, most: int) -> list[Line]:
    """Return the parts in at most so many lines; the last one says if it is cut."""
    lines: list[Line] = []
    left = list(parts)
    while left and len(lines) < most:
        line, left = parted(left, width)
        if measured(line) <= width:
            lines.append(line)
            continue
        words = "".join(piece.text for piece in line)
        role = line[0].role
        room = most - len(lines)
        lines += [(Piece(text, role),) for text in wrapped(words, width, room)]
    return lines


def read_whole(line: Line, right: Line, width: int, most: int) -> tuple[Line, ...]:
    """Return what is said in one line, or a fault or refusal in as many as it needs.

    Args:
        line: What is said; the role of its last piece tells what it is.
        right: What stands at the right end, where there is room for it.
        width: In cells.
        most: So many lines at most.
    """
    over = measured(line) + measured(right) + bool(right)
    if not line or line[-1].role not in _WHOLE or over <= width:
        return (spread(line, right, width),)
    role = line[-1].role
    words = "".join(piece.text for piece in line).strip()
    told = [(Piece(f" {text}", role),) for text in wrapped(words, width - 1, most)]
    last = spread(told[-1], right, width)
    if right and last == told[-1] and len(told) < most:
        return (*told, spread((), right, width))
    return (*told[:-1], last)
