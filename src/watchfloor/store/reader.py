"""Read-only doors to the state store: one for a command, one for an event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncEngine

from watchfloor.domain.errors import NotFoundError, StoreError
from watchfloor.store.layout import Layout
from watchfloor.store.sqlite import async_reading_engine, reading_engine

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def reading(layout: Layout) -> Iterator[Connection]:
    """Open one short read transaction on a workspace's store.

    Raises:
        NotFoundError: There is no workspace in this directory.
        StoreError: The store cannot be read.
    """
    check_exists(layout)
    engine = reading_engine(layout.state)
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        raise unreadable(layout, error) from error
    finally:
        engine.dispose()


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
            check_exists(self._layout)
            self._engine = async_reading_engine(self._layout.state)

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


def check_exists(layout: Layout) -> None:
    """Raise ``NotFoundError`` where no workspace was made."""
    if not layout.exists:
        msg = (
            f"there is no workspace in {layout.root}; nothing was done. "
            f"Make one with: watchfloor init {layout.root}"
        )
        raise NotFoundError(msg)


def unreadable(layout: Layout, error: DatabaseError) -> StoreError:
    """Return the operator's sentence for a driver's error."""
    return StoreError(
        f"the store {layout.state} cannot be read: {error.orig}. Nothing was changed. "
        "Check it with: watchfloor doctor"
    )
