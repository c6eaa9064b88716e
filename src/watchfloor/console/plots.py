"""How fast a run went over its time, before earlier runs of its campaign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from watchfloor.console.pieces import Line, Piece, measured
from watchfloor.console.plots_canvas import Field, drawn
from watchfloor.console.plots_curves import (
    Curve,
    Trace,
    Unit,
    all_words,
    now_words,
    own_words,
    trace,
    unit_of,
)
from watchfloor.console.plots_scale import (
    first_fitting,
    label_line,
    named,
    round_step,
    short,
    time_label,
    time_step,
    told,
)

_LEAST_WIDTH, _LEAST_HEIGHT = 30, 6
_YET = {False: " yet", True: ""}
#: More earlier runs than this hide each other.
_MOST_EARLIER = 4
#: Earlier runs may reach so many times further than the own one, not to dwarf it.
_MOST_LONGER = 4
#: The axis and its labels.
_BENEATH = 2
#: One more line of names for every so many lines of plot.
_LINES_A_NAME = 10
#: Cells from one label of an axis to the next, at least.
_APART_X, _APART_Y = 12, 3
_MORE = len("  +99 more")
#: Below one in a thousand hours a rate is as good as none.
_LEAST_TOP = 1e-3


class _Rates(NamedTuple):
    """The standing axis."""

    unit: Unit
    step: float
    steps: int

    @property
    def top(self) -> float:
        return self.step * self.steps


class _Times(NamedTuple):
    """The lying axis, in seconds."""

    step: int
    steps: int

    @property
    def span(self) -> int:
        return self.step * self.steps


def rate_plot(
    own: Curve,
    earlier: Sequence[Curve],
    width: int,
    height: int,
    *,
    ascii_only: bool = False,
) -> tuple[Line, ...]:
    """Return a run's rate over its time, with earlier runs dotted and dim behind it.

    Without room, or before there are two rates, the same is told in words.

    Args:
        own: The run, drawn in front.
        earlier: Runs of the same campaign, the ones most worth seeing first; only
            the first few are drawn.
        width: Cells a line may take.
        height: Lines there are; a plot takes all of them, words fewer.
        ascii_only: Whether the terminal shows nothing but ASCII.
    """
    front = trace(own)
    before = [one for one in map(trace, earlier) if one.rates]
    is_small = width < _LEAST_WIDTH or height < _LEAST_HEIGHT
    if is_small or not front.is_line:
        words = all_words(front, before)
        if not front.is_line:
            words = f"too few samples for a curve{_YET[front.is_over]}: {words}"
        return told(words, width, height, ascii_only=ascii_only)
    return _plot(front, before, width, height, ascii_only=ascii_only)


def _plot(
    own: Trace, before: Sequence[Trace], width: int, height: int, *, ascii_only: bool
) -> tuple[Line, ...]:
    behind = before[:_MOST_EARLIER]
    unit = unit_of((own, *behind))
    entries = (
        _own_entry(own, unit, width - _MORE * bool(behind), ascii_only=ascii_only),
        *_earlier_entries(behind, unit, width, ascii_only=ascii_only),
    )
    legend = _legend(entries, len(before) - len(behind), width, height)
    rows = height - len(legend) - _BENEATH
    rates = _rates((own, *behind), unit, rows)
    labels = _rate_labels(rates, rows)
    columns = width - len(labels[0]) - 1
    times = _times(own, behind, columns)
    field = Field(columns, rows, times.span, rates.top / unit.seconds)
    wall = _wall(labels, ascii_only=ascii_only)
    lines = drawn(field, own, behind, ascii_only=ascii_only)
    return (
        *legend,
        *((start, *line) for start, line in zip(wall, lines, strict=True)),
        *_time_axis(times, columns, len(labels[0]), ascii_only=ascii_only),
    )


def _own_entry(own: Trace, unit: Unit, width: int, *, ascii_only: bool) -> Line:
    sign = "* " if ascii_only else "━ "
    name = named(own.name, width // 3, ascii_only=ascii_only)
    room = width - measured((Piece(sign), Piece(name))) - 2
    now = now_words(own, unit)
    words = first_fitting(room, own_words(own, unit), now, now.removesuffix(" now"))
    return Piece(sign, "key"), Piece(name, "key"), Piece(f"  {words}")


def _earlier_entries(
    behind: Sequence[Trace], unit: Unit, width: int, *, ascii_only: bool
) -> list[Line]:
    sign = "." if ascii_only else "┄"
    return [
        (
            Piece(f"{sign}{number} ", "dim"),
            Piece(named(curve.name, width // 4, ascii_only=ascii_only), "dim"),
            Piece(f" {unit.said(curve.average)}", "dim"),
        )
        for number, curve in enumerate(behind, 1)
    ]


def _legend(
    entries: Sequence[Line], left_out: int, width: int, height: int
) -> list[Line]:
    """Return the entries in the lines there are, and how many found no place."""
    most = 1 + height // _LINES_A_NAME
    lines: list[Line] = [entries[0]]
    for number, entry in enumerate(entries[1:], 1):
        longer = (*lines[-1], Piece("   "), *entry)
        if measured(longer) <= width - _MORE:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(entry)
        else:
            left_out += len(entries) - number
            break
    if left_out and measured(lines[-1]) <= width - _MORE:
        lines[-1] = (*lines[-1], Piece(f"  +{min(left_out, 99)} more", "dim"))
    return lines


def _rates(curves: Sequence[Trace], unit: Unit, rows: int) -> _Rates:
    peak = max(rate for curve in curves for rate in curve.rates) * unit.seconds
    peak = max(peak, _LEAST_TOP) if peak else 1.0
    step = round_step(peak / max(1, rows // _APART_Y))
    return _Rates(unit, step, math.ceil(peak / step * (1 - 1e-9)))


def _rate_labels(rates: _Rates, rows: int) -> list[str]:
    """Return a label or blanks for each row from the top, all of one width."""
    labels = [""] * rows
    for number in range(rates.steps + 1):
        row = rows - 1 - round(number / rates.steps * (rows * 4 - 1)) // 4
        labels[row] = short(number * rates.step, ".6g")
    labels[0] += f"/{rates.unit.sign}"
    widest = max(map(len, labels))
    return [label.rjust(widest) for label in labels]


def _wall(labels: Sequence[str], *, ascii_only: bool) -> list[Piece]:
    tick, plain = ("+", "|") if ascii_only else ("┤", "│")
    return [
        Piece(label + (tick if label.strip() else plain), "dim") for label in labels
    ]


def _times(own: Trace, behind: Sequence[Trace], columns: int) -> _Times:
    longest = max(curve.lasted_s for curve in (own, *behind))
    span = max(1.0, min(longest, _MOST_LONGER * own.lasted_s))
    step = time_step(span / max(1, columns // _APART_X))
    return _Times(step, math.ceil(span / step))


def _time_axis(
    times: _Times, columns: int, left: int, *, ascii_only: bool
) -> tuple[Line, Line]:
    corner, line, tick = ("+", "-", "+") if ascii_only else ("└", "─", "┴")
    cells = [
        round(number / times.steps * (columns - 1)) for number in range(times.steps + 1)
    ]
    axis = [line] * columns
    for cell in cells[1:]:
        axis[cell] = tick
    labels = [(0, "start")]
    for number, cell in enumerate(cells[1:], 1):
        label = time_label(number * times.step)
        labels.append((cell - len(label) // 2, label))
    blank = " " * left
    return (
        (Piece(blank + corner + "".join(axis), "dim"),),
        (Piece(f"{blank} {label_line(labels, columns)}", "dim"),),
    )
