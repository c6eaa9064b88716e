"""How fast a run went, as numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from watchfloor.console.figures import counted
from watchfloor.console.plots_scale import short

#: Above this a rate is a fault of the clock; figures stay finite.
_MOST_PER_S = 1e12
#: So is a time after this, about three hundred years.
_MOST_S = 1e10


@dataclass(frozen=True, slots=True)
class Curve:
    """How fast one run went.

    Args:
        name: The run's name, as it came from outside.
        points: Seconds since the run's start, with attempts per second, equally far
            apart; a few hundred are plenty. A rate that is not a finite number is a
            gap: the run was paused.
        is_over: Whether the run has ended: its last rate is not that of now.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """A curve put in order: its points by time, None for the rate in a gap."""

    name: str
    points: tuple[tuple[float, float | None], ...]
    rates: tuple[float, ...]
    is_over: bool = False

    @property
    def average(self) -> float:
        """The mean of the rates; 0 where there is none."""
        return _mean(self.rates)

    @property
    def lasted_s(self) -> float:
        """When its last point was, in seconds since the start."""
        return self.points[-1][0] if self.points else 0.0

    @property
    def is_line(self) -> bool:
        """Whether two rates stand beside each other: one alone draws nothing."""
        return any(
            a is not None and b is not None and end_s > start_s
            for (start_s, a), (end_s, b) in pairwise(self.points)
        )

    @property
    def is_paused(self) -> bool:
        """Whether it ends with a gap."""
        return bool(self.points) and self.points[-1][1] is None


def trace(curve: Curve) -> Trace:
    """Return a curve in order, without what no clock could have measured."""
    points = sorted(
        (
            (at_s, _bounded(per_s))
            for at_s, per_s in curve.points
            if 0 <= at_s <= _MOST_S
        ),
        key=lambda point: point[0],
    )
    rates = tuple(per_s for _, per_s in points if per_s is not None)
    return Trace(curve.name, tuple(points), rates, curve.is_over)


class Unit(NamedTuple):
    """What rates are told in."""

    sign: str
    seconds: int

    def said(self, per_s: float) -> str:
        """Return ``12.0/s``."""
        return f"{short(per_s * self.seconds)}/{self.sign}"


_UNITS = (Unit("s", 1), Unit("m", 60), Unit("h", 3600))


def unit_of(curves: Iterable[Trace]) -> Unit:
    """Return the shortest unit in which the fastest rate is at least one."""
    peak = max((rate for curve in curves for rate in curve.rates), default=0.0)
    if not peak:
        return _UNITS[0]
    return next((unit for unit in _UNITS if peak * unit.seconds >= 1), _UNITS[-1])


def now_words(curve: Trace, unit: Unit) -> str:
    """Return ``12.0/s now``, or what stands for it."""
    if curve.is_paused:
        return "paused now"
    return f"{unit.said(curve.rates[-1])} now" if curve.rates else "no rate yet"


def own_words(curve: Trace, unit: Unit) -> str:
    """Return ``12.0/s now, 11.4/s on average``."""
    if not curve.rates:
        return now_words(curve, unit)
    average = f"{unit.said(curve.average)} on average"
    return average if curve.is_over else f"{now_words(curve, unit)}, {average}"


def all_words(own: Trace, earlier: Sequence[Trace]) -> str:
    """Return a run's rate, and what earlier runs averaged, as one sentence."""
    unit = unit_of((own, *earlier))
    averages = [curve.average for curve in earlier if curve.rates]
    words = own_words(own, unit)
    if not averages:
        return words
    runs = counted(len(averages), "earlier run")
    return f"{words}; {runs} averaged {unit.said(_mean(averages))}"


def _bounded(per_s: float) -> float | None:
    return min(_MOST_PER_S, max(0.0, per_s)) if math.isfinite(per_s) else None


def _mean(rates: Sequence[float]) -> float:
    return sum(rates) / len(rates) if rates else 0.0
