"""When callbacks fall due: a standing bar for each stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchfloor.console.figures import counted, near_minute
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.plots_scale import (
    first_fitting,
    label_line,
    short_count,
    time_label,
    time_step,
    told,
)

_LEAST_WIDTH, _LEAST_HEIGHT = 30, 5
_LEVELS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
_LEAST_STEP_S = 60
#: Cells a bar takes with the blank behind it, at least and at most.
_NARROW, _BROAD = 3, 8
#: The title, the axis and its labels.
_AROUND = 3
_LABEL_WIDTH = 6
_LATE, _COMING = "warn", "key"


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many callbacks fall due from a moment on; no longer than a minute each."""

    at_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class _Chart:
    """Counts in equal steps of time from the first bucket to the last."""

    starts_ms: int
    step_ms: int
    counts: tuple[int, ...]
    late: int  # how many of the bars are over
    pitch: int

    @property
    def peak(self) -> int:
        return max(self.counts)

    def at_ms(self, number: int) -> int:
        return self.starts_ms + number * self.step_ms


def due_plot(
    buckets: Sequence[Bucket],
    now_ms: int,
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
) -> tuple[Line, ...]:
    """Return callbacks due over time; what is overdue has a double line beneath it."""
    promised = sorted(
        (bucket for bucket in buckets if bucket.count > 0), key=lambda one: one.at_ms
    )
    is_small = width < _LEAST_WIDTH or height < _LEAST_HEIGHT
    if is_small or len({bucket.at_ms for bucket in promised}) < 2:  # noqa: PLR2004 - a plot needs two points
        words = _in_words(promised, now_ms)
        return told(words, width, height, ascii_only=ascii_only)
    chart = _chart(promised, now_ms, width - _LABEL_WIDTH - 1)
    return (
        _title(promised, chart, now_ms, width),
        *_rows(chart, height - _AROUND, ascii_only=ascii_only),
        _axis(chart, width - _LABEL_WIDTH - 1, ascii_only=ascii_only),
        _labels(chart, now_ms, width - _LABEL_WIDTH - 1),
    )


def _in_words(promised: Sequence[Bucket], now_ms: int) -> str:
    if not promised:
        return "no callback is due"
    first, last = (near_minute(b.at_ms, now_ms) for b in (promised[0], promised[-1]))
    total = counted(sum(bucket.count for bucket in promised), "callback")
    when = f"at {first} UTC" if first == last else f"from {first} to {last} UTC"
    overdue = _overdue(promised, now_ms)
    return f"{total} due {when}" + (f", {overdue:,} overdue" if overdue else "")


def _overdue(promised: Sequence[Bucket], now_ms: int) -> int:
    return sum(bucket.count for bucket in promised if bucket.at_ms < now_ms)


def _chart(promised: Sequence[Bucket], now_ms: int, cells: int) -> _Chart:
    first, last = promised[0].at_ms, promised[-1].at_ms
    most = cells // _NARROW
    step = 1000 * time_step(max(_LEAST_STEP_S, (last - first) / 1000 / (most - 1)))
    start = first // step
    counts = [0] * (last // step - start + 1)
    for bucket in promised:
        counts[bucket.at_ms // step - start] += bucket.count
    late = max(0, min(len(counts), now_ms // step - start))
    pitch = min(_BROAD, cells // len(counts))
    return _Chart(start * step, step, tuple(counts), late, pitch)


def _title(promised: Sequence[Bucket], chart: _Chart, now_ms: int, width: int) -> Line:
    total = sum(chart.counts)
    overdue = _overdue(promised, now_ms)
    due = f"{counted(total, 'callback')} due"
    late = f"  {overdue:,} overdue" if overdue else ""
    room = width - len(due) - len(late)
    if room < 0:
        due, late = short_count(total, 8) + " due", ""
        room = width - len(due)
    tallest = near_minute(chart.at_ms(chart.counts.index(chart.peak)), now_ms)
    bar = f"  a bar is {time_label(chart.step_ms // 1000)}"
    most = f"{bar}, the tallest {chart.peak:,} from {tallest} UTC"
    pieces = (
        Piece(due, "strong"),
        Piece(late, _LATE),
        Piece(first_fitting(room, most, bar), "dim"),
    )
    return tuple(piece for piece in pieces if piece.text)


def _rows(chart: _Chart, height: int, *, ascii_only: bool) -> list[Line]:
    lines: list[Line] = []
    levels = [_level(n, chart.peak, height, ascii_only) for n in chart.counts]
    wall = "|" if ascii_only else "│"
    for row in reversed(range(height)):
        label = short_count(chart.peak, _LABEL_WIDTH) if row == height - 1 else ""
        bars = [
            _cell(level - row * _EIGHTHS, ascii_only) * (chart.pitch - 1) + " "
            for level in levels
        ]
        late = "".join(bars[: chart.late])
        coming = "".join(bars[chart.late :]).rstrip()
        pieces = (
            Piece(f"{label:>{_LABEL_WIDTH}}{wall}", "dim"),
            Piece(late if coming else late.rstrip(), _LATE),
            Piece(coming, _COMING),
        )
        lines.append(tuple(piece for piece in pieces if piece.text))
    return lines


def _level(count: int, peak: int, height: int, ascii_only: bool) -> int:
    if not count:
        return 0
    if ascii_only:
        return max(1, count * height // peak) * _EIGHTHS
    return max(1, count * height * _EIGHTHS // peak)


def _cell(level: int, ascii_only: bool) -> str:
    filled = max(0, min(_EIGHTHS, level))
    if ascii_only:
        return "#" if filled else " "
    return _LEVELS[filled]


def _axis(chart: _Chart, cells: int, *, ascii_only: bool) -> Line:
    corner, over, line = ("+", "=", "-") if ascii_only else ("└", "═", "─")
    late = chart.late * chart.pitch
    blank = " " * (_LABEL_WIDTH - 1)
    return (
        Piece(f"{blank}0{corner}", "dim"),
        *((Piece(over * late, _LATE),) if late else ()),
        *((Piece(line * (cells - late), "dim"),) if cells > late else ()),
    )


def _labels(chart: _Chart, now_ms: int, cells: int) -> Line:
    labels = [
        (number * chart.pitch, near_minute(chart.at_ms(number), now_ms))
        for number in range(len(chart.counts))
    ]
    # A label moved to the left would stand under another bar.
    whole = [(start, label) for start, label in labels if start + len(label) <= cells]
    blank = " " * (_LABEL_WIDTH + 1)
    return (Piece(blank + label_line(whole, cells), "dim"),)
