"""Whether a run is slower than earlier ones, and what was changed when it became so."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, RowMapping, exists, select

from watchfloor.domain.config_changes import config_changes
from watchfloor.domain.progress import Progress
from watchfloor.domain.regions import RunOutcome
from watchfloor.domain.slowdown import (
    AFTER_MS,
    BEFORE_MS,
    Change,
    Slowdown,
    slowdown,
)
from watchfloor.domain.views import RunView
from watchfloor.store.reads.held_time import held_spans
from watchfloor.store.reads.progress import recent_samples, samples
from watchfloor.store.reads.runs import campaign_text
from watchfloor.store.reads.sharing import channels_in, scopes_of
from watchfloor.store.tables import books, journal, progress, run

#: A run is measured by so many earlier ones.
MOST_EARLIER: Final = 3
#: Among so many older runs of its campaign they are looked for.
_LOOKED_AT: Final = 20
#: So many of a run's newest samples are looked at: two hours of work.
_SAMPLES: Final = 720
#: So many of the journal's newest entries are looked at for a change of limits.
_ENTRIES: Final = 200


def earlier_courses(connection: Connection, run_no: int) -> tuple[Progress, ...]:
    """Return completed earlier runs of a run's campaign and channels, newest first."""
    own = connection.execute(
        select(run.c.campaign_id, run.c.steps_json).where(run.c.run_no == run_no)
    ).one()
    query = (
        select(
            run.c.run_no,
            run.c.run_id,
            run.c.campaign_name,
            run.c.steps_json,
            run.c.started_at_ms,
            run.c.ended_at_ms,
            books.c.records,
        )
        .join_from(run, books)
        .where(
            run.c.campaign_id == own.campaign_id,
            run.c.run_no < run_no,
            run.c.outcome == RunOutcome.COMPLETED,
            exists().where(progress.c.run_no == run.c.run_no),
        )
        .order_by(run.c.run_no.desc())
        .limit(_LOOKED_AT)
    )
    channels = channels_in(own.steps_json)
    found = [
        row
        for row in connection.execute(query).mappings()
        if channels_in(row["steps_json"]) == channels
    ]
    return tuple(_course(connection, row) for row in found[:MOST_EARLIER])


def slowdown_of(
    connection: Connection,
    run_no: int,
    view: RunView,
    now_ms: int,
    able_at_ms: int,
) -> Slowdown | None:
    """Return the slowdown a run is in, with what was changed when it began.

    Args:
        connection: Any.
        run_no: The run.
        view: As it was read in the same transaction.
        now_ms: The moment.
        able_at_ms: See ``domain.slowdown.slowdown``.
    """
    earlier = earlier_courses(connection, run_no)
    if not earlier:
        return None
    own = Progress(
        run_id=view.run_id,
        campaign_name=view.campaign_name,
        started_at_ms=view.started_at_ms,
        ended_at_ms=view.ended_at_ms,
        records=view.books.records,
        samples=recent_samples(connection, run_no, _SAMPLES),
    )
    held = held_spans(connection, run_no, view, now_ms)
    found = slowdown(own, earlier, now_ms, able_at_ms, done=view.books.done, held=held)
    if found is None:
        return None
    return replace(found, changes=_changes(connection, view, found))


def _changes(
    connection: Connection, view: RunView, slow: Slowdown
) -> tuple[Change, ...]:
    """Return what coincides: the campaign from the start on, limits when they changed.

    A campaign is frozen with its run: one that was changed slows a run from its start.
    """
    from_ms, to_ms = slow.since_ms - BEFORE_MS, slow.since_ms + AFTER_MS
    found = _limits_changed(connection, view.run_id, from_ms, to_ms)
    if not slow.from_start:
        return found
    before = slow.earlier[0]
    texts = campaign_text(connection, before), campaign_text(connection, view.run_id)
    changes = [
        Change(None, f"{one} (since run {before})") for one in config_changes(*texts)
    ]
    return (*changes, *found)


def _limits_changed(
    connection: Connection, run_id: str, from_ms: int, to_ms: int
) -> tuple[Change, ...]:
    """Return changes of the run's own limits and of those it shares, oldest first."""
    steps = connection.scalar(select(run.c.steps_json).where(run.c.run_id == run_id))
    scopes = scopes_of(channels_in(steps or "[]"))
    found: list[Change] = []
    for whose in (run_id, ""):
        newest = (
            select(journal.c.at_ms, journal.c.event, journal.c.by, journal.c.detail)
            .where(journal.c.run_id == whose)
            .order_by(journal.c.entry_id.desc())
            .limit(_ENTRIES)
        )
        for at_ms, event, by, detail in connection.execute(newest):
            scope = detail.partition(": ")[0]
            if event != "limits changed" or not from_ms <= at_ms <= to_ms:
                continue
            if whose or scope in scopes:
                found.append(Change(at_ms, f"limits changed by {by}: {detail}"))
    return tuple(sorted(found, key=lambda one: one.at_ms or 0))


def _course(connection: Connection, row: RowMapping) -> Progress:
    return Progress(
        run_id=row["run_id"],
        campaign_name=row["campaign_name"],
        started_at_ms=row["started_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        records=row["records"],
        samples=samples(connection, row["run_no"]),
    )
