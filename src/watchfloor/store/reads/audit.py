"""The books counted anew from the rows: slow, and true whatever the counters say."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, func, select

from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.store.reads.runs import run_number
from watchfloor.store.tables import attempt, books, contact, record, reject


def counted_books(connection: Connection, run_id: str) -> Books:
    """Return the account of *run_id* as its rows give it.

    It reads every record, about a second for two million. Rows read by the intake are
    the rejects and the records. Attempts started are the closed ones and those in
    flight.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    states = _by(connection, record.c.state, record.c.run_no == number)
    kinds = _by(connection, reject.c.kind, reject.c.run_no == number)
    closed = connection.scalar(
        select(func.count()).select_from(attempt).where(attempt.c.run_no == number)
    )
    records = sum(states.values())
    # Rows are judged in order: what is neither record nor filtered is not judged.
    rows = connection.scalar(
        select(func.count()).select_from(contact).where(contact.c.run_no == number)
    )
    unjudged = int(rows or 0) - records - kinds.get(RejectKind.FILTERED.value, 0)
    return Books(
        extracted=records + sum(kinds.values()) + unjudged,
        unjudged=unjudged,
        records=records,
        attempts=int(closed or 0) + states.get(int(RecordState.ATTEMPTING), 0),
        **{kind.value: kinds.get(kind.value, 0) for kind in RejectKind},
        **{state.word: states.get(int(state), 0) for state in RecordState},
    )


def _by(
    connection: Connection, column: Column[Any], condition: ColumnElement[bool]
) -> dict[Any, int]:
    query = select(column, func.count()).where(condition).group_by(column)
    return dict(iter(connection.execute(query)))


def held_differs(connection: Connection, run_id: str) -> str:
    """Return a line if the records at rest are not as many as the counter says."""
    number = run_number(connection, run_id)
    kept = connection.scalar(select(books.c.held).where(books.c.run_no == number))
    counted = connection.scalar(
        select(func.count())
        .select_from(record)
        .where(record.c.run_no == number, record.c.held == 1)
    )
    if kept == counted:
        return ""
    return f"held: the counter says {kept:,}, the rows say {counted:,}"
