"""Whether a run is slower than earlier runs of its campaign at the same progress.

Progress is the share of the records that is done: a run of another size, or one whose
last records are always the slow ones, is measured by its like. Pauses and closed
windows are no slowness: of a run's past only the time in which something was done
counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import Final, NamedTuple

from watchfloor.domain.progress import SAMPLE_MS, Progress, Sample, span_at

#: A run is slow below such a share of what earlier runs had.
SLOW_SHARE: Final = 0.5
#: Rates are compared window by window; one is at least so long.
WINDOW_MS: Final = 30_000
#: A window is long enough for earlier runs to have done so many records in it.
_TELLING: Final = 10
#: So many windows in a row are slow before the run is; fewer may be chance.
_IN_A_ROW: Final = 2
#: The progress around a moment that is looked at in earlier runs, in either direction.
_AROUND: Final = 0.01
#: Longer without any sample, and so many times longer than usual, is a pause.
_PAUSE_MS: Final = 60_000
_PAUSE_GAPS: Final = 10
#: A change so long before the first slow window, or so long after, coincides with it.
BEFORE_MS: Final = 120_000
AFTER_MS: Final = WINDOW_MS


class Change(NamedTuple):
    """A change of configuration that coincides with a slowdown.

    Attributes:
        at_ms: When it was made; None for one that was there from the run's start.
        what: What changed from what into what, people masked, for an operator.
    """

    at_ms: int | None
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowdown:
    """Since when a run is how much slower than earlier ones at the same progress.

    Attributes:
        since_ms: The beginning of the first slow window, or the run's start.
        per_s: Records that this run finished per second since then.
        usual_per_s: What earlier runs finished per second at the same progress.
        earlier: The ids of those runs, the newest first.
        from_start: Whether it was slow from its start.
        changes: What was changed about then; empty where nothing is known to be.
    """

    since_ms: int
    per_s: float
    usual_per_s: float
    earlier: tuple[str, ...] = ()
    from_start: bool = False
    changes: tuple[Change, ...] = ()


class _Window(NamedTuple):
    """A stretch of a run in which it could work.

    Attributes:
        worked_ms: How much of it nothing held the run.
        done: The share of the records that was done before, and after.
    """

    start_ms: int
    end_ms: int
    worked_ms: int
    gained: int
    done: tuple[float, float]


class _Course(NamedTuple):
    """An earlier run: milliseconds of work by the records that were done by then."""

    run_id: str
    done: tuple[int, ...]
    spent_ms: tuple[int, ...]

    def per_s(self, low: float, high: float) -> float:
        """Return the records per second between two shares of the progress."""
        first, last = self._spent_at(low), self._spent_at(high)
        gained = (high - low) * self.done[-1]
        return gained * 1_000 / (last - first) if last > first else 0.0

    def _spent_at(self, share: float) -> float:
        wanted = share * self.done[-1]
        place = min(max(1, bisect_left(self.done, wanted)), len(self.done) - 1)
        low, high = self.done[place - 1], self.done[place]
        start, end = self.spent_ms[place - 1], self.spent_ms[place]
        if high == low:
            return end
        return start + (end - start) * (wanted - low) / (high - low)


def slowdown(
    own: Progress,
    earlier: Sequence[Progress],
    now_ms: int,
    able_at_ms: int,
    *,
    done: int,
    held: Sequence[tuple[int, int]] = (),
) -> Slowdown | None:
    """Return the slowdown that a run is in now; None for none, or where none is known.

    Args:
        own: The run, of which something could be done at this moment; its newest
            samples are enough.
        earlier: Ended runs of the same campaign and channels, the newest first.
        now_ms: The moment. The span it is in is not looked at: it is not over.
        able_at_ms: Since when nothing but the run itself kept it from working: its
            start or resume, the engine's start, its window's opening.
        done: How many of its records are done by now.
        held: From when to when it was paused or held back by a canary.
    """
    courses = [course for one in earlier if (course := _course(one)) is not None]
    if not courses or not own.records:
        return None
    windows = _windows(own, span_at(now_ms), able_at_ms, _width_ms(courses), done, held)
    verdicts = [_is_slow(one, courses) for one in windows]
    first = _onset(verdicts)
    if first is None:
        return None
    since, last = windows[first], windows[-1]
    began_ms = own.started_at_ms or 0
    took_ms = sum(one.worked_ms for one in windows[first:])
    return Slowdown(
        since_ms=since.start_ms,
        per_s=sum(one.gained for one in windows[first:]) * 1_000 / took_ms,
        usual_per_s=_usual(courses, since.done[0], last.done[1]),
        earlier=tuple(one.run_id for one in courses),
        # A first window that is too short to tell is left out.
        from_start=since.start_ms - began_ms <= since.end_ms - since.start_ms,
    )


def _course(run: Progress) -> _Course | None:
    """Return how an earlier run got on; None where it is too little to tell."""
    gains = [max(0, one.done) for one in run.samples]
    if sum(gains) < _TELLING:
        return None
    spans = [_worked_ms(run, one) for one in run.samples]
    gaps = [
        max(0, after.at_ms - before.at_ms - before.span_ms)
        for before, after in pairwise(run.samples)
    ]
    usual = median(gaps) if gaps else 0
    most = max(_PAUSE_MS, _PAUSE_GAPS * usual)
    waits = [0, *(gap if gap <= most else 0 for gap in gaps)]
    steps = [span + wait for span, wait in zip(spans, waits, strict=True)]
    return _Course(
        run.run_id,
        (0, *accumulate(gains)),
        (0, *accumulate(steps)),
    )


def _worked_ms(run: Progress, sample: Sample) -> int:
    """Return how much of a span the run was there for."""
    start_ms = max(sample.at_ms, run.started_at_ms or 0)
    end_ms = sample.at_ms + sample.span_ms
    if run.ended_at_ms is not None:
        end_ms = min(end_ms, run.ended_at_ms)
    return max(1, end_ms - start_ms)


def _width_ms(courses: Sequence[_Course]) -> int:
    """Return how long a window is: earlier runs did enough in it to be compared."""
    usual = median(one.per_s(0.0, 1.0) for one in courses)
    # Above 0: each of them did at least that much, in a time that is longer than none.
    enough_ms = _TELLING * 1_000 / usual
    spans = -(-max(WINDOW_MS, round(enough_ms)) // SAMPLE_MS)
    return spans * SAMPLE_MS


def _windows(
    own: Progress,
    until_ms: int,
    able_at_ms: int,
    width_ms: int,
    done_now: int,
    held: Sequence[tuple[int, int]],
) -> list[_Window]:
    """Return the stretches in which the run worked, or should have, oldest first.

    One in which nothing was done counts only where it is known that something could
    have been: the latest, back to the moment from which it could.
    """
    began_ms = own.started_at_ms or 0
    width_ms = max([width_ms, *(one.span_ms for one in own.samples)])
    # Counted back from the end, so that the newest window is a whole one.
    gained: dict[int, int] = {}
    for sample in own.samples:
        if sample.at_ms < until_ms:
            place = (until_ms - 1 - sample.at_ms) // width_ms
            gained[place] = gained.get(place, 0) + sample.done
    oldest = max(gained, default=-1)
    trailing = max(0, (until_ms - max(able_at_ms, began_ms)) // width_ms)
    found: list[_Window] = []
    # What was done before the first sample that is looked at.
    done = max(0, done_now - sum(one.done for one in own.samples))
    for place in range(max(oldest, trailing - 1), -1, -1):
        if place not in gained and place >= trailing:
            continue
        before, done = done, done + gained.get(place, 0)
        end_ms = until_ms - place * width_ms
        start_ms = max(end_ms - width_ms, began_ms)
        if start_ms < able_at_ms < end_ms:
            start_ms = able_at_ms
        worked_ms = end_ms - start_ms - _held_ms(held, start_ms, end_ms)
        if worked_ms < min(width_ms, WINDOW_MS):
            continue
        shares = (before / own.records, min(1.0, done / own.records))
        found.append(_Window(start_ms, end_ms, worked_ms, done - before, shares))
    return found


def _held_ms(held: Sequence[tuple[int, int]], start_ms: int, end_ms: int) -> int:
    """Return how much of a stretch the run was held in; what overlaps counts once."""
    total, reached_ms = 0, start_ms
    for from_ms, to_ms in sorted(held):
        begin_ms, stop_ms = max(from_ms, reached_ms), min(to_ms, end_ms)
        if stop_ms > begin_ms:
            total += stop_ms - begin_ms
            reached_ms = stop_ms
    return total


def _is_slow(window: _Window, courses: Sequence[_Course]) -> bool:
    per_s = window.gained * 1_000 / window.worked_ms
    return per_s < SLOW_SHARE * _usual(courses, *window.done)


def _usual(courses: Sequence[_Course], low: float, high: float) -> float:
    """Return what earlier runs did per second between two shares of the progress."""
    low, high = max(0.0, low - _AROUND), min(1.0, high + _AROUND)
    return median(one.per_s(low, high) for one in courses)


def _onset(verdicts: Sequence[bool]) -> int | None:
    """Return the first window of the slowness that lasts until now; None for none.

    One better window in between does not end it, two in a row do.
    """
    first: int | None = None
    better = 0
    for place in range(len(verdicts) - 1, -1, -1):
        better = 0 if verdicts[place] else better + 1
        if better >= _IN_A_ROW:
            break
        if verdicts[place]:
            first = place
    if first is None or not all(verdicts[-_IN_A_ROW:]):
        return None
    return first if len(verdicts) - first >= _IN_A_ROW else None
