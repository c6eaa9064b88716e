"""Pages of records by key, with one filter, some of which need two reads."""

from __future__ import annotations

from dataclasses import dataclass

from watchfloor.console.desk import Desk
from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import PageKey, RecordPage

FAULTS = (RecordState.FAILED, RecordState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are shown; nothing set means all of them.

    Attributes:
        states: Only records in one of these.
        where: Only records for which a filter in the product's language holds.
        text: Only records in which this occurs.
    """

    states: tuple[RecordState, ...] = ()
    where: str = ""
    text: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything is left out."""
        return bool(self.states or self.where or self.text)

    @property
    def is_search(self) -> bool:
        """Whether records must be looked at one by one: nobody knows how many pass."""
        return bool(self.where or self.text)

    @property
    def words(self) -> str:
        """How the filter is named on the screen."""
        said = [" or ".join(state.word for state in self.states), self.where]
        if self.text:
            said.append(f'"{self.text}"')
        return " and ".join(one for one in said if one) or "none"

    def count(self, books: Books) -> int:
        """Return how many records of a run pass at most."""
        if not self.states:
            return books.records
        return sum(books.count(state) for state in self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page begins or ends; the keys are those of ``PageKey``."""

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
            run_id,
            PageKey(
                after=place.after,
                before=place.before,
                state=state,
                size=size,
                where=chosen.where,
                text=chosen.text,
            ),
        )
        for state in states
    ]
    if len(parts) == 1:
        return parts[0]
    return _merged(parts, size, backwards=place.before is not None)


def _merged(parts: list[RecordPage], size: int, *, backwards: bool) -> RecordPage:
    stopped = [part.searched_to for part in parts if part.searched_to is not None]
    ends = [*stopped, *_edges(parts, backwards=backwards)]
    # Beyond where one of the parts ends, its records are not known yet.
    limit = (max(ends) if backwards else min(ends)) if ends else None
    together = sorted(
        (
            record
            for part in parts
            for record in part.records
            if limit is None
            or (record.seq >= limit if backwards else record.seq <= limit)
        ),
        key=lambda record: record.seq,
    )
    dropped = len(together) > size
    kept = together[-size:] if backwards else together[:size]
    more = dropped or limit is not None
    return RecordPage(
        records=tuple(kept),
        has_before=any(part.has_before for part in parts) or (more and backwards),
        has_after=any(part.has_after for part in parts) or (more and not backwards),
        searched_to=limit if limit in stopped and not dropped else None,
    )


def _edges(parts: list[RecordPage], *, backwards: bool) -> list[int]:
    """Return the last seqs of those parts that go on with more records."""
    return [
        part.records[0 if backwards else -1].seq
        for part in parts
        if part.records
        and part.searched_to is None
        and (part.has_before if backwards else part.has_after)
    ]


def beginning(*, down: bool = False) -> Place:
    """Return the first page of a list.

    Args:
        down: Whether its greatest numbers stand first.
    """
    return LAST if down else FIRST


def turned(
    shown: RecordPage, place: Place, step: int, *, down: bool = False
) -> Place | None:
    """Return the page beside the one shown, or None where there is none.

    Args:
        shown: The page to turn.
        place: Where it was asked for.
        step: -2 for the first page, -1 previous, 1 next, 2 last.
        down: Whether the greatest numbers of the list stand first.
    """
    onwards = -step if down else step
    if onwards in (-2, 2):
        return FIRST if onwards < 0 else LAST
    seqs = [record.seq for record in shown.records]
    if shown.searched_to is not None:
        seqs.append(shown.searched_to)
    if onwards > 0 and shown.has_after:
        # What was looked at on the way here is not looked at again.
        behind = [place.before - 1] if place.before else []
        edge = max([*seqs, *behind], default=None)
        return None if edge is None else Place(after=edge)
    if onwards < 0 and shown.has_before:
        behind = [] if place.after is None else [place.after + 1]
        edge = min([*seqs, *behind], default=None)
        return None if edge is None else Place(before=edge)
    return None


def anchored(shown: RecordPage, place: Place, *, down: bool = False) -> Place:
    """Return the place at which a page stays when it is read again.

    Args:
        shown: The page.
        place: Where it was asked for.
        down: Whether the greatest numbers of the list stand first.
    """
    if not shown.records:
        return place
    if down:
        last = shown.records[-1].seq
        return Place(before=last + 1) if shown.has_after else LAST
    return Place(after=shown.records[0].seq - 1) if shown.has_before else FIRST


def looked_at(shown: RecordPage, place: Place, total: int) -> tuple[int, int]:
    """Return the first and last number a page was looked for in.

    Args:
        shown: The page.
        place: Where it was asked for.
        total: So many records the run has.
    """
    seqs = [record.seq for record in shown.records]
    if place.before is not None:
        end = place.before - 1 if place.before else total
        stop = seqs[0] if seqs and shown.has_before else 1
        return (stop if shown.searched_to is None else shown.searched_to), end
    start = 1 if place.after is None else place.after + 1
    stop = seqs[-1] if seqs and shown.has_after else total
    return start, (stop if shown.searched_to is None else shown.searched_to)
