"""What went wrong under the store, and what a person does next, in their words."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy.exc import DatabaseError

from watchfloor.store.disk import refused_write, trouble_of
from watchfloor.store.lock_holders import lock_holders


class Fault(NamedTuple):
    """One failure of the disk or the file.

    Attributes:
        said: What happened, as SQLite and the system say it.
        do: What a person does next; empty where only waiting helps.
    """

    said: str
    do: str = ""


_ROOM: Final = (
    "make room on the disk, then resume what was paused (watchfloor resume RUN)"
)
_WRITABLE: Final = (
    "let the disk and the file be written (mount, chmod), then resume what was paused "
    "(watchfloor resume RUN)"
)
_DISK: Final = (
    "look at the disk (dmesg), then start an engine anew: watchfloor engine; it "
    "accounts for what was in flight"
)
_THEN: Final = (
    "then start an engine: watchfloor engine; it accounts for what was in flight"
)
_ANEW: Final = (
    "make room on the disk, or mount it to be written; then start an engine: "
    "watchfloor engine"
)
_RESTORE: Final = (
    "keep a copy of the file, then go back to a backup: watchfloor restore; without "
    "one: watchfloor doctor"
)


def fault_of(error: DatabaseError, path: Path) -> Fault:
    """Return what *error* means for whoever runs the workspace.

    Args:
        error: As the driver raised it.
        path: The store it was about, to find out who holds it.
    """
    code = primary_code(error)
    said = str(error.orig)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        holders = lock_holders(path)
        return Fault(f"{said} by {holders}" if holders else said)
    if code == sqlite3.SQLITE_FULL:
        return Fault(said, _ROOM)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return Fault(said, _WRITABLE)
    if code == sqlite3.SQLITE_IOERR:
        return _io_error(f"{said} ({_name(error)})", path)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Fault(said, _RESTORE)
    return Fault(said, "check it with: watchfloor doctor")


def _io_error(told: str, path: Path) -> Fault:
    """Return what an I/O error means; SQLite says nothing of what the system said."""
    # What is not the log or the file itself may be the first to find no room.
    if seen := trouble_of(path.parent):
        return Fault(f"{told}; {seen}", _ANEW)
    if refused := refused_write(path):
        return Fault(f"{told}; {refused.said}", f"{refused.do}; {_THEN}")
    return Fault(told, _DISK)


def primary_code(error: DatabaseError) -> int:
    """Return SQLite's code without its particulars; 0 where it is none of SQLite's."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF


def is_passing(error: DatabaseError) -> bool:
    """Whether the file may take writes again later: busy, full, or out of reach.

    An I/O error is not among them: after a failed sync nobody knows what is on the
    disk, and the same handle must not be trusted with another (``trust.md``).
    """
    return is_busy(error) or primary_code(error) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    )


def is_busy(error: DatabaseError) -> bool:
    """Whether another connection held the file: it lets go without a person."""
    return primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_full(error: DatabaseError) -> bool:
    """Whether there was no room for what was to be written."""
    return primary_code(error) == sqlite3.SQLITE_FULL


def may_want_room(error: DatabaseError) -> bool:
    """Whether room may be missing: the end of a quota looks like a broken disk."""
    return primary_code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def is_damage(error: DatabaseError) -> bool:
    """Whether the disk or the file itself failed: nothing stored can be relied on."""
    return primary_code(error) in (
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )


def _name(error: DatabaseError) -> str:
    return str(getattr(error.orig, "sqlite_errorname", "")) or "no code"
