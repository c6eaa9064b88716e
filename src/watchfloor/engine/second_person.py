"""A very large run is not cancelled by one person alone.

The first cancel is refused by name and stands in the log of commands. The same cancel
by somebody else, soon after and with nothing changed in between, is obeyed.
"""

from __future__ import annotations

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger
from watchfloor.store.inbox import Command
from watchfloor.store.reads.journal import cancel_askers

#: For so long a first person's cancel waits for a second one.
SECOND_PERSON_MS = 15 * 60_000


def demand_second_person(tx: Transaction, ledger: Ledger, command: Command) -> None:
    """Refuse a job cancel of a very large run that nobody else has asked for.

    Raises:
        RefusedError: ``SECOND_PERSON``; nothing was changed.
    """
    if not ledger.lifecycle.launched:
        return
    limit = tx.workspace.now().second_person_above
    records = ledger.tally["records"]
    if records <= limit:
        return
    askers = cancel_askers(
        tx.connection,
        ledger.run_id,
        Refusal.SECOND_PERSON,
        since_ms=max(tx.now_ms - SECOND_PERSON_MS, ledger.gate_at_ms),
    )
    if not askers - {command.by}:
        detail = f"{records:,} records, more than {limit:,}; {command.by} asked"
        raise RefusedError(Refusal.SECOND_PERSON, detail)
