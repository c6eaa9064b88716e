"""Keeping contacts from being contacted again, by anybody, for ever."""

from __future__ import annotations

from collections.abc import Sequence

from watchfloor.engine.changes import Transaction
from watchfloor.store.writes import suppression as writes
from watchfloor.store.writes.suppression import Suppressed


def suppress(
    tx: Transaction,
    rows: Sequence[tuple[bytes, str]],
    *,
    source: str,
    by: str,
    kind: str = "",
) -> int:
    """Store who must not be contacted again; every run obeys from now on.

    Dispatch obeys a moment before the commit: it may be stricter than the store, never
    the other way round.

    Args:
        tx: Open.
        rows: Digest and reason of each.
        source: What said so.
        by: Who asked, or ``engine``.
        kind: phone, email or id, where it is known.

    Returns:
        How many were not suppressed yet.
    """
    fresh = writes.add(
        tx.connection,
        [
            Suppressed(digest, kind, reason, source, by, tx.now_ms)
            for digest, reason in rows
        ],
    )
    tx.suppressions.add(fresh)
    return len(fresh)
