"""What was reserved of the plan, month by month."""

from __future__ import annotations

from sqlalchemy import Connection, select

from watchfloor.domain.quota import Used
from watchfloor.store.tables import quota


def used(connection: Connection, month: str) -> Used:
    """Return what was reserved in *month* and not released."""
    query = select(quota.c.runs, quota.c.records).where(quota.c.month == month)
    row = connection.execute(query).first()
    return Used() if row is None else Used(runs=row.runs, records=row.records)
