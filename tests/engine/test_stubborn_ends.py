"""An engine that ends although somebody's code does not let go."""

from __future__ import annotations

import asyncio
import sys
import threading
from types import ModuleType

import pytest
from tests.support.floor import campaign, ids
from tests.support.patience import DEADLINE_S, until

from watchfloor.store.lock_text import all_told_in


class Stubborn:
    """A function that contacts, and lets go only when it is told to."""

    def __init__(self):
        self.entered = []
        self.is_released = threading.Event()

    async def clings(self, record):
        self.entered.append(record.contact)
        while not self.is_released.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
        return "delivered"


@pytest.fixture
def stubborn(monkeypatch):
    one = Stubborn()
    brought = ModuleType("brought_to_the_floor")
    vars(brought).update(clings=one.clings)
    monkeypatch.setitem(sys.modules, brought.__name__, brought)
    yield one
    one.is_released.set()


def through(name, **options):
    """Return a campaign whose only step is a function that was brought."""
    told = f'call = "brought_to_the_floor:{name}"\ntimeout = "10m"'
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
