"""A very large run is not cancelled by one person alone.

The first cancel is refused by name and stands in the log of commands. The same cancel
by somebody else, soon after and with nothing changed in between, is obeyed. Who asks
is said by the system: two names given with ``--as`` behind one account are one person,
unless it is the owner's and the workspace's file says that only forced commands give
them. Who asks through a file that several may write is nobody known: neither the first
person nor the second.
"""

from __future__ import annotations

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.labels import native
from watchfloor.domain.roles import is_somebody, person
from watchfloor.domain.shell_words import quoted
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger
from watchfloor.store.inbox import Command
from watchfloor.store.people import owner_name
from watchfloor.store.reads.journal import cancel_askers
from watchfloor.store.writes.runs import add_entry

#: For so long a first person's cancel waits for a second one.
SECOND_PERSON_MS = 15 * 60_000


def demand_second_person(tx: Transaction, ledger: Ledger, command: Command) -> None:
    """Refuse a job cancel of a very large run that nobody else has asked for.

    Raises:
        RefusedError: ``SECOND_PERSON``; nothing was changed.
    """
    if not ledger.lifecycle.launched:
        return
    limit = tx.workspace.last_known().second_person_above
    records = ledger.tally["records"]
    if records <= limit:
        return
    askers = cancel_askers(
        tx.connection,
        ledger.run_id,
        Refusal.SECOND_PERSON,
        since_ms=max(tx.now_ms - SECOND_PERSON_MS, ledger.gate_at_ms),
    )
    if is_somebody(command.by):
        path = tx.workspace.layout.inbox
        detail = (
            f"{records:,} records, more than {limit:,}, and nobody knows who asked, "
            f"since others than its owner may write {path}: chmod 600 {quoted(path)}"
        )
        raise RefusedError(Refusal.SECOND_PERSON, detail)
    rules = tx.workspace.last_known().roles
    owner = owner_name(tx.workspace.layout)
    known = [one for one in askers if not is_somebody(one)]
    persons = {person(one, rules, owner) for one in known}
    if not persons - {person(command.by, rules, owner)}:
        _enter(tx, ledger, command)
        detail = f"{records:,} records, more than {limit:,}; {command.by} asked"
        raise RefusedError(Refusal.SECOND_PERSON, detail)


def _enter(tx: Transaction, ledger: Ledger, command: Command) -> None:
    label = native(ledger.lifecycle, ledger.work)
    add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": ledger.run_id,
            "event": "cancel needs a second person",
            "before": label,
            "after": label,
            "by": command.by,
            "origin": command.origin,
            "why": command.why,
            "detail": f"within {SECOND_PERSON_MS // 60_000} minutes",
            "command_id": command.command_id,
            "epoch": tx.epoch,
        },
    )
