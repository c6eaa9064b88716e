"""When a run pauses itself: too large a share of one outcome class, of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from watchfloor.domain.campaign import PauseWhen
from watchfloor.domain.measures import duration_text
from watchfloor.domain.outcomes import OutcomeClass

#: A span is counted in so many slots; the oldest is forgotten as a whole.
SLOTS: Final = 60

#: Shares are compared so exactly: 7 of 100 is a share of 0.07, whatever floats say.
_ROUNDING = 1e-9


class RecentOutcomes:
    """What ended within a guard's span, counted; at most ``SLOTS`` counts are kept.

    Times are milliseconds of one clock. What ends at an earlier time than what was
    noted before counts as ended together with it: a clock that goes back forgets
    nothing and makes nothing last longer.
    """

    def __init__(self, pause_when: PauseWhen) -> None:
        self._when = pause_when
        self._slot_ms = max(1, pause_when.over_ms // SLOTS)
        # Of each slot: its number, how many ended, how many of them in the class.
        self._slots: deque[tuple[int, int, int]] = deque()
        self._ended = 0
        self._in_class = 0

    def noted(self, at_ms: int, classes: Sequence[OutcomeClass]) -> str:
        """Count a batch of attempts that ended and return the verdict on all of them.

        Args:
            at_ms: When the batch is stored.
            classes: How each of them ended.
        """
        in_class = classes.count(self._when.outcome_class)
        slot = at_ms // self._slot_ms
        if self._slots and slot <= self._slots[-1][0]:
            slot, ended, before = self._slots.pop()
            self._slots.append((slot, ended + len(classes), before + in_class))
        else:
            self._slots.append((slot, len(classes), in_class))
        self._ended += len(classes)
        self._in_class += in_class
        self._forget_before(slot - SLOTS + 1)
        return self.verdict

    @property
    def verdict(self) -> str:
        """Empty, or why the run is to pause, with the evidence."""
        when, ended, in_class = self._when, self._ended, self._in_class
        if not in_class or ended < when.at_least:
            return ""
        if in_class < when.share * ended - _ROUNDING:
            return ""
        return (
            f"{when.outcome_class.word} {_percent(in_class / ended)} of {ended:,} "
            f"attempts in {duration_text(when.over_ms)}, limit {_percent(when.share)}"
        )

    def clear(self) -> None:
        """Forget everything, as after a resume: what comes now decides."""
        self._slots.clear()
        self._ended = self._in_class = 0

    def _forget_before(self, oldest: int) -> None:
        while self._slots[0][0] < oldest:
            _, ended, in_class = self._slots.popleft()
            self._ended -= ended
            self._in_class -= in_class


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
