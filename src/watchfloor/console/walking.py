"""From record to record within a filter, and to a healthy one nearby."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from watchfloor.console.desk import Desk
from watchfloor.console.keymap import Keymap
from watchfloor.console.pages import Filter, Place, page
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import Journey, PageKey, RecordPage


@dataclass(frozen=True, slots=True)
class Nobody:
    """No record stands in that direction, or none was found so far.

    Attributes:
        seq: From which record.
        step: 1 for after it, -1 for before it.
        searched_to: How far was looked where the search stopped before the end.
    """

    seq: int
    step: int
    searched_to: int | None = None

    def words(self, keymap: Keymap) -> str:
        """Return the sentence for the operator."""
        side = "after" if self.step > 0 else "before"
        if self.searched_to is None:
            return f"There is no record {side} {self.seq:,} that the filter shows."
        key = keymap.key("page.next" if self.step > 0 else "page.prev")
        return (
            f"None found {side} {self.seq:,} as far as record {self.searched_to:,}; "
            f"{key} looks further."
        )


class Walked(NamedTuple):
    """Where a walk has led.

    Attributes:
        journey: Of the record it led to; None where it led nowhere.
        missed: Where it ended before the last of its steps; None where it did not.
    """

    journey: Journey | None
    missed: Nobody | None = None


@dataclass(slots=True)
class Walk:
    """Reads journeys, some steps at a time.

    A search that stopped goes on where it stopped when the same step is taken again.
    """

    desk: Desk
    run_id: str
    chosen: Filter
    _stopped: dict[tuple[int, int], int] = field(default_factory=dict)

    async def read(self, seq: int, steps: int) -> Walked:
        """Return the journey so many records on; a record's own for no steps.

        Args:
            seq: From which record.
            steps: So many of those that the filter shows; back where negative.
        """
        if not steps:
            return Walked(await self.desk.journey(self.run_id, seq))
        step = 1 if steps > 0 else -1
        found = await self._beside(self._stopped.get((seq, step), seq), steps)
        missed = None
        if len(found.records) < abs(steps):
            edges = [seq, *(record.seq for record in found.records)]
            last = max(edges) if steps > 0 else min(edges)
            missed = Nobody(last, step, found.searched_to)
            if found.searched_to is not None:
                self._stopped[last, step] = found.searched_to
        if not found.records:
            return Walked(None, missed)
        reached = found.records[-1 if steps > 0 else 0].seq
        return Walked(await self.desk.journey(self.run_id, reached), missed)

    async def _beside(self, seq: int, steps: int) -> RecordPage:
        place = Place(after=seq) if steps > 0 else Place(before=seq)
        # Nothing stands before record 0; to the desk that means "the last page".
        if place.before == 0:
            return RecordPage()
        return await page(self.desk, self.run_id, place, self.chosen, abs(steps))

    async def healthy(self, seq: int) -> Journey | None:
        """Return the nearest delivered record's journey, a later one first."""
        state = RecordState.DELIVERED
        found = await self.desk.records(
            self.run_id, PageKey(after=seq, state=state, size=1)
        )
        if not found.records and seq > 0:
            found = await self.desk.records(
                self.run_id, PageKey(before=seq, state=state, size=1)
            )
        if not found.records:
            return None
        return await self.desk.journey(self.run_id, found.records[0].seq)
