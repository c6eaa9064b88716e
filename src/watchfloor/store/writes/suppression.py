"""Keeping contacts from ever being contacted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.store.digests import among_digests, bound_digests
from watchfloor.store.tables import suppression

_KNOWN = select(suppression.c.digest).where(among_digests(suppression.c.digest))
_ADD = insert_or_skip(suppression).on_conflict_do_nothing()


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
    known = set(connection.scalars(_KNOWN, bound_digests(first)))
    fresh = [digest for digest in first if digest not in known]
    if fresh:
        connection.execute(_ADD, [first[digest]._asdict() for digest in fresh])
    return fresh
