"""Sicknesses of the engine itself: dead, never there, wedged, without a disk."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

from tests.support.floor import Running, campaign, ids, webhook
from tests.support.patience import DEADLINE_S, until
from tests.support.process import EngineProcess
from tests.support.provider import Reply
from tests.triage.library.bed import HOUR_S, MINUTE_S, Bed, Patient, many

from watchfloor.domain.errors import StoreError
from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.regions import Intake
from watchfloor.engine.changes import Transaction
from watchfloor.engine.throttles import Line


@contextmanager
def engine_killed(bed: Bed) -> Iterator[Patient]:
    """Kill the process of an engine while four requests are in flight."""
    bed.provider.hold()
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), ids(30))
    with EngineProcess(bed.floor.layout) as process:
        until(lambda: bed.provider.at_once == 4)
        assert process.kill()
    bed.floor.clock.ahead_s += 3 * MINUTE_S
    yield Patient(run_id)
    bed.provider.let_go()


@contextmanager
def engine_never_started(bed: Bed) -> Iterator[Patient]:
    """Launch where nobody ever ran an engine, and come back after ten minutes."""
    run_id = bed.floor.launched(webhook(bed.provider.url), ids(30))
    bed.floor.clock.ahead_s += 10 * MINUTE_S
    yield Patient(run_id)


@contextmanager
def engine_stopped_in_good_order(bed: Bed) -> Iterator[Patient]:
    """Stop the engine in the middle of a run, as before a reboot, and forget it."""
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine():
        until(lambda: bed.floor.books(run_id).delivered > 20)
    assert bed.floor.pulse().released
    bed.floor.clock.ahead_s += HOUR_S
    yield Patient(run_id)


@contextmanager
def loop_blocked_by_a_channel(bed: Bed) -> Iterator[Patient]:
    """Let a team's function block the engine's loop, as one that never awaits does.

    Its process lives and owns the workspace; only its heart stands still.
    """
    entered, released = threading.Event(), threading.Event()

    async def contact(record: object) -> str:
        entered.set()
        released.wait()
        return "delivered"

    brought = ModuleType("brought_to_the_floor")
    vars(brought)["contact"] = contact
    sys.modules[brought.__name__] = brought
    told = campaign('call = "brought_to_the_floor:contact"', channel="python")
    run_id = bed.floor.launched(told, ids(30))
    try:
        with bed.engine():
            assert entered.wait(DEADLINE_S)
            bed.floor.clock.ahead_s += 5 * MINUTE_S
            yield Patient(run_id)
            released.set()
    finally:
        released.set()
        del sys.modules[brought.__name__]


@contextmanager
def dispatch_wedged(bed: Bed) -> Iterator[Patient]:
    """Close a run's gate in the engine's mind alone, as a lost wake-up would.

    The store says open, the engine beats, permits are free, and nothing starts.
    """
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 20)
        assert engine.supervisor is not None
        _on_loop(engine, engine.supervisor._lanes.hold, {run_id})
        until(lambda: bed.floor.books(run_id).attempting == 0)
        bed.later(engine, 10 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def permits_leaked(bed: Bed) -> Iterator[Patient]:
    """Enter a channel's limit and never leave it, as a bug that loses permits does.

    The engine takes all of them for used; the provider was asked by nobody.
    """
    bed.floor.ordered("limit", scope="channel:webhook", permits=4)
    with bed.engine() as engine:
        assert engine.supervisor is not None
        throttles = engine.supervisor._throttles.for_channel("webhook")
        line = Line("of nobody", throttles, Delivery.IDEMPOTENT)
        _on_loop(engine, line.open)
        for _ in range(4):
            _on_loop(engine, line.entered_at_once)
        run_id = bed.floor.launched(webhook(bed.provider.url, permits=10), ids(30))
        until(lambda: bed.floor.books(run_id).attempting > 0)
        bed.later(engine, 10 * MINUTE_S)
        assert bed.provider.arrivals == []
        yield bed.watched(run_id, engine)


@contextmanager
def intake_hangs(bed: Bed) -> Iterator[Patient]:
    """Let the one reader of uploads hang, as on a disk that does not answer.

    What hangs is a task that waits for ever in the place of the reader's.
    """
    with bed.engine() as engine:
        supervisor = engine.supervisor
        assert supervisor is not None

        def hang() -> None:
            never = asyncio.get_running_loop().create_future()
            supervisor._extraction = asyncio.create_task(_waiting(never))

        _on_loop(engine, hang)
        run_id = bed.floor.launched(webhook(bed.provider.url), ids(30))
        bed.later(engine, 30 * MINUTE_S)
        assert bed.floor.view(run_id).lifecycle.intake is Intake.PENDING
        yield bed.watched(run_id, engine)


@contextmanager
def disk_full(bed: Bed) -> Iterator[Patient]:
    """Leave the store no room for another page, as a full disk does."""
    bed.provider.otherwise = Reply(after_s=0.01, body={"detail": "x" * 400})
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=5), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 10)
        # The disk may be full for this very round.
        with suppress(StoreError):
            engine.do(_fill)
        supervisor = engine.supervisor
        assert supervisor is not None
        committer = supervisor._committer
        until(lambda: committer.store_fault, "the store to fail")
        bed.floor.clock.ahead_s += 2 * MINUTE_S
        yield Patient(run_id)
        driver = committer._connection.connection.dbapi_connection
        assert driver is not None
        driver.cursor().execute("PRAGMA max_page_count = 1000000000")


def _fill(tx: Transaction) -> None:
    pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def _on_loop(engine: Running, act: object, *arguments: object) -> None:
    """Have something done on the engine's own loop, and wait for it."""
    supervisor = engine.supervisor
    assert supervisor is not None
    assert callable(act)
    done = threading.Event()

    def acted() -> None:
        act(*arguments)
        done.set()

    supervisor._loop.call_soon_threadsafe(acted)
    assert done.wait(DEADLINE_S)


async def _waiting(never: asyncio.Future[None]) -> None:
    await never
