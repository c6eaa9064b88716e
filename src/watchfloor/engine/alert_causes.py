"""What is wrong at this moment, as far as people may be alerted of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from watchfloor.domain.alerts import FRESH_MS, Alert, AlertKind, Cause
from watchfloor.domain.health import Health
from watchfloor.domain.live import LiveRun
from watchfloor.domain.regions import Gate
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import Shared
from watchfloor.engine.live_ops import live_ops, live_run
from watchfloor.engine.notices import discreet
from watchfloor.store.handle import Handle
from watchfloor.store.reads.alerts import (
    Recovered,
    failed_runs,
    is_live,
    open_alerts,
    recovered_runs,
)

_BY_HEALTH: Final = {
    Health.STALLED: AlertKind.STALLED,
    Health.SLOW: AlertKind.SLOW,
}
_ENGINE: Final = "engine"
_NAME: Final = 60
#: So many runs are named where an engine took several up again.
_MOST_NAMED: Final = 5


class Look(NamedTuple):
    """Everything that is wrong, and the alerts there are, at one moment."""

    known: tuple[Alert, ...]
    causes: tuple[Cause, ...]


def look(
    connection: Handle, now_ms: int, shared: Mapping[str, Shared] | None = None
) -> Look:
    """Return what is wrong now beside what is known of it; a read of bounded cost.

    Runs beyond those that live ops tells are looked at where an alert stands of them:
    none is over only because many others began.

    Args:
        connection: Any.
        now_ms: The moment.
        shared: What the workspace's file says runs share, by scope.
    """
    shared = shared or {}
    known = open_alerts(connection)
    runs = {one.run.run_id: one for one in live_ops(connection, now_ms, shared).runs}
    for alert in known:
        run_id = alert.run_id
        is_missing = bool(run_id) and alert.stands and run_id not in runs
        if is_missing and is_live(connection, run_id):
            runs[run_id] = live_run(connection, run_id, now_ms, shared)
    since_ms = now_ms - FRESH_MS
    failed = (
        Cause(
            AlertKind.FAILED,
            one.run_id,
            one.ended_at_ms,
            _said(one.campaign_name, f"failed: {discreet(one.cause)}"),
        )
        for one in failed_runs(connection, since_ms)
    )
    return Look(
        known,
        (
            *(cause for one in runs.values() for cause in causes_of(one, now_ms)),
            *failed,
            *_recoveries(recovered_runs(connection, since_ms)),
        ),
    )


def causes_of(live: LiveRun, now_ms: int) -> Iterator[Cause]:
    """Yield what is wrong with a run that has not ended."""
    run = live.run
    kind = _BY_HEALTH.get(live.health)
    if kind is not None:
        slow = live.slowdown
        moved_ms = slow.since_ms if slow else run.progress_at_ms or run.started_at_ms
        said = _said(run.campaign_name, discreet(live.sentence))
        yield Cause(kind, run.run_id, moved_ms or now_ms, said)
    if live.failing is not None:
        # Since when is not known: since it was found.
        said = _said(run.campaign_name, discreet(live.sentence))
        yield Cause(AlertKind.FAILING, run.run_id, now_ms, said)
    gate = run.gate_asked
    if run.lifecycle.gate is not Gate.OPEN and gate.by == _ENGINE:
        said = f"paused by the engine: {discreet(gate.why)}"
        yield Cause(
            AlertKind.AUTO_PAUSED,
            run.run_id,
            gate.at_ms,
            _said(run.campaign_name, said),
        )


def _recoveries(found: Iterable[Recovered]) -> Iterator[Cause]:
    """Yield one cause for each start that found attempts in flight."""
    for at_ms, group in groupby(found, key=attrgetter("at_ms")):
        ones = list(group)
        named = [f"{one.run_id}: {one.detail}" for one in ones[:_MOST_NAMED]]
        more = len(ones) - len(named)
        also = [f"and {more} more runs"] if more else []
        said = f"the engine before this one died; {'; '.join([*named, *also])}"
        yield Cause(AlertKind.RECOVERED, "", at_ms, clean(said, 1_000))


def _said(name: str, text: str) -> str:
    return f"{clean(name, _NAME)}: {text}"
