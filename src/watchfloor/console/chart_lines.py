"""What is drawn of one run, made from what the desk tells, and laid side by side."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby, pairwise
from statistics import median
from typing import Final, NamedTuple

from watchfloor.console.columns import state_role
from watchfloor.console.failure_names import group_name
from watchfloor.console.figures import counted, near_minute
from watchfloor.console.pieces import Line, Piece, measured
from watchfloor.console.plots import rate_plot
from watchfloor.console.plots_bars import Bar, group_bars, share_bars
from watchfloor.console.plots_curves import Curve
from watchfloor.console.plots_due import Bucket, due_plot
from watchfloor.domain.books import Books
from watchfloor.domain.failing import Failures
from watchfloor.domain.live import Charts, DueSpan
from watchfloor.domain.progress import RECENT_MS, Progress, Sample, width_ms
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate

#: Points of one curve; a terminal has no room for more.
_MOST_POINTS: Final = 240
#: So many times the usual distance without a sample is a pause, not a slow pace.
_PAUSE: Final = 6
_MINUTE_MS = 60_000
#: A span is drawn as so many buckets at most.
_MOST_PARTS: Final = 15
_TWO_COLUMNS, _TWO_ROWS = 160, 28
_GAP = 2


class Chart(NamedTuple):
    """One chart.

    Attributes:
        hint: What somebody should know who reads it; or empty.
        draw: Returns its lines for a width and a height.
    """

    title: str
    hint: str
    draw: Callable[[int, int], Sequence[Line]]


class Layout(NamedTuple):
    """How many charts stand side by side, and how many above each other."""

    columns: int
    rows: int

    @property
    def charts(self) -> int:
        """How many there are at a time."""
        return self.columns * self.rows


def layout(width: int, height: int) -> Layout:
    """Return how many charts a space has room for."""
    return Layout(1 + (width >= _TWO_COLUMNS), 1 + (height >= _TWO_ROWS))


def charts_of(told: Charts, now_ms: int, *, ascii_only: bool) -> tuple[Chart, ...]:
    """Return the charts of a run, in the order in which they stand."""
    is_paused = told.run.lifecycle.gate is not Gate.OPEN
    own = curve(told.progress, now_ms, is_paused=is_paused)
    earlier = [
        curve(one, now_ms, name=near_minute(one.started_at_ms, now_ms))
        for one in told.earlier
    ]
    failures = told.failures
    # The plots load a library: nothing is drawn before somebody looks.
    rates = partial(rate_plot, own, earlier, ascii_only=ascii_only)
    shares = partial(_shares, told.run.books, ascii_only=ascii_only)
    groups = partial(_groups, failures, ascii_only=ascii_only)
    due = partial(due_plot, buckets(told.due, now_ms), now_ms, ascii_only=ascii_only)
    return (
        Chart("1 Rate", "attempts that ended; earlier runs behind", rates),
        Chart("2 Outcomes", f"of {counted(told.run.books.records, 'record')}", shares),
        Chart("3 Failures", _looked_at(failures), groups),
        Chart("4 Callbacks due", "the first bar has overdue ones too", due),
    )


def curve(
    progress: Progress, now_ms: int, *, name: str = "", is_paused: bool = False
) -> Curve:
    """Return how fast a run went, in equal steps since its start.

    Args:
        progress: Its samples; where nothing happened there are none.
        now_ms: How far a run is drawn that has not ended; its unfinished step is not.
        name: What it is called; the campaign's name where this is empty.
        is_paused: Whether nothing since the last sample is a pause.
    """
    samples = progress.samples
    called = name or progress.campaign_name
    if not samples:
        return Curve(called, ())
    begun_ms = progress.started_at_ms
    start_ms = samples[0].at_ms if begun_ms is None else begun_ms
    is_over = progress.ended_at_ms is not None
    last_ms = samples[-1].at_ms if is_over else max(now_ms, samples[-1].at_ms)
    step_ms = max(samples[0].span_ms, width_ms(samples[0].at_ms, last_ms, _MOST_POINTS))
    first, last = samples[0].at_ms // step_ms, last_ms // step_ms
    if not is_over and last > first:
        last -= 1
    counts = _counts(samples, step_ms)
    rates = _rates(counts, range(first, last + 1), step_ms, is_paused=is_paused)
    middle_ms = step_ms / 2 - start_ms
    return Curve(
        called,
        tuple(
            (max(0.0, (number * step_ms + middle_ms) / 1000), per_s)
            for number, per_s in rates
        ),
        is_over=is_over,
    )


def _counts(samples: Iterable[Sample], step_ms: int) -> Counter[int]:
    counts: Counter[int] = Counter()
    for sample in samples:
        counts[sample.at_ms // step_ms] += sample.attempts
    return counts


def _rates(
    counts: Counter[int], steps: range, step_ms: int, *, is_paused: bool
) -> list[tuple[int, float]]:
    """Return a rate for each step; no number where the run stood still for long."""
    busy = sorted(counts)
    usual = median(b - a for a, b in pairwise(busy)) if busy[1:] else 1
    most_empty = max(RECENT_MS / step_ms, _PAUSE * usual)
    rates: list[tuple[int, float]] = []
    for is_empty, group in groupby(steps, key=lambda step: step not in counts):
        found = list(group)
        is_last = found[-1] == steps[-1]
        is_gap = is_empty and (is_paused if is_last else len(found) > most_empty)
        rates += [
            (step, math.nan if is_gap else counts[step] * 1000 / step_ms)
            for step in found
        ]
    return rates


def buckets(due: Sequence[DueSpan], now_ms: int) -> list[Bucket]:
    """Return promises as the plot counts them: evenly over each span, none before now.

    The first span has what is overdue and what comes soon, and tells no more.
    """
    found: list[Bucket] = []
    for span in due:
        parts = max(1, min(_MOST_PARTS, span.span_ms // _MINUTE_MS))
        for part in range(parts):
            at_ms = span.at_ms + span.span_ms * part // parts
            before = span.promises * part // parts
            count = span.promises * (part + 1) // parts - before
            found.append(Bucket(max(at_ms, now_ms), count))
    return found


def _shares(
    books: Books, width: int, height: int, *, ascii_only: bool
) -> Sequence[Line]:
    bars = [
        Bar(state.word, books.count(state), state_role(state))
        for state in RecordState
        if books.count(state)
    ]
    lines = share_bars(bars, width, ascii_only=ascii_only)
    if len(lines) <= height:
        return lines
    left = len(lines) - height + 1
    return (*lines[: height - 1], (Piece(f" and {left} more", "dim"),))


def _groups(
    failures: Failures, width: int, height: int, *, ascii_only: bool
) -> Sequence[Line]:
    bars = [
        Bar(group_name(group), group.records, state_role(group.state))
        for group in failures.groups
    ]
    return group_bars(bars, width, height, ascii_only=ascii_only)


def _looked_at(failures: Failures) -> str:
    if failures.looked_at >= failures.of:
        return f"{failures.of:,} failed, unknown or to retry"
    return f"only {failures.looked_at:,} of {failures.of:,} looked at"


# --- side by side --------------------------------------------------------------------


def laid_out(
    charts: Sequence[Chart], width: int, height: int, columns: int
) -> list[Line]:
    """Return charts in so many columns, each with the room there is for it."""
    rows = math.ceil(len(charts) / columns)
    each = (width - _GAP * (columns - 1)) // columns
    tall = (height - (rows - 1)) // rows
    lines: list[Line] = []
    for start in range(0, len(charts), columns):
        blocks = [_block(one, each, tall) for one in charts[start : start + columns]]
        if lines:
            lines.append(())
        lines += _beside(blocks, each, tall) if columns > 1 else blocks[0]
    return lines


def _block(chart: Chart, width: int, height: int) -> list[Line]:
    title = f" {chart.title}"
    hint = f"  {chart.hint}" if chart.hint else ""
    if len(title) + len(hint) > width:
        hint = ""
    drawn = list(chart.draw(width, max(1, height - 1)))
    head: Line = (Piece(title[:width], "key"), Piece(hint, "dim"))
    lines = [head, *drawn][:height]
    return lines + [()] * (height - len(lines))


def _beside(blocks: Sequence[Sequence[Line]], width: int, height: int) -> list[Line]:
    lines: list[Line] = []
    for number in range(height):
        line: list[Piece] = []
        for place, block in enumerate(blocks):
            room = place * (width + _GAP) - measured(tuple(line))
            line += [Piece(" " * room)] if room > 0 else []
            line += block[number]
        lines.append(tuple(line))
    return lines
