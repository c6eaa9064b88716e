"""What an engine says that the disk or the file has failed under, and stops for good.

After a failed sync nothing here uses the handle that failed: it may say that all is
well although what was written is lost.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from watchfloor.domain.errors import OwnedError, StoreError, WatchfloorError
from watchfloor.store.handle import DriverError, Fault, Handle, is_damage
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.attempts import runs_in_flight
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.writes.lease import fence, passed_over

NO_WRITES: Final = "the store takes no writes"
#: So many runs are named.
_MOST_NAMED: Final = 5


def last_words(layout: Layout, fault: Fault) -> str:
    """Return what happened, what is not known now, and what to do."""
    told = f"{NO_WRITES}: {fault.said}. The engine stopped sending at once."
    return f"{told} {_in_doubt(layout)} Next: {fault.do}"


def newer_owner(
    connection: Handle, layout: Layout, epoch: int, error: BaseException
) -> OwnedError | None:
    """Return what to say where a newer owner made what looks like a fault from here.

    Nothing is left open on the connection, and nothing is written.
    """
    try:
        if isinstance(error, DriverError) and is_damage(error):
            with suppress(WatchfloorError), reading(layout) as apart:
                newest = engine_view(apart).epoch
                return passed_over() if newest > epoch else None
        elif isinstance(error, DriverError | StoreError):
            with suppress(DriverError), connection.begin() as looking:
                fence(connection, epoch, changes=0)
                looking.rollback()
    except OwnedError as newer:
        return newer
    return None


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
