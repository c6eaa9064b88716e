"""The rows of a list as they are drawn: their cells, what differs, and how wide."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Generic, NamedTuple

from watchfloor.console.columns import Column, Row

#: Cells before the first column, and between two of them.
GUTTER = 2
GAP = 2


class Cell(NamedTuple):
    """What stands in one column of a row.

    Attributes:
        sense: What must differ for a change.
        changed: Whether it differed from the rows shown before.
    """

    text: str
    role: str
    sense: str
    changed: bool = False


class Drawn(NamedTuple, Generic[Row]):
    """A row and its cells, one for every column there is."""

    key: Hashable
    row: Row
    cells: tuple[Cell, ...]


class Placed(NamedTuple, Generic[Row]):
    """A column that is shown: which of the cells it is, and how wide."""

    number: int
    column: Column[Row]
    width: int


def drawn(
    row: Row, key: Hashable, columns: Sequence[Column[Row]], old: Drawn[Row] | None
) -> Drawn[Row]:
    """Return a row with its cells; those that differ from an old row say so."""
    cells = []
    for i, column in enumerate(columns):
        text = column.text(row)
        sense = column.sense(row) if column.sense is not None else text
        changed = column.marks and old is not None and old.cells[i].sense != sense
        cells.append(Cell(text, column.role(row), sense, changed))
    return Drawn(key, row, tuple(cells))


def changed_rows(
    before: Mapping[Hashable, Drawn[Row]],
    new: Sequence[Drawn[Row]],
    columns: Sequence[Column[Row]],
) -> int:
    """Return how many rows changed or are new, counted by key."""
    return sum(_differs(before.get(one.key), one, columns) for one in new)


def _differs(
    old: Drawn[Row] | None, new: Drawn[Row], columns: Sequence[Column[Row]]
) -> bool:
    if old is None:
        return True
    return any(
        column.marks and a.sense != b.sense
        for column, a, b in zip(columns, old.cells, new.cells, strict=True)
    )


def differing_lines(old: Sequence[Drawn[Row]], new: Sequence[Drawn[Row]]) -> set[int]:
    """Return the places at which something else stands now."""
    longest = max(len(old), len(new))
    return {y for y in range(longest) if _line(old, y) != _line(new, y)}


def _line(rows: Sequence[Drawn[Row]], y: int) -> tuple[Hashable, ...] | None:
    return (rows[y].key, rows[y].cells) if y < len(rows) else None


def placed(
    columns: Sequence[Column[Row]], worthy: Sequence[int], width: int
) -> list[Placed[Row]]:
    """Return the columns that a list has room for, and share out what is left.

    Args:
        columns: All of them.
        worthy: Numbers of those that have something to say.
        width: Of the list.
    """
    shown = [
        (i, columns[i]) for i in worthy if columns[i].least <= width <= columns[i].most
    ]
    while (spare := _spare(shown, width)) < 0:
        most = max(column.spare for _, column in shown)
        if not most:
            break
        shown = [one for one in shown if one[1].spare != most]
    spare = max(0, spare)
    shares = sum(column.grow for _, column in shown)
    out = []
    for i, column in shown:
        more = spare * column.grow // shares if column.grow else 0
        spare, shares = spare - more, shares - column.grow
        out.append(Placed(i, column, column.width + more))
    return out


def _spare(shown: Sequence[tuple[int, Column[Row]]], width: int) -> int:
    used = GUTTER + sum(column.width for _, column in shown)
    return width - used - GAP * max(0, len(shown) - 1) - 1
