"""The attempts of one record that are closed, and of each run that are not."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from watchfloor.store.tables import attempt, books, run


def attempts_of(connection: Connection, run_no: int, seq: int) -> list[RowMapping]:
    """Return a record's closed attempts, oldest first."""
    query = (
        select(attempt)
        .where(attempt.c.run_no == run_no, attempt.c.seq == seq)
        .order_by(attempt.c.number)
    )
    return list(connection.execute(query).mappings())


def runs_in_flight(connection: Connection) -> list[tuple[str, int]]:
    """Return the runs whose attempts have no outcome stored, with how many."""
    query = (
        select(run.c.run_id, books.c.attempting)
        .join(books, books.c.run_no == run.c.run_no)
        .where(run.c.phase != "ended", books.c.attempting > 0)
        .order_by(run.c.run_no)
    )
    return [(run_id, count) for run_id, count in connection.execute(query)]
