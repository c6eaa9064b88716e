"""What other floors may hold of the database: handed on, never looked into."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.store.sqlite import fold_log, is_damage, is_passing

#: A connection; ``with handle.begin():`` commits on leaving and rolls back on an error.
Handle = Connection

#: The database did not do what it was told: a full disk, a damaged or locked file.
DriverError = DatabaseError

__all__ = ["DriverError", "Handle", "fold_log", "is_damage", "is_passing"]
