"""A disk that is really full: a file system of a few megabytes, filled to its end."""

from __future__ import annotations

import errno
import os

import pytest
from tests.support.floor import Floor, ids, webhook
from tests.support.mounts import mounted, needs_mounts
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.alerts import AlertKind
from watchfloor.domain.errors import Refusal, StoreError
from watchfloor.domain.regions import Gate, Intake, Verb
from watchfloor.engine.desk_reads import pulse
from watchfloor.store.reads.alerts import open_alerts
from watchfloor.store.reserve import SIZE, seen_reserve

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
        fill(floor)
        until(lambda: room(engine).short)
        until_paused(floor, run_id)
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
