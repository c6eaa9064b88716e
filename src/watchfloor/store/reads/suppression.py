"""Contacts that must not be contacted again by any run."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, bindparam, select

from watchfloor.store.tables import suppression

_SLICE = 10_000
_NEXT = (
    select(suppression.c.digest)
    .where(suppression.c.digest > bindparam("last"))
    .order_by(suppression.c.digest)
    .limit(_SLICE)
)


def all_digests(connection: Connection) -> Iterator[bytes]:
    """Yield every suppressed contact's digest in ascending order, slice by slice."""
    last = b""
    while True:
        digests = list(connection.scalars(_NEXT, {"last": last}))
        yield from digests
        if len(digests) < _SLICE:
            return
        last = digests[-1]


def find(connection: Connection, digest: bytes) -> str | None:
    """Return why a contact must not be contacted; None where it may be."""
    query = select(suppression.c.reason).where(suppression.c.digest == digest)
    reason: str | None = connection.scalar(query)
    return reason
