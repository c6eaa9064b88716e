"""Reserving of the plan, and giving back."""

from __future__ import annotations

from sqlalchemy import Connection, case, insert, update

from watchfloor.store.tables import quota


def reserve(connection: Connection, month: str, *, runs: int, records: int) -> None:
    """Add to what is used in *month*; whether it may be was decided before.

    The caller stores month and records with the run, in the same transaction.
    """
    added = connection.execute(
        update(quota)
        .where(quota.c.month == month)
        .values(runs=quota.c.runs + runs, records=quota.c.records + records)
    )
    if not added.rowcount:
        connection.execute(
            insert(quota).values(month=month, runs=runs, records=records)
        )


def release(connection: Connection, month: str, records: int) -> None:
    """Take back what a run reserved in *month* and did not use; never below 0.

    The caller sets the run's ``quota_records`` to what it did use in the same
    transaction, so that nothing is released twice. A launched run stays counted.
    """
    left = case((quota.c.records > records, quota.c.records - records), else_=0)
    connection.execute(update(quota).where(quota.c.month == month).values(records=left))
