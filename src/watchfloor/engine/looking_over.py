"""What does not hold in a store that is copied or brought back: its chain, its books.

It is looked at as a whole, which reads every link and every record once; whoever makes
a backup or restores one waits for that, and nobody else does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from watchfloor.domain.anchors import Anchor
from watchfloor.domain.books import Books
from watchfloor.engine.auditing import Reads, walked
from watchfloor.store.reads.audit import counted_books
from watchfloor.store.reads.journal import last_entry_at
from watchfloor.store.reads.runs import ledger_rows, run_view


def flaws(reads: Reads, anchors: Sequence[Anchor] = ()) -> tuple[str, ...]:
    """Return in a sentence each what does not hold; nothing where all does.

    Args:
        reads: Opens a read transaction on the store.
        anchors: What is known of its chain from elsewhere.

    Raises:
        StoreError: The store cannot be read.
    """
    return (*_of_the_chain(reads, anchors), *_of_the_books(reads))


def _of_the_chain(reads: Reads, anchors: Sequence[Anchor]) -> Iterator[str]:
    found = walked(reads, anchors)
    if found.broken is None:
        return
    with reads() as connection:
        at_ms = last_entry_at(connection, found.broken.entry or found.last_entry)
    since = f", after {_moment(at_ms)}" if at_ms else ""
    yield (
        f"the audit chain is broken at link {found.broken.link:,}{since}: "
        f"{found.broken.said}; what the journal says from there on is not proven"
    )


def _of_the_books(reads: Reads) -> Iterator[str]:
    with reads() as connection:
        for row in ledger_rows(connection):
            run_id = row["run_id"]
            kept = run_view(connection, run_id).books
            counted = counted_books(connection, run_id)
            why = kept.imbalance or (
                "" if kept == counted else _differences(kept, counted)
            )
            if why:
                yield f"the books of run {run_id} do not hold: {why}"


def _differences(kept: Books, counted: Books) -> str:
    told, found = kept.as_dict(), counted.as_dict()
    return ", ".join(
        f"{name} {told[name]:,} for {found[name]:,} counted"
        for name in told
        if told[name] != found[name]
    )


def _moment(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
