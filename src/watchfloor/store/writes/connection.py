"""The one connection that writes the state store."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.domain.errors import StoreError
from watchfloor.store.layout import Layout
from watchfloor.store.schema import bring_up_to_date
from watchfloor.store.sqlite import writing_engine


def open_writer(layout: Layout) -> Connection:
    """Open the store for writing, creating or upgrading it first.

    The caller holds the workspace's lock and closes with ``close_writer``.

    Raises:
        StoreError: The file is no store, is damaged, or was written by a newer
            Watchfloor.
    """
    engine = writing_engine(layout.state)
    try:
        connection = engine.connect()
        with connection.begin():
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
