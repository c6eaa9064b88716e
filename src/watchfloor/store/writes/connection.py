"""The one connection that writes the state store."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.domain.errors import StoreError
from watchfloor.store.layout import Layout
from watchfloor.store.schema import bring_up_to_date, is_empty
from watchfloor.store.sqlite import writing_engine


def open_writer(layout: Layout, *, creates: bool = True) -> Connection:
    """Open the store for writing, upgrading it first.

    The caller holds the workspace's lock and closes with ``close_writer``.

    Args:
        layout: Where the workspace is.
        creates: Whether an empty or missing file may become a new store.

    Raises:
        StoreError: The file is no store, is empty where none may be made, is damaged,
            or was written by a newer Watchfloor.
    """
    engine = writing_engine(layout.state)
    try:
        connection = engine.connect()
        with connection.begin():
            if not creates and is_empty(connection):
                msg = (
                    f"the store {layout.state} is empty: its runs are gone from this "
                    "file. Nothing was sent or changed. Restore it from a backup."
                )
                raise StoreError(msg)
            bring_up_to_date(connection)
    except DatabaseError as error:
        engine.dispose()
        msg = (
            f"the store {layout.state} cannot be opened: {error.orig}. Nothing was "
            "sent or changed. Check it with: watchfloor doctor"
        )
        raise StoreError(msg) from error
    return connection


def close_writer(connection: Connection) -> None:
    """Close the connection and let go of the file."""
    connection.close()
    connection.engine.dispose()
