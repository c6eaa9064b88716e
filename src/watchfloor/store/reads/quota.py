"""What was reserved of the plan, month by month."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from watchfloor.domain.quota import Used
from watchfloor.store.tables import quota

_USED = select(quota.c.runs, quota.c.records).where(quota.c.month == bindparam("month"))


def used(connection: Connection, month: str) -> Used:
    """Return what was reserved in *month* and not released."""
    row = connection.execute(_USED, {"month": month}).first()
    return Used() if row is None else Used(runs=row.runs, records=row.records)
