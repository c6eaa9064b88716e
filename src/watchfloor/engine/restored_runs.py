"""Runs that came back from a backup: held until a person says that they may go on."""

from __future__ import annotations

from typing import Final

from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.previews import in_doubt
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import RunView
from watchfloor.engine.changes import Transaction, enter, pause_itself
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.store.reads.journal import has_event
from watchfloor.store.writes.runs import save_run_values

#: The event of a run that a person let go on.
RELEASED: Final = "restored run released"


def check_confirmed(run: RunView, verb: Verb, typed: object) -> None:
    """Refuse to let a restored run go on unless the number in doubt was typed.

    Raises:
        RefusedError: ``RESTORED`` with the number. A verb that has no place here is
            left to be refused for that.
    """
    doubt = in_doubt(run, verb)
    if doubt is None or refusal(run.lifecycle, verb) is not None:
        return
    if typed != str(doubt):
        again = f"watchfloor {verb} {run.run_id} --yes --confirm {doubt}"
        raise RefusedError(Refusal.RESTORED, f"{doubt:,} records: {again}")


def note_confirmed(tx: Transaction, ledger: Ledger, verb: Verb, asked: Request) -> None:
    """Let a restored run go: its word was given, and stands in the journal."""
    if verb is Verb.PAUSE or ledger.restored_from_ms is None:
        return
    ledger.restored_from_ms = None
    save_run_values(tx.connection, ledger.run_no, restored_from_ms=None)
    told = f"{asked.by} let it go on ({verb}); {ledger.books.remaining:,} unfinished"
    enter(tx, ledger, RELEASED, detail=told)


def is_kept(tx: Transaction, ledger: Ledger) -> bool:
    """Whether a run came back from a backup, which may lack a file that it needs.

    Then it is paused for that, and not ended: also when a resume, or an engine that
    ended, lies between.
    """
    if ledger.restored_from_ms is not None:
        return True
    return has_event(tx.connection, ledger.run_id, (RELEASED,))


def keep(tx: Transaction, ledger: Ledger, why: str) -> None:
    """Let a run wait for a resume before that is tried again which failed."""
    pause_itself(tx, ledger, why)
    if not ledger.waits:
        enter(tx, ledger, "waits for a resume", detail=why)
    ledger.waits = True
    tx.changed.add(ledger.run_id)
