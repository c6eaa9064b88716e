"""Keeping contacts from ever being contacted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.store.tables import suppression

_AT_ONCE = 500
_ADD = insert_or_skip(suppression).on_conflict_do_nothing()
_KNOWN = select(suppression.c.digest).where(
    suppression.c.digest.in_(bindparam("some", expanding=True))
)


class Suppressed(NamedTuple):
    """A contact that must not be contacted, and who said so.

    Attributes:
        digest: The contact's; the contact itself is not kept.
        kind: ``phone``, ``email`` or ``id``.
        reason: In a few words.
        source: Where that comes from.
        by: Whose word it is.
    """

    digest: bytes
    kind: str
    reason: str
    source: str
    by: str
    at_ms: int


def add(connection: Connection, rows: Sequence[Suppressed]) -> list[bytes]:
    """Store contacts as suppressed; of one that is already, the first reason stays.

    Args:
        connection: In a fenced transaction.
        rows: In the order in which their reasons count.

    Returns:
        The digests that were not suppressed before, in the order of *rows*.
    """
    first: dict[bytes, Suppressed] = {}
    for row in rows:
        first.setdefault(row.digest, row)
    fresh = []
    digests = list(first)
    for start in range(0, len(digests), _AT_ONCE):
        some = digests[start : start + _AT_ONCE]
        known = set(connection.scalars(_KNOWN, {"some": some}))
        fresh += [digest for digest in some if digest not in known]
    if fresh:
        connection.execute(_ADD, [first[digest]._asdict() for digest in fresh])
    return fresh
