"""What a start after a crash costs: what was in flight, whatever the run's size."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, event
from tests.kills.nursery import Nursery
from tests.support.floor import Floor, campaign, ids
from tests.support.patience import until

from watchfloor.domain.records import RecordState
from watchfloor.engine.tenure import tenure

PERMITS = 8
STEPS = 10


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as made:
        yield made


def cut_off(nursery, root, records):
    """Return a workspace whose run was killed half-way, with attempts in flight."""
    root.mkdir()
    floor = Floor(root)
    text = campaign('latency = "2ms"\ndelivery = "at_most_once"', permits=PERMITS)
    run_id = floor.launched(text, ids(records))
    # Killed until something was in flight: a kill may come between two rounds.
    while not floor.books(run_id).attempting:
        wanted = max(floor.books(run_id).delivered + 1, records // 20)
        engine = nursery.engine(floor.layout, until_idle=False)
        until(lambda: floor.books(run_id).delivered >= wanted)  # noqa: B023 - at once
        engine.kill()
    return floor, run_id


def steps_of_a_start(floor):
    """Return how many steps SQLite takes until a new owner has recovered."""
    taken = 0

    def stepped():
        nonlocal taken
        taken += STEPS

    def connected(connection, _):
        connection.set_progress_handler(stepped, STEPS)

    event.listen(Engine, "connect", connected)
    try:
        with tenure(floor.layout, floor.around, floor.owner, dispatches=True):
            pass
    finally:
        event.remove(Engine, "connect", connected)
    return taken


def test_a_start_after_a_crash_reads_what_was_in_flight_and_no_more(nursery, tmp_path):
    taken = []
    for records in (400, 8_000):
        floor, run_id = cut_off(nursery, tmp_path / str(records), records)
        left = floor.books(run_id)
        taken.append(steps_of_a_start(floor))
        assert floor.books(run_id).unknown == left.unknown + left.attempting
        assert left.attempting <= PERMITS
        assert len(floor.records(run_id, RecordState.ATTEMPTING)) == 0
        floor.close()

    small, large = taken
    # Twenty times the records: reading each once would be thousands of steps more.
    assert large < 1.5 * small
