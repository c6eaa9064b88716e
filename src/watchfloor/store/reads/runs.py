"""Runs as screens and verbs see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from watchfloor.domain.books import Books
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Mode,
    Phase,
    Results,
    RunOutcome,
    Verb,
)
from watchfloor.domain.views import Asked, RunView
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import books, record, run, upload

_BOOKS = [column for column in books.c if column.name != "run_no"]
_CHILD = run.alias("child")
#: By the index of the family: of a workspace with very many runs a few are looked at.
_RETRIED_BY = (
    select(_CHILD.c.run_id)
    .where(
        _CHILD.c.family_id == run.c.family_id,
        _CHILD.c.parent_id == run.c.run_id,
        _CHILD.c.cohort > 0,
    )
    .order_by(_CHILD.c.run_no.desc())
    .limit(1)
    .correlate(run)
    .scalar_subquery()
)
#: What a list shows of a run; its frozen campaign text is not part of it.
_COLUMNS = [
    *(column for column in run.c if column.name != "campaign_text"),
    upload.c.name.label("upload_name"),
    upload.c.bytes.label("bytes_total"),
    _RETRIED_BY.label("retried_by"),
    *_BOOKS,
]
_SPENT = ("active", "paused", "window", "waiting")
_BOOK_KEYS = tuple(Books().as_dict())
#: Made once: the engine asks them with every command and every claim.
_VIEW = (
    select(*_COLUMNS)
    .join_from(run, books)
    .join(upload)
    .where(run.c.run_id == bindparam("run_id"))
)
_NEXT_DUE = {
    state: select(func.min(record.c.next_at_ms)).where(
        record.c.run_no == bindparam("run_no"),
        is_state(state),
        record.c.next_at_ms.is_not(None),
    )
    for state in RecordState
}
_NUMBER = select(run.c.run_no).where(run.c.run_id == bindparam("run_id"))
_CAMPAIGN_TEXT = select(run.c.campaign_text).where(run.c.run_id == bindparam("run_id"))
_COLUMN_NAMES = select(run.c.columns_json).where(run.c.run_id == bindparam("run_id"))


def run_view(connection: Connection, run_id: str) -> RunView:
    """Return one run, with the times at which its next records are due.

    Raises:
        NotFoundError: No run has this id.
    """
    row = connection.execute(_VIEW, {"run_id": run_id}).mappings().first()
    if row is None:
        msg = f"no run is called {run_id!r}; `watchfloor runs` lists the ones there are"
        raise NotFoundError(msg)
    number = row["run_no"]
    return view_of(
        dict(row),
        next_retry_at_ms=next_due_ms(connection, number, RecordState.RETRY),
        next_callback_at_ms=next_due_ms(connection, number, RecordState.CALLBACK),
    )


def view_of_number(connection: Connection, number: int) -> RunView:
    """Return one run by the store's own number, without the times it waits for."""
    row = connection.execute(_query().where(run.c.run_no == number)).mappings().one()
    return view_of(dict(row))


def run_page(
    connection: Connection,
    *,
    before: str | None = None,
    size: int = 200,
    with_hidden: bool = False,
) -> tuple[RunView, ...]:
    """Return up to *size* runs, newest first, older than the run *before*."""
    query = _query().order_by(run.c.run_no.desc()).limit(size)
    if not with_hidden:
        query = query.where(run.c.hidden == 0)
    if before is not None:
        last = select(run.c.run_no).where(run.c.run_id == before).scalar_subquery()
        query = query.where(run.c.run_no < last)
    return tuple(view_of(dict(row)) for row in connection.execute(query).mappings())


def run_number(connection: Connection, run_id: str) -> int:
    """Return the store's own number of a run.

    Raises:
        NotFoundError: No run has this id.
    """
    number = connection.scalar(_NUMBER, {"run_id": run_id})
    if number is None:
        raise no_run(run_id)
    return int(number)


def no_run(run_id: str) -> NotFoundError:
    """Return what is raised of an id that no run has."""
    msg = f"no run is called {run_id!r}; `watchfloor runs` lists the ones there are"
    return NotFoundError(msg)


