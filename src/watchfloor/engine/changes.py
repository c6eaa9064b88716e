"""Changing a run: regions, journal, commands and effects in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from watchfloor.domain.breaker import Breaker
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.identity import new_id
from watchfloor.domain.labels import native
from watchfloor.domain.lifecycle import (
    Step,
    acknowledge,
    apply_intent,
    due,
    refusal,
    step,
)
from watchfloor.domain.regions import (
    Effect,
    Fact,
    Gate,
    Lifecycle,
    Phase,
    Results,
    Verb,
)
from watchfloor.domain.workspace import Shared
from watchfloor.engine.ledger import Ledger, Request
from watchfloor.engine.notices import NoticeKind
from watchfloor.engine.occasions import kind_of, owe_notice
from watchfloor.engine.reservations import release_unused
from watchfloor.engine.suppressions import Suppressions
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.handle import Handle
from watchfloor.store.reads.runs import ledger_rows
from watchfloor.store.writes import runs as writes
from watchfloor.store.writes.audience import AudienceWriter


class Transaction(NamedTuple):
    """One open, not yet fenced transaction of the one writer.

    Attributes:
        connection: Handed on to ``store.writes``, never looked into.
        now_ms: The transaction's moment; every row it writes carries it.
        epoch: The owner's.
        dispatches: Whether this owner sends; one that only applies a command launches
            nothing.
        ledgers: Every run that has not ended or whose history is not written, by id.
        audience: Compiled once, for every batch of every intake.
        workspace: The workspace's file, read again where it changed.
        suppressions: Who must not be contacted.
        changed: Ids of runs whose regions changed; filled while it is open.
        after_commit: What is to be done once the transaction is durable, on the
            committing thread; forgotten with what asked for it.
        opened_breakers: Breakers that opened, and why; filled while it is open.
        on_limit: Is told after the commit which scope's shared limits changed; None
            for those of the workspace's file.
        on_take_over: Is told after the commit that another engine is to own the
            workspace.
        short: Why nothing new is begun; empty where it may be.
    """

    connection: Handle
    now_ms: int
    epoch: int
    around: Surroundings
    dispatches: bool
    ledgers: dict[str, Ledger]
    audience: AudienceWriter
    workspace: WorkspaceSettings
    suppressions: Suppressions
    changed: set[str]
    after_commit: list[Callable[[], None]]
    opened_breakers: dict[Breaker, str]
    on_limit: Callable[[str, Shared | None], None]
    on_take_over: Callable[[], None]
    short: str = ""


def adopt(tx: Transaction, run_id: str) -> Ledger:
    """Bring a run into mind as its rows stand."""
    tx.ledgers[run_id] = Ledger(ledger_rows(tx.connection, run_id)[0])
    return tx.ledgers[run_id]


def tell(tx: Transaction, ledger: Ledger, fact: Fact, *, detail: str = "") -> bool:
    """Tell a run a fact; return whether the table had a row for it."""
    taken = step(ledger.lifecycle, ledger.work, fact)
    if taken is None:
        return False
    _store(tx, ledger, taken, detail=detail)
    return True


def settle(tx: Transaction, ledger: Ledger) -> None:
    """Apply what is acknowledged and tell every fact that has become true."""
    if not ledger.is_unsettled:
        return
    for _ in range(8):  # the longest chain of the table is four
        if ledger.lifecycle.intent is not None and not _holds_back(ledger):
            apply(tx, ledger)
            continue
        if ledger.is_doomed and _is_drained(ledger) and _fails(tx, ledger):
            continue
        fact = due(ledger.lifecycle, ledger.work)
        if fact is None or _must_wait(tx, ledger, fact):
            break
        tell(tx, ledger, fact)
    ledger.is_unsettled = False


def request(tx: Transaction, ledger: Ledger, verb: Verb, asked: Request) -> None:
    """Fill a run's intent slot; a weaker intent that was pending is replaced.

    The caller stores the command's row. Applying it is ``settle``'s business.

    Raises:
        RefusedError: The verb has no place here; nothing was changed.
    """
    before = native(ledger.lifecycle, ledger.work)
    after = acknowledge(ledger.lifecycle, verb)
    if ledger.request is not None and ledger.request.command_id:
        writes.answer_command(
            tx.connection,
            ledger.request.command_id,
            state="refused",
            refusal=Refusal.INTENT_PENDING,
            detail=f"replaced: a {verb} was requested before it could be applied",
        )
    ledger.request = asked
    _save(
        tx,
        ledger,
        after,
        intent_command=asked.command_id,
        intent_by=asked.by,
        intent_at_ms=tx.now_ms,
        intent_why=asked.why,
    )
    _enter(
        tx,
        ledger,
        f"{verb} requested",
        before,
        by=asked.by,
        origin=asked.origin,
        why=asked.why,
        command_id=asked.command_id,
    )


def apply(tx: Transaction, ledger: Ledger) -> None:
    """Apply the acknowledged intent, or refuse it by name if its guard fell."""
    asked = ledger.request or Request()
    try:
        taken = apply_intent(ledger.lifecycle, ledger.work)
    except RefusedError as error:
        ledger.request = None
        _save(tx, ledger, replace(ledger.lifecycle, intent=None), intent_command=None)
        _answer(tx, asked, state="refused", refusal=error.refusal, detail=str(error))
        return
    _answer(tx, asked, state="applied", applied_at_ms=tx.now_ms)
    ledger.last_obeyed = asked
    _store(tx, ledger, taken, asked=asked)


def doom(tx: Transaction, ledger: Ledger, cause: str) -> None:
    """Store a fault of the run itself; it ends failed once it is drained."""
    if ledger.lifecycle.is_ended or ledger.cause:
        return
    ledger.cause = cause
    ledger.is_unsettled = True
    writes.save_run_values(tx.connection, ledger.run_no, cause=cause)
    _enter(tx, ledger, "fault", native(ledger.lifecycle, ledger.work), detail=cause)
    tx.changed.add(ledger.run_id)


def enter(tx: Transaction, ledger: Ledger, event: str, *, detail: str) -> None:
    """Append to the journal what changes nothing about the run."""
    label = native(ledger.lifecycle, ledger.work)
    _enter(tx, ledger, event, label, detail=detail)


def pause_itself(tx: Transaction, ledger: Ledger, why: str) -> None:
    """Pause a run on the engine's own behalf, with the reason."""
    if refusal(ledger.lifecycle, Verb.PAUSE) is None:
        itself = Request(by="engine", why=why)
        request(tx, ledger, Verb.PAUSE, itself)
        apply(tx, ledger)
        _owe(tx, ledger, NoticeKind.AUTO_PAUSE, itself)


