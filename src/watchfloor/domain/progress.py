"""How a run got on over time: samples, rates, and when it should have ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

from watchfloor.domain.books import Books
from watchfloor.domain.regions import Gate, Phase, RunOutcome
from watchfloor.domain.views import RunView

#: What happened within one such span is one sample.
SAMPLE_MS: Final = 10_000
#: The rate of now is that of so much of the past.
RECENT_MS: Final = 60_000
#: A run is late when it takes so much longer than earlier runs of its campaign.
LATE_FACTOR: Final = 1.5
_LEAST_LATE_MS: Final = 60_000
_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60 * _SECOND_MS
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
#: Spans are joined into such ones: they begin when a clock shows round figures.
_WIDTHS_MS: Final = (
    *(count * _SECOND_MS for count in (10, 20, 30)),
    *(count * _MINUTE_MS for count in (1, 2, 5, 10, 15, 30)),
    *(count * _HOUR_MS for count in (1, 2, 3, 6, 12)),
    *(count * _DAY_MS for count in (1, 2, 5, 10, 30, 100, 365, 3_650, 36_500)),
)


class Gain(NamedTuple):
    """What of a run's books its samples tell.

    Attributes:
        attempts: Attempts that ended, cut off ones included.
        done: Records that were attempted and are finished; see ``Books.done``.
    """

    attempts: int = 0
    done: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0

    def since(self, before: Gain) -> Gain:
        """Return what came to it since *before*; less than 0 where some was lost."""
        return Gain(*(now - then for now, then in zip(self, before, strict=True)))


class Sample(NamedTuple):
    """What a run's books gained within one span.

    Attributes:
        at_ms: When the span began.
        span_ms: How long it is.
        attempts: Attempts that ended.
        done: Records that became final by an attempt or too late for one.
        delivered: Of these, delivered.
        failed: Of these, failed.
        unknown: Of these, unknown.
    """

    at_ms: int
    span_ms: int
    attempts: int
    done: int
    delivered: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One run's samples, oldest first; spans without any change have none."""

    run_id: str
    campaign_name: str
    started_at_ms: int | None
    ended_at_ms: int | None
    records: int
    samples: tuple[Sample, ...] = ()


def gain_of(books: Books) -> Gain:
    """Return what the samples of a run with these books must come to."""
    return Gain(
        attempts=books.attempts - books.attempting,
        done=books.done,
        delivered=books.delivered,
        failed=books.failed,
        unknown=books.unknown,
    )


def span_at(now_ms: int) -> int:
    """Return when the span that *now_ms* is in began."""
    return now_ms // SAMPLE_MS * SAMPLE_MS


