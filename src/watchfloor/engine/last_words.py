"""What an engine says that the disk or the file has failed under, and stops for good.

Nothing here uses the handle that failed: after a failed sync another one may say that
all is well although what was written is lost.
"""

from __future__ import annotations

from typing import Final

from watchfloor.domain.errors import WatchfloorError
from watchfloor.store.handle import Fault
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.attempts import runs_in_flight
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.writes.lease import passed_over

NO_WRITES: Final = "the store takes no writes"
#: So many runs are named.
_MOST_NAMED: Final = 5


def last_words(layout: Layout, fault: Fault) -> str:
    """Return what happened, what is not known now, and what to do."""
    told = f"{NO_WRITES}: {fault.said}. The engine stopped sending at once."
    return f"{told} {_in_doubt(layout)} Next: {fault.do}"


def check_owner(layout: Layout, epoch: int) -> None:
    """Look whether a newer owner made what looks like damage from here.

    Raises:
        OwnedError: One did.
    """
    try:
        with reading(layout) as connection:
            newest = engine_view(connection).epoch
    except WatchfloorError:
        return
    if newest > epoch:
        raise passed_over()


def _in_doubt(layout: Layout) -> str:
    try:
        with reading(layout) as connection:
            found = runs_in_flight(connection)
    except WatchfloorError:
        return "What was in flight is not known: the store cannot be read."
    if not found:
        return "Nothing was in flight."
    named = [f"{count:,} of run {run_id}" for run_id, count in found[:_MOST_NAMED]]
    more = len(found) - len(named)
    also = [f"and of {more} more runs"] if more else []
    return (
        f"What became of these attempts is not stored: {', '.join([*named, *also])}; "
        "the next engine accounts for each by its channel's mode."
    )
