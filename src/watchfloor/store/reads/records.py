"""Records page by page, by key, and the journey of one."""

from __future__ import annotations

import json

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    Subquery,
    and_,
    literal,
    select,
    tuple_,
)

from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import CallbackPage, PageKey, RecordPage, RecordView
from watchfloor.store.conditions import is_state
from watchfloor.store.filter_conditions import Condition
from watchfloor.store.reads.runs import family_id, run_number
from watchfloor.store.tables import books, contact, record

_COLUMNS = (
    record.c.seq,
    record.c.state,
    record.c.step,
    record.c.attempts,
    record.c.interrupted,
    record.c.generation,
    record.c.outcome_class,
    record.c.code,
    record.c.first_at_ms,
    record.c.updated_at_ms,
    record.c.next_at_ms,
    record.c.due_at_ms,
    record.c.expires_at_ms,
    record.c.held,
    contact.c.row_no,
    contact.c.contact,
    contact.c.digest,
)
_SAME = and_(record.c.run_no == contact.c.run_no, record.c.seq == contact.c.seq)


def record_page(
    connection: Connection,
    run_id: str,
    steps: tuple[str, ...],
    wanted: PageKey,
    asked: Condition | None = None,
) -> RecordPage:
    """Return a page of records in seq order.

    Args:
        connection: Any.
        run_id: Whose records.
        steps: The names of the campaign's steps, by number.
        wanted: Which page.
        asked: What must hold of them; it is looked at record by record, so a page of
            rare ones reads far.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    if wanted.state is not None and not _any_in(connection, number, wanted.state):
        return RecordPage()
    backwards = wanted.before is not None
    query = _page(
        _places(connection, number, wanted, asked), number, backwards=backwards
    )
    rows = list(connection.execute(query).mappings())
    more = len(rows) > wanted.size
    family = family_id(connection, run_id)
    shown = [record_view(row, steps, family) for row in rows[: wanted.size]]
    if backwards:
        shown.reverse()
    return RecordPage(
        records=tuple(shown),
        has_before=more if backwards else bool(wanted.after),
        has_after=bool(wanted.before) if backwards else more,
    )


def one_record(connection: Connection, run_id: str, seq: int) -> RowMapping:
    """Return the row of one record with its contact, digest and values.

    Raises:
        NotFoundError: The run or the record does not exist.
    """
    number = run_number(connection, run_id)
    query = (
        select(*_COLUMNS, contact.c.values_json, record.c.run_no)
        .join_from(record, contact, _SAME)
        .where(record.c.run_no == number, record.c.seq == seq)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        msg = f"run {run_id} has no record {seq}"
        raise NotFoundError(msg)
    return row


def callback_page(
    connection: Connection,
    run_id: str,
    steps: tuple[str, ...],
    *,
    after: tuple[int, int] | None = None,
    size: int = 40,
) -> CallbackPage:
    """Return promised callbacks, the next one first.

    Args:
        connection: Any.
        run_id: Whose.
        steps: The names of the campaign's steps, by number.
        after: The page before this one told it; None for the first.
        size: The most callbacks.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    place = tuple_(record.c.next_at_ms, record.c.seq)
    query = (
        select(*_COLUMNS)
        .join_from(record, contact, _SAME)
        .where(record.c.run_no == number, is_state(RecordState.CALLBACK))
        .order_by(record.c.next_at_ms, record.c.seq)
        .limit(size + 1)
    )
    if after is not None:
        query = query.where(place > tuple_(*map(literal, after)))
    rows = list(connection.execute(query).mappings())
    shown = rows[:size]
    last = shown[-1] if len(rows) > size else None
    return CallbackPage(
        callbacks=tuple(record_view(row, steps) for row in shown),
        after=None if last is None else (last["next_at_ms"], last["seq"]),
    )


def values_of(row: RowMapping) -> list[str]:
    """Return the cells of a record's row of the upload, in column order."""
    return list(json.loads(row["values_json"]))


def record_view(
    row: RowMapping, steps: tuple[str, ...], family: str = ""
) -> RecordView:
    """Return a record as a page shows it; with its key where its family is given."""
    outcome = row["outcome_class"]
    step = row["step"]
    name = steps[step] if step < len(steps) else ""
    key = dedupe_key(family, name, row["digest"], row["generation"]) if family else ""
    return RecordView(
        seq=row["seq"],
        contact=row["contact"],
        state=RecordState(row["state"]),
        step=name,
        attempts=row["attempts"],
        outcome_class=None if outcome is None else OutcomeClass(outcome),
        code=row["code"],
        updated_at_ms=row["updated_at_ms"],
        next_at_ms=row["next_at_ms"],
        row_no=row["row_no"],
        due_at_ms=row["due_at_ms"],
        expires_at_ms=row["expires_at_ms"],
        is_held=bool(row["held"]),
        key=key,
    )


def _places(
    connection: Connection, number: int, wanted: PageKey, asked: Condition | None
) -> Subquery:
    """Return the seqs of a page and one more, from the narrowest index alone."""
    query = select(record.c.seq).where(record.c.run_no == number)
    if wanted.state is not None:
        query = query.where(is_state(wanted.state))
    if asked is not None:
        query = query.join(contact, _SAME).where(asked)
    if wanted.before is None:
        least = _first_possible(connection, number, wanted.state)
        query = query.where(record.c.seq > max(wanted.after or 0, least))
        query = query.order_by(record.c.seq)
    else:
        if wanted.before:
            query = query.where(record.c.seq < wanted.before)
        query = query.order_by(record.c.seq.desc())
    return query.limit(wanted.size + 1).subquery()


def _page(
    places: Subquery, number: int, *, backwards: bool
) -> Select[tuple[object, ...]]:
    here = and_(record.c.run_no == number, record.c.seq == places.c.seq)
    return (
        select(*_COLUMNS)
        .join_from(places, record, here)
        .join(contact, _SAME)
        .order_by(places.c.seq.desc() if backwards else places.c.seq)
    )


def _any_in(connection: Connection, number: int, state: RecordState) -> bool:
    query = select(books.c[state.word]).where(books.c.run_no == number)
    return bool(connection.scalar(query))


def _first_possible(
    connection: Connection, number: int, state: RecordState | None
) -> int:
    """Return a seq below every record in *state*.

    No pending one is at the frontier, unless it waits for its window or its next step.
    """
    if state is not RecordState.PENDING:
        return 0
    waits = (
        select(record.c.seq)
        .where(
            record.c.run_no == number,
            is_state(RecordState.PENDING),
            record.c.next_at_ms.is_not(None),
        )
        .limit(1)
    )
    if connection.scalar(waits) is not None:
        return 0
    query = select(books.c.frontier).where(books.c.run_no == number)
    return int(connection.scalar(query) or 0)
