"""Whether a recipient's window is open, worked out once per set of zones and span."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from watchfloor.domain.campaign import RECIPIENT
from watchfloor.domain.windows import Opening, Window, opening

Zones = Sequence[tzinfo]


class _Answer(NamedTuple):
    asked_at_ms: int
    opening: Opening

    def holds(self, now_ms: int) -> bool:
        """Whether it is still true; a clock that went back makes it void."""
        until_ms = self.opening.until_ms
        return self.asked_at_ms <= now_ms and (until_ms is None or now_ms < until_ms)


class Openings:
    """The window of one run, for every recipient.

    The committing thread asks first about every set of zones; after that the loop may
    ask too, from its own thread.

    Args:
        window: The campaign's.
        zones_of: Return the zones behind a number of the store.
    """

    def __init__(self, window: Window, zones_of: Callable[[int], Zones]) -> None:
        self.window = window
        self._zones_of = zones_of
        self._zones: dict[int, Zones] = {}
        self._answers: dict[int, _Answer] = {}

    @property
    def is_common(self) -> bool:
        """Whether one zone decides for all recipients."""
        return self.window.zone != RECIPIENT

    def at(self, zone_no: int, now_ms: int) -> Opening:
        """Return whether a recipient may be contacted, and until when that holds."""
        place = 0 if self.is_common else zone_no
        known = self._answers.get(place)
        if known is not None and known.holds(now_ms):
            return known.opening
        found = opening(self.window, self._zones_at(place), now_ms)
        self._answers[place] = _Answer(now_ms, found)
        return found

    def is_open(self, zone_no: int, now_ms: int) -> bool:
        """Return whether a recipient may be contacted now."""
        return self.at(zone_no, now_ms).is_open

    def _zones_at(self, place: int) -> Zones:
        if place not in self._zones:
            self._zones[place] = self._zones_of(place)
        return self._zones[place]