def width_ms(first_ms: int, last_ms: int, most: int) -> int:
    """Return the least round width in which *most* spans reach from first to last."""
    return next(
        (one for one in _WIDTHS_MS if last_ms // one - first_ms // one < most),
        _WIDTHS_MS[-1],
    )


def netted(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return the samples without any figure below 0; each sum stays what it was.

    Where a count went down, as when a delivered record goes on to another step, what
    was taken back is taken from the newest spans before, where it was counted.
    """
    found: list[Sample] = []
    owed = Gain()
    for sample in reversed(samples):
        at_ms, span_ms, *gained = sample
        sums = [one + debt for one, debt in zip(gained, owed, strict=True)]
        owed = Gain(*(min(0, one) for one in sums))
        found.append(Sample(at_ms, span_ms, *(max(0, one) for one in sums)))
    return tuple(reversed(found))


def rated_since_ms(started_at_ms: int | None, engine_at_ms: int, now_ms: int) -> int:
    """Return since when the rate of now is counted.

    It is at most ``RECENT_MS`` of whole spans, and no time in which nobody could work:
    before the run's start, or up to the first whole span of this engine, since the one
    in which it began may have figures of another before it.

    Args:
        started_at_ms: When the run started, or None.
        engine_at_ms: When the engine started; 0 where none ever did.
        now_ms: The moment.
    """
    since_ms = max(span_at(now_ms) - RECENT_MS, started_at_ms or 0)
    if started_at_ms is not None and started_at_ms >= engine_at_ms:
        return since_ms
    return max(since_ms, span_at(engine_at_ms + SAMPLE_MS - 1))


def is_rated(started_at_ms: int | None, engine_at_ms: int, now_ms: int) -> bool:
    """Whether a rate can be told at all; see ``rated_since_ms``."""
    since_ms = rated_since_ms(started_at_ms, engine_at_ms, now_ms)
    return span_at(now_ms) - since_ms >= SAMPLE_MS


def in_flight(run: RunView) -> int:
    """Return how many attempts are under way at most.

    Intents are stored ahead of permits: what is more than those waits to be sent, or
    its outcome to be stored. Only for a moment after permits were lowered there may be
    more: no attempt is cut.
    """
    attempting = run.books.attempting
    return min(attempting, run.permits or attempting)


def taken_up(run: RunView) -> int:
    """Return how many records are attempting beyond those in flight."""
    return run.books.attempting - in_flight(run)


def done_share(books: Books) -> str:
    """Return the share of the records that is done, as ``34%``.

    It is cut, not rounded: 100 only when nothing is left.
    """
    return f"{100 * books.done // books.records if books.records else 0}%"


def eta_ms(run: RunView, done_per_s: float) -> int | None:
    """Return milliseconds until what can be done now is done at this rate.

    What waits for a time of its own or for somebody is not counted: where there is
    such, the run ends later than this, see ``ends_later``. None where nothing is told,
    as of a run that no attempt of may start at all.
    """
    life, books = run.lifecycle, run.books
    is_moving = life.gate is Gate.OPEN and life.phase is Phase.RUNNING
    is_shut = run.awaits_approval or run.shut_until_ms is not None
    left = books.eligible + books.attempting - run.held
    if not is_moving or is_shut or done_per_s <= 0 or left <= 0:
        return None
    return round(left / done_per_s * 1000)


def ends_later(run: RunView) -> bool:
    """Whether callbacks, closed windows or outside steps end a run, not its rate."""
    return run.books.callback + run.books.waiting + run.held > 0


class RunPace(NamedTuple):
    """How long a completed run took, without pauses and closed windows."""

    run_id: str
    campaign_id: str
    records: int
    active_ms: int


def paces(runs: Iterable[RunView]) -> list[RunPace]:
    """Return the paces of those runs that are completed."""
    return [
        RunPace(
            one.run_id,
            one.campaign_id,
            one.books.records,
            one.spent_ms.get("active", 0),
        )
        for one in runs
        if one.lifecycle.outcome is RunOutcome.COMPLETED
    ]


def expected_by(run: RunView, known: Iterable[RunPace]) -> int | None:
    """Return how long *run* should take by its campaign's other completed runs.

    The time one record took them, in the median, times this run's records. None where
    no other run tells.
    """
    each_ms = [
        one.active_ms / one.records
        for one in known
        if one.campaign_id == run.campaign_id
        and one.run_id != run.run_id
        and one.records > 0
        and one.active_ms > 0
    ]
    if not each_ms or not run.books.records:
        return None
    return round(median(each_ms) * run.books.records)


def is_beyond(run: RunView, expected: int | None) -> bool:
    """Whether a run that has not ended took clearly longer than is *expected*."""
    if run.lifecycle.is_ended or run.started_at_ms is None or expected is None:
        return False
    most = max(expected * LATE_FACTOR, expected + _LEAST_LATE_MS)
    return run.spent_ms.get("active", 0) > most


def late_runs(runs: Sequence[RunView]) -> Mapping[str, int]:
    """Return what each late run should have taken, in ms, by run id."""
    known = paces(runs)
    return {
        run.run_id: expected
        for run in runs
        if not run.lifecycle.is_ended
        and (expected := expected_by(run, known)) is not None
        and is_beyond(run, expected)
    }
