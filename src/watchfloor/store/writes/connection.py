"""The one connection that writes the state store."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from watchfloor.domain.errors import StoreError
from watchfloor.store.faults import fault_of
from watchfloor.store.layout import Layout
from watchfloor.store.schema import bring_up_to_date, is_empty
from watchfloor.store.sqlite import writing_engine

#: What is said of a store without a table.
EMPTIED: Final = (
    "it is empty: its runs are gone from this file. Nothing was sent or changed. "
    "Restore it from a backup."
)


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
    if not creates and layout.is_emptied:
        # Looked at before it is opened, which would write a header into it.
        msg = f"the store {layout.state} cannot be used: {EMPTIED}"
        raise StoreError(msg)
    engine = writing_engine(layout.state)
    try:
        connection = engine.connect()
        with connection.begin():
            if not creates:
                _check_filled(connection)
            bring_up_to_date(connection)
    except StoreError as error:
        engine.dispose()
        msg = f"the store {layout.state} cannot be used: {error}"
        raise StoreError(msg) from error
    except DatabaseError as error:
        engine.dispose()
        fault = fault_of(error, layout.state)
        next_step = fault.do or "let it end, then try again"
        msg = (
            f"the store {layout.state} cannot be opened: {fault.said}. Nothing was "
            f"sent or changed. Next: {next_step}. Check it with: watchfloor doctor"
        )
        raise StoreError(msg) from error
    return connection


def close_writer(connection: Connection) -> None:
    """Close the connection and let go of the file."""
    connection.close()
    connection.engine.dispose()


def _check_filled(connection: Connection) -> None:
    if is_empty(connection):
        raise StoreError(EMPTIED)
