from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from tests.store.conftest import made_layout, stored_in
from tests.support.patience import DEADLINE_S

from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.pacing import Bucket
from watchfloor.domain.sharing import WORKSPACE, channel_scope
from watchfloor.domain.workspace import Shared, Workspace
from watchfloor.engine.shared_limits import Throttles
from watchfloor.engine.throttles import Line, Throttle
from watchfloor.store.reads.limits import overrides, run_limits, shared_limits
from watchfloor.store.writes.connection import close_writer, open_writer
from watchfloor.store.writes.limits import (
    clear_shared_limit,
    set_run_limits,
    set_shared_limit,
)

CALLS = channel_scope("webhook")
#: Far below what a pace promises, above what floats lose.
ROUNDING = 1e-5


class Clock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self):
        self.at_s = 100.0

    def __call__(self):
        return self.at_s


@pytest.fixture
def clock():
    return Clock()


def opened_line(*throttles, run_id="run-1", delivery=Delivery.IDEMPOTENT):
    line = Line(run_id, throttles, delivery)
    line.open()
    return line


async def settled(turns=5):
    """Let every task that can run do so."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def waiting(line, count=1):
    """Return tasks that wait to enter."""
    tasks = [asyncio.create_task(line.enter()) for _ in range(count)]
    await settled()
    assert not any(task.done() for task in tasks)
    return tasks


async def in_time(task):
    """Wait for a timer that rings by itself; far longer than it takes."""
    return await asyncio.wait_for(task, DEADLINE_S)


def chance_of(seed):
    return random.Random(seed)  # noqa: S311 - replayable, and no secret


async def test_permits_let_so_many_in_and_the_next_when_one_leaves(clock):
    throttle = Throttle(2, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    assert await line.enter()
    [third] = await waiting(line)
    assert (throttle.in_use, throttle.waiting, throttle.free()) == (2, 1, 0)

    line.leave()

    assert await third
    assert (throttle.in_use, throttle.waiting) == (2, 0)


async def test_without_limits_everybody_enters_and_is_counted(clock):
    throttle = Throttle(None, None, clock)
    line = opened_line(throttle)

    assert [await line.enter() for _ in range(100)] == [True] * 100

    assert (throttle.in_use, throttle.free(), line.room(1_000)) == (100, None, None)
    throttle.set(100, None)
    await waiting(line)
    line.close()


async def test_nothing_shared_needs_no_throttle():
    line = opened_line()

    assert await line.enter()
    line.leave()
    assert line.room(10) is None


async def test_more_permits_let_waiting_ones_in_at_once(clock):
    throttle = Throttle(1, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    tasks = await waiting(line, 5)

    throttle.set(4, None)

    assert throttle.in_use == 4
    await settled()
    assert [task.done() for task in tasks] == [True, True, True, False, False]
    throttle.set(None, None)
    assert all(await asyncio.gather(*tasks))


async def test_fewer_permits_cut_nobody_and_let_nobody_in_until_enough_left(clock):
    throttle = Throttle(3, None, clock)
    line = opened_line(throttle)
    for _ in range(3):
        assert await line.enter()

    throttle.set(1, None)

    assert (throttle.in_use, throttle.free()) == (3, 0)
    [task] = await waiting(line)
    line.leave()
    line.leave()
    await settled()
    assert not task.done()
    line.leave()
    assert await task
    assert throttle.in_use == 1


@pytest.mark.parametrize(("permits", "rate"), [(0, None), (None, 0.0), (-1, 5.0)])
async def test_limits_that_let_nothing_through_are_refused(clock, permits, rate):
    throttle = Throttle(7, 3.0, clock)

    with pytest.raises(ValueError, match="let nothing through"):
        throttle.set(permits, rate)

    assert (throttle.permits, throttle.rate_per_s) == (7, 3.0)


async def test_runs_take_turns_however_many_of_one_came_first(clock):
    throttle = Throttle(1, None, clock)
    greedy = opened_line(throttle, run_id="greedy")
    modest = opened_line(throttle, run_id="modest")
    assert await greedy.enter()
    order = []

    async def attempt(line):
        assert await line.enter()
        order.append(line.run_id)
        line.leave()

    tasks = [asyncio.create_task(attempt(greedy)) for _ in range(4)]
    await settled()
    tasks += [asyncio.create_task(attempt(modest)) for _ in range(2)]
    await settled()
    greedy.leave()
    await asyncio.gather(*tasks)

    assert order == ["greedy", "modest", "greedy", "modest", "greedy", "greedy"]


async def test_within_a_run_who_came_first_enters_first(clock):
    throttle = Throttle(1, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    tasks = await waiting(line, 5)

    for number in range(1, 6):
        line.leave()
        await settled()
        assert [task.done() for task in tasks] == [n < number for n in range(5)]


async def test_a_closing_gate_frees_its_own_waiters_and_takes_nothing(clock):
    throttle = Throttle(1, None, clock)
    line, other = opened_line(throttle), opened_line(throttle, run_id="run-2")
    assert await other.enter()
    tasks = await waiting(line, 10)
    [stays] = await waiting(other)

    line.close()

    assert await asyncio.gather(*tasks) == [False] * 10
    assert (throttle.in_use, throttle.waiting) == (1, 1)
    other.leave()
    assert await stays
    assert throttle.holders() == {"run-2": 1}


async def test_nobody_enters_a_closed_gate(clock):
    throttle = Throttle(None, None, clock)
    line = Line("run-1", (throttle,), Delivery.IDEMPOTENT)

    assert not await line.enter()
    assert throttle.in_use == 0


async def test_a_gate_that_closes_after_the_permit_came_gives_it_on(clock):
    throttle = Throttle(1, 10.0, clock)
    line, other = opened_line(throttle), opened_line(throttle, run_id="run-2")
    assert await other.enter()
    clock.at_s += 10
    [task] = await waiting(line)
    [heir] = await waiting(other)
    other.leave()
    line.close()

    assert not await task

    assert await heir
    assert throttle.holders() == {"run-2": 1}


async def test_a_line_that_closed_is_forgotten_when_its_last_attempt_left(clock):
    throttle = Throttle(4, None, clock)
    line = opened_line(throttle)
    assert await line.enter()

    line.close()

    assert throttle.holders() == {"run-1": 1}
    line.leave()
    assert not throttle.lines


async def test_holders_come_with_the_greatest_first_and_lines_of_a_run_together(clock):
    throttle = Throttle(None, None, clock)
    lines = [opened_line(throttle, run_id=name) for name in ("a", "b", "b", "c")]
    for line in (*lines[:3], lines[2]):
        assert await line.enter()

    assert list(throttle.holders().items()) == [("b", 3), ("a", 1)]


async def test_who_waits_for_one_limit_holds_nothing_of_another(clock):
    channel, other_channel = Throttle(1, None, clock), Throttle(None, None, clock)
    everything = Throttle(2, None, clock)
    slow = opened_line(channel, everything, run_id="slow")
    quick = opened_line(other_channel, everything, run_id="quick")
    assert await slow.enter()
    tasks = await waiting(slow, 5)

    assert await quick.enter()
    quick.leave()
    assert await quick.enter()

    assert everything.holders() == {"slow": 1, "quick": 1}
    slow.leave()
    assert await tasks[0]
    slow.close()
    await asyncio.gather(*tasks)


async def test_a_pace_lets_one_in_at_once_and_the_next_in_its_time(clock):
    throttle = Throttle(None, 100.0, clock)
    line = opened_line(throttle)
    assert await line.enter()
    [task] = await waiting(line)

    clock.at_s += 0.01

    assert await in_time(task)
    assert throttle.in_use == 2


async def test_a_pace_saves_up_no_more_than_its_burst(clock):
    throttle = Throttle(None, 20.0, clock)
    line = opened_line(throttle)
    clock.at_s += 3_600

    entered = [asyncio.create_task(line.enter()) for _ in range(10)]
    await settled()

    assert sum(task.done() for task in entered) == Bucket(20.0, 0, 0).burst == 2
    line.close()
    await asyncio.gather(*entered)


async def test_an_engine_that_stalled_starts_no_two_together_at_a_shared_pace(clock):
    throttle = Throttle(None, 1.0, clock)
    line, other = opened_line(throttle), opened_line(throttle, run_id="other")
    assert await line.enter()
    [first] = await waiting(line)
    clock.at_s += 1.0
    throttle.disarm()
    throttle.serve()  # lets the first in; before its task runs the loop stands still
    clock.at_s += 1.0

    second = asyncio.create_task(other.enter())

    assert await first
    assert not second.done()
    other.close()
    assert not await second


async def test_who_comes_late_does_not_overtake_who_waits_for_the_pace(clock):
    throttle = Throttle(None, 0.001, clock)
    line, late = opened_line(throttle), opened_line(throttle, run_id="late")
    assert await line.enter()
    [first] = await waiting(line)
    clock.at_s += 1_000
    throttle.disarm()

    task = asyncio.create_task(late.enter())

    assert await first
    assert not task.done()
    late.close()
    assert not await task


async def test_a_pace_is_not_saved_up_while_permits_are_missing(clock):
    pace, permits = Throttle(None, 10.0, clock), Throttle(1, None, clock)
    line = opened_line(pace, permits)
    assert await line.enter()
    tasks = await waiting(line, 20)
    clock.at_s += 60

    permits.set(None, None)
    await settled()

    assert sum(task.done() for task in tasks) == 1
    line.close()
    await asyncio.gather(*tasks)


async def test_a_closed_gate_and_a_withdrawn_entry_give_the_pace_back(clock):
    throttle = Throttle(None, 0.001, clock)
    line, other = opened_line(throttle), opened_line(throttle, run_id="run-2")
    assert await line.enter()
    tasks = await waiting(line, 3)
    line.close()
    assert not any(await asyncio.gather(*tasks))
    [heir] = await waiting(other)

    line.withdraw()

    assert await heir
    assert throttle.in_use == 1


async def test_a_faster_pace_holds_at_once_and_forgives_nothing_spent(clock):
    throttle = Throttle(None, 0.001, clock)
    line = opened_line(throttle)
    assert await line.enter()
    [task] = await waiting(line)

    throttle.set(None, 1_000.0)
    await settled()
    assert not task.done()

    clock.at_s += 0.001
    assert await in_time(task)


async def test_a_pace_that_is_lifted_lets_everybody_in(clock):
    throttle = Throttle(None, 0.001, clock)
    line = opened_line(throttle)
    assert await line.enter()
    tasks = await waiting(line, 3)

    throttle.set(None, None)

    assert all(await asyncio.gather(*tasks))


class Crowd:
    """Attempts of several lines, each of a random length; when each began."""

    def __init__(self, chance, clock):
        self.chance = chance
        self.clock = clock
        self.began = []

    async def attempt(self, line):
        if await line.enter():
            try:
                assert line.is_open
                self.began.append(self.clock.at_s)
                for _ in range(self.chance.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                line.leave()

    async def work(self, line):
        while line.is_open:
            await self.attempt(line)


@pytest.mark.parametrize("seed", range(20))
async def test_in_any_window_a_shared_pace_and_its_burst_hold(clock, seed):
    chance = chance_of(seed)
    crowd = Crowd(chance, clock)
    rate = chance.choice([3.0, 40.0, 500.0])
    throttle, other = Throttle(6, rate, clock), Throttle(8, None, clock)
    lines = [opened_line(throttle, other, run_id=str(n)) for n in range(3)]

    tasks = [asyncio.create_task(crowd.work(line)) for line in lines for _ in range(5)]
    for _ in range(60):
        clock.at_s += chance.choice([0.0, 0.01, 0.3, 5.0]) * chance.random()
        throttle.disarm()
        throttle.serve()
        # Whoever was let in at this time also begins at this time.
        await settled(100)
        assert throttle.in_use <= 6
    for line in lines:
        line.close()
    await asyncio.gather(*tasks)

    times, burst = crowd.began, Bucket(rate, 0.0, 0.0).burst
    assert len(times) > 3
    for first, last in itertools.combinations(range(len(times)), 2):
        most = rate * (times[last] - times[first]) + burst + ROUNDING
        assert last - first + 1 <= most


def change_something(chance, tasks, lines, throttle):
    match chance.randrange(6):
        case 0 | 1 | 2 if tasks:
            chance.choice(tasks).cancel()
        case 3:
            chance.choice(lines).close()
        case 4:
            chance.choice(lines).open()
        case _:
            throttle.set(chance.choice([1, 2, 3, None]), None)


@pytest.mark.parametrize("seed", range(30))
async def test_no_permit_is_lost_whatever_is_cancelled_closed_or_changed(clock, seed):
    chance = chance_of(seed)
    crowd, tasks = Crowd(chance, clock), []
    channel, shared = Throttle(3, None, clock), Throttle(4, 1e6, clock)
    lines = [
        opened_line(channel, shared, run_id="a"),
        opened_line(channel, shared, run_id="b"),
        opened_line(shared, run_id="c"),
    ]
    for _ in range(300):
        clock.at_s += 0.001
        tasks.append(asyncio.create_task(crowd.attempt(chance.choice(lines))))
        if chance.random() < 0.4:
            change_something(chance, tasks, lines, channel)
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        assert shared.in_use <= 4
    clock.at_s += 1
    for line in lines:
        line.open()
    ends = await in_time(asyncio.gather(*tasks, return_exceptions=True))

    assert {type(end) for end in ends} == {type(None), asyncio.CancelledError}
    assert len(crowd.began) > 20
    assert [line.in_use for line in lines] == [0, 0, 0]
    for throttle in (channel, shared):
        assert (throttle.in_use, throttle.waiting) == (0, 0)
        assert not throttle.turns


async def test_a_cancelled_waiter_is_passed_over(clock):
    throttle = Throttle(1, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    first, second = await waiting(line, 2)

    first.cancel()
    line.leave()

    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (throttle.in_use, throttle.waiting) == (1, 0)


async def test_a_cancelled_waiter_waits_no_more_though_nobody_leaves(clock):
    throttle = Throttle(1, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    [task] = await waiting(line)

    task.cancel()
    await settled()

    assert (throttle.waiting, line.waiting) == (0, 0)
    assert not throttle.turns


async def test_a_task_cancelled_after_its_token_came_gives_it_back(clock):
    throttle = Throttle(1, 0.001, clock)
    line = opened_line(throttle)
    assert await line.enter()
    clock.at_s += 1_000
    first, second = await waiting(line, 2)

    line.leave()
    first.cancel()

    assert await in_time(second)
    assert throttle.in_use == 1


async def test_nobody_left_to_wait_leaves_no_timer_behind(clock):
    throttle = Throttle(None, 0.001, clock)
    line = opened_line(throttle)
    assert await line.enter()
    [task] = await waiting(line)
    armed = throttle._timer

    line.close()

    assert not await task
    assert armed is not None
    assert armed.cancelled()


async def test_a_task_cancelled_after_its_permit_came_hands_it_on(clock):
    throttle = Throttle(1, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    first, second = await waiting(line, 2)

    line.leave()
    first.cancel()

    assert await second
    assert throttle.in_use == 1


@pytest.mark.parametrize(
    ("delivery", "alone"), [(Delivery.AT_MOST_ONCE, 10), (Delivery.IDEMPOTENT, 20)]
)
async def test_a_run_alone_may_store_the_window_of_the_shared_permits(
    clock, delivery, alone
):
    line = opened_line(Throttle(10, None, clock), delivery=delivery)

    assert (line.room(0), line.room(alone)) == (alone, 0)


async def test_each_run_may_have_its_part_and_never_less_than_one_ahead(clock):
    throttle = Throttle(4, None, clock)
    first = opened_line(throttle, delivery=Delivery.AT_MOST_ONCE)
    for _ in range(4):
        assert await first.enter()

    late = opened_line(throttle, run_id="late", delivery=Delivery.AT_MOST_ONCE)

    assert (late.room(0), late.room(2)) == (2, 0)
    assert (first.room(4), first.room(5)) == (1, 0)


async def test_of_a_shared_pace_little_is_stored_ahead(clock):
    throttle = Throttle(None, 40.0, clock)
    line = opened_line(throttle)

    assert (throttle.free(), line.room(0), line.room(10)) == (10, 10, 0)
    other = opened_line(throttle, run_id="run-2")
    assert await other.enter()
    tasks = await waiting(other, 4)
    assert (throttle.free(), line.room(0), other.room(5)) == (6, 6, 6)
    other.close()
    await asyncio.gather(*tasks)
    slow = opened_line(Throttle(None, 0.1, clock))
    assert (slow.room(0), slow.room(1)) == (1, 0)


async def test_the_narrowest_of_several_limits_counts(clock):
    line = opened_line(Throttle(None, 40.0, clock), Throttle(3, None, clock))

    assert line.room(0) == 6


def workspace(**values):
    return Workspace(workspace_id="floor", name="Floor", **values)


async def test_all_runs_of_a_channel_meet_at_one_throttle(clock):
    throttles = Throttles(
        workspace(
            shared=Shared(permits=9),
            channels={"webhook": Shared(permits=3, rate_per_s=5.0)},
        ),
        {},
        clock,
    )

    channel, shared = throttles.for_channel("webhook")

    assert throttles.for_channel("webhook") == (channel, shared)
    assert throttles.for_channel("smtp")[1] is shared
    assert (channel.permits, channel.rate_per_s, shared.permits) == (3, 5.0, 9)
    assert throttles.for_channel("smtp")[0].permits is None


async def test_what_an_operator_set_goes_before_the_file_until_it_is_dropped(clock):
    filed = workspace(shared=Shared(permits=9))
    throttles = Throttles(filed, {WORKSPACE: Shared(permits=2)}, clock)
    channel, shared = throttles.for_channel("webhook")
    assert shared.permits == 2

    throttles.set_override(WORKSPACE, None, None)
    assert throttles.limits(WORKSPACE) == Shared()
    assert shared.free() is None
    throttles.drop_override(WORKSPACE)
    assert throttles.limits(WORKSPACE) == Shared(permits=9)
    assert shared.free() == 9

    throttles.set_override(CALLS, 4, 2.0)
    assert (channel.permits, channel.rate_per_s) == (4, 2.0)
    throttles.drop_override(CALLS)
    assert (channel.permits, channel.rate_per_s) == (None, None)


async def test_a_limit_refused_leaves_what_held(clock):
    throttles = Throttles(workspace(shared=Shared(permits=9)), {}, clock)

    with pytest.raises(ValueError, match="let nothing through"):
        throttles.set_override(WORKSPACE, 0, None)

    assert throttles.limits(WORKSPACE) == Shared(permits=9)


async def test_a_limit_set_in_flight_knows_what_flies(clock):
    throttles = Throttles(workspace(), {}, clock)
    line = opened_line(*throttles.for_channel("webhook"))
    for _ in range(5):
        assert await line.enter()

    throttles.set_override(CALLS, 5, None)

    assert throttles.in_use() == {CALLS: 5, WORKSPACE: 5}
    [task] = await waiting(line)
    line.leave()
    assert await task
    assert throttles.throttle(CALLS).holders() == {"run-1": 5}


@pytest.fixture
def stored(tmp_path):
    connection = open_writer(made_layout(tmp_path / "floor"))
    yield stored_in(connection)
    close_writer(connection)


def test_a_shared_limit_is_kept_with_who_set_it_and_replaced_whole(stored):
    connection = stored.writer
    both = Shared(permits=5, rate_per_s=2.5)
    with connection.begin():
        set_shared_limit(connection, WORKSPACE, both, by="nora", at_ms=1)
        set_shared_limit(connection, CALLS, both, by="nora", at_ms=2)
        set_shared_limit(connection, CALLS, Shared(permits=1), by="omar", at_ms=3)

    with connection.begin():
        assert overrides(connection) == {WORKSPACE: both, CALLS: Shared(permits=1)}
        kept = shared_limits(connection)
    assert [(one.scope, one.by, one.at_ms) for one in kept] == [
        (CALLS, "omar", 3),
        (WORKSPACE, "nora", 1),
    ]


def test_a_shared_limit_that_is_cleared_leaves_the_file_to_hold(stored):
    connection = stored.writer
    with connection.begin():
        set_shared_limit(connection, CALLS, Shared(permits=1), by="nora", at_ms=1)

        assert clear_shared_limit(connection, CALLS)
        assert not clear_shared_limit(connection, CALLS)
        assert overrides(connection) == {}


def test_a_runs_own_limits_change_and_its_version_does_not(stored):
    connection = stored.writer
    with connection.begin():
        set_run_limits(connection, stored.run_no, permits=3, rate_per_s=0.5)

        assert run_limits(connection, stored.run_no) == Shared(
            permits=3, rate_per_s=0.5
        )


async def test_a_waiter_cancelled_as_its_gate_closes_is_told_nothing(clock):
    throttle = Throttle(1, None, clock)
    line = opened_line(throttle)
    assert await line.enter()
    first, second = await waiting(line, 2)

    first.cancel()
    line.close()

    assert not await in_time(second)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert throttle.waiting == 0


async def test_a_file_that_somebody_changed_holds_at_once_but_for_what_was_set(clock):
    filed = Workspace(workspace_id="w", name="W", shared=Shared(permits=9))
    throttles = Throttles(filed, {CALLS: Shared(permits=2)}, clock)
    whole, calls = throttles.throttle(WORKSPACE), throttles.throttle(CALLS)
    assert (whole.permits, calls.permits) == (9, 2)

    throttles.follow(
        Workspace(
            workspace_id="w",
            name="W",
            shared=Shared(permits=4, rate_per_s=1.5),
            channels={"webhook": Shared(permits=7)},
        )
    )

    assert (whole.permits, whole.rate_per_s) == (4, 1.5)
    assert calls.permits == 2
