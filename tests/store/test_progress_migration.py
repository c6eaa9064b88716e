from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import update
from tests.store.conftest import NOW_MS, add_a_lease, add_a_run

from watchfloor.domain.progress import SAMPLE_MS, Sample
from watchfloor.store import schema
from watchfloor.store.reads.progress import samples
from watchfloor.store.schema import HEAD, bring_up_to_date, schema_version
from watchfloor.store.sqlite import writing_engine
from watchfloor.store.tables import books

COUNTS = {
    "records": 9,
    "attempting": 2,
    "retry": 1,
    "delivered": 3,
    "failed": 1,
    "unknown": 1,
    "expired": 1,
    "attempts": 12,
}


@pytest.fixture
def older(layout):
    """The connection to a store of the version before."""
    engine = writing_engine(layout.state)
    with engine.connect() as connection:
        with connection.begin():
            config = Config()
            place = Path(schema.__file__).parent / "migrations"
            config.set_main_option("script_location", str(place))
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
            add_a_lease(connection)
        yield connection
    engine.dispose()


def add(connection, run_id, **values):
    number = add_a_run(connection, run_id, **values)
    counted = update(books).where(books.c.run_no == number).values(**COUNTS)
    connection.execute(counted)
    return number


def told(connection):
    """Return what both versions know of every run."""
    words = "SELECT run_id, phase, history, version, started_at_ms FROM run"
    return connection.exec_driver_sql(words).all()


def test_a_store_of_the_version_before_is_moved_in_place_whatever_is_under_way(older):
    started = {"launch_id": "l", "started_at_ms": NOW_MS + SAMPLE_MS + 77}
    with older.begin():
        live = add(older, "live", phase="running", **started)
        ended = add(older, "ended", phase="ended", history="created", **started)
        queued = add_a_run(older, "queued")
        before = told(older)

    with older.begin():
        assert bring_up_to_date(older) is True

    with older.begin():
        assert schema_version(older) == HEAD
        assert told(older) == before
        # What it came to before stands at its start and is no part of the rate of now.
        assert samples(older, live) == (
            Sample(NOW_MS + SAMPLE_MS, SAMPLE_MS, 10, 6, 3, 1, 1),
        )
        assert samples(older, ended) == samples(older, queued) == ()
