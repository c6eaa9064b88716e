"""A store that is taken away under a running engine: deleted, moved, replaced, held."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from tests.support.floor import campaign, ids, webhook
from tests.support.mounts import mounted, needs_mounts
from tests.support.patience import until

from watchfloor.domain.errors import StoreError
from watchfloor.domain.regions import Gate, Verb
from watchfloor.engine import supervisor
from watchfloor.engine.ownership import Ownership
from watchfloor.store import sqlite
from watchfloor.store.glance import glance
from watchfloor.store.owner_sign import owner_sign
from watchfloor.store.sqlite import writing_engine

#: What docs/guides/faults.md promises of a store that is gone from its place.
NOTICED_WITHIN_S = 1.0


def delete(layout):
    layout.state.unlink()


def move(layout):
    layout.state.rename(layout.root / "elsewhere.db")


def replace(layout):
    copy = layout.root / "copy.db"
    shutil.copy(layout.state, copy)
    copy.replace(layout.state)


def move_all(layout):
    layout.root.rename(layout.root.with_name("other"))


def put_back(layout, told):
    """Do what the operator is told to do."""
    if move := re.search(r"mv (\S+) (\S+);", told):
        Path(move[1]).rename(move[2])
    else:
        kept = re.search(r"is in (\S+)\. Decide which", told)
        assert kept is not None
        Path(kept[1]).replace(layout.state)


@pytest.mark.parametrize(
    ("take", "words"),
    [
        (delete, "was deleted while the engine ran"),
        (move, "was moved away, to .*elsewhere.db, while the engine ran"),
        (replace, "another file was put in place of .*state.db while the engine ran"),
        (move_all, "was moved away, to .*other/state.db, while the engine ran"),
    ],
)
def test_a_store_that_is_gone_stops_the_sending_and_loses_no_outcome(
    floor, provider, take, words
):
    told = 'delivery = "at_most_once"'
    run_id = floor.launched(webhook(provider.url, told, permits=4), ids(60))
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        provider.hold()
        until(lambda: provider.at_once == 4)
        take(floor.layout)
        # Nobody commits anything: it is noticed all the same, and the gates are shut.
        until(lambda: engine.supervisor._parting is not None, "it to be noticed")
        sent = len(provider.arrivals)
        provider.let_go()
        until(lambda: not engine.is_running, "the engine to stop")

    assert re.search(words, str(engine.error))
    assert len(provider.arrivals) == sent < 60
    assert "Sending stopped at once" in str(engine.error)
    # What was kept free is nobody's where the store never comes back.
    assert not list(floor.layout.root.parent.glob("*/*reserve*"))
    floor.close()
    put_back(floor.layout, str(engine.error))
    stood = floor.assert_books_hold(run_id)
    # What was in flight at that moment has its outcome in what was saved.
    assert (stood.delivered, stood.attempting) == (sent, 0)

    floor.carried_out()

    assert sorted(provider.contacts) == ids(60)
    assert floor.assert_books_hold(run_id).delivered == 60


def test_a_store_is_looked_at_often_enough_to_notice_within_a_second():
    """As the page of faults promises, with time left for one look and its round."""
    assert 2 * supervisor.STORE_S <= NOTICED_WITHIN_S


def test_what_was_rescued_before_is_not_overwritten(floor, provider):
    kept = floor.layout.state.with_name("state.db.rescued")
    kept.write_text("of last night")
    floor.launched(webhook(provider.url), ids(1))
    with suppress(StoreError), floor.engine() as engine:
        floor.layout.state.unlink()
        until(lambda: not engine.is_running)

    assert "mv " in str(engine.error)
    assert kept.with_name("state.db.rescued-2").is_file()
    assert kept.read_text() == "of last night"


@contextmanager
def locked_by_another(path):
    """Let another process hold the store's lock for writing; yield its pid."""
    code = (
        "import sqlite3, sys; one = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "one.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        try:
            yield other.pid
        finally:
            other.stdin.close()
            other.wait()


def test_who_holds_the_store_is_named_and_waited_for(floor, provider):
    run_id = floor.launched(webhook(provider.url, permits=4), ids(100))
    # However long it takes until the store is held: the run has not ended by then.
    provider.hold()
    with floor.engine() as engine:
        until(lambda: provider.at_once == 4)
        # The engine waits five seconds for a lock; a test need not.
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        committer = engine.supervisor._committer
        with locked_by_another(floor.layout.state) as pid:
            provider.let_go()
            until(lambda: committer.store_fault)
            assert re.search(rf"locked by \S+ \(pid {pid}\)", committer.store_fault)
            sign = owner_sign(floor.layout, floor.pulse(), floor.around.now_ms())
            assert f"pid {pid}" in sign.fault
            until(lambda: provider.at_once == 0)
            stood = floor.assert_books_hold(run_id)
            assert len(provider.arrivals) <= stood.delivered + stood.attempting
        # It lets go, and nobody has to say a word.
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(100)


def test_an_engine_that_finds_the_store_held_says_by_whom(floor, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_MS", 20)
    with (
        locked_by_another(floor.layout.state) as pid,
        pytest.raises(StoreError, match=rf"locked by \S+ \(pid {pid}\)"),
        floor.engine(),
    ):
        pass


def starting_beside(floor):
    """Return what an engine said that had to wait before it owned the workspace."""
    said: list[str] = []
    floor.around = floor.around._replace(tell=said.append)
    starting = threading.Thread(target=floor.carried_out)
    starting.start()
    return said, starting


def test_a_start_that_finds_the_store_held_says_at_once_for_whom_it_waits(floor):
    run_id = floor.launched(campaign(), ids(3))
    with locked_by_another(floor.layout.state) as pid:
        said, starting = starting_beside(floor)
        until(lambda: said)
    starting.join()

    [first, *_] = said
    assert first.startswith(f"waiting for {floor.layout.state}: it is locked by ")
    assert f"(pid {pid}); end that program, or wait" in first
    assert floor.view(run_id).books.delivered == 3


def test_a_start_that_finds_the_workspace_held_says_by_whom(floor):
    run_id = floor.launched(campaign(), ids(3))
    lock = Ownership.taken(floor.layout, "launch of ann (pid 7 on here), for a moment")
    said, starting = starting_beside(floor)
    until(lambda: said)
    lock.release()
    starting.join()

    [only] = said
    assert "it is held by launch of ann (pid 7 on here), for a moment" in only
    assert floor.view(run_id).books.delivered == 3


def test_a_command_that_finds_the_inbox_held_says_for_whom_it_waits(floor):
    said: list[str] = []
    run_id = floor.launched(campaign(), ids(3))
    pause = floor.command(Verb.PAUSE, run_id)
    floor.around = floor.around._replace(tell=said.append)
    with locked_by_another(floor.layout.inbox) as pid:
        asking = threading.Thread(target=floor.asked, args=[pause])
        asking.start()
        until(lambda: said)
    asking.join()

    assert f"waiting for {floor.layout.inbox}: it is locked by " in said[0]
    assert f"(pid {pid})" in said[0]
    assert floor.receipt(pause.command_id).state == "settled"


def test_a_start_that_waits_for_nobody_says_nothing(floor):
    said, starting = starting_beside(floor)
    starting.join()

    assert said == []


def test_another_programs_database_is_named_and_left_alone(floor):
    state = floor.layout.state
    state.unlink()
    with closing(sqlite3.connect(state)) as others:
        others.execute("CREATE TABLE songs (title)")
    before = state.read_bytes()

    with (
        pytest.raises(StoreError, match="not a Watchfloor store") as found,
        floor.engine(),
    ):
        pass

    assert str(state) in str(found.value)
    assert "nothing was changed" in str(found.value)
    with closing(sqlite3.connect(state)) as others:
        tables = others.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("songs",)]
    assert state.read_bytes()[100:] == before[100:]


def test_a_store_of_a_newer_watchfloor_is_named_and_left_alone(floor):
    newer = writing_engine(floor.layout.state)
    with newer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    newer.dispose()
    epoch = floor.pulse().epoch

    with (
        pytest.raises(StoreError, match=r"9999.*newer Watchfloor") as found,
        floor.engine(),
    ):
        pass

    assert str(floor.layout.state) in str(found.value)
    assert floor.pulse().epoch == epoch


@needs_mounts
def test_a_disk_that_is_read_only_is_looked_at_and_nothing_is_sent(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(5))
    floor.close()
    root = floor.layout.root
    with mounted(root, ("--bind", root), ("-o", "remount,bind,ro")):
        with pytest.raises(OSError, match="Read-only file system"):
            Path(root, "new").touch()

        with pytest.raises(StoreError, match="read-only") as found, floor.engine():
            pass

        assert "Nothing was changed or sent" in str(found.value)
        assert "mount" in str(found.value)
        assert floor.view(run_id).lifecycle.gate is Gate.OPEN
        assert [run.run_id for run in glance(floor.layout).live] == [run_id]
        assert not provider.arrivals
        floor.close()

    floor.carried_out()
    assert sorted(provider.contacts) == ids(5)
