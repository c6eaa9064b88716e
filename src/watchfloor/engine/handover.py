"""The note for the next shift, gathered from one snapshot of the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from watchfloor.domain.alerts import Alert
from watchfloor.domain.draining import ABOUT_A_HANG, ABOUT_UNSEEN, NOT_TOLD
from watchfloor.domain.handover import (
    ENDED,
    MOST_CHANGES,
    STARTED,
    AlertTold,
    Coming,
    Handover,
    RunTold,
    engine_told,
    news,
)
from watchfloor.domain.health import Health
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.moments import counted
from watchfloor.domain.progress import Gain, ends_later, eta_ms
from watchfloor.domain.regions import Gate, RunOutcome
from watchfloor.domain.sentences import sentence
from watchfloor.domain.sharing import filed_limits
from watchfloor.domain.text import clean
from watchfloor.domain.views import EngineView, EventView, RunView
from watchfloor.domain.workspace import Workspace
from watchfloor.engine.alerting import quiet_until
from watchfloor.engine.live_ops import live_ops
from watchfloor.engine.notices import discreet
from watchfloor.engine.second_person import SECOND_PERSON_MS
from watchfloor.engine.telling import told_run
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reads.alerts import alerts_since, given_up_since
from watchfloor.store.reads.periods import (
    collecting,
    ended_since,
    entries_since,
    gained_since,
    last_entry_before,
    live_count,
)
from watchfloor.store.reads.unknowns import unknown_page

MOST_RUNS: Final = 50
_NAME: Final = 60
_ENGINE: Final = "engine"
_SECOND: Final = "cancel needs a second person"


def handover(
    connection: Handle,
    workspace: Workspace,
    since_ms: int,
    now_ms: int,
    layout: Layout | None = None,
) -> Handover:
    """Return what the next shift is told of the time since a moment.

    Args:
        connection: Any; all that is told is of its one snapshot.
        workspace: As its file last could be used.
        since_ms: When the shift began.
        now_ms: The moment.
        layout: Where the workspace is: its owner's lock tells more of it.
    """
    ops = live_ops(connection, now_ms, filed_limits(workspace), layout)
    ended_ids, ended_count = ended_since(connection, since_ms, most=MOST_RUNS)
    entries = entries_since(connection, since_ms)
    before = last_entry_before(connection, since_ms, (STARTED, ENDED))
    changes = news(entries)
    shown = ops.runs[:MOST_RUNS]
    ids = [*(one.run.run_id for one in shown), *ended_ids]
    gained = gained_since(connection, since_ms, ids)
    ended = [told_run(connection, run_id, now_ms) for run_id in ended_ids]
    runs = [
        *(_run_told(one.run, one.sentence, gained) for one in shown),
        *(_run_told(one.run, sentence(one), gained) for one in ended),
    ]
    all_runs = [*(one.run for one in ops.runs), *(one.run for one in ended)]
    return Handover(
        workspace_id=workspace.workspace_id,
        workspace_name=clean(workspace.name, 100),
        zone=workspace.zone,
        since_ms=since_ms,
        until_ms=now_ms,
        engine=engine_told(
            _discreet_owner(ops),
            [*([before] if before else []), *entries],
            is_alive=ops.engine.is_alive(now_ms),
        ),
        runs=tuple(runs),
        more_runs=live_count(connection) - len(shown) + ended_count - len(ended),
        changes=tuple(_discreet(one) for one in changes[-MOST_CHANGES:]),
        more_changes=max(0, len(changes) - MOST_CHANGES),
        alerts=tuple(_alert_told(one) for one in alerts_since(connection, since_ms)),
        waits=tuple(_waits(connection, ops, entries, now_ms)),
        coming=tuple(sorted(_coming(connection, workspace, ops, now_ms))),
        questions=tuple(_questions(connection, ops, all_runs, since_ms)),
    )


def _run_told(run: RunView, said: str, gained: Mapping[str, Gain]) -> RunTold:
    return RunTold(
        run.run_id, _name(run), discreet(said), gained.get(run.run_id, Gain())
    )


def _discreet_owner(ops: LiveOps) -> EngineView:
    return replace(
        ops.engine, owner=clean(ops.engine.owner, 100), host=clean(ops.engine.host, 100)
    )


def _discreet(one: EventView) -> EventView:
    return replace(
        one,
        event=clean(one.event, 60),
        before=clean(one.before, 100),
        after=clean(one.after, 100),
        by=clean(one.by, 60),
        why=discreet(one.why),
        detail=discreet(one.detail),
    )


def _alert_told(one: Alert) -> AlertTold:
    return AlertTold(one.since_ms, one.cleared_at_ms, f"{one.kind}: {one.said}")


def _name(run: RunView) -> str:
    return clean(run.campaign_name, _NAME)


def _named(run: RunView) -> str:
    return f"{_name(run)} ({run.run_id})"


def _waits(
    connection: Handle, ops: LiveOps, entries: Iterable[EventView], now_ms: int
) -> Iterator[str]:
    """Yield what somebody has to do."""
    for run in (one.run for one in ops.runs):
        gate = run.gate_asked
        if run.awaits_approval:
            yield f"{_named(run)} waits for approval: watchfloor approve {run.run_id}"
        if run.lifecycle.gate is not Gate.OPEN and gate.by != _ENGINE:
            why = f": {discreet(gate.why)}" if gate.why else ""
            yield (
                f"{_named(run)} was paused by {clean(gate.by, 60) or 'somebody'}{why}; "
                f"it goes on with: watchfloor resume {run.run_id}"
            )
    for one in entries:
        if one.event == _SECOND and now_ms - one.at_ms <= SECOND_PERSON_MS:
            yield (
                f"{one.run_id}: {clean(one.by, 60)} asked to cancel it, and a second "
                f"person has to: watchfloor cancel {one.run_id}"
            )
    if unknown := unknown_page(connection, size=1).of:
        yield (
            f"{counted(unknown, 'record')} unknown, to be resolved: "
            "watchfloor unknowns lists them, then: watchfloor resolve RUN SEQ "
            "--as delivered --reason TEXT (or --as not-delivered)"
        )


def _coming(
    connection: Handle, workspace: Workspace, ops: LiveOps, now_ms: int
) -> Iterator[Coming]:
    """Yield what happens by itself."""
    for live in ops.runs:
        yield from _coming_of(connection, live, now_ms)
    count, closes_ms = collecting(connection)
    if closes_ms is not None:
        what = f"the first of {counted(count, 'run')} that collect results closes them"
        yield Coming(closes_ms, what)
    quiet_ms = quiet_until(workspace, now_ms)
    if quiet_ms is not None:
        yield Coming(quiet_ms, "quiet hours end: alerts that wait are told")


def _coming_of(connection: Handle, live: LiveRun, now_ms: int) -> Iterator[Coming]:
    run, name = live.run, _named(live.run)
    books = run.books
    opens_ms = run.shut_until_ms or live.opens_at_ms
    if opens_ms is not None:
        yield Coming(opens_ms, f"{name}: the window opens")
    elif books.remaining:
        shuts_ms = told_run(connection, run.run_id, now_ms).shuts_at_ms
        if shuts_ms is not None:
            yield Coming(shuts_ms, f"{name}: the window shuts")
    if books.callback and run.next_callback_at_ms is not None:
        promised = counted(books.callback, "callback")
        yield Coming(run.next_callback_at_ms, f"{name}: the first of {promised}")
    if books.retry and run.next_retry_at_ms is not None:
        retries = "1 retry" if books.retry == 1 else f"{books.retry:,} retries"
        yield Coming(run.next_retry_at_ms, f"{name}: the first of {retries}")
    left_ms = eta_ms(run, live.done_per_s)
    if left_ms is not None:
        then = "what can be done now is done" if ends_later(run) else "it ends"
        yield Coming(now_ms + left_ms, f"{name}: {then} at this pace", about=True)


def _questions(
    connection: Handle, ops: LiveOps, runs: Iterable[RunView], since_ms: int
) -> Iterator[str]:
    """Yield what nobody has explained or settled yet."""
    yield from _of_engine(ops)
    for live in ops.runs:
        yield from _questions_of(live)
    for run in runs:
        if run.lifecycle.outcome is RunOutcome.FAILED:
            yield f"{_named(run)} failed ({discreet(run.cause)}): who mends it?"
        if run.books.imbalance:
            yield (
                f"{_named(run)} does not balance: watchfloor books {run.run_id} --audit"
            )
    if count := given_up_since(connection, since_ms):
        told = counted(count, "message")
        yield f"{told} about alerts reached nobody: watchfloor alerts"


def _of_engine(ops: LiveOps) -> Iterator[str]:
    if ops.engine.hangs:
        yield f"Why does the engine hang? {ABOUT_A_HANG}"
    elif ops.engine.is_unseen:
        yield f"Does the engine live? {NOT_TOLD}; {ABOUT_UNSEEN}"
    elif ops.runs and not ops.engine.is_alive(ops.as_of_ms):
        waiting = counted(len(ops.runs), "run")
        yield f"Why does no engine run? {waiting} can only wait: watchfloor engine"


def _questions_of(live: LiveRun) -> Iterator[str]:
    run = live.run
    why = f"watchfloor why {run.run_id}"
    if live.health is Health.STALLED:
        yield f"Why is {_named(run)} stalled? {why}"
    elif live.health is Health.SLOW:
        yield f"Why is {_named(run)} slow? {why}"
    elif live.failing is not None:
        said = discreet(live.failing.said)
        yield f"Of {_named(run)} {said}: watchfloor triage {run.run_id}"
    elif live.is_late:
        yield f"Why does {_named(run)} take longer than earlier runs? {why}"
    gate = run.gate_asked
    if run.lifecycle.gate is not Gate.OPEN and gate.by == _ENGINE:
        yield f"{_named(run)} was paused by the engine ({discreet(gate.why)}): {why}"
