"""What only SQLite understands: how its files are opened and told to behave.

Every PRAGMA and every file name stands here; PostgreSQL will have a module of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from watchfloor.domain.errors import StoreError
from watchfloor.store.compiled import engine_of_one
from watchfloor.store.disk import at_rest

#: The log is folded into the file in small steps, so that no commit waits for long.
CHECKPOINT_PAGES = 2_000
WRITER_CACHE_KIB = 64_000
READER_CACHE_KIB = 4_000
BUSY_MS = 5_000
#: So long a writer waits for a lock that is about to end, and tries again.
HURRIED_BUSY_MS = 250
_HURRIES = "hurries"
#: Pages of a copy between two looks at how far it is: some eight megabytes.
COPIED_PAGES = 2_000

#: A connection that only looks on; ``close`` it.
Witness = sqlite3.Connection

VERSION = sqlite3.sqlite_version


def writing_engine(path: Path) -> Engine:
    """Return an engine of one connection that may create and write *path*.

    WAL, so that readers never wait; synchronous=FULL, so that no acknowledged commit is
    lost to a loss of power (in 900 power-loss images 0 were, with NORMAL 664).
    """
    engine = engine_of_one(
        URL.create("sqlite", database=str(path)),
        check_same_thread=False,
        timeout=BUSY_MS / 1000,
    )
    event.listen(engine, "connect", _configure_writer)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def inbox_engine(path: Path, *, busy_ms: int = BUSY_MS) -> Engine:
    """Return an engine for the inbox, which is there: several writers, hence no WAL.

    SQLite's WAL-reset defect (3.7.0 to 3.51.2) needs two writers in WAL mode; the
    inbox, which has many, keeps clear of it with a rollback journal. There a commit is
    the deletion of the journal, and only synchronous=EXTRA syncs the folder after it:
    with FULL, 227 of 900 power-loss images lost a command that was durably asked.

    One that is gone is never made by opening it: it would be anybody's to read, and
    hide that there was another.
    """
    engine = engine_of_one(
        URL.create(
            "sqlite",
            database=path.absolute().as_uri(),
            query={"mode": "rw", "uri": "true"},
        ),
        check_same_thread=False,
        timeout=busy_ms / 1000,
    )
    event.listen(engine, "connect", _configure_inbox)
    event.listen(engine, "begin", begin)
    return engine


def reading_engine(path: Path) -> Engine:
    """Return an engine that can only read *path*, for one short command."""
    engine = engine_of_one(reading_url(path))
    event.listen(engine, "connect", configure_reader)
    event.listen(engine, "begin", begin)
    return engine


def resting_engine(path: Path) -> Engine:
    """Return an engine on a file that nobody writes; no log is made beside it."""
    address = URL.create(
        "sqlite",
        database=path.absolute().as_uri(),
        query={"mode": "ro", "immutable": "1", "uri": "true"},
    )
    engine = engine_of_one(address)
    event.listen(engine, "connect", configure_reader)
    event.listen(engine, "begin", begin)
    return engine


def witness_of(path: Path) -> Witness:
    """Return a connection that only looks on while the one writer has a store open.

    SQLite folds the log when the last connection is closed, and syncs it for that. A
    writer that must not do so any more is closed before its witness, which cannot.
    """
    witness = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
    )
    # Only who has read once counts as having it open.
    witness.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return witness


def log_of(path: Path) -> Path:
    """Return where the log of a store stands: beside the file, whatever leads to it."""
    return Path(f"{path.resolve()}-wal")


def index_of(path: Path) -> Path:
    """Return where the index of a store's log stands, which all who read it share."""
    return Path(f"{path.resolve()}-shm")


def data_version(connection: Connection) -> int:
    """Return a number that differs once another connection has changed the file."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def damage(connection: Connection) -> str:
    """Return what SQLite's own check finds wrong with a file, or an empty string."""
    found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    return "" if found == "ok" else found


