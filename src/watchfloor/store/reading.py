"""One short read transaction on a workspace's store, for a command or a question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.domain.errors import StoreError
from watchfloor.store.layout import Layout
from watchfloor.store.sqlite import reading_engine

#: How a sentence about a store that cannot be read ends.
CHECK_IT: Final = " Check it with: watchfloor doctor"


@contextmanager
def reading(layout: Layout) -> Iterator[Connection]:
    """Open one short read transaction on a workspace's store.

    Raises:
        NotFoundError: There is no workspace in this directory.
        StoreError: The store cannot be read.
    """
    layout.check_exists()
    engine = reading_engine(layout.state)
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        raise unreadable(layout, error) from error
    finally:
        engine.dispose()


def unreadable(layout: Layout, error: DatabaseError) -> StoreError:
    """Return the operator's sentence for a driver's error."""
    return StoreError(
        f"the store {layout.state} cannot be read: {error.orig}. Nothing was changed."
        f"{CHECK_IT}"
    )
