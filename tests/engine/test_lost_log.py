"""The store's log is taken away under a running engine; or only made to look so."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest
from tests.support.floor import ids, webhook
from tests.support.patience import until

from watchfloor.domain.errors import StoreError
from watchfloor.engine import keeping
from watchfloor.store.layout import Layout
from watchfloor.store.reader import Reader
from watchfloor.store.reads.runs import run_view
from watchfloor.store.sqlite import (
    copy_living,
    index_of,
    log_of,
    reading_engine,
    writing_engine,
)

AT_MOST_ONCE = 'delivery = "at_most_once"'


def delete(log, _):
    log.unlink()


def delete_and_look(log, _):
    """As a reader has it that comes by: it makes an empty one."""
    log.unlink()
    log.touch()


def move(log, _):
    log.rename(log.with_name("elsewhere"))


def replace(log, older):
    older.replace(log)


def delivered_in_file(floor, run_id, tmp_path):
    """Return what a machine would find of a run that had lost the log."""
    alone = tmp_path / "alone" / "state.db"
    alone.parent.mkdir(exist_ok=True)
    shutil.copy(floor.layout.state, alone)
    with closing(sqlite3.connect(alone)) as found:
        return found.execute("SELECT delivered, attempting FROM books").fetchone()


@pytest.mark.parametrize(
    ("take", "words"),
    [
        (delete, "the store's log .*state.db-wal was deleted while the engine ran"),
        (delete_and_look, "another file was put in place of .*state.db-wal while"),
        (move, "log .*-wal was moved away, to .*elsewhere, while the engine ran"),
        (replace, "another file was put in place of .*state.db-wal while"),
    ],
)
def test_a_log_that_is_gone_stops_the_sending_and_nobody_is_contacted_twice(
    floor, provider, tmp_path, take, words
):
    run_id = floor.launched(webhook(provider.url, AT_MOST_ONCE, permits=4), ids(60))
    log, older = log_of(floor.layout.state), floor.layout.root / "older"
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 5)
        shutil.copy(log, older)
        until(lambda: floor.books(run_id).delivered > 10)
        provider.hold()
        until(lambda: provider.at_once == 4)
        sent = len(provider.arrivals)
        take(log, older)
        until(lambda: engine.supervisor._parting is not None, "it to be noticed")
        # A kill from here on would take nothing with it of what was stored.
        stored = (sent - 4, 4)
        until(lambda: delivered_in_file(floor, run_id, tmp_path) == stored)
        provider.let_go()
        until(lambda: not engine.is_running, "the engine to stop")

    told = str(engine.error)
    assert re.search(words, told)
    assert "Sending stopped at once" in told
    assert told.endswith("state.db holds everything. Next: watchfloor engine")
    assert len(provider.arrivals) == sent < 60
    assert delivered_in_file(floor, run_id, tmp_path) == (sent, 0)
    # What is no log of this store would be taken for one at the next start.
    aside = log.with_name("state.db-wal.other")
    assert aside.exists() == (take is replace) == (str(aside) in told)

    floor.close()
    floor.carried_out()

    assert sorted(provider.contacts) == ids(60)
    assert floor.assert_books_hold(run_id).delivered == 60


def test_a_log_that_a_reader_keeps_from_being_folded_is_copied(
    floor, provider, tmp_path, monkeypatch
):
    monkeypatch.setattr(keeping, "_READS_S", 0.0)
    run_id = floor.launched(webhook(provider.url, AT_MOST_ONCE, permits=4), ids(30))
    reading = reading_engine(floor.layout.state)
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 5)
        with reading.begin() as snapshot:
            run_view(snapshot, run_id)
            log_of(floor.layout.state).unlink()
            until(lambda: not engine.is_running, "the engine to stop")
    reading.dispose()
    floor.close()
    told = str(engine.error)
    assert "End whoever does" in told
    move = re.search(r"mv (\S+) (\S+); then: watchfloor engine", told)
    assert move is not None
    shutil.move(move[1], move[2])
    floor.carried_out()

    assert sorted(provider.contacts) == ids(30)
    assert floor.assert_books_hold(run_id).delivered == 30


def test_an_index_of_the_log_that_is_gone_stops_the_sending_too(floor, provider):
    """Whoever looks from then on would see nothing of what is stored."""
    run_id = floor.launched(webhook(provider.url, AT_MOST_ONCE, permits=4), ids(60))
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 5)
        provider.hold()
        until(lambda: provider.at_once == 4)
        sent = len(provider.arrivals)
        index_of(floor.layout.state).unlink()
        until(lambda: engine.supervisor._parting is not None, "it to be noticed")
        provider.let_go()
        until(lambda: not engine.is_running, "the engine to stop")
    floor.close()
    told = str(engine.error)
    assert "the log's index" in told
    assert "state.db-shm was deleted while the engine ran" in told
    assert told.endswith("state.db holds everything. Next: watchfloor engine")
    # The log itself is this store's own.
    assert not list(floor.layout.root.glob("*.other"))
    assert len(provider.arrivals) == sent < 60
    floor.carried_out()

    assert sorted(provider.contacts) == ids(60)
    assert floor.assert_books_hold(run_id).delivered == 60


async def test_who_looked_on_meanwhile_reads_on_with_the_next_engine(floor, provider):
    told = webhook(provider.url, AT_MOST_ONCE, permits=1)
    run_id = await asyncio.to_thread(floor.launched, told, ids(20))
    reader = Reader(floor.layout)
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 2)
        await reader.ask(run_view, run_id)
        log_of(floor.layout.state).unlink()
        until(lambda: not engine.is_running, "the engine to stop")
    floor.close()

    floor.carried_out()
    with suppress(StoreError):
        # What it has open is the log that was.
        await reader.ask(run_view, run_id)
    seen = await reader.ask(run_view, run_id)
    await reader.close()

    assert seen.books.delivered == 20


def looked_at_and_left(path):
    """Let another program open the store to write it, and be the last to close it."""
    code = (
        "import sqlite3, sys; one = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "one.execute('BEGIN IMMEDIATE'); one.execute('ROLLBACK');"
        "one.execute('PRAGMA wal_checkpoint(TRUNCATE)'); one.close()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_a_log_that_is_emptied_copied_and_closed_by_others_is_not_gone(
    floor, provider, tmp_path
):
    # Also where the workspace's file leads to another folder.
    real = floor.layout.root.with_name("disk") / "real.db"
    real.parent.mkdir()
    floor.close()
    floor.layout.state.rename(real)
    floor.layout.state.symlink_to(real)
    run_id = floor.launched(webhook(provider.url, permits=4), ids(30))
    provider.hold()
    with floor.engine() as engine:
        until(lambda: provider.at_once == 4)
        committer = engine.supervisor._committer
        assert log_of(floor.layout.state).stat().st_size
        floor.close()
        committer.owes_fold = True
        engine.do(lambda _: None)
        copy_living(floor.layout.state, tmp_path / "copy.db", lambda *_: None)
        looked_at_and_left(real)
        writing_engine(floor.layout.state).dispose()

        assert committer.lost() == ""
        provider.let_go()
        floor.until_ended(run_id)
        floor.close()
    # With its last connection the log goes, and the next engine has another.
    assert not log_of(floor.layout.state).exists()
    with floor.engine() as engine:
        assert engine.supervisor._committer.lost() == ""


def test_a_store_without_a_log_is_not_taken_for_one_that_lost_it(floor):
    """As on a disk without the memory that a log needs: SQLite keeps a journal."""
    floor.close()
    connection = writing_engine(floor.layout.state).connect()
    log_of(floor.layout.state).rename(floor.layout.root / "gone")
    kept = keeping.Keeping(Layout(floor.layout.root), connection, dispatches=True)

    assert kept._lost() == ""
    kept.close(is_well=True)