def copy_living(
    source: Path, target: Path, on_pages: Callable[[int, int], None]
) -> None:
    """Copy a store as it is at one moment, beside whoever writes it.

    One read transaction is held until the end: without it every commit of the engine
    would have the copy begin anew. Commits go on; the log only is not folded meanwhile.

    Args:
        source: The store; it is only read.
        target: An empty file.
        on_pages: Is told now and then how many pages are left, and of how many.

    Raises:
        StoreError: It cannot be read, or the copy not written; a part may be there.
    """
    address = f"{source.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=BUSY_MS / 1000)) as one,
            closing(sqlite3.connect(target)) as copy,
        ):
            # The copy counts only once it is synced as a whole.
            copy.execute("PRAGMA synchronous=OFF")
            one.execute("BEGIN")
            one.execute("SELECT count(*) FROM sqlite_master").fetchone()
            one.backup(
                copy,
                pages=COPIED_PAGES,
                progress=lambda _, left, of: on_pages(left, of),
            )
    except sqlite3.Error as error:
        msg = (
            f"the store {source} cannot be copied: {error}. Nothing of it was changed. "
            "Check it, and the room on the disk, with: watchfloor doctor"
        )
        raise StoreError(msg) from error


def copy_open(connection: Connection, target: Path) -> None:
    """Copy a store that is open, also where no name leads to its file any more.

    Raises:
        StoreError: The copy could not be written; a part may be there.
    """
    driver = connection.connection.driver_connection
    if driver is None:  # a connection that is open has one
        return
    try:
        with closing(sqlite3.connect(target)) as copy:
            driver.backup(copy)
    except sqlite3.Error as error:
        msg = f"the copy {target} cannot be written: {error}"
        raise StoreError(msg) from error


def odd_parts(connection: Connection) -> list[str]:
    """Return what a store holds that would act by itself: triggers, views and such."""
    rows = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type NOT IN ('table', 'index')"
        " OR sql LIKE 'CREATE VIRTUAL%' ORDER BY name"
    )
    return [str(name) for (name,) in rows]


def fold_log(connection: Connection) -> bool:
    """Fold the whole log into the file and empty it; return whether that was possible.

    Not while anybody reads an older state: nothing waits for them here; nor without
    room on the disk. To be called between transactions, by the one writer.

    Raises:
        StoreError: The disk or the file failed; this handle is to be used no more.
    """
    driver = connection.connection.driver_connection
    if driver is None:  # a connection that is open has one
        return True
    # Who drains waits more briefly for locks than others, and is to go on so.
    patience_ms = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute("PRAGMA busy_timeout=0")
    try:
        busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            return False
        msg = f"the store's log cannot be folded into its file: {error}"
        raise StoreError(msg) from error
    finally:
        driver.execute(f"PRAGMA busy_timeout={patience_ms}")
    return not busy


def reading_url(path: Path) -> URL:
    """Return the address of a file that is opened to be read only."""
    return URL.create(
        "sqlite",
        database=path.absolute().as_uri(),
        query={"mode": "ro", "uri": "true"} | at_rest(path),
    )


def _run(connection: DBAPIConnection, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _autocommit(connection: DBAPIConnection) -> None:
    # The driver's own idea of when to begin would begin too late to fence a write.
    connection.isolation_level = None


def _configure_writer(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _autocommit(connection)
    _run(
        connection,
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        f"cache_size=-{WRITER_CACHE_KIB}",
        "temp_store=MEMORY",
        # A purge means it: freed pages are overwritten, not only let go of.
        "secure_delete=ON",
    )


def _configure_inbox(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    _autocommit(connection)
    # Anybody may write an inbox, also what is no text; one row must not hide the rest.
    connection.text_factory = _readable
    _run(connection, "journal_mode=DELETE", "synchronous=EXTRA")


def _readable(data: bytes) -> str:
    return data.decode(errors="replace")


def configure_reader(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Set a new connection up to read."""
    _autocommit(connection)
    _run(
        connection,
        f"busy_timeout={BUSY_MS}",
        f"cache_size=-{READER_CACHE_KIB}",
        "query_only=ON",
    )


def hurry(connection: Connection) -> None:
    """Let a writer wait only briefly for locks from now on. Any thread.

    It holds from the next transaction on: who waits for a lock has the connection.
    """
    connection.info[_HURRIES] = True


def _begin_immediate(connection: Connection) -> None:
    if connection.info.pop(_HURRIES, False):
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {HURRIED_BUSY_MS}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def begin(connection: Connection) -> None:
    """Begin a transaction that reads one snapshot."""
    connection.exec_driver_sql("BEGIN")
