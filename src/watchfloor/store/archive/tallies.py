"""How often what was counted: attempts by step, class, code and hour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: A provider may invent a code for every attempt; a report of them all helps nobody.
MOST_LINES = 20_000
OTHER_CODES = "(other)"
HOUR_MS = 3_600_000


class ReportLine(NamedTuple):
    """Attempts of one step, class, code and hour.

    Attributes:
        step: The step's number.
        outcome_class: Its number; 0 for none.
        hour_ms: When the hour began, UTC, in which they were started.
        took_ms: Of all of them together.
    """

    step: int
    outcome_class: int
    code: str
    hour_ms: int
    attempts: int
    took_ms: int


class Tally:
    """Sums that always add up; past ``MOST_LINES`` new codes are summed as one."""

    def __init__(self, lines: Iterable[ReportLine] = ()) -> None:
        self._sums: dict[tuple[int, int, str, int], list[int]] = {}
        self.add_all(lines)

    def add_all(self, lines: Iterable[ReportLine]) -> None:
        """Add another account of the same run."""
        for line in lines:
            self._add(line[:4], line.attempts, line.took_ms)

    def count(
        self,
        step: int,
        outcome_class: int,
        code: str,
        started_at_ms: int,
        took_ms: int,
    ) -> None:
        """Count one attempt."""
        hour_ms = started_at_ms - started_at_ms % HOUR_MS
        self._add((step, outcome_class, code, hour_ms), 1, took_ms)

    @property
    def lines(self) -> list[ReportLine]:
        """The sums, in the order of what they are of."""
        return [ReportLine(*key, *sums) for key, sums in sorted(self._sums.items())]

    def _add(self, key: tuple[int, int, str, int], attempts: int, took_ms: int) -> None:
        sums = self._sums.get(key)
        if sums is None:
            if len(self._sums) >= MOST_LINES:
                key = (*key[:2], OTHER_CODES, key[3])
            sums = self._sums.setdefault(key, [0, 0])
        sums[0] += attempts
        sums[1] += took_ms
