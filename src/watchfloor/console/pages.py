"""Pages of records by key, with one filter, some of which need two reads."""

from __future__ import annotations

from dataclasses import dataclass

from watchfloor.console.desk import Desk
from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RecordPage

FAULTS = (RecordState.FAILED, RecordState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are shown; no state means all of them."""

    states: tuple[RecordState, ...] = ()

    @property
    def words(self) -> str:
        """How the filter is named on the screen."""
        return " or ".join(state.word for state in self.states) or "none"

    def count(self, books: Books) -> int:
        """Return how many records of a run pass."""
        if not self.states:
            return books.records
        return sum(books.count(state) for state in self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page begins or ends; the keys are those of ``Desk.records``."""

    after: int | None = None
    before: int | None = None


FIRST = Place()
LAST = Place(before=0)


async def page(
    desk: Desk, run_id: str, place: Place, chosen: Filter, size: int
) -> RecordPage:
    """Return one page of the records that pass the filter, in seq order."""
    states: tuple[RecordState | None, ...] = chosen.states or (None,)
    parts = [
        await desk.records(
            run_id, after=place.after, before=place.before, state=state, size=size
        )
        for state in states
    ]
    if len(parts) == 1:
        return parts[0]
    return _merged(parts, size, backwards=place.before is not None)


def _merged(parts: list[RecordPage], size: int, *, backwards: bool) -> RecordPage:
    together = sorted(
        (record for part in parts for record in part.records),
        key=lambda record: record.seq,
    )
    dropped = len(together) > size
    kept = together[-size:] if backwards else together[:size]
    return RecordPage(
        records=tuple(kept),
        has_before=any(part.has_before for part in parts) or (dropped and backwards),
        has_after=any(part.has_after for part in parts) or (dropped and not backwards),
    )


def turned(shown: RecordPage, step: int) -> Place | None:
    """Return the page beside the one shown, or None where there is none.

    Args:
        shown: The page to turn.
        step: -2 for the first page, -1 previous, 1 next, 2 last.
    """
    if step in (-2, 2):
        return FIRST if step < 0 else LAST
    if step > 0 and shown.has_after and shown.records:
        return Place(after=shown.records[-1].seq)
    if step < 0 and shown.has_before and shown.records:
        return Place(before=shown.records[0].seq)
    return None


def anchored(shown: RecordPage) -> Place:
    """Return the place at which a page stays when it is read again."""
    if not shown.has_before or not shown.records:
        return FIRST
    return Place(after=shown.records[0].seq - 1)
