"""The lines above the lists: whose rows they are, how many, by which filter."""

from __future__ import annotations

from rich.cells import cell_len

from watchfloor.console.columns import RunRow
from watchfloor.console.figures import percent
from watchfloor.console.listing import ORDER_NAMES, RunFilter
from watchfloor.console.pages import Filter, looked_at
from watchfloor.console.pieces import Line, Piece, measured, spread
from watchfloor.console.snapshots import Wanted
from watchfloor.console.text import cut
from watchfloor.domain.books import Books
from watchfloor.domain.text import clean
from watchfloor.domain.views import RecordPage

_FILTER = "filter: "
#: A filter is named in so many cells at least, however narrow the list.
_LEAST_WORDS = 12


def runs_title(listed: int, of: int, chosen: RunFilter, order: str, width: int) -> Line:
    """Return how many runs are listed, by which filter, in which order."""
    count = f"{listed:,} of {of:,}" if chosen.is_set else f"{of:,}"
    name: Line = (Piece(" Runs ", "key"), Piece(count))
    ordered: Line = (Piece(f"  {ORDER_NAMES[order].words} ", "dim"),)
    room = width - measured(name) - measured(ordered) - 1
    words = _filter(chosen.words, chosen.is_set, room)
    return spread(name, (*words, *ordered), width)


def which_records(page: RecordPage, shown: Wanted | None, books: Books | None) -> Line:
    """Return which records are shown, of how many.

    Args:
        page: The records.
        shown: What they are a page of; None before any was read.
        books: Of their run.
    """
    if shown is None or books is None:
        return ()
    of, total = shown.chosen.count(books), books.records
    seqs = [record.seq for record in page.records]
    if shown.down:
        seqs.reverse()
    if shown.chosen.is_search or page.searched_to is not None:
        first, last = looked_at(page, shown.place, total)
        where = f"{len(seqs):,} found in {first:,}-{last:,}"
        return (Piece(where, "dim"), Piece(f" of {total:,}", "dim"))
    span = f"{seqs[0]:,}-{seqs[-1]:,}" if seqs else "0"
    order = ", last first" if shown.down else ""
    if shown.chosen.is_set and seqs:
        # They are numbers of records here, and no count of those that match.
        return (Piece(f"records {span}{order}", "dim"), Piece(f", {of:,} match", "dim"))
    return (Piece(f"{span} of {of:,}{order}", "dim"),)


def breadcrumb(row: RunRow | None, which: Line, chosen: Filter, width: int) -> Line:
    """Return the title of the one pane; a filter is never what is left out."""
    trail = Piece(" Runs > ", "key")
    if row is None:
        return _first_that_fits(((trail,),), which, chosen, width)
    name = Piece(row.name, "strong")
    label = Piece(f"  {row.state}", row.role)
    done = Piece(f" {percent(row.run.books.done_share)}", "dim")
    starts = ((trail, name, label, done), (trail, name, label), (trail, name))
    return _first_that_fits(starts, which, chosen, width)


def beside(row: RunRow | None, which: Line, chosen: Filter, width: int) -> Line:
    """Return the title of the records beside the runs."""
    start = Piece(" Records  ", "key")
    if row is None:
        return _first_that_fits(((start,),), which, chosen, width)
    name = Piece(row.name, "strong")
    return _first_that_fits(((start, name), (Piece(" "), name)), which, chosen, width)


def _first_that_fits(
    starts: tuple[Line, ...], which: Line, chosen: Filter, width: int
) -> Line:
    """Return the longest start beside which the whole filter has room, or a part."""
    gap = Piece("  ")
    words = _filter(chosen.words, chosen.is_set, width)
    end: Line = (*which, gap, *words, Piece(" "))
    for start in starts:
        if measured(start) + measured(end) < width:
            return spread(start, end, width)
    which = which[:1]  # of how many is told where there is room
    taken = measured(which) + 2 * measured((gap,))
    shortest = starts[-1]
    room = width - measured(shortest) - taken
    if room < len(_FILTER) + _LEAST_WORDS:
        return (Piece(" "), *which, gap, *_filter(chosen.words, chosen.is_set, room))
    words = _filter(chosen.words, chosen.is_set, room)
    return spread(shortest, (*which, gap, *words, Piece(" ")), width)


def _filter(words: str, is_set: bool, room: int) -> Line:
    """Return the name of a filter, cut where it is too long for the line."""
    said = clean(words)
    room = max(_LEAST_WORDS, room - len(_FILTER))
    if cell_len(said) > room:
        said = cut(said, room).rstrip()
    return (Piece(_FILTER, "dim"), Piece(said, "warn" if is_set else "dim"))
