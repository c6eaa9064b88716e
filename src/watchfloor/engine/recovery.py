"""After a crash: every attempt that was in flight is accounted for, by the mode.

It costs as much as there was in flight, never as much as there are records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchfloor.domain.outcomes import Delivery, OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Phase
from watchfloor.engine.changes import Transaction, settle
from watchfloor.engine.ledger import Ledger
from watchfloor.store.writes import runs as writes
from watchfloor.store.writes.attempts import AttemptWriter, Closing, in_flight


def recover(tx: Transaction) -> int:
    """Close what the last owner left in flight; return how many attempts that were.

    What may have left is resent with its old key where the provider honours it, and is
    ``unknown`` where it does not: never guessed, never sent again by itself.
    """
    writer = AttemptWriter(tx.connection)
    count = 0
    for ledger in tx.ledgers.values():
        if ledger.tally["attempting"]:
            count += _recover_run(tx, writer, ledger)
        settle(tx, ledger)
    return count


def _recover_run(tx: Transaction, writer: AttemptWriter, ledger: Ledger) -> int:
    rows = in_flight(tx.connection, ledger.run_no)
    for promise in Delivery:
        some = [row for row in rows if ledger.deliveries[row["step"]] is promise]
        if some:
            _close(tx, writer, ledger, some, promise)
    return len(rows)


def _close(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    rows: Sequence[Mapping[str, Any]],
    promise: Delivery,
) -> None:
    resends = promise is Delivery.IDEMPOTENT
    into = _resent_as(ledger) if resends else RecordState.UNKNOWN
    why = "resent with the same key" if resends else "may have been delivered"
    next_at_ms = tx.now_ms if resends else None
    closings = [
        Closing(
            row["seq"],
            row["attempts"],
            row["updated_at_ms"],
            tx.now_ms,
            "the engine ended before the outcome was stored",
            "",
            why,
            next_at_ms,
            row["expires_at_ms"],
            int(into),
            int(OutcomeClass.AMBIGUOUS),
            "interrupted",
            row["step"],
        )
        for row in rows
    ]
    writer.close(tx.connection, ledger.run_no, tx.epoch, "interrupted", closings)
    writer.count_interruptions(
        tx.connection, [(ledger.run_no, row["seq"]) for row in rows]
    )
    ledger.moved(RecordState.ATTEMPTING, into, len(rows))
    ledger.note_due(next_at_ms)
    writes.add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": ledger.run_id,
            "event": "recovered",
            "by": "engine",
            "detail": f"{len(rows)} attempts were in flight: {why}",
            "epoch": tx.epoch,
        },
    )


def _resent_as(ledger: Ledger) -> RecordState:
    """Return the state from which the run attempts again; promises stay promises."""
    if ledger.lifecycle.phase is Phase.STOPPED_CALLBACK:
        return RecordState.CALLBACK
    return RecordState.RETRY