def matching_run_ids(
    connection: Connection, prefix: str, *, most: int = 3
) -> list[str]:
    """Return the ids of up to *most* runs whose id begins with *prefix*."""
    query = (
        select(run.c.run_id)
        .where(run.c.run_id.startswith(prefix, autoescape=True))
        .order_by(run.c.run_no.desc())
        .limit(most)
    )
    return list(connection.scalars(query))


def campaign_text(connection: Connection, run_id: str) -> str:
    """Return the campaign file as it was frozen with the run."""
    return str(connection.scalar(_CAMPAIGN_TEXT, {"run_id": run_id}))


def step_names(connection: Connection, run_id: str) -> tuple[str, ...]:
    """Return the names of the campaign's steps, by number."""
    query = select(run.c.steps_json).where(run.c.run_id == run_id)
    return tuple(name for name, _, _ in json.loads(connection.scalar(query) or "[]"))


def family_id(connection: Connection, run_id: str) -> str:
    """Return the family whose dedupe keys the run uses."""
    return str(connection.scalar(select(run.c.family_id).where(run.c.run_id == run_id)))


def column_names(connection: Connection, run_id: str) -> tuple[str, ...]:
    """Return the columns of the upload, in order; empty before the intake began."""
    columns = connection.scalar(_COLUMN_NAMES, {"run_id": run_id})
    return tuple(json.loads(columns or "[]"))


def twin(
    connection: Connection, fingerprint: str, *, ended_after_ms: int
) -> tuple[str, bool] | None:
    """Return a run with this fingerprint and whether it is live; a live one first.

    An ended one counts if it contacted anybody and ended after *ended_after_ms*.
    """
    is_live = run.c.phase != Phase.ENDED
    recent = and_(run.c.launch_id.is_not(None), run.c.ended_at_ms > ended_after_ms)
    query = (
        select(run.c.run_id, is_live)
        .where(run.c.fingerprint == fingerprint, or_(is_live, recent))
        .order_by(is_live.desc(), run.c.run_no.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return None if found is None else (found[0], bool(found[1]))


def next_due_ms(connection: Connection, run_no: int, state: RecordState) -> int | None:
    """Return when the first record in *state* is due.

    Of pending ones, those that wait for their window or their next step.
    """
    due: int | None = connection.scalar(_NEXT_DUE[state], {"run_no": run_no})
    return due


def held_until_ms(
    connection: Connection, run_no: int, state: RecordState
) -> int | None:
    """Return when the first record in *state* that its window holds is looked at."""
    query = (
        select(record.c.next_at_ms)
        .where(
            record.c.run_no == run_no,
            is_state(state),
            record.c.next_at_ms > 0,
            record.c.held == 1,
        )
        .order_by(record.c.next_at_ms)
        .limit(1)
    )
    until: int | None = connection.scalar(query)
    return until


def due_count(
    connection: Connection, run_no: int, state: RecordState, now_ms: int, most: int
) -> int:
    """Return how many records in *state* are due at *now_ms*; stops at *most*."""
    due = (
        select(record.c.seq)
        .where(
            record.c.run_no == run_no,
            is_state(state),
            record.c.next_at_ms <= now_ms,
        )
        .limit(most)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(due)) or 0)


def doubtful_retries(connection: Connection, run_no: int, most: int) -> int:
    """Return of how many retries an attempt may have arrived; stops at *most*."""
    some = (
        select(record.c.seq)
        .where(
            record.c.run_no == run_no,
            is_state(RecordState.RETRY),
            record.c.doubts > 0,
        )
        .limit(most)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(some)) or 0)


def held_count(
    connection: Connection, run_no: int, state: RecordState, most: int
) -> int:
    """Return how many records in *state* are held by their window; stops at *most*."""
    held = (
        select(record.c.seq)
        .where(record.c.run_no == run_no, is_state(state), record.c.held == 1)
        .limit(most)
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(held)) or 0)


