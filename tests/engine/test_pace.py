from __future__ import annotations

import asyncio

import pytest

from watchfloor.engine.pace import Pace


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    made = Pace(2.0, clock)
    made.open()
    return made


async def test_who_waits_takes_nothing(pace):
    await pace.wait()
    await pace.wait()

    assert pace.took()


async def test_what_one_took_another_must_wait_for(pace, clock):
    assert pace.took()
    assert not pace.took()

    clock.now_s += 0.5
    assert pace.took()
    assert not pace.took()


async def test_what_is_saved_up_while_shared_limits_are_waited_for_is_one_attempt(
    pace, clock
):
    clock.now_s += 60.0

    assert pace.took()
    assert not pace.took()


async def test_a_pace_that_closes_lets_who_waits_give_up(pace):
    assert pace.took()
    waiting = asyncio.create_task(pace.wait())
    await asyncio.sleep(0)

    pace.close()
    await waiting

    assert pace.took()  # the gate is closed: who asks gives up, and nothing is paced


async def test_a_pace_that_is_set_holds_whoever_had_none(pace, clock):
    pace.set(None)
    assert pace.took()
    assert pace.took()

    pace.set(2.0)
    assert pace.took()
    assert not pace.took()
    clock.now_s += 0.5
    assert pace.took()
