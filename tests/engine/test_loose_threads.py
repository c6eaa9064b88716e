from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import CancelledError, wait

import pytest
import uvloop
from tests.support.patience import DEADLINE_S, until

from watchfloor.engine.loose_threads import LooseThreads


@pytest.fixture
def released():
    """What calls that block wait for; they end with the test at the latest."""
    event = threading.Event()
    yield event
    event.set()


def test_a_call_is_answered_and_an_error_is_handed_on():
    threads = LooseThreads()

    assert threads.submit(divmod, 7, 2).result(DEADLINE_S) == (3, 1)
    assert threads.submit(int, "11", base=2).result(DEADLINE_S) == 3
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result(DEADLINE_S)
    threads.shutdown()


def test_so_many_calls_run_at_once_and_threads_are_used_again(released):
    threads = LooseThreads(2)
    running = threading.Semaphore(0)

    def call():
        running.release()
        released.wait(DEADLINE_S)
        return threading.current_thread()

    calls = [threads.submit(call) for _ in range(5)]
    for _ in range(2):
        assert running.acquire(timeout=DEADLINE_S)
    assert not running.acquire(blocking=False)
    released.set()

    used = {one.result(DEADLINE_S) for one in calls}
    assert len(used) == 2
    assert all(one.daemon for one in used)
    threads.shutdown()
    until(lambda: not any(one.is_alive() for one in used), "its threads to end")


def test_one_thread_does_for_calls_that_come_one_after_the_other():
    threads, used = LooseThreads(), set()

    for _ in range(20):
        used.add(threads.submit(threading.current_thread).result(DEADLINE_S))
        until(lambda: threads._spare._value, "the thread to be spare")

    assert len(used) == 1
    threads.shutdown()


def test_a_shutdown_waits_for_no_call_and_begins_none_that_waits(released):
    threads = LooseThreads(1)
    begun, behind = threading.Event(), threading.Event()

    def call():
        begun.set()
        return released.wait(DEADLINE_S)

    blocks, waits = threads.submit(call), threads.submit(behind.set)
    assert begun.wait(DEADLINE_S)

    threads.shutdown()
    threads.shutdown()

    assert waits.cancelled()
    assert not blocks.done()
    with pytest.raises(RuntimeError, match="after a shutdown"):
        threads.submit(behind.set)
    released.set()
    assert blocks.result(DEADLINE_S) is True
    assert not behind.is_set()


def test_a_call_that_was_given_up_before_its_turn_is_not_made(released):
    threads, behind = LooseThreads(1), threading.Event()
    first = threads.submit(released.wait, DEADLINE_S)
    given_up = threads.submit(behind.set)
    last = threads.submit(time.monotonic)

    assert given_up.cancel()
    released.set()

    wait([first, last], DEADLINE_S)
    with pytest.raises(CancelledError):
        given_up.result()
    assert not behind.is_set()
    threads.shutdown()


@pytest.mark.parametrize("new_loop", [asyncio.SelectorEventLoop, uvloop.Loop])
def test_a_loop_closes_although_a_call_blocks(released, new_loop):
    async def blocked():
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def call():
            loop.call_soon_threadsafe(begun.set)
            released.wait(DEADLINE_S)

        loop.set_default_executor(LooseThreads())
        calling = asyncio.create_task(asyncio.to_thread(call))
        await begun.wait()
        calling.cancel()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(blocked())

    assert not released.is_set()
