"""A disk that is really full: a file system of a few megabytes, filled to its end."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing, suppress

import pytest
from tests.support.floor import Floor, ids, webhook
from tests.support.mounts import mounted, needs_mounts
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.alerts import AlertKind
from watchfloor.domain.errors import Refusal, StoreError
from watchfloor.domain.regions import Gate, Intake, Verb
from watchfloor.engine import room as engine_room
from watchfloor.engine import supervisor
from watchfloor.engine.desk_reads import pulse
from watchfloor.store.asks import drop
from watchfloor.store.inbox import ask
from watchfloor.store.reads.alerts import open_alerts
from watchfloor.store.reserve import (
    ASKING_SIZE,
    LEAST_BESIDE,
    SIZE,
    AskingReserve,
    seen_reserve,
)

pytestmark = needs_mounts


@pytest.fixture
def small_disk(tmp_path):
    """Mount so small a disk that a file of a moment fills it."""
    place = tmp_path / "disk"
    place.mkdir()
    with mounted(place, ("-t", "tmpfs", "-o", f"size={SIZE + (24 << 20)}", "none")):
        yield place


@pytest.fixture
def floor(small_disk, unused_workspace):
    made = Floor(small_disk, unused_workspace)
    yield made
    made.close()


def fill(floor):
    """Write until the system says that there is no room; prove that it said so."""
    with (floor.root / "filler").open("ab", buffering=0) as filler:
        seen = [_written_until_refused(filler, size) for size in (1 << 16, 512)]
    assert seen == [errno.ENOSPC, errno.ENOSPC]


def _written_until_refused(file, size):
    while True:
        try:
            file.write(bytes(size))
        except OSError as error:
            return error.errno


def all_but_fill(floor):
    """Fill the disk but for so much that no commit is refused for want of it."""
    fill(floor)
    with (floor.root / "filler").open("r+b") as filler:
        filler.truncate(filler.seek(0, os.SEEK_END) - LEAST_BESIDE // 2)


def make_room(floor):
    (floor.root / "filler").unlink()


def room(engine):
    return engine.supervisor._committer.room


def until_paused(floor, run_id):
    """Wait until a run is paused with nothing in flight; return it."""

    def found():
        view = floor.view(run_id)
        return view if view.lifecycle.gate is Gate.PAUSED else None

    return until(found, "the run to be paused")


@pytest.fixture
def blind(monkeypatch):
    """Let the engine look at its disk never: only what is refused tells it."""
    monkeypatch.setattr(supervisor, "STORE_S", 3_600.0)
    monkeypatch.setattr(engine_room, "LOOK_MS", 3_600_000)


def test_a_disk_that_is_all_but_full_pauses_before_anything_is_refused(floor, provider):
    run_id = floor.launched(webhook(provider.url, rate="50/s"), ids(800))
    with floor.engine() as engine:
        until(lambda: floor.view(run_id).lifecycle.intake is Intake.DONE)
        until(lambda: floor.books(run_id).delivered > 5)
        begin_log_anew(floor)
        all_but_fill(floor)

        paused = until_paused(floor, run_id)

        assert "the disk counts as full; make room" in paused.gate_asked.why
        assert seen_reserve(floor.layout).is_whole
        assert engine.supervisor._committer.store_fault == ""
        told = floor.read(
            lambda connection: pulse(connection, floor.around.now_ms(), floor.layout)
        )
        assert "the disk counts as full" in told.engine.fault
        assert floor.steered(Verb.RESUME, run_id).refusal == Refusal.NO_ROOM
        sent = len(provider.arrivals)
        make_room(floor)
        until(lambda: not room(engine).short, "the room to be seen")
        floor.rounds(run_id)

    stood = floor.assert_books_hold(run_id)
    assert stood.delivered == stood.attempts == len(provider.arrivals) == sent < 800


@pytest.mark.usefixtures("blind")
def test_whatever_is_asked_of_an_engine_that_noticed_nothing_is_obeyed(floor, provider):
    runs = [
        # So slow that the log's old pages last for minutes.
        floor.launched(webhook(provider.url, rate="1/s", name=name), ids(4_000))
        for name in ("one", "two")
    ]
    with floor.engine() as engine:
        until(
            lambda: all(floor.view(one).lifecycle.intake is Intake.DONE for one in runs)
        )
        until(lambda: all(floor.books(one).delivered for one in runs))
        begin_log_anew(floor)
        fill(floor)

        assert floor.steered(Verb.PAUSE, runs[0]).state == "settled"
        assert floor.suppressed(*ids(100)).state == "settled"
        assert floor.steered(Verb.STOP, runs[1]).state == "settled"
        # Commits found room in the log all the while.
        assert room(engine).short == ""
        assert seen_reserve(floor.layout).is_whole

    assert floor.view(runs[0]).lifecycle.gate is Gate.PAUSED
    assert floor.view(runs[1]).lifecycle.is_ended
    assert not floor.layout.asking_reserve.exists()


def begin_log_anew(floor, how="RESTART"):
    """Let the commits that follow write over the log's old pages.

    With TRUNCATE these are gone: the commits must ask the disk for room.
    """

    def begun():
        with closing(sqlite3.connect(floor.layout.state)) as store:
            [(busy, _, _)] = store.execute(f"PRAGMA wal_checkpoint({how})")
        return not busy

    until(begun, "nobody to read the log")


def test_what_others_than_the_owner_ask_finds_room_that_the_engine_gave(
    floor, provider
):
    """They may write into the folder, and not take of the reserve."""
    run_id = floor.launched(webhook(provider.url, rate="1/s"), ids(4_000))
    with floor.engine():
        until(lambda: floor.view(run_id).lifecycle.intake is Intake.DONE)
        until(lambda: floor.books(run_id).delivered)
        begin_log_anew(floor)
        fill(floor)
        until_paused(floor, run_id)
        stop = floor.command(Verb.STOP, run_id)

        until(lambda: dropped(floor, stop), "room for a command")

        until(lambda: floor.receipt(stop.command_id), "it to be heard")
        kept = floor.layout.asking_reserve.stat().st_size
        assert ASKING_SIZE // 2 <= kept < ASKING_SIZE


def dropped(floor, command):
    """Lay a command into the folder as a member of the group; return whether it is."""
    with suppress(StoreError):
        drop(floor.layout, command)
        return True
    return False


@pytest.mark.usefixtures("blind")
def test_what_cannot_be_asked_for_want_of_room_says_how_the_engine_is_stopped(
    floor, provider
):
    run_id = floor.launched(webhook(provider.url, rate="5/s"), ids(900))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered)
        AskingReserve(floor.layout).remove()

        def refused():
            # A commit that is refused makes room: of the reserve for outcomes.
            fill(floor)
            try:
                ask(floor.layout, floor.command(Verb.PAUSE, run_id))
            except StoreError as error:
                return str(error)
            return ""

        told = until(refused, "a command to be refused")

    assert "Nothing was asked of the engine. Make room on the disk. To stop" in told
    assert told.endswith(f"once what is in flight has ended: kill {os.getpid()}")


@pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])
def test_outcomes_in_flight_are_stored_while_the_disk_is_full(
    floor, provider, delivery
):
    provider.otherwise = Reply(after_s=0.05, body={"detail": "x" * 400})
    floor.configure('[alerts]\non = ["store"]')
    told = f'delivery = "{delivery}"'
    run_id = floor.launched(webhook(provider.url, told, permits=20), ids(800))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 40)
        begin_log_anew(floor, "TRUNCATE")
        fill(floor)
        until(lambda: room(engine).short, "the store to have no room")
        assert "full" in room(engine).short

        # On a disk that is full all the while.
        paused = until_paused(floor, run_id)
        assert seen_reserve(floor.layout).size < SIZE
        full = floor.assert_books_hold(run_id)
        assert full.attempting == full.retry == full.unknown == 0
        assert full.delivered == len(provider.arrivals) < 800
        assert paused.gate_asked.by == "engine"
        assert "make room" in paused.gate_asked.why
        told = floor.read(
            lambda connection: pulse(connection, floor.around.now_ms(), floor.layout)
        )
        assert told.engine.is_alive(floor.around.now_ms())
        assert "full; make room on the disk" in told.engine.fault

        # An alert needs no room that there is not: it is stored from the reserve too.
        [alert] = until(lambda: floor.read(open_alerts), "the alert")
        assert alert.kind is AlertKind.STORE
        assert "full" in alert.said

        refused = floor.steered(Verb.RESUME, run_id)
        assert refused.refusal == Refusal.NO_ROOM
        sent = len(provider.arrivals)

        make_room(floor)
        until(lambda: not room(engine).short, "the reserve to be whole again")
        assert seen_reserve(floor.layout).is_whole
        # Nothing goes on before a person says so.
        floor.rounds(run_id)
        assert len(provider.arrivals) == sent
        assert floor.view(run_id).lifecycle.gate is Gate.PAUSED
        assert floor.steered(Verb.RESUME, run_id).state == "settled"
        floor.until_ended(run_id)

    books = floor.assert_books_hold(run_id)
    assert books.delivered == books.attempts == 800
    assert sorted(provider.contacts) == ids(800)


def test_an_intake_takes_nothing_of_the_reserve(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(12_000))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).records > 0)
        begin_log_anew(floor, "TRUNCATE")
        fill(floor)
        until(lambda: room(engine).short)
        until_paused(floor, run_id)

        def begun():
            # Where a slow intake left old pages in the log, no beat needs room.
            with suppress(sqlite3.OperationalError):
                begin_log_anew(floor, "TRUNCATE")
            fill(floor)
            return seen_reserve(floor.layout).size < SIZE

        # A step of it is what beats are stored in, for minutes.
        until(begun, "a beat to need room")
        floor.rounds(run_id)
        stood = floor.assert_books_hold(run_id)
        left = seen_reserve(floor.layout).size
        floor.rounds(run_id)
        assert floor.assert_books_hold(run_id) == stood
        assert seen_reserve(floor.layout).size == left > SIZE // 2
        make_room(floor)
        until(lambda: floor.view(run_id).lifecycle.intake is Intake.DONE)

    assert floor.books(run_id).records == 12_000
    assert not provider.arrivals


def test_no_engine_begins_on_a_disk_without_room_for_the_reserve(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(50))
    fill(floor)
    with (floor.root / "filler").open("r+b") as filler:
        filler.truncate(filler.seek(0, os.SEEK_END) - (2 << 20))
    with floor.engine() as engine:
        assert "reserve" in room(engine).short
        until_paused(floor, run_id)
        assert seen_reserve(floor.layout).size == 0
        make_room(floor)
        until(lambda: not room(engine).short)
        assert floor.steered(Verb.RESUME, run_id).state == "settled"
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(50)
    assert seen_reserve(floor.layout).exists is False


def test_where_not_even_a_start_can_be_stored_no_engine_runs(floor):
    fill(floor)

    with pytest.raises(StoreError, match=r"full.*make room"), floor.engine():
        pass


def test_what_a_dead_engine_had_reserved_lets_the_next_one_account_for_it(
    floor, provider
):
    """The reserve of an engine that was killed stands on the disk that is full."""
    provider.otherwise = Reply(after_s=0.01)
    run_id = floor.launched(webhook(provider.url, permits=5), ids(40))
    floor.layout.reserve.write_bytes(bytes(SIZE))
    fill(floor)

    with floor.engine() as engine:
        assert room(engine).short
        until_paused(floor, run_id)
        assert 0 < seen_reserve(floor.layout).size < SIZE
    assert not provider.arrivals
