"""How a run moves: its attempts in flight, its usual interval, since when it could."""

from __future__ import annotations

from statistics import median
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from watchfloor.domain.progress import Sample
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import EngineView, RunView
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.held_time import released_at_ms
from watchfloor.store.reads.live import MOST_IN_FLIGHT
from watchfloor.store.reads.progress import recent_samples
from watchfloor.store.reads.sharing import channels_in
from watchfloor.store.tables import journal, record, run

#: The newest samples by which a run's usual interval is measured: twenty minutes.
MEASURED: Final = 120
#: Fewer outcomes than this tell no usual interval.
_TELLING: Final = 10
#: Of a journal's newest entries so many are looked at for a resume.
_ENTRIES: Final = 30
#: A pace is what holds a run that moved so lately, or within so many of its intervals.
_LATELY_MS: Final = 10_000
_INTERVALS: Final = 3


class Movement(NamedTuple):
    """How a run moves.

    Attributes:
        channels: Through which its steps go.
        oldest_at_ms: When the oldest attempt in flight was taken up; None for none.
        intent_at_ms: When the newest one was.
        released_at_ms: When a canary released its newest stage; None for no canary, or
            not asked.
        resumed_at_ms: When it was resumed last; None for never, or not asked.
        interval_ms: The median time between its outcomes; None where too few are known,
            or not asked.
    """

    channels: frozenset[str]
    oldest_at_ms: int | None = None
    intent_at_ms: int | None = None
    resumed_at_ms: int | None = None
    interval_ms: float | None = None
    released_at_ms: int | None = None


def movement_of(connection: Connection, run_no: int, view: RunView) -> Movement:
    """Return how a run that has not ended moves."""
    steps = connection.scalar(select(run.c.steps_json).where(run.c.run_no == run_no))
    oldest_at_ms, intent_at_ms = flying_since(connection, run_no)
    return Movement(
        channels=channels_in(steps or "[]"),
        oldest_at_ms=oldest_at_ms,
        intent_at_ms=intent_at_ms,
        resumed_at_ms=_resumed_at_ms(connection, view.run_id),
        interval_ms=usual_interval_ms(recent_samples(connection, run_no, MEASURED)),
        released_at_ms=released_at_ms(connection, run_no),
    )


def able_at_ms(view: RunView, engine: EngineView, moves: Movement) -> int | None:
    """Return since when nothing but dispatch keeps a run from working.

    None before its start.
    """
    if view.started_at_ms is None:
        return None
    others = (
        view.approved_at_ms,
        view.shut_until_ms,
        moves.resumed_at_ms,
        moves.released_at_ms,
    )
    known = [one for one in others if one is not None]
    return max(view.started_at_ms, engine.started_at_ms, *known)


def flying_since(connection: Connection, run_no: int) -> tuple[int | None, int | None]:
    """Return when a run's oldest and newest attempts in flight were taken up.

    Of the first ``MOST_IN_FLIGHT`` in the order of their seqs; None for none.
    """
    places = (
        select(record.c.seq)
        .where(record.c.run_no == run_no, is_state(RecordState.ATTEMPTING))
        .order_by(record.c.state, record.c.seq)
        .limit(MOST_IN_FLIGHT)
    )
    times = record.c.updated_at_ms
    query = select(func.min(times), func.max(times)).where(
        record.c.run_no == run_no, record.c.seq.in_(places)
    )
    oldest, newest = connection.execute(query).one()
    return oldest, newest


def _resumed_at_ms(connection: Connection, run_id: str) -> int | None:
    newest = (
        select(journal.c.at_ms, journal.c.event)
        .where(journal.c.run_id == run_id)
        .order_by(journal.c.entry_id.desc())
        .limit(_ENTRIES)
    )
    return next(
        (
            at_ms
            for at_ms, event in connection.execute(newest)
            if event.startswith("resume")
        ),
        None,
    )


def usual_interval_ms(samples: tuple[Sample, ...]) -> float | None:
    """Return the median time between a run's outcomes; None where too few are known.

    Of every span with outcomes it is the time since the last such span, shared among
    them.
    """
    intervals: list[float] = []
    ended, last_ms = 0, None
    for one in samples:
        if one.attempts <= 0:
            continue
        since_ms = one.span_ms if last_ms is None else one.at_ms - last_ms
        intervals.append(since_ms / one.attempts)
        ended += one.attempts
        last_ms = one.at_ms
    return median(intervals) if ended >= _TELLING else None


def next_token_s(rates: list[float | None], still_ms: int) -> float:
    """Return the longest wait for a token; 0 where nothing moved for much longer.

    The engine keeps its buckets to itself; a pace alone bounds the wait, and what has
    not moved for several of its intervals is not held by it.
    """
    waits = [1 / rate for rate in rates if rate]
    longest_s = max(waits, default=0.0)
    if still_ms > max(_LATELY_MS, _INTERVALS * 1_000 * longest_s):
        return 0.0
    return longest_s