def lifecycle_of(row: Mapping[str, Any]) -> Lifecycle:
    """Return the regions of a run's row."""
    return Lifecycle(
        mode=Mode(row["mode"]),
        phase=Phase(row["phase"]),
        gate=Gate(row["gate"]),
        intake=Intake(row["intake"]),
        results=Results(row["results"]),
        history=History(row["history"]),
        outcome=None if row["outcome"] is None else RunOutcome(row["outcome"]),
        launched=row["launch_id"] is not None,
        stops=row["stops"],
        intent=None if row["intent"] is None else Verb(row["intent"]),
    )


def books_of(row: Mapping[str, Any]) -> Books:
    """Return the account on a books row."""
    return Books(**{key: row[key] for key in _BOOK_KEYS})


def view_of(
    row: Mapping[str, Any],
    *,
    next_retry_at_ms: int | None = None,
    next_callback_at_ms: int | None = None,
) -> RunView:
    """Return a run as screens see it, from a row of run, upload and books joined."""
    return RunView(
        run_id=row["run_id"],
        campaign_id=row["campaign_id"],
        campaign_name=row["campaign_name"],
        upload_id=row["upload_id"],
        upload_name=row["upload_name"],
        lifecycle=lifecycle_of(row),
        books=books_of(row),
        version=row["version"],
        created_at_ms=row["created_at_ms"],
        launch_id=row["launch_id"],
        started_at_ms=row["started_at_ms"],
        ended_at_ms=row["ended_at_ms"],
        cause=row["cause"],
        intent_asked=_asked(row, "intent"),
        gate_asked=_asked(row, "gate"),
        bytes_total=row["bytes_total"],
        bytes_read=row["bytes_read"],
        permits=row["permits"],
        rate_per_s=row["rate_per_s"],
        progress_at_ms=row["progress_at_ms"],
        next_retry_at_ms=next_retry_at_ms,
        next_callback_at_ms=next_callback_at_ms,
        parent_id=row["parent_id"],
        held=row["held"],
        shut_until_ms=row["shut_until_ms"],
        approve_after=row["approve_after"],
        approved_at_ms=row["approved_at_ms"],
        archived=row["archived"],
        spent_ms={name: row[f"{name}_ms"] for name in _SPENT},
        is_hidden=bool(row["hidden"]),
        purge=row["purge"],
        cohort=row["cohort"],
        released_seq=row["released_seq"],
        # The list of live runs does not ask: only a run that ended is retried.
        retried_by=row.get("retried_by") or "",
        restored_from_ms=row["restored_from_ms"],
    )


def _asked(row: Mapping[str, Any], what: str) -> Asked:
    return Asked(
        by=row[f"{what}_by"], at_ms=row[f"{what}_at_ms"], why=row[f"{what}_why"]
    )


def _query() -> Select[tuple[object, ...]]:
    return select(*_COLUMNS).join_from(run, books).join(upload)


_LEDGERS = select(run, *_BOOKS).join_from(run, books).order_by(run.c.run_no)
_LEDGER = _LEDGERS.where(run.c.run_id == bindparam("run_id"))
_LIVE_LEDGERS = _LEDGERS.where(
    or_(
        run.c.phase != literal_column("'ended'"),
        run.c.history == literal_column("'creating'"),
    )
)


def ledger_rows(
    connection: Connection, run_id: str | None = None
) -> list[dict[str, Any]]:
    """Return the rows of run and books joined that an owner must keep in mind.

    These are the runs that have not ended and those whose history is not written; with
    *run_id*, that run, whatever it is.
    """
    query, values = _LIVE_LEDGERS, {}
    if run_id is not None:
        query, values = _LEDGER, {"run_id": run_id}
    return [dict(row) for row in connection.execute(query, values).mappings()]


def collected_until(connection: Connection, now_ms: int) -> list[str]:
    """Return the ids of runs whose collecting window is over."""
    query = select(run.c.run_id).where(
        run.c.results == literal_column("'collecting'"),
        run.c.results_close_at_ms <= now_ms,
    )
    return list(connection.scalars(query))
