"""Reserving of the plan, and giving back."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, case, insert, update

from watchfloor.store.tables import quota

_OF_MONTH = update(quota).where(quota.c.month == bindparam("b_month"))
_RESERVE = _OF_MONTH.values(
    runs=quota.c.runs + bindparam("more_runs"),
    records=quota.c.records + bindparam("more_records"),
)
_UNUSED = bindparam("unused", type_=quota.c.records.type)
_RELEASE = _OF_MONTH.values(
    records=case((quota.c.records > _UNUSED, quota.c.records - _UNUSED), else_=0)
)


def reserve(connection: Connection, month: str, *, runs: int, records: int) -> None:
    """Add to what is used in *month*; whether it may be was decided before.

    The caller stores month and records with the run, in the same transaction.
    """
    more = {"b_month": month, "more_runs": runs, "more_records": records}
    added = connection.execute(_RESERVE, more)
    if not added.rowcount:
        connection.execute(
            insert(quota).values(month=month, runs=runs, records=records)
        )


def release(connection: Connection, month: str, records: int) -> None:
    """Take back what a run reserved in *month* and did not use; never below 0.

    The caller sets the run's ``quota_records`` to what it did use in the same
    transaction, so that nothing is released twice. A launched run stays counted.
    """
    connection.execute(_RELEASE, {"b_month": month, "unused": records})
