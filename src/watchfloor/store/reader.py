"""The read-only door to the state store for an event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DatabaseError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from watchfloor.domain.errors import NotFoundError, StoreError
from watchfloor.store.compiled import engine_on
from watchfloor.store.layout import Layout
from watchfloor.store.reading import unreadable
from watchfloor.store.sqlite import begin, configure_reader, reading_url
from watchfloor.store.store_file import StoreFile

P = ParamSpec("P")
T = TypeVar("T")

#: Enough for a screen and its cards.
CONNECTIONS = 2
#: Under this a connection notes the number of the store that it reads.
_NUMBER: Final = "store_number"


class Reader:
    """Short read transactions for an event loop; at most two at a time.

    Each runs on a thread of its own to its end, also where nobody waits for it any
    more: a driver that is cancelled in the middle of a read may never let its loop end.

    A store that another one has replaced, as a restore in place does, would be read on
    for good: SQLite keeps its file, whatever stands there now. So before every read it
    is looked whether the file that is open is the one in its place.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._engine: Engine | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._is_closed = False
        self._turn = threading.Lock()
        self._file: StoreFile | None = None
        self._number = 0

    async def ask(
        self,
        question: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run one question of ``store.reads`` in a transaction of its own.

        Raises:
            StoreError: The store cannot be read, or this door was closed.
        """
        if self._is_closed:
            msg = f"the store {self._layout.state} is not read any more: it was closed"
            raise StoreError(msg)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(CONNECTIONS, "reader")
        threads = self._threads

        def asked() -> T:
            with self._standing().connect() as connection:
                return question(connection, *args, **kwargs)

        try:
            return await asyncio.get_running_loop().run_in_executor(threads, asked)
        except DatabaseError as error:
            raise unreadable(self._layout, error) from error

    def number_now(self) -> int:
        """Return the number of the store that stands there now; see ``number_of``.

        Looks at the disk. Any thread.

        Raises:
            NotFoundError: None stands there.
        """
        self._standing()
        return self._number

    def _standing(self) -> Engine:
        """Return the engine; where another store stands in its place, on that one."""
        with self._turn:
            if self._engine is None:
                self._layout.check_exists()
                self._engine = self._made()
            lost = "" if self._file is None else self._file.lost()
            if self._file is None or lost:
                # Until then the old one is kept: it may be put back.
                self._check_there(lost)
                file = StoreFile(self._layout.state)
                if self._file is not None:
                    self._file.close()
                self._file = file
                self._number += 1
            return self._engine

    def _check_there(self, lost: str) -> None:
        """Check that a store stands there; where one did, nobody is to make one."""
        try:
            self._layout.check_exists()
        except NotFoundError as error:
            if not lost:
                raise
            msg = (
                f"{lost.rstrip(',')}; nothing can be read until it is put back, or "
                "until a backup stands there: watchfloor restore"
            )
            raise NotFoundError(msg) from error

    def _made(self) -> Engine:
        engine = engine_on(
            reading_url(self._layout.state),
            QueuePool,
            pool_size=CONNECTIONS,
            max_overflow=0,
            connect_args={"check_same_thread": False},
        )
        event.listen(engine, "do_connect", self._note)
        event.listen(engine, "connect", configure_reader)
        event.listen(engine, "checkout", self._check)
        event.listen(engine, "begin", begin)
        event.listen(engine, "handle_error", _give_up)
        return engine

    def _note(
        self, _: object, record: ConnectionPoolEntry, *__: object
    ) -> DBAPIConnection | None:
        """Note which store is about to be opened; the pool opens it."""
        record.info[_NUMBER] = self._number
        return None

    def _check(self, _: object, record: ConnectionPoolEntry, __: object) -> None:
        """Have the pool open a connection anew that reads a store of before."""
        if record.info.get(_NUMBER) != self._number:
            msg = "another store stands in its place"
            raise DisconnectionError(msg)

    async def close(self) -> None:
        """Close the connections, once the reads that are under way have ended."""
        self._is_closed = True
        threads, self._threads = self._threads, None
        await asyncio.to_thread(self._end, threads)

    def _end(self, threads: ThreadPoolExecutor | None) -> None:
        # Who only asked for the number has the file open, and no threads.
        if threads is not None:
            threads.shutdown(wait=True, cancel_futures=True)
        with self._turn:
            if self._engine is not None:
                self._engine.dispose()
            if self._file is not None:
                self._file.close()


def _give_up(context: ExceptionContext) -> None:
    """Have the pool open its connections anew after one that the disk failed.

    What is open may be a log that is gone from its place: it never reads again.
    """
    code = getattr(context.original_exception, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_IOERR:
        context.is_disconnect = True


def number_of(connection: Connection) -> int:
    """Return which store of a ``Reader`` this is a connection to.

    One for the first that stood in its place, and one more for each that replaced it.
    """
    number = connection.info.get(_NUMBER, 0)
    return int(number)
