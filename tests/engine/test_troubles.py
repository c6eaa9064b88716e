"""Duties beside the runs that fail for a reason nobody expected."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import delete, insert
from tests.support.floor import campaign, ids
from tests.support.patience import until

from watchfloor.domain.alerts import AlertKind
from watchfloor.domain.errors import StoreError
from watchfloor.domain.regions import RunOutcome
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.troubles import FIRST_REST_S, LONGEST_REST_S, Troubles
from watchfloor.store.reads.alerts import open_alerts
from watchfloor.store.reads.engine import seen_engine
from watchfloor.store.tables import notice

#: A row that nobody can read: what a mistake of our own would leave.
UNREADABLE = {
    "run_id": "run-1",
    "kind": "cancelled",
    "recipients_json": "not JSON",
    "subject": "",
    "body": "",
    "state": "owed",
    "created_at_ms": 0,
    "next_at_ms": 0,
}


def trouble(floor):
    now_ms = floor.clock.now_ms()
    return floor.read(lambda c: seen_engine(c, now_ms, floor.layout)).trouble


def test_a_duty_that_breaks_is_told_and_rests_while_runs_go_on(floor):
    written: list[BaseException] = []

    def written_down(error: BaseException) -> str:
        written.append(error)
        return "It stands in mishaps.log."

    floor.around = floor.around._replace(mishap=written_down)
    floor.configure('[alerts]\non = ["engine"]')
    with floor.engine() as engine:
        engine.do(lambda tx: tx.connection.execute(insert(notice), [UNREADABLE]))
        said = until(lambda: trouble(floor))
        run_id = floor.launched(campaign(), ids(3))
        ended = floor.until_ended(run_id)
        [alert] = until(lambda: floor.read(open_alerts))

        engine.do(lambda tx: tx.connection.execute(delete(notice)))
        floor.clock.monotonic_ahead_s += LONGEST_REST_S
        until(lambda: not trouble(floor))

    assert ended.lifecycle.outcome is RunOutcome.COMPLETED
    assert said.startswith("notices failed by a mistake in Watchfloor itself (")
    assert said.endswith("runs go on. It stands in mishaps.log.")
    assert alert.kind is AlertKind.ENGINE
    assert alert.said == said
    assert {type(one).__name__ for one in written} == {"JSONDecodeError"}


def test_an_engine_that_ends_by_itself_does_not_wait_for_a_duty_that_breaks(floor):
    with floor.engine() as engine:
        engine.do(lambda tx: tx.connection.execute(insert(notice), [UNREADABLE]))
    run_id = floor.launched(campaign(), ids(3))

    floor.carried_out()

    assert floor.view(run_id).lifecycle.outcome is RunOutcome.COMPLETED


class Bench:
    """Troubles on a clock of their own."""

    def __init__(self):
        self.now_s = 0.0
        self.told: list[str] = []
        self.tries = 0
        self.error: Exception | None = None
        around = Surroundings(lambda: 0, lambda: self.now_s, lambda: 0.5, bytes)
        self.troubles = Troubles(around, self.told.append)
        self.duty = self.troubles.guarded("notices", self.done)

    async def done(self):
        self.tries += 1
        if self.error is not None:
            raise self.error


async def test_a_duty_that_fails_is_tried_ever_later_and_told_once():
    bench = Bench()
    bench.error = KeyError("nora@example.org")
    tried_at_s = []
    for second in range(2_000):
        bench.now_s, before = float(second), bench.tries
        await bench.duty()
        if bench.tries > before:
            tried_at_s.append(second)

    gaps = [b - a for a, b in pairwise(tried_at_s)]
    assert gaps[:3] == [FIRST_REST_S, 2 * FIRST_REST_S, 4 * FIRST_REST_S]
    assert max(gaps) == gaps[-1] == LONGEST_REST_S
    [said] = bench.told
    assert "(KeyError)" in said
    assert "nora" not in said
    assert bench.troubles.is_failing("notices")


async def test_a_duty_that_succeeds_again_is_well_and_rests_no_longer_than_at_first():
    bench = Bench()
    bench.error = ValueError()
    for bench.now_s in (0.0, 10.0, 30.0):
        await bench.duty()
    bench.error, bench.now_s = None, 60.0
    await bench.duty()

    assert bench.told[-1] == ""
    assert not bench.troubles.is_failing("notices")
    bench.error = ValueError()
    await bench.duty()
    bench.now_s += FIRST_REST_S
    await bench.duty()
    assert bench.tries == 6


async def test_one_duty_that_fails_does_not_hold_up_another():
    bench = Bench()
    bench.error = ValueError()
    await bench.duty()
    done = []

    async def other():
        done.append(1)

    await bench.troubles.guarded("purges", other)()
    assert done == [1]


async def test_a_store_that_takes_no_writes_is_no_trouble_of_a_duty():
    bench = Bench()
    bench.error = StoreError("the store takes no writes")
    with pytest.raises(StoreError):
        await bench.duty()

    assert bench.told == []
    assert not bench.troubles.is_failing("notices")
