"""Leaving no trace of what is deleted."""

from __future__ import annotations

from sqlalchemy import Connection


def overwrite_deleted(connection: Connection) -> None:
    """Have SQLite overwrite what is deleted from here on, not only forget where it is.

    Some systems build it so, others do not.
    """
    connection.exec_driver_sql("PRAGMA secure_delete=ON")