def _holds_back(ledger: Ledger) -> bool:
    """Whether an intent must wait: an end before launch leaves no work behind."""
    run = ledger.lifecycle
    ends = not run.launched and run.intent in (Verb.STOP, Verb.CANCEL)
    return ends and ledger.eligible > 0


def _fails(tx: Transaction, ledger: Ledger) -> bool:
    return tell(tx, ledger, Fact.FATAL_ERROR, detail=ledger.cause)


def _is_drained(ledger: Ledger) -> bool:
    work = ledger.work
    return not (work.eligible or work.in_flight or work.callbacks or work.waiting)


def _must_wait(tx: Transaction, ledger: Ledger, fact: Fact) -> bool:
    if fact is Fact.STOP_SETTLED:
        # A second stop settles when the promises are dropped; now they are only left.
        return ledger.drops_callbacks and ledger.work.callbacks > 0
    return fact is Fact.ADMITTED and not _may_admit(tx, ledger)


def _may_admit(tx: Transaction, ledger: Ledger) -> bool:
    return tx.dispatches and ledger.ready and not ledger.is_doomed


def _answer(tx: Transaction, asked: Request, **values: object) -> None:
    if asked.command_id:
        writes.answer_command(tx.connection, asked.command_id, **values)


def _store(
    tx: Transaction,
    ledger: Ledger,
    taken: Step,
    *,
    detail: str = "",
    asked: Request | None = None,
) -> None:
    before, was = native(ledger.lifecycle, ledger.work), ledger.lifecycle
    after = taken.after
    others: dict[str, object] = {}
    if after.intent is None and was.intent is not None:
        ledger.request = None
        others |= {"intent_command": None}
    if Effect.ISSUE_LAUNCH_ID in taken.effects:
        ledger.launch_id = new_id(tx.now_ms, tx.around.entropy(5))
        others |= {"launch_id": ledger.launch_id, "started_at_ms": tx.now_ms}
        detail = f"launch id {ledger.launch_id}"
    if asked is not None and after.gate is not was.gate:
        others |= _gate_told(tx, after, asked)
    if after.is_ended and not was.is_ended:
        others |= _end_told(tx, ledger, after)
    _save(tx, ledger, after, **others)
    who = asked or Request()
    _enter(
        tx,
        ledger,
        str(taken.event),
        before,
        by=who.by,
        origin=who.origin,
        why=who.why,
        detail=detail,
        command_id=who.command_id,
    )
    _obey(tx, ledger, taken, who)
    if _is_settled(after):
        writes.settle_commands(tx.connection, ledger.run_id, tx.now_ms)


