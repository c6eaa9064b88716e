"""Which changes of a run people are told of by e-mail."""

from __future__ import annotations

from watchfloor.domain.lifecycle import Step
from watchfloor.domain.regions import Effect, Fact, Verb
from watchfloor.domain.workspace import Workspace
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.engine.notices import NoticeKind, Occasion, owe
from watchfloor.store.handle import Handle


def kind_of(taken: Step) -> NoticeKind | None:
    """Return what kind of notice a change calls for, or None."""
    if Effect.NOTIFY in taken.effects:
        cancels = taken.event is Verb.CANCEL
        return (
            NoticeKind.EXTRACTION_CANCEL if cancels else NoticeKind.STOP_BEFORE_LAUNCH
        )
    if taken.event is Fact.CANCEL_SETTLED:
        return NoticeKind.JOB_CANCEL
    return NoticeKind.FAILED if taken.event is Fact.FATAL_ERROR else None


def owe_notice(
    connection: Handle,
    workspace: Workspace,
    now_ms: int,
    ledger: Ledger,
    kind: NoticeKind,
    asked: Request,
) -> bool:
    """Store the notice that a change calls for; return whether one is owed.

    Args:
        connection: In the transaction that stores the change.
        workspace: Whose preset decides.
        now_ms: When.
        ledger: The run after the change.
        kind: What happened.
        asked: Who asked for it, and why.
    """
    occasion = Occasion(
        kind=kind,
        run_id=ledger.run_id,
        campaign_id=ledger.campaign_id,
        campaign_name=ledger.campaign_name,
        by=asked.by,
        why=asked.why or ledger.cause,
        books=ledger.books,
    )
    return owe(connection, workspace, occasion, ledger.notify, now_ms)
