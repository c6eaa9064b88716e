"""Permits and pace of a run, as an operator writes them and as they are asked for."""

from __future__ import annotations

from typing import NamedTuple

from watchfloor.console.figures import rate
from watchfloor.domain.measures import rate_per_s
from watchfloor.domain.views import RunView
from watchfloor.domain.workspace import MOST_PERMITS, MOST_RATE_PER_S

_NO_PACE = "none"
_LONGEST = 9


class Limits(NamedTuple):
    """How many attempts may be in flight, and how many may start in a second."""

    permits: int
    rate_per_s: float | None

    @property
    def words(self) -> str:
        """How the limits are named beside those they replace."""
        pace = "no pacing" if self.rate_per_s is None else rate(self.rate_per_s)
        return f"{self.permits:,} permits, {pace}"


class Draft(NamedTuple):
    """What stands in the fields; mistakes are whole sentences.

    Attributes:
        limits: What the fields say; None while a mistake stands in one.
        permits: What is wrong with the permits, or empty.
        rate: What is wrong with the rate, or empty.
    """

    limits: Limits | None
    permits: str = ""
    rate: str = ""


def limits_of(run: RunView) -> Limits:
    """Return the limits a run has now."""
    return Limits(run.permits, run.rate_per_s)


def drafted(now: Limits, permits: str, pace: str) -> Draft:
    """Return what the texts of both fields ask for.

    A text that was left as it stood means the very figure it was made of: not every
    rate can be written.
    """
    wrong_permits = wrong_rate = ""
    wanted, per_s = now
    try:
        wanted = _permits(permits.strip())
    except ValueError as error:
        wrong_permits = f"{permits.strip()!r} {error}"
    if pace.strip() != rate(now.rate_per_s):
        try:
            per_s = _rate(pace.strip())
        except ValueError as error:
            wrong_rate = f"{pace.strip()!r} {error}"
    limits = None if wrong_permits or wrong_rate else Limits(wanted, per_s)
    return Draft(limits, wrong_permits, wrong_rate)


def _permits(text: str) -> int:
    plain = text.replace(",", "")
    if not (plain.isascii() and plain.isdigit()):
        raise ValueError("is no number of permits; write one like 16")
    number = int(plain[:_LONGEST])
    if len(plain) > _LONGEST or not 1 <= number <= MOST_PERMITS:
        msg = f"is not between 1 and {MOST_PERMITS:,} permits; p pauses a run"
        raise ValueError(msg)
    return number


def _rate(text: str) -> float | None:
    if text == _NO_PACE:
        return None
    try:
        per_s = rate_per_s(text)
    except ValueError as error:
        msg = f"{error}; write 20/s, 600/m, 10/h or none"
        raise ValueError(msg) from error
    if per_s > MOST_RATE_PER_S:
        msg = f"is more than {MOST_RATE_PER_S:,.0f}/s; none lets every permit go"
        raise ValueError(msg)
    return per_s
