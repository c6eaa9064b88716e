from __future__ import annotations

import pytest
from sqlalchemy import select, text
from tests.store.conftest import NOW_MS, OWNER

from watchfloor.domain.actors import Owner
from watchfloor.domain.errors import OwnedError, StoreError
from watchfloor.domain.regions import Gate, Lifecycle, Phase
from watchfloor.store.glance import glance
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.runs import run_view
from watchfloor.store.tables import record, run
from watchfloor.store.writes.lease import beat, fence, release, take
from watchfloor.store.writes.runs import save_lifecycle

OTHER = Owner(name="other", pid=2, host="there")


def view(layout):
    with reading(layout) as connection:
        return engine_view(connection)


def test_each_owner_raises_the_epoch_and_leaves_its_name(layout, writer):
    epochs = []
    for owner in (OWNER, OTHER):
        with writer.begin():
            epochs.append(take(writer, owner, instance="i", now_ms=NOW_MS))

    assert epochs == [1, 2]
    found = view(layout)
    assert (found.owner, found.pid, found.host) == ("other", 2, "there")
    assert found.is_alive(NOW_MS)
    assert not found.is_alive(NOW_MS + 60_000)


def test_the_instance_is_that_of_the_first_owner(writer):
    for instance in ("first", "second"):
        with writer.begin():
            take(writer, OWNER, instance=instance, now_ms=NOW_MS)

    with writer.begin():
        assert writer.scalar(text("SELECT instance FROM lease")) == "first"


def test_changes_are_counted_and_the_owner_says_that_it_lives_and_lets_go(
    layout, stored
):
    with stored.writer.begin():
        fence(stored.writer, stored.epoch, changes=3)
        beat(stored.writer, NOW_MS + 900)
    living = view(layout)
    with stored.writer.begin():
        release(stored.writer, NOW_MS + 1_000)

    assert (living.changes, living.heartbeat_at_ms) == (3, NOW_MS + 900)
    gone = view(layout)
    assert gone.released
    assert not gone.is_alive(NOW_MS + 1_000)
    assert glance(layout).engine_lives(NOW_MS + 1_000) is False


def test_an_older_epoch_changes_no_row_whatever_it_did_before(stored):
    stored.add(5)
    with stored.writer.begin():
        take(stored.writer, OTHER, instance="i", now_ms=NOW_MS)

    def write_as_a_zombie():
        with stored.writer.begin():
            stored.writer.execute(record.update().values(state=6))
            stored.writer.execute(run.update().values(cause="the zombie was here"))
            fence(stored.writer, stored.epoch, changes=6)

    with pytest.raises(OwnedError, match="taken this workspace over"):
        write_as_a_zombie()

    with stored.writer.begin():
        assert set(stored.writer.scalars(select(record.c.state))) == {0}
        assert stored.writer.scalar(select(run.c.cause)) == ""
        assert stored.writer.scalar(text("SELECT changes FROM lease")) == 0


def test_a_change_decided_on_another_version_of_the_run_is_not_stored(layout, stored):
    paused = Lifecycle(phase=Phase.QUEUED, gate=Gate.PAUSED)
    with stored.writer.begin():
        save_lifecycle(stored.writer, stored.run_no, 0, paused, {"gate_why": "first"})
    with pytest.raises(StoreError, match="not at version 0"), stored.writer.begin():
        save_lifecycle(stored.writer, stored.run_no, 0, Lifecycle(), {})

    with reading(layout) as connection:
        found = run_view(connection, "run-1")
    assert (found.version, found.lifecycle) == (1, paused)
    assert found.gate_asked.why == "first"


def test_a_glance_shows_what_is_live_and_who_owns(layout, stored):
    found = glance(layout)

    [live] = found.live
    assert (live.run_id, live.phase, live.gate) == ("run-1", "queued", "open")
    assert (live.left, live.in_flight, live.is_balanced) == (0, 0, True)
    assert (found.owner, found.pid, found.ended) == ("test", 1, 0)
    assert found.engine_lives(NOW_MS)
