"""How every run that has not ended does, and who uses what the runs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.health import Health, health
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.progress import Pace, expected_by, in_flight, is_beyond
from watchfloor.domain.sharing import WORKSPACE, SharedUse, channel_scope
from watchfloor.domain.views import EngineView
from watchfloor.domain.workspace import Shared
from watchfloor.store.handle import Handle
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.limits import overrides
from watchfloor.store.reads.live import LiveRow, known_paces, live_row, live_rows
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.reads.situations import situation_of

#: More live runs than this nobody can look after; the newest ones are told.
MOST_RUNS: Final = 100


class _Moment(NamedTuple):
    """What is asked once for all runs."""

    now_ms: int
    engine: EngineView
    rates: Mapping[str, tuple[float, float]]
    paces: Sequence[Pace]


def live_ops(connection: Handle, now_ms: int, shared: Mapping[str, Shared]) -> LiveOps:
    """Return every live run, the one that needs somebody most first.

    Args:
        connection: Any; all that is told is of its one snapshot.
        now_ms: The moment.
        shared: What the workspace's file says, by scope. What operators set on the
            living workspace goes before it, as for the engine.
    """
    rows = live_rows(connection, MOST_RUNS)
    moment = _moment(connection, now_ms, rows)
    runs = [_told(connection, row, moment) for row in rows]
    return LiveOps(
        runs=tuple(sorted(runs, key=_urgency)),
        shared=_uses({**shared, **overrides(connection)}, rows),
        engine=moment.engine,
        as_of_ms=now_ms,
    )


def live_run(connection: Handle, run_id: str, now_ms: int) -> LiveRun:
    """Return how one run does; one that has ended neither moves nor is late.

    Raises:
        NotFoundError: No run has this id.
    """
    row = live_row(connection, run_id)
    return _told(connection, row, _moment(connection, now_ms, [row]))


def _moment(connection: Handle, now_ms: int, rows: Iterable[LiveRow]) -> _Moment:
    return _Moment(
        now_ms,
        engine_view(connection),
        recent_rates(connection, now_ms),
        known_paces(connection, {row.run.campaign_id for row in rows}),
    )


def _told(connection: Handle, row: LiveRow, moment: _Moment) -> LiveRun:
    run, now_ms = row.run, moment.now_ms
    now = situation_of(connection, row.run_no, run, moment.engine, now_ms)
    expected = expected_by(run, moment.paces)
    attempts_per_s, done_per_s = moment.rates.get(run.run_id, (0.0, 0.0))
    return LiveRun(
        run=run,
        health=health(run, now, now_ms),
        # What could start this moment is held by nothing.
        blocked=tuple(
            one for one in blocked_by(now) if one.reason is not Reason.DISPATCHABLE
        ),
        attempts_per_s=attempts_per_s,
        done_per_s=done_per_s,
        oldest_at_ms=row.oldest_at_ms,
        expected_ms=expected,
        is_late=is_beyond(run, expected),
        opens_at_ms=(
            None if now.opens_s is None else now_ms + round(now.opens_s * 1000)
        ),
    )


def _urgency(one: LiveRun) -> int:
    """Return a rank; equal ones stay in their order, the newest first."""
    holds = (one.health is Health.STALLED, one.is_late, one.health is Health.BLOCKED)
    return next((rank for rank, held in enumerate(holds) if held), len(holds))


def _uses(
    limits: Mapping[str, Shared], rows: Sequence[LiveRow]
) -> tuple[SharedUse, ...]:
    """Return the use of every limit that is one, the workspace's first."""
    scopes = sorted(limits, key=lambda scope: (scope != WORKSPACE, scope))
    return tuple(
        _use(scope, limits[scope], rows)
        for scope in scopes
        if limits[scope] != Shared()
    )


def _use(scope: str, limit: Shared, rows: Sequence[LiveRow]) -> SharedUse:
    holders = [
        (row.run.run_id, in_flight(row.run))
        for row in rows
        if row.run.books.attempting and scope in _scopes(row)
    ]
    flying = sum(count for _, count in holders)
    return SharedUse(
        scope=scope,
        permits=limit.permits,
        rate_per_s=limit.rate_per_s,
        in_flight=min(flying, limit.permits or flying),
        holders=tuple(sorted(holders, key=lambda holder: -holder[1])),
    )


def _scopes(row: LiveRow) -> set[str]:
    return {WORKSPACE, *(channel_scope(name) for name in row.channels)}
