"""Rows of the upload that became no record."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from watchfloor.store.reads.runs import run_number
from watchfloor.store.tables import reject, run

_SLICE = 1_000


def reject_form(connection: Connection, run_id: str) -> tuple[str, str]:
    """Return the upload's header line as it came, and its delimiter."""
    query = select(run.c.raw_header, run.c.delimiter).where(run.c.run_id == run_id)
    header, delimiter = connection.execute(query).one()
    return header, delimiter


def rejects(connection: Connection, run_id: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield (row_no, kind, reason, raw) in file order, slice by slice."""
    number = run_number(connection, run_id)
    last = 0
    while True:
        query = (
            select(reject.c.row_no, reject.c.kind, reject.c.reason, reject.c.raw)
            .where(reject.c.run_no == number, reject.c.row_no > last)
            .order_by(reject.c.row_no)
            .limit(_SLICE)
        )
        rows = connection.execute(query).all()
        yield from rows
        if len(rows) < _SLICE:
            return
        last = rows[-1][0]
