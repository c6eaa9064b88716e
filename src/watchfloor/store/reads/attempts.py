"""The closed attempts of one record."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from watchfloor.store.tables import attempt


def attempts_of(connection: Connection, run_no: int, seq: int) -> list[RowMapping]:
    """Return a record's closed attempts, oldest first."""
    query = (
        select(attempt)
        .where(attempt.c.run_no == run_no, attempt.c.seq == seq)
        .order_by(attempt.c.number)
    )
    return list(connection.execute(query).mappings())
