"""What happened within a period, of all runs."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, literal_column, select

from watchfloor.domain.progress import Gain, span_at
from watchfloor.domain.views import EventView
from watchfloor.store.reads.journal import event_of
from watchfloor.store.reads.moments import first_entry_at
from watchfloor.store.tables import journal, progress, run

_SUMS = [func.sum(progress.c[name]).label(name) for name in Gain._fields]


def entries_since(
    connection: Connection, since_ms: int, *, most: int = 2_000
) -> tuple[EventView, ...]:
    """Return the newest entries of the journal since a moment, oldest first."""
    query = (
        select(journal)
        .where(journal.c.entry_id >= first_entry_at(connection, since_ms))
        .order_by(journal.c.entry_id.desc())
        .limit(most)
    )
    rows = connection.execute(query).mappings().all()
    return tuple(event_of(row) for row in reversed(rows))


def last_entry_before(
    connection: Connection, at_ms: int, events: Collection[str]
) -> EventView | None:
    """Return the workspace's own newest entry of some kinds before a moment."""
    query = (
        select(journal)
        .where(
            journal.c.run_id == "",
            journal.c.entry_id < first_entry_at(connection, at_ms),
            journal.c.event.in_(list(events)),
        )
        .order_by(journal.c.entry_id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else event_of(row)


def ended_since(
    connection: Connection, since_ms: int, *, most: int = 100
) -> tuple[list[str], int]:
    """Return the runs that ended since a moment, the newest first, and how many."""
    ended = run.c.ended_at_ms >= since_ms
    ids = (
        select(run.c.run_id).where(ended).order_by(run.c.ended_at_ms.desc()).limit(most)
    )
    count = select(func.count()).select_from(run).where(ended)
    return list(connection.scalars(ids)), connection.scalar(count) or 0


def gained_since(
    connection: Connection, since_ms: int, run_ids: Collection[str]
) -> dict[str, Gain]:
    """Return what runs gained since a moment, by id; without those that did not.

    Samples are of whole spans: what was gained up to ten seconds before the moment may
    be among it.
    """
    query = (
        select(run.c.run_id, *_SUMS)
        .join_from(run, progress)
        .where(run.c.run_id.in_(list(run_ids)), progress.c.at_ms >= span_at(since_ms))
        .group_by(run.c.run_no)
    )
    return {run_id: Gain(*sums) for run_id, *sums in connection.execute(query).all()}


def collecting(connection: Connection) -> tuple[int, int | None]:
    """Return how many runs still collect results, and when the first one closes."""
    query = select(func.count(), func.min(run.c.results_close_at_ms)).where(
        run.c.results == literal_column("'collecting'")
    )
    count, first_ms = connection.execute(query).one()
    return int(count), first_ms


def live_count(connection: Connection) -> int:
    """Return how many runs have not ended."""
    query = select(func.count()).where(run.c.phase != literal_column("'ended'"))
    return connection.scalar(query) or 0
