"""When people are not to be disturbed: hours that may cross midnight."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from watchfloor.domain.windows import Window, opening

_WEEK = frozenset(range(7))
_MIDNIGHT = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Half-open hours by the wall clock, the first minute quiet, the last one not.

    Attributes:
        from_minute: After local midnight.
        to_minute: After local midnight, at most 1440; at or before ``from_minute`` it
            is one of the next day.
        days: On which quiet hours begin; Monday is 0.
        zone: An IANA name; empty for the workspace's.

    Raises:
        ValueError: These hours are none, or never end.
    """

    from_minute: int
    to_minute: int
    days: frozenset[int] = _WEEK
    zone: str = ""

    def __post_init__(self) -> None:
        if self.from_minute == self.to_minute:
            raise ValueError("begin and end at the same time; give them some hours")
        if (self.from_minute, self.to_minute, self.days) == (0, _MIDNIGHT, _WEEK):
            raise ValueError("never end; nobody would ever be told")


def quiet_until_ms(quiet: QuietHours, zone: tzinfo, at_ms: int) -> int | None:
    """Return when the quiet that holds at this moment ends; None where none holds.

    Through every clock change the laws of windows hold: while it is quiet, the wall
    clock stands within the hours.
    """
    windows = tuple(_windows(quiet))
    end_ms = at_ms
    while True:
        ends = (opening(one, (zone,), end_ms) for one in windows)
        later = [one.until_ms for one in ends if one.is_open and one.until_ms]
        if not later:
            return end_ms if end_ms > at_ms else None
        # The evening's end may be the morning's beginning.
        end_ms = max(later)


def _windows(quiet: QuietHours) -> Iterator[Window]:
    """Yield the evening's and the morning's hours, which no window joins itself."""
    begins, ends = quiet.from_minute, quiet.to_minute
    if begins < ends:
        yield _window(quiet.days, begins, ends)
        return
    yield _window(quiet.days, begins, _MIDNIGHT)
    if ends > 0:
        yield _window(frozenset((day + 1) % 7 for day in quiet.days), 0, ends)


def _window(days: frozenset[int], begins: int, ends: int) -> Window:
    return Window(zone="quiet", days=days, open_minute=begins, close_minute=ends)
