"""How every run that has not ended does, and who uses what the runs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.health import Health, health
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.progress import RunPace, expected_by, is_beyond, is_rated
from watchfloor.domain.sentences import Told, sentence
from watchfloor.domain.views import RunView
from watchfloor.domain.workspace import Shared
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reads.failures import failing_of, worst_of
from watchfloor.store.reads.live import LiveRow, known_paces, live_row, live_rows
from watchfloor.store.reads.movement import Movement
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.reads.situations import Beside, beside_runs, situation_of

#: More live runs than this nobody can look after; the newest ones are told.
MOST_RUNS: Final = 100


class _Moment(NamedTuple):
    """What is asked once for all runs."""

    beside: Beside
    rates: Mapping[str, tuple[float, float]]
    paces: Sequence[RunPace]


def live_ops(
    connection: Handle,
    now_ms: int,
    shared: Mapping[str, Shared],
    layout: Layout | None = None,
) -> LiveOps:
    """Return every live run, the one that needs somebody most first.

    Args:
        connection: Any; all that is told is of its one snapshot.
        now_ms: The moment.
        shared: What the workspace's file says, by scope. What operators set on the
            living workspace goes before it, as for the engine.
        layout: Where the workspace is: a silent owner's lock tells more.
    """
    rows = live_rows(connection, MOST_RUNS)
    beside = beside_runs(connection, now_ms, layout=layout, shared=shared)
    moment = _moment(connection, beside, rows)
    runs = [_told(connection, row, moment) for row in rows]
    return LiveOps(
        runs=tuple(sorted(runs, key=_urgency)),
        shared=beside.uses,
        engine=beside.engine,
        as_of_ms=now_ms,
    )


def live_run(
    connection: Handle,
    run_id: str,
    now_ms: int,
    shared: Mapping[str, Shared] | None = None,
    layout: Layout | None = None,
) -> LiveRun:
    """Return how one run does; one that has ended neither moves nor is late.

    Raises:
        NotFoundError: No run has this id.
    """
    row = live_row(connection, run_id)
    beside = beside_runs(connection, now_ms, layout=layout, shared=shared)
    return _told(connection, row, _moment(connection, beside, [row]))


def _moment(connection: Handle, beside: Beside, rows: Iterable[LiveRow]) -> _Moment:
    return _Moment(
        beside,
        recent_rates(connection, beside.now_ms),
        known_paces(connection, {row.run.campaign_id for row in rows}),
    )


def _told(connection: Handle, row: LiveRow, moment: _Moment) -> LiveRun:
    run, now_ms = row.run, moment.beside.now_ms
    expected = expected_by(run, moment.paces)
    attempts_per_s, done_per_s = moment.rates.get(run.run_id, (0.0, 0.0))
    moves = Movement(row.channels, row.oldest_at_ms, row.newest_at_ms)
    now = situation_of(connection, row.run_no, run, moment.beside, moves)
    how = health(run, now, now_ms)
    if how in (Health.STALLED, Health.SLOW) or _is_behind(run, expected, done_per_s):
        # Worth the questions that a look at every run has no time for.
        now = situation_of(connection, row.run_no, run, moment.beside)
        how = health(run, now, now_ms)
    failing = failing_of(connection, run) if how is Health.OK else None
    told = Told(
        run=run,
        now=now,
        health=how,
        now_ms=now_ms,
        worst=worst_of(connection, run) if how is Health.SLOW else "",
        per_s=done_per_s,
        is_rated=is_rated(
            run.started_at_ms, moment.beside.engine.started_at_ms, now_ms
        ),
        failing=failing,
    )
    return LiveRun(
        run=run,
        health=how,
        sentence=sentence(told),
        slowdown=now.slowdown,
        failing=failing,
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


def _is_behind(run: RunView, expected_ms: int | None, done_per_s: float) -> bool:
    """Whether a run moves less than earlier ones did all in all: it may be slow."""
    if run.lifecycle.is_ended or not expected_ms:
        return False
    return done_per_s < run.books.records * 1_000 / expected_ms


def _urgency(one: LiveRun) -> int:
    """Return a rank; equal ones stay in their order, the newest first."""
    is_slow = one.health is Health.SLOW or one.is_late or one.failing is not None
    holds = (one.health is Health.STALLED, is_slow, one.health is Health.BLOCKED)
    return next((rank for rank, held in enumerate(holds) if held), len(holds))
