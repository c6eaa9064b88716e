"""A disk that fails under a running engine: the system itself refuses to sync, or lies.

A file's descriptor is replaced under SQLite by one of the null device: what is written
there is gone, and ``fsync`` fails as the system has it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from tests.engine.test_lost_store import locked_by_another
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.process import descriptors_of
from tests.support.provider import Reply

from watchfloor.domain.errors import StoreError
from watchfloor.engine import jobs
from watchfloor.engine.tenure import tenure


def log_of(layout):
    return layout.state.with_name("state.db-wal")


@contextmanager
def failing_syncs(path, but):
    """Let every sync of a file fail, through the descriptors that others than *but*."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    kept = {one: os.dup(one) for one in descriptors_of(path) - but}
    assert kept, "nobody has the file open"
    for one in kept:
        os.dup2(nowhere, one)
    with pytest.raises(OSError, match="Invalid argument"):
        os.fsync(next(iter(kept)))
    try:
        yield
    finally:
        for one, right in kept.items():
            if one in descriptors_of(Path(os.devnull)):
                os.dup2(right, one)
            os.close(right)
        os.close(nowhere)


def sqlite_code(error):
    return error.__cause__.orig.sqlite_errorcode


@pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])
def test_a_failed_sync_ends_the_engine_and_the_next_one_loses_nothing(
    floor, provider, delivery
):
    provider.otherwise = Reply(after_s=0.01)
    told = f'delivery = "{delivery}"'
    run_id = floor.launched(webhook(provider.url, told, permits=4), ids(150))
    floor.pulse()
    own = descriptors_of(log_of(floor.layout))
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        with failing_syncs(log_of(floor.layout), own):
            until(lambda: not engine.is_running, "the engine to stop")
        # Whoever still asks it for something is told, and does not wait for ever.
        with pytest.raises(StoreError, match="the engine ended"):
            engine.do(jobs.beat)

    assert sqlite_code(engine.error) == sqlite3.SQLITE_IOERR_FSYNC
    stood = floor.assert_books_hold(run_id)
    assert 0 < stood.attempting <= 8
    said = str(engine.error)
    assert "SQLITE_IOERR_FSYNC" in said
    assert "stopped sending at once" in said
    assert f"{stood.attempting} of run {run_id}" in said
    assert "watchfloor engine" in said
    # Nothing left for which no intent was stored.
    assert len(set(provider.keys)) <= stood.delivered + stood.attempting

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert books.delivered + books.unknown == 150
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    if delivery == "at_most_once":
        assert books.unknown <= stood.attempting
        assert len(set(provider.contacts)) == len(provider.contacts)
    else:
        assert books.unknown == 0
        assert set(provider.contacts) == set(ids(150))


def test_outcomes_that_are_known_where_the_disk_fails_are_said_and_listed(
    floor, provider, caplog
):
    provider.hold()
    told = webhook(provider.url, 'delivery = "at_most_once"', permits=4)
    run_id = floor.launched(told, ids(20))
    floor.pulse()
    own = descriptors_of(log_of(floor.layout))
    with suppress(StoreError), floor.engine() as engine, ExitStack() as disk:
        until(lambda: provider.at_once == 4)
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with locked_by_another(floor.layout.state) as pid:
            until(lambda: f"(pid {pid})" in engine.supervisor._committer.store_fault)
            provider.let_go()
            until(lambda: not engine.supervisor._lanes.in_flight, "every outcome")
            disk.enter_context(failing_syncs(log_of(floor.layout), own))
        until(lambda: not engine.is_running, "the engine to stop")

    assert sqlite_code(engine.error) == sqlite3.SQLITE_IOERR_FSYNC
    said = f"4 outcomes could not be stored: 4 delivered of run {run_id}, for"
    assert said in caplog.text
    listed = map(json.loads, floor.layout.unstored.read_text().splitlines())
    assert [(one["run"], one["class"]) for one in listed] == [(run_id, "delivered")] * 4


def test_after_a_failed_sync_its_handle_writes_and_syncs_nothing_more(floor):
    state, log = floor.layout.state, log_of(floor.layout)
    own = tenure(floor.layout, floor.around, floor.owner, dispatches=True)
    committer = own.__enter__()
    committer.submit(jobs.begin)
    with pytest.raises(StoreError) as found, failing_syncs(log, set()):
        committer.round()
    before = state.read_bytes(), log.read_bytes()
    own.__exit__(StoreError, found.value, None)

    assert sqlite_code(found.value) == sqlite3.SQLITE_IOERR_FSYNC
    assert before[1]
    # Closing it would have folded the log into the file, syncing both.
    assert (state.read_bytes(), log.read_bytes()) == before


def test_a_damaged_file_ends_the_engine_and_the_way_out_is_told(floor, provider):
    provider.otherwise = Reply(after_s=0.01)
    run_id = floor.launched(webhook(provider.url, permits=4), ids(400))
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        driver = engine.supervisor._committer._connection.connection.dbapi_connection
        damage(floor.layout.state, driver)
        until(lambda: not engine.is_running, "the engine to stop")
        sent = len(provider.arrivals)

    assert sqlite_code(engine.error) & 0xFF == sqlite3.SQLITE_CORRUPT
    assert "watchfloor restore" in str(engine.error)
    assert "stopped sending at once" in str(engine.error)
    assert len(provider.arrivals) == sent < 400


def damage(state, driver):
    """Overwrite the file's pages and let the writer read them anew."""

    def folded():
        try:
            found = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False  # in the middle of a transaction
        # The engine's thread has the same connection: it may step in between.
        return found is not None and found[0] == 0

    until(folded)
    size = state.stat().st_size
    with state.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    driver.execute("PRAGMA shrink_memory")
