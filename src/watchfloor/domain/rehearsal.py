"""A run on paper: whom its window holds, and when it would end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple, TypeVar

from watchfloor.domain.windows import Opening, Window, opening

#: Nothing is foreseen beyond a year.
HORIZON_MS = 366 * 86_400_000

#: A mapping's keys are invariant: without this, none with ZoneInfo would fit.
Zones = TypeVar("Zones", bound=tuple[tzinfo, ...])

_ALWAYS = Opening(is_open=True, until_ms=None)


class _Share(NamedTuple):
    """The records of one set of zones; ``left`` may end in a fraction of one."""

    zones: tuple[tzinfo, ...]
    left: float
    opening: Opening

    @property
    def opens_at_ms(self) -> int | None:
        """When it opens, if it is closed and ever does."""
        return None if self.opening.is_open else self.opening.until_ms

    def turned(self, window: Window | None, kept: float, at_ms: int) -> _Share:
        """Return it as it is when the next window opens or closes."""
        left = self.left * kept if self.opening.is_open else self.left
        if self.opening.until_ms == at_ms:
            return _Share(self.zones, left, _opening(window, self.zones, at_ms))
        return self if left == self.left else _Share(self.zones, left, self.opening)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How fast a run can go, and how much each record takes.

    Attributes:
        permits: Attempts in flight, at least 1.
        rate_per_s: Attempts per second; None for no pacing.
        seconds_per_attempt: 0 where an attempt takes no time.
        attempts_per_record: As expected, with retries; at least 1.

    Raises:
        ValueError: With these figures no run can be foreseen.
    """

    permits: int
    rate_per_s: float | None = None
    seconds_per_attempt: float
    attempts_per_record: float = 1.0

    def __post_init__(self) -> None:
        if self.permits < 1:
            raise ValueError("a run without permits never ends; give it at least 1")
        if self.rate_per_s is not None and not self.rate_per_s > 0:
            raise ValueError("a rate of nothing lets nothing through; give one above 0")
        if not self.seconds_per_attempt >= 0:
            raise ValueError("an attempt takes 0 seconds or more")
        if not self.attempts_per_record >= 1:
            raise ValueError("a record takes at least 1 attempt")

    @property
    def ms_per_record(self) -> float:
        """How long the run is busy with one record, when it is never held up."""
        by_permits = self.seconds_per_attempt / self.permits
        by_rate = 0.0 if self.rate_per_s is None else 1.0 / self.rate_per_s
        return 1000.0 * self.attempts_per_record * max(by_permits, by_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a launch at this moment would meet.

    Attributes:
        inside: Records that may be attempted at once.
        outside: Records whose window opens later.
        never: Records whose window never opens; the run would not attempt them.
        first_opens_at_ms: When the first of those outside may be attempted.
        last_opens_at_ms: When the last of them may.
        ends_at_ms: When all but the ``never`` are done; None where no end is in sight:
            nobody's window ever opens, or the work takes more than a year.
        duration_s: From the start to the end, closed hours included; None likewise.
    """

    inside: int = 0
    outside: int = 0
    never: int = 0
    first_opens_at_ms: int | None = None
    last_opens_at_ms: int | None = None
    ends_at_ms: int | None = None
    duration_s: float | None = None


def forecast(
    audience: Mapping[Zones, int],
    window: Window | None,
    effort: Effort,
    start_ms: int,
) -> Forecast:
    """Walk a run from opening to opening of its window, without contacting anybody.

    Records whose window is open are taken evenly; what is left when it closes waits
    for the next opening. Pauses between retries, callbacks and waiting for a person
    are not foreseen.

    Args:
        audience: How many records there are for each set of candidate zones. Without
            a window the zones are not looked at.
        window: None for always open.
        effort: How fast the run can go.
        start_ms: The launch, since 1970 UTC.
    """
    shares = [
        _Share(zones, count, _opening(window, zones, start_ms))
        for zones, count in audience.items()
        if count > 0
    ]
    inside = [one for one in shares if one.opening.is_open]
    outside = [one for one in shares if one.opens_at_ms is not None]
    opens_at = [at for one in outside if (at := one.opens_at_ms) is not None]
    ends_at_ms = _end_ms(inside + outside, window, effort, start_ms)
    if shares and not inside and not outside:
        ends_at_ms = None
    return Forecast(
        inside=_records(inside),
        outside=_records(outside),
        never=_records(shares) - _records(inside) - _records(outside),
        first_opens_at_ms=min(opens_at, default=None),
        last_opens_at_ms=max(opens_at, default=None),
        ends_at_ms=ends_at_ms,
        duration_s=None if ends_at_ms is None else (ends_at_ms - start_ms) / 1000,
    )


def _end_ms(
    shares: list[_Share], window: Window | None, effort: Effort, start_ms: int
) -> int | None:
    """Return when the last of *shares* is done, or None beyond the horizon."""
    now_ms = end_ms = start_ms
    horizon_ms = start_ms + HORIZON_MS
    while shares:
        turns = (at for one in shares if (at := one.opening.until_ms) is not None)
        turn_ms = min((horizon_ms, *turns))
        left = sum(one.left for one in shares if one.opening.is_open)
        # Whole milliseconds: a window filled to its end leaves no crumb for the next.
        work_ms = round(left * effort.ms_per_record)
        kept = 1.0
        if now_ms + work_ms > turn_ms:
            kept = 1.0 - (turn_ms - now_ms) / work_ms
        elif left:
            # Even a single record takes as long as an attempt does.
            busy_ms = max(work_ms, round(effort.seconds_per_attempt * 1000))
            end_ms = max(end_ms, now_ms + busy_ms)
            shares = [one for one in shares if not one.opening.is_open]
        if shares and turn_ms == horizon_ms:
            return None
        shares = [one.turned(window, kept, turn_ms) for one in shares]
        now_ms = turn_ms
    return end_ms


def _opening(window: Window | None, zones: tuple[tzinfo, ...], at_ms: int) -> Opening:
    return _ALWAYS if window is None else opening(window, zones, at_ms)


def _records(shares: list[_Share]) -> int:
    return int(sum(one.left for one in shares))
