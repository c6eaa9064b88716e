"""What becomes known of an ended run is dated to its end."""

from __future__ import annotations

from watchfloor.domain.progress import Gain, span_at
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.progress import sampled
from watchfloor.store.writes.progress import add_gains


def book_after_end(tx: Transaction, ledger: Ledger, before: Gain) -> None:
    """Add to an ended run's last sample what its books gained since *before*.

    How the attempts ended is known better now, not when they were made: the chart of
    the run stays as long as the run was. One that has no samples gets none, and one
    that is live is sampled with the next beat.
    """
    ended_at_ms = ledger.ended_at_ms
    if ended_at_ms is None or ledger.gained == before:
        return
    if sampled(tx.connection, [ledger.run_no]).get(ledger.run_no):
        gains = {ledger.run_no: ledger.gained.since(before)}
        add_gains(tx.connection, span_at(ended_at_ms), gains)
    if ledger.sampled is not None:
        ledger.sampled = ledger.gained
