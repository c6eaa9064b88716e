"""An inbox that is taken away under an engine: who cannot be stopped must not send."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing, suppress

import pytest
from tests.engine.test_lost_store import locked_by_another
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import DEADLINE_S, until

from watchfloor.domain.errors import StoreError
from watchfloor.domain.regions import Gate, Verb
from watchfloor.engine.desk_reads import pulse
from watchfloor.engine.hearing import Hearing
from watchfloor.engine.tenure import tenure
from watchfloor.store.inbox import create_inbox
from watchfloor.store.layout import Layout

NOISE = b"Dear diary, " * 400


class RoomWanted:
    """A job that waits for room where there is none."""

    needs_room = True

    def __call__(self, _):
        return "stored"


def remove(layout):
    layout.inbox.unlink()


def overwrite(layout):
    layout.inbox.write_bytes(NOISE)


def put_another_programs(layout):
    other = layout.root / "songs.db"
    with closing(sqlite3.connect(other)) as songs:
        songs.execute("CREATE TABLE songs (title)")
    other.replace(layout.inbox)


def place_of(layout, content):
    other = layout.root / "other.db"
    other.write_bytes(content)
    other.chmod(0o600)
    other.replace(layout.inbox)


def shown_fault(floor):
    """Return what status and the header tell of the store."""
    told = floor.read(
        lambda connection: pulse(connection, floor.around.now_ms(), floor.layout)
    )
    return told.engine.fault


def until_paused(floor, run_id):
    def found():
        view = floor.view(run_id)
        return view if view.lifecycle.gate is Gate.PAUSED else None

    return until(found, "the run to be paused")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (remove, "cannot be found: No such file or directory"),
        (overwrite, "cannot be read: file is not a database"),
        (put_another_programs, "cannot be read: no such table"),
    ],
)
def test_an_engine_that_no_command_reaches_holds_its_runs_until_a_person_says_go(
    floor, provider, caplog, harm, words
):
    run_id = floor.launched(webhook(provider.url, rate="100/s"), ids(120))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 5)
        was = floor.layout.inbox.read_bytes()
        pause = floor.command(Verb.PAUSE, run_id)
        harm(floor.layout)
        with pytest.raises(StoreError, match="kill "):
            floor.asked(pause)

        paused = until_paused(floor, run_id)

        until(lambda: words in shown_fault(floor), "the fault to be shown")
        assert words in caplog.text
        assert "resume" in paused.gate_asked.why
        stood = floor.assert_books_hold(run_id)
        assert stood.attempting == 0
        assert stood.delivered == len(provider.arrivals) < 120
        sent = len(provider.arrivals)

        # The right file is there again: that is told, and nothing goes on by itself.
        place_of(floor.layout, was)
        until(lambda: not shown_fault(floor), "the fault to be over")
        assert "the inbox can be read; paused runs wait" in caplog.text
        floor.rounds(run_id)
        assert floor.view(run_id).lifecycle.gate is Gate.PAUSED
        assert len(provider.arrivals) == sent
        assert floor.steered(Verb.RESUME, run_id).state == "settled"
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(120)


def test_another_inbox_in_its_place_is_heard_once_every_run_is_paused(floor, provider):
    run_id = floor.launched(webhook(provider.url, rate="100/s"), ids(120))
    other = Layout(floor.root / "elsewhere")
    other.root.mkdir()
    create_inbox(other)
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 5)
        other.inbox.replace(floor.layout.inbox)

        paused = until_paused(floor, run_id)

        assert "another file was put in place of the inbox" in paused.gate_asked.why
        assert floor.steered(Verb.RESUME, run_id).state == "settled"
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(120)


def test_an_engine_that_is_to_end_when_idle_ends_and_says_that_it_was_deaf(
    floor, provider
):
    run_id = floor.launched(webhook(provider.url, rate="50/s"), ids(500))
    with suppress(StoreError), floor.engine(until_idle=True) as engine:
        until(lambda: floor.books(run_id).delivered)
        remove(floor.layout)
        until(lambda: not engine.is_running, "the engine to end")

    assert "cannot be found" in str(engine.error)
    assert floor.view(run_id).lifecycle.gate is Gate.PAUSED


def test_an_engine_that_is_to_end_when_idle_outlives_a_store_that_is_locked_meanwhile(
    floor, provider
):
    provider.hold()
    told = webhook(provider.url, 'delivery = "at_most_once"', permits=3)
    run_id = floor.launched(told, ids(9))
    aside = floor.root / "inbox.aside"
    with floor.engine(until_idle=True) as engine:
        until(lambda: provider.at_once == 3)
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with locked_by_another(floor.layout.state):
            floor.layout.inbox.rename(aside)
            until(lambda: engine.supervisor._committer.room.deaf)
            aside.rename(floor.layout.inbox)
            assert is_idle(engine) is False
            provider.let_go()
            until(lambda: not engine.supervisor._lanes.in_flight, "every outcome")
        assert engine.ended() is True

    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.unknown, books.attempting) == (3, 0, 0)
    assert floor.view(run_id).lifecycle.gate is Gate.PAUSED


def is_idle(engine):
    """Ask an engine, on its loop, whether it has nothing left to do."""
    one = engine.supervisor
    asked = asyncio.run_coroutine_threadsafe(one._is_idle(), one._loop)
    return asked.result(DEADLINE_S)


def test_no_run_goes_on_before_its_pause_is_stored(floor):
    """The store may take no writes at the very moment that no command is heard."""
    deaf = []

    async def heard_again(committer):
        async def submit(job):
            deaf.append(committer.room.deaf)
            if len(deaf) == 1:
                raise StoreError("the store takes no writes")

        hearing = Hearing(floor.layout, committer, submit, floor.around.monotonic_s)
        try:
            was = floor.layout.inbox.read_bytes()
            remove(floor.layout)
            with pytest.raises(StoreError, match="takes no writes"):
                await hearing.waiting()
            place_of(floor.layout, was)
            return await hearing.waiting()
        finally:
            hearing.close()

    with tenure(floor.layout, floor.around, floor.owner, dispatches=True) as committer:
        assert asyncio.run(heard_again(committer)) == []
        assert committer.room.deaf == ""
    [_, told] = deaf
    assert "cannot be found" in told


def test_the_inbox_is_looked_at_before_anything_can_be_sent(floor):
    overwrite(floor.layout)

    with tenure(floor.layout, floor.around, floor.owner, dispatches=True) as committer:
        assert "cannot be read" in committer.room.short


def test_an_engine_begins_nothing_on_an_inbox_that_cannot_be_read(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(5))
    overwrite(floor.layout)
    with floor.engine() as engine:
        until_paused(floor, run_id)
        until(lambda: "cannot be read" in shown_fault(floor), "the fault to be shown")
        # There is room all the while: what providers report and histories are stored.
        assert engine.do(RoomWanted()) == "stored"

    assert floor.layout.inbox.read_bytes() == NOISE
    assert not provider.arrivals


def test_a_start_makes_a_missing_inbox_private_and_waits_for_a_person(
    floor, provider, caplog
):
    run_id = floor.launched(webhook(provider.url), ids(5))
    remove(floor.layout)
    before = os.umask(0)
    try:
        with floor.engine():
            paused = until_paused(floor, run_id)
            assert "an empty one was made" in paused.gate_asked.why
            until(lambda: not shown_fault(floor), "the fault to be over")
            assert not provider.arrivals
            assert caplog.text.count("an empty one was made") == 1
            assert stat.S_IMODE(floor.layout.inbox.stat().st_mode) == 0o600
            assert floor.steered(Verb.RESUME, run_id).state == "settled"
            floor.until_ended(run_id)
    finally:
        os.umask(before)

    assert sorted(provider.contacts) == ids(5)


def test_a_verb_makes_no_inbox_where_no_engine_runs(floor):
    run_id = floor.launched(campaign(), ids(3))
    stop = floor.command(Verb.STOP, run_id)
    remove(floor.layout)

    with pytest.raises(StoreError, match=r"The file is missing: put it back, or start"):
        floor.asked(stop)

    assert not floor.layout.inbox.exists()
