"""When a recipient may be contacted: wall-clock hours made into moments.

Two laws hold through every clock change. Where a window is open, the wall clock of
every zone stands inside it. And once a date's wall clock has reached the close time,
that date's window is over, even if the clock is then put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_WEEK = frozenset(range(7))
_DAY_MINUTES = 1440
_DAY_MS = 86_400_000

#: A little more than a year: what has not opened until then never opens. Two zones may
#: have common hours in one half of the year only.
HORIZON_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The hours of the week in which a recipient may be contacted.

    Attributes:
        zone: ``recipient`` for each recipient's own, or an IANA name.
        days: Monday is 0.
        open_minute: After local midnight; the first that is inside.
        close_minute: After local midnight; the first that is outside, at most 1440.

    Raises:
        ValueError: These hours are no window; the text says what would be.
    """

    zone: str
    days: frozenset[int]
    open_minute: int
    close_minute: int

    def __post_init__(self) -> None:
        if not self.zone:
            raise ValueError("the window has no zone; write recipient or a zone name")
        if not self.days or not self.days <= _WEEK:
            raise ValueError("the window has no days; name at least one weekday")
        opens, closes = self.open_minute, self.close_minute
        if not (0 <= opens <= _DAY_MINUTES and 0 <= closes <= _DAY_MINUTES):
            raise ValueError("the window's hours are not between 00:00 and 24:00")
        if opens == closes:
            msg = f"the window opens and closes at {_hour(opens)}; give it some time"
            raise ValueError(msg)
        if opens > closes:
            msg = (
                f"the window opens at {_hour(opens)} and closes at {_hour(closes)}: "
                "it cannot cross midnight; close it at 24:00 at the latest, and give "
                "the hours after midnight a campaign of their own"
            )
            raise ValueError(msg)

    @property
    def is_always(self) -> bool:
        """Whether it is open day and night."""
        hours = self.close_minute - self.open_minute
        return hours == _DAY_MINUTES and self.days == _WEEK


class Opening(NamedTuple):
    """Whether a window is open, and how long this answer holds.

    Attributes:
        until_ms: When it closes, or opens; None for never.
    """

    is_open: bool
    until_ms: int | None


class _Span(NamedTuple):
    """Half-open, never empty."""

    start_ms: int
    end_ms: int


def opening(window: Window, zones: Sequence[tzinfo], at_ms: int) -> Opening:
    """Say whether every one of *zones* is inside the window at this moment.

    Without any zone it is never open: whose hours are unknown is not contacted.

    Args:
        window: Its own ``zone`` is not looked at.
        zones: All in which the recipient may be.
        at_ms: Since 1970 UTC.
    """
    if not zones:
        return Opening(is_open=False, until_ms=None)
    if window.is_always:
        return Opening(is_open=True, until_ms=None)
    ordered = _extremes_first(zones, at_ms)
    span = _common_span(window, ordered, at_ms)
    if span is None:
        return Opening(is_open=False, until_ms=None)
    if span.start_ms > at_ms:
        return Opening(is_open=False, until_ms=span.start_ms)
    end_ms = span.end_ms
    # Days of 24 hours, and hours that a clock change leaves out, join two dates.
    while (after := _common_span(window, ordered, end_ms)) and after.start_ms == end_ms:
        end_ms = after.end_ms
    return Opening(is_open=True, until_ms=end_ms)


def open_ms_between(
    window: Window, zones: Sequence[tzinfo], from_ms: int, to_ms: int
) -> int:
    """Return for how much of [from, to) the window is open, in milliseconds."""
    total = 0
    at_ms = from_ms
    while at_ms < to_ms:
        is_open, until_ms = opening(window, zones, at_ms)
        end_ms = to_ms if until_ms is None else min(until_ms, to_ms)
        if is_open:
            total += end_ms - at_ms
        at_ms = end_ms
    return total


def local_time(zone: tzinfo, at_ms: int) -> datetime:
    """Return what the wall clock of *zone* shows, in whole seconds."""
    return datetime.fromtimestamp(at_ms // 1000, zone)


def instants_ms(wall: datetime) -> tuple[int, int]:
    """Return when the wall clock first and last shows *wall*, or jumps over it.

    Both are equal but for a time that comes twice. A time that is left out is reached
    at the moment of the jump.

    Args:
        wall: With its zone; its ``fold`` is not looked at.
    """
    first = (wall.replace(fold=0) - _EPOCH) // _MS
    last = (wall.replace(fold=1) - _EPOCH) // _MS
    if first > last:  # PEP 495: the two readings of a time that does not exist
        first = last = _change_ms(wall, last, first)
    return first, last


def _extremes_first(zones: Sequence[tzinfo], at_ms: int) -> list[tzinfo]:
    # The westernmost and the easternmost zone decide nearly always.
    by_offset = sorted(zones, key=lambda zone: _offset(zone, at_ms))
    return [by_offset.pop(), *by_offset]


def _common_span(window: Window, zones: Sequence[tzinfo], from_ms: int) -> _Span | None:
    """Return the first span after *from_ms*, cut at it, that is in every zone's."""
    start_ms, horizon_ms = from_ms, from_ms + HORIZON_DAYS * _DAY_MS
    while start_ms < horizon_ms:
        end_ms = horizon_ms + _DAY_MS
        for zone in zones:
            span = _zone_span(window, zone, start_ms)
            start_ms = max(start_ms, span.start_ms)
            if start_ms >= end_ms:
                break  # this zone opens when another has closed: go on from there
            end_ms = min(end_ms, span.end_ms)
        else:
            return _Span(start_ms, end_ms)
    return None


def _zone_span(window: Window, zone: tzinfo, at_ms: int) -> _Span:
    """Return the zone's span that holds *at_ms*, or the first one after it."""
    day = local_time(zone, at_ms).date()
    while True:
        for span in _spans(window, zone, day):
            if span.end_ms > at_ms:
                return span
        day += timedelta(days=1)


@lru_cache(maxsize=4096)
def _spans(window: Window, zone: tzinfo, day: date) -> tuple[_Span, ...]:
    """Return one date's spans in order: two where the clock goes back over its open.

    Kept, because sets of candidate zones have most of their zones in common.
    """
    if day.weekday() not in window.days:
        return ()
    midnight = datetime.combine(day, time.min, zone)
    opens = midnight + timedelta(minutes=window.open_minute)
    first, last = instants_ms(opens)
    end, _ = instants_ms(midnight + timedelta(minutes=window.close_minute))
    spans = [_Span(last, end)]
    if first < last:
        back = _change_ms(opens, first, last)
        spans.insert(0, _Span(first, min(back, end)))
    return tuple(span for span in spans if span.start_ms < span.end_ms)


def _change_ms(wall: datetime, before_ms: int, after_ms: int) -> int:
    """Return the first moment after *before_ms* with another offset than there."""
    zone = wall.tzinfo or UTC
    before, after = before_ms // 1000, after_ms // 1000
    offset = _offset(zone, before_ms)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle * 1000) == offset:
            before = middle
        else:
            after = middle
    return after * 1000


def _offset(zone: tzinfo, at_ms: int) -> timedelta:
    return local_time(zone, at_ms).utcoffset() or timedelta(0)


def _hour(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
