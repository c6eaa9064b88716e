"""The read-only door to the state store for an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from watchfloor.domain.errors import StoreError
from watchfloor.store.compiled import engine_on
from watchfloor.store.layout import Layout
from watchfloor.store.reading import unreadable
from watchfloor.store.sqlite import begin, configure_reader, reading_url

P = ParamSpec("P")
T = TypeVar("T")

#: Enough for a screen and its cards.
CONNECTIONS = 2


class Reader:
    """Short read transactions for an event loop; at most two at a time.

    Each runs on a thread of its own to its end, also where nobody waits for it any
    more: a driver that is cancelled in the middle of a read may never let its loop end.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._engine: Engine | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._is_closed = False

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
        if self._engine is None or self._threads is None:
            self._layout.check_exists()
            self._engine = _engine(self._layout)
            self._threads = ThreadPoolExecutor(CONNECTIONS, "reader")
        engine, threads = self._engine, self._threads

        def asked() -> T:
            with engine.connect() as connection:
                return question(connection, *args, **kwargs)

        try:
            return await asyncio.get_running_loop().run_in_executor(threads, asked)
        except DatabaseError as error:
            raise unreadable(self._layout, error) from error

    async def close(self) -> None:
        """Close the connections, once the reads that are under way have ended."""
        self._is_closed = True
        threads, engine = self._threads, self._engine
        self._threads = self._engine = None
        if threads is not None and engine is not None:
            await asyncio.to_thread(_close, threads, engine)


def _close(threads: ThreadPoolExecutor, engine: Engine) -> None:
    threads.shutdown(wait=True, cancel_futures=True)
    engine.dispose()


def _engine(layout: Layout) -> Engine:
    engine = engine_on(
        reading_url(layout.state),
        QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", configure_reader)
    event.listen(engine, "begin", begin)
    return engine
