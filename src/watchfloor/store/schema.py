"""Bringing a store to the version of the schema that this code speaks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.dialects import registry
from sqlalchemy.schema import CreateIndex, CreateTable

from watchfloor.domain.errors import StoreError
from watchfloor.store.tables import metadata

#: The newest migration; a test holds it to the files.
HEAD = "0009"

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
    if version is None:
        _create(connection)
        return True
    # Imported here: most starts find the schema current and never need it.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
    return True


def _create(connection: Connection) -> None:
    """Make the newest schema at once; a test holds it to what the migrations make.

    A new store needs none of them, nor the library that carries them out.
    """
    for statement in _statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.execute(
        text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD}
    )


@cache
def _statements(spoken: str) -> tuple[str, ...]:
    """Return what makes every table and index, in the order in which they may stand."""
    dialect = registry.load(spoken)()
    made = [_VERSION_TABLE]
    for table in metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made += (
            str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes
        )
    return tuple(made)


#: As the migrations' library makes it (alembic 1.x, ``MigrationContext._version``).
_VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