def _obey(tx: Transaction, ledger: Ledger, taken: Step, who: Request) -> None:
    """Carry out what a change asks for within its transaction."""
    if Effect.RELEASE_QUOTA in taken.effects:
        used = ledger.tally["records"] - ledger.tally["not_attempted"]
        release_unused(tx.connection, ledger, used)
    kind = kind_of(taken)
    if kind is NoticeKind.JOB_CANCEL:
        # It settles when the last attempt ends; who asked for it was obeyed before.
        who = ledger.last_obeyed
    if kind is not None:
        _owe(tx, ledger, kind, who)


def _owe(tx: Transaction, ledger: Ledger, kind: NoticeKind, who: Request) -> None:
    workspace = tx.workspace.last_known()
    if owe_notice(tx.connection, workspace, tx.now_ms, ledger, kind, who):
        label = native(ledger.lifecycle, ledger.work)
        told = f"by e-mail, addresses: {len(ledger.notify)}, {kind}"
        _enter(tx, ledger, "notice owed", label, detail=told)


def _end_told(tx: Transaction, ledger: Ledger, after: Lifecycle) -> dict[str, object]:
    if after.results is not Results.COLLECTING:
        return {"ended_at_ms": tx.now_ms}
    closes_at_ms = tx.now_ms + ledger.collect_ms
    return {"ended_at_ms": tx.now_ms, "results_close_at_ms": closes_at_ms}


def _gate_told(tx: Transaction, after: Lifecycle, asked: Request) -> dict[str, object]:
    if after.gate is Gate.OPEN:
        return {"gate_by": "", "gate_at_ms": 0, "gate_why": ""}
    return {"gate_by": asked.by, "gate_at_ms": tx.now_ms, "gate_why": asked.why}


def _is_settled(after: Lifecycle) -> bool:
    return after.gate is not Gate.PAUSING and after.phase not in (
        Phase.STOPPING,
        Phase.CANCELLING,
    )


def _save(tx: Transaction, ledger: Ledger, after: Lifecycle, **others: object) -> None:
    writes.save_lifecycle(tx.connection, ledger.run_no, ledger.version, after, others)
    if after.gate is not ledger.lifecycle.gate:
        ledger.gate_at_ms = tx.now_ms
        ledger.faults_in_a_row = 0
        ledger.was_resumed = after.gate is Gate.OPEN
    ledger.lifecycle = after
    ledger.version += 1
    ledger.is_unsettled = True
    tx.changed.add(ledger.run_id)


def _enter(
    tx: Transaction, ledger: Ledger, event: str, before: str, **others: str
) -> None:
    writes.add_entry(
        tx.connection,
        {
            "at_ms": tx.now_ms,
            "run_id": ledger.run_id,
            "event": event,
            "before": before,
            "after": native(ledger.lifecycle, ledger.work),
            "epoch": tx.epoch,
            **others,
        },
    )
