"""The read-only door to the state store for an event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from watchfloor.store.layout import Layout
from watchfloor.store.reading import unreadable
from watchfloor.store.sqlite import begin, configure_reader, reading_url

P = ParamSpec("P")
T = TypeVar("T")

#: Enough for a screen and its cards.
CONNECTIONS = 2


class Reader:
    """Short read transactions for an event loop; at most two at a time."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._engine: AsyncEngine | None = None

    async def ask(
        self,
        question: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run one question of ``store.reads`` in a transaction of its own.

        Raises:
            StoreError: The store cannot be read.
        """
        if self._engine is None:
            self._layout.check_exists()
            self._engine = _engine(self._layout)

        def asked(connection: Connection) -> T:
            return question(connection, *args, **kwargs)

        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(asked)
        except DatabaseError as error:
            raise unreadable(self._layout, error) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None


def _engine(layout: Layout) -> AsyncEngine:
    engine = create_async_engine(
        reading_url("sqlite+aiosqlite", layout.state),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", configure_reader)
    event.listen(engine.sync_engine, "begin", begin)
    return engine
