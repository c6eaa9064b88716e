"""Runs that have not ended, all at once, and the paces they are measured by."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Function,
    RowMapping,
    ScalarSelect,
    Select,
    func,
    literal_column,
    select,
)

from watchfloor.domain.progress import RunPace
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import RunOutcome
from watchfloor.domain.views import RunView
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.runs import run_number, view_of
from watchfloor.store.reads.sharing import channels_in
from watchfloor.store.tables import books, record, run, upload

#: So many attempts in flight are looked at for the oldest, in the order of their seqs:
#: as many as five hundred permits hold twice over, and some microseconds each.
MOST_IN_FLIGHT: Final = 1_000
#: Runs are measured by the completed ones among those that ``run_page`` lists, as they
#: are where those are shown.
_LISTED: Final = 200


class LiveRow(NamedTuple):
    """A live run with what else is known of it.

    Attributes:
        channels: Through which its steps go.
        oldest_at_ms: When its oldest attempt in flight began; None for none.
        newest_at_ms: When its newest one was taken up.
    """

    run_no: int
    run: RunView
    channels: frozenset[str]
    oldest_at_ms: int | None
    newest_at_ms: int | None = None


def live_rows(connection: Connection, most: int = 100) -> list[LiveRow]:
    """Return runs that have not ended, the newest first, in one statement."""
    query = (
        _live()
        .where(run.c.phase != literal_column("'ended'"))
        .order_by(run.c.run_no.desc())
        .limit(most)
    )
    return [_row(one) for one in connection.execute(query).mappings()]


def live_row(connection: Connection, run_id: str) -> LiveRow:
    """Return one run, ended or not, in the same way.

    Raises:
        NotFoundError: No run has this id.
    """
    query = _live().where(run.c.run_no == run_number(connection, run_id))
    return _row(connection.execute(query).mappings().one())


def known_paces(
    connection: Connection, campaign_ids: Collection[str]
) -> tuple[RunPace, ...]:
    """Return the paces of completed runs of campaigns, of those that are listed."""
    listed = (
        select(run.c.run_no)
        .where(run.c.hidden == 0)
        .order_by(run.c.run_no.desc())
        .limit(_LISTED)
    )
    query = (
        select(run.c.run_id, run.c.campaign_id, books.c.records, books.c.active_ms)
        .join_from(run, books)
        .where(
            run.c.run_no.in_(listed),
            run.c.outcome == RunOutcome.COMPLETED,
            run.c.campaign_id.in_(campaign_ids),
        )
    )
    return tuple(RunPace(*row) for row in connection.execute(query).all())


def _row(row: RowMapping) -> LiveRow:
    view = view_of(
        dict(row),
        next_retry_at_ms=row["retry_due"],
        next_callback_at_ms=row["callback_due"],
    )
    channels = channels_in(row["steps_json"])
    return LiveRow(row["run_no"], view, channels, row["oldest"], row["newest"])


def _live() -> Select[Any]:
    """Return the question for all that a run's view is made of, and its times."""
    columns = [one for one in run.c if one is not run.c.campaign_text]
    counters = [one for one in books.c if one is not books.c.run_no]
    about = upload.c.name.label("upload_name"), upload.c.bytes.label("bytes_total")
    times = _next_due(RecordState.RETRY), _next_due(RecordState.CALLBACK)
    flying = (
        _flying(func.min).label("oldest"),
        _flying(func.max).label("newest"),
    )
    found = select(*columns, *about, *counters, *times, *flying)
    return found.join_from(run, books).join(upload)


def _next_due(state: RecordState) -> ColumnElement[int | None]:
    mine = record.c.run_no == run.c.run_no
    has_time = record.c.next_at_ms.is_not(None)
    first = select(func.min(record.c.next_at_ms)).where(mine, is_state(state), has_time)
    return _of_run(first).label(f"{state.word}_due")


def _flying(edge: Callable[[Column[Any]], Function[Any]]) -> ScalarSelect[Any]:
    # The index of the state gives the places, the key the rows: asked for both at once
    # SQLite would read the whole run.
    flying = record.alias()
    places = (
        select(flying.c.seq)
        .where(
            flying.c.run_no == run.c.run_no,
            flying.c.state == literal_column(str(int(RecordState.ATTEMPTING))),
        )
        .order_by(flying.c.state, flying.c.seq)
        .limit(MOST_IN_FLIGHT)
        .correlate(run)
    )
    found = select(edge(record.c.updated_at_ms)).where(
        record.c.run_no == run.c.run_no, record.c.seq.in_(places)
    )
    return _of_run(found)


def _of_run(question: Select[tuple[Any]]) -> ScalarSelect[Any]:
    return question.correlate(run).scalar_subquery()
