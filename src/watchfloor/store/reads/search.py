"""The keys of a page: the next ones there are, or those that a search comes upon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Select, select

from watchfloor.store.filter_conditions import Condition

#: Looked at before the rest: a page of what is common is full by then.
_FEW = 1_000


class Found(NamedTuple):
    """The keys of a page, in the order in which they were come upon.

    Attributes:
        has_more: Whether another one follows the last.
        searched_to: The last key looked at where the search stopped at its bound, so
            that nobody knows of others; else None.
    """

    keys: list[int]
    has_more: bool = False
    searched_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Rows gone through by key, in one direction.

    Attributes:
        key: Unique among the rows and found by an index together with *where*.
        where: Which rows; whatever it leaves out costs nothing.
        over: The tables that a search must see to judge a row.
        start: Only rows beyond this key; None for all of them.
        backwards: From the greatest key down.
        above: Only rows with a greater key, whatever the direction.
    """

    key: ColumnElement[int]
    where: tuple[ColumnElement[bool], ...]
    over: FromClause
    start: int | None = None
    backwards: bool = False
    above: int = 0

    def query(self, end: int | None = None) -> Select[int]:
        """Return what asks for the keys in their order, to *end* or to the last."""
        key = self.key
        if self.backwards:
            # One bound on each side: of two, SQLite may take the one that tells less.
            lowest = key > self.above if end is None else key >= end
            query = select(key).where(*self.where, lowest).order_by(key.desc())
            return query if self.start is None else query.where(key < self.start)
        query = select(key).where(*self.where, key > max(self.start or 0, self.above))
        query = query.order_by(key)
        return query if end is None else query.where(key <= end)


def following(connection: Connection, walk: Walk, size: int) -> Found:
    """Return the next *size* keys of a walk."""
    keys = list(connection.scalars(walk.query().limit(size + 1)))
    return Found(keys[:size], has_more=len(keys) > size)


def searched(
    connection: Connection, walk: Walk, asked: Condition, *, size: int, most: int
) -> Found:
    """Return the next *size* keys of a walk for which something holds.

    Args:
        connection: Any.
        walk: What is looked at.
        asked: What must hold, over the tables that the walk names.
        size: The most keys.
        most: So many rows are looked at, or a page's where that is more.
    """
    keys: list[int] = []
    for bound in (_FEW, max(most, size)):
        end = _end(connection, walk, bound)
        query = walk.query(end).select_from(walk.over).where(asked)
        keys += connection.scalars(query.limit(size + 1 - len(keys)))
        if len(keys) > size:
            return Found(keys[:size], has_more=True)
        if end is None:
            return Found(keys)
        walk = replace(walk, start=end)
    return Found(keys, searched_to=walk.start)


def _end(connection: Connection, walk: Walk, most: int) -> int | None:
    """Return the last of the next *most* keys; None where there are not so many."""
    # The keys alone are skipped, never more than are looked at.
    return connection.scalar(walk.query().offset(most - 1).limit(1))
