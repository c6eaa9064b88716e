"""Bringing a store to the version of the schema that this code speaks."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from watchfloor.domain.errors import StoreError

#: The newest migration; a test holds it to the files.
HEAD = "0004"

_SCRIPTS = Path(__file__).parent / "migrations"


def schema_version(connection: Connection) -> str | None:
    """Return the store's version, or None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(
        text("SELECT version_num FROM alembic_version")
    )
    return version


def is_empty(connection: Connection) -> bool:
    """Whether there is no table at all, as in a file that was emptied."""
    return not inspect(connection).get_table_names()


def bring_up_to_date(connection: Connection) -> bool:
    """Create or upgrade the schema in the caller's transaction.

    Returns:
        Whether anything changed.

    Raises:
        StoreError: The store was written by a newer Watchfloor, or by another program;
            nothing was changed.
    """
    version = schema_version(connection)
    if version == HEAD:
        return False
    if version is not None and version > HEAD:
        msg = (
            f"the store has schema version {version}, this Watchfloor knows {HEAD}; "
            "nothing was changed. Use the newer Watchfloor that wrote it."
        )
        raise StoreError(msg)
    if version is None and not is_empty(connection):
        msg = (
            "the file is a database, but it is not a Watchfloor store; nothing "
            "was changed. Give another workspace directory."
        )
        raise StoreError(msg)
    # Imported here: most starts find the schema current and never need it.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    return True
