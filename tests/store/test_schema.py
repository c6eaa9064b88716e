from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, inspect, text

from watchfloor.domain.errors import StoreError
from watchfloor.store import schema
from watchfloor.store.schema import HEAD, bring_up_to_date, schema_version
from watchfloor.store.sqlite import writing_engine
from watchfloor.store.tables import metadata
from watchfloor.store.writes.connection import close_writer, open_writer

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"


@pytest.fixture
def migrated(tmp_path):
    """The connection to a store that every migration has gone through."""
    engine = writing_engine(tmp_path / "migrated.db")
    with engine.connect() as connection:
        with connection.begin():
            config = Config()
            config.set_main_option("script_location", str(VERSIONS.parent))
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)
        yield connection
    engine.dispose()


def test_the_migrations_arrive_at_the_tables_of_the_code(migrated):
    assert compare_metadata(MigrationContext.configure(migrated), metadata) == []


def test_a_new_store_is_what_the_migrations_make(writer, migrated):
    # Autogenerate looks at neither a default's words nor an index's condition.
    assert made(writer) == made(migrated)
    assert set(inspect(writer).get_table_names()) == set(
        inspect(migrated).get_table_names()
    )


def made(connection):
    columns = {
        (table, *column)
        for table in (*metadata.tables, "alembic_version")
        for column in connection.execute(text(f"PRAGMA table_info({table})"))
    }
    indexes = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql > ''")
    )
    return columns, {name: re.sub(r"\s+", " ", sql) for name, sql in indexes}


def test_the_newest_version_is_the_newest_file():
    numbers = sorted(path.name[1:5] for path in VERSIONS.glob("v*.py"))

    assert numbers[-1] == HEAD
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_a_new_store_is_brought_to_the_newest_version(writer):
    assert schema_version(writer) == HEAD


def test_reopening_migrates_nothing(layout, writer):
    with writer.begin():
        assert bring_up_to_date(writer) is False


def test_reopening_writes_nothing(layout):
    close_writer(open_writer(layout))
    before = layout.state.read_bytes()
    statements = []

    def note(*execution):
        statements.append(execution[2])

    connection = open_writer(layout)
    event.listen(connection.engine, "before_cursor_execute", note)
    with connection.begin():
        bring_up_to_date(connection)
    close_writer(connection)

    assert layout.state.read_bytes() == before
    assert not [one for one in statements if one.lstrip().upper().startswith("CREATE")]


def test_a_store_of_a_newer_watchfloor_is_refused_and_left_as_it_is(layout):
    connection = open_writer(layout)
    with connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    close_writer(connection)
    before = layout.state.read_bytes()

    with pytest.raises(StoreError, match="schema version 9999, this Watchfloor knows"):
        open_writer(layout)

    assert layout.state.read_bytes() == before


def test_somebody_elses_database_is_refused_and_left_as_it_is(layout):
    other = create_engine(f"sqlite:///{layout.state}")
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE recipe (name TEXT)"))
    other.dispose()

    with pytest.raises(StoreError, match="is not a Watchfloor store"):
        open_writer(layout)

    left = create_engine(f"sqlite:///{layout.state}")
    assert inspect(left).get_table_names() == ["recipe"]
    left.dispose()


def test_a_file_that_is_no_database_is_refused_with_a_sentence(layout):
    layout.state.write_bytes(b"Dear diary, " * 400)

    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        open_writer(layout)

    assert layout.state.read_bytes() == b"Dear diary, " * 400
