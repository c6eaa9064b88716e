"""What other floors may hold of the database: handed on, never looked into."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.store.faults import (
    Fault,
    fault_of,
    is_busy,
    is_damage,
    is_full,
    is_passing,
)
from watchfloor.store.sqlite import (
    Witness,
    copy_open,
    fold_log,
    hurry,
    index_of,
    log_of,
    witness_of,
)

#: A connection; ``with handle.begin():`` commits on leaving and rolls back on an error.
Handle = Connection

#: The database did not do what it was told: a full disk, a damaged or locked file.
DriverError = DatabaseError

__all__ = [
    "DriverError",
    "Fault",
    "Handle",
    "Witness",
    "copy_open",
    "fault_of",
    "fold_log",
    "hurry",
    "index_of",
    "is_busy",
    "is_damage",
    "is_full",
    "is_passing",
    "log_of",
    "witness_of",
]
