"""An engine that ends although somebody's code does not let go."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import suppress
from types import ModuleType

import pytest
from tests.support.floor import campaign, ids
from tests.support.patience import DEADLINE_S, until

from watchfloor.engine.lane import shut
from watchfloor.store.lock_text import all_told_in


class Stubborn:
    """Functions that contact, and let go of it only when they are told to."""

    TOGETHER = 3

    def __init__(self):
        self.entered = []
        self.cut = []
        self.is_released = threading.Event()

    async def clings(self, record):
        self.entered.append(record.contact)
        while not self.is_released.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return "delivered"

    async def lets_go_with_all(self, record):
        self.entered.append(record.contact)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(DEADLINE_S)
        self.cut.append(record.contact)
        # Far less than the grace of one, and nothing where all are cut at once.
        for _ in range(100):
            if len(self.cut) == self.TOGETHER:
                return "delivered"
            await asyncio.sleep(0.01)
        return "permanent"


@pytest.fixture
def stubborn(monkeypatch):
    one = Stubborn()
    brought = ModuleType("brought_to_the_floor")
    vars(brought).update(clings=one.clings, lets_go_with_all=one.lets_go_with_all)
    monkeypatch.setitem(sys.modules, brought.__name__, brought)
    yield one
    one.is_released.set()


def through(call, **options):
    """Return a campaign whose only step is a function that was brought."""
    told = f'call = "brought_to_the_floor:{call}"\ntimeout = "10m"'
    return campaign(told, channel="python", permits=1, **options)


def heard_drain(floor, engine):
    """Return what an engine tells of its end, once it has heard every stop."""
    loop = engine.supervisor._loop
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(DEADLINE_S)
    return all_told_in(floor.layout.lock).drain


def test_a_further_stop_puts_no_end_off(floor, stubborn):
    floor.launched(through("clings"), ids(1))
    with floor.engine() as engine:
        until(lambda: stubborn.entered)
        engine.stop()
        patient = heard_drain(floor, engine)
        engine.stop()
        cut = heard_drain(floor, engine)
        floor.clock.ahead_s += 5.0
        engine.stop()

        assert heard_drain(floor, engine) == cut
        assert cut.until_ms < patient.until_ms
        stubborn.is_released.set()
        engine.ended()


def test_channels_that_let_go_only_together_are_waited_for_together(floor, stubborn):
    runs = [
        floor.launched(through("lets_go_with_all", name=f"trial-{number}"), ids(1))
        for number in range(Stubborn.TOGETHER)
    ]
    with floor.engine(grace_s=0.0) as engine:
        until(lambda: len(stubborn.entered) == Stubborn.TOGETHER)
        engine.stop()
        engine.ended()

    assert [floor.assert_books_hold(one).delivered for one in runs] == [1, 1, 1]


def test_an_engine_beats_until_what_does_not_let_go_is_left(floor, stubborn):
    floor.launched(through("clings"), ids(1))
    with floor.engine(grace_s=0.0) as engine:
        until(lambda: stubborn.entered)
        engine.stop()
        until(lambda: engine.supervisor._draining._flying, "channels to be closed")
        asked_ms = floor.around.now_ms()
        until(lambda: floor.pulse().heartbeat_at_ms > asked_ms, "a heartbeat")
        # It is none that comes with the word that all is over.
        assert not floor.pulse().released
        stubborn.is_released.set()
        engine.ended()


class Closing:
    """A channel of which only the end matters: it comes with its company's."""

    def __init__(self, company):
        self._company = company
        self.is_closed = False

    async def __aexit__(self, *_):
        await self._company.wait()
        self.is_closed = True


class Clinging:
    """A channel that does not end its end, whatever it is told."""

    def __init__(self):
        self.is_released = asyncio.Event()

    async def __aexit__(self, *_):
        while not self.is_released.is_set():
            with suppress(asyncio.CancelledError):
                await self.is_released.wait()


async def closed(*channels, within_s=DEADLINE_S):
    await shut(channels, within_s)


async def test_channels_close_beside_one_another():
    company = asyncio.Barrier(2)
    one, other = Closing(company), Closing(company)

    await closed(one, other)

    assert (one.is_closed, other.is_closed) == (True, True)


async def test_a_channel_that_does_not_close_is_told_of_and_holds_up_nobody(caplog):
    one, alone = Clinging(), asyncio.all_tasks()

    await closed(one, within_s=0.01)

    assert "a channel did not close: it takes too long" in caplog.text
    assert asyncio.all_tasks() == alone
    one.is_released.set()


async def test_a_close_that_is_cut_short_leaves_its_channels(caplog):
    one, alone = Clinging(), asyncio.all_tasks()
    closing = asyncio.create_task(closed(one))
    await asyncio.sleep(0)

    closing.cancel()
    await asyncio.wait([closing])

    assert closing.cancelled()
    assert asyncio.all_tasks() == alone
    one.is_released.set()
