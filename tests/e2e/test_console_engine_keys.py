"""The engine of a console by its keys: drained, handed on, started, taken over."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

from tests.console.terminal import Terminal
from tests.e2e.consoles import CTRL_C, ENTER, flying, opened, told
from tests.e2e.test_engine_process import NOT_DRAINED
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess, is_gone

from watchfloor.domain.leaving import Leaving

__all__ = ["flying", "opened"]


def answered(terminal: Terminal, question: str, key: str) -> None:
    """Answer a question once it stands: a key that came before answers nothing."""
    terminal.until(question)
    for _ in range(50):
        terminal.send(key)
        terminal.quiet(0.2)
        if question not in terminal.glass:
            return
    msg = f"{question!r} stands on:\n{terminal.glass}"
    raise AssertionError(msg)


@contextmanager
def beside_an_engine(floor, provider, opened):
    """A console beside another process's engine, which has three attempts in flight."""
    provider.hold()
    told = webhook(provider.url, 'timeout = "600s"', permits=3)
    run_id = floor.launched(told, ids(9))
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 3)
        terminal = opened()
        terminal.until("engine: engine of")
        yield run_id, engine, terminal


def drained_by_key(terminal: Terminal) -> None:
    """Leave by a key, and wait until the terminal beneath tells of the drain."""
    terminal.send("q")
    answered(terminal, "Drain (y)", "y")
    told(terminal, "Draining")


def test_after_a_key_that_drains_the_first_ctrl_c_cuts_nothing_off(
    floor, provider, flying
):
    run_id, terminal = flying()
    drained_by_key(terminal)

    terminal.send(CTRL_C)
    told(terminal, "Draining", 2)
    until(lambda: floor.books(run_id).attempting == 3)
    provider.let_go()

    assert terminal.ended() == 0
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.retry, books.attempting) == (3, 0, 0)
    assert floor.pulse().left == Leaving.QUIT


def test_after_a_key_that_drains_a_second_ctrl_c_does_not_wait_and_is_told(
    floor, provider, flying
):
    run_id, terminal = flying()
    drained_by_key(terminal)

    def ended() -> bool:
        # Heard once it can no longer be an echo of the first.
        terminal.send(CTRL_C)
        terminal.quiet(0.1)
        return terminal.process.poll() is not None

    until(ended)

    assert terminal.ended() == NOT_DRAINED
    told(terminal, "Not waiting: attempts in flight are cut off")
    assert floor.assert_books_hold(run_id).retry == 3


def test_leaving_may_hand_the_runs_to_an_engine_that_outlives_the_terminal(
    floor, provider, flying
):
    run_id, terminal = flying()
    terminal.send("q")
    answered(terminal, "Headless (h)", "h")

    # The one that stands by is ready before this one drains.
    until(floor.layout.headless_log.exists)
    terminal.quiet(1.0)
    provider.let_go()
    assert terminal.ended() == 0
    terminal.quiet(0.3)
    assert "An engine without a screen goes on (pid" in terminal.glass
    terminal.vanish()

    pid = floor.pulse().pid
    try:
        until(lambda: floor.books(run_id).delivered == 9)
        assert pid != terminal.process.pid
        assert floor.pulse().owner.startswith("engine of")
        assert floor.assert_books_hold(run_id).unknown == 0
        assert sorted(provider.contacts) == ids(9)
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
        until(lambda: is_gone(pid))


def test_where_no_engine_comes_to_stand_by_the_console_is_not_left(
    floor, provider, flying
):
    _, terminal = flying()
    floor.layout.headless_log.mkdir()

    terminal.send("q")
    answered(terminal, "Headless (h)", "h")

    terminal.until("Not left; the engine here goes on")
    assert terminal.process.poll() is None
    provider.let_go()


def test_a_key_starts_the_engine_in_a_console_that_has_none(floor, provider, opened):
    with beside_an_engine(floor, provider, opened) as (run_id, engine, terminal):
        engine.signal(signal.SIGHUP)
        until(lambda: "Draining" in engine.said)
        provider.let_go()
        assert engine.ended() == 0

    terminal.until("interrupted by a hang-up at")
    terminal.until("R resumes")
    terminal.send("R")
    terminal.until("engine: this process")

    until(lambda: floor.books(run_id).delivered == 9)
    assert sorted(provider.contacts) == ids(9)


def test_a_console_takes_the_engine_over_and_the_loser_becomes_its_console(
    floor, provider, flying, opened
):
    run_id, loser = flying()
    loser.until("engine: this process")
    other = opened()
    other.until(f"pid {loser.process.pid} on")
    other.send("R")
    other.until("Take the engine over?")
    other.until("heartbeat")
    other.press(f"take over{ENTER}")
    other.press(ENTER)
    assert floor.pulse().pid == loser.process.pid
    other.send("R")
    other.until("Take the engine over?")
    other.press(f"take over{ENTER}")
    other.send("y")
    other.until("drains and lets go")
    provider.let_go()

    other.until("engine: this process")
    loser.until("Taken over; this is a console of it now")
    loser.until(f"pid {other.process.pid} on")
    until(lambda: floor.books(run_id).delivered == 9)
    assert sorted(provider.contacts) == ids(9)
    loser.send("q")
    assert loser.ended() == 0
    assert floor.pulse().pid == other.process.pid


def test_an_engine_that_hangs_is_passed_over_only_by_a_typed_word(
    floor, provider, opened
):
    with beside_an_engine(floor, provider, opened) as (run_id, engine, terminal):
        engine.signal(signal.SIGSTOP)
        terminal.send("R")
        terminal.until("Take the engine over?")
        terminal.press(f"take over{ENTER}")
        terminal.send("y")
        terminal.until("does not answer. Pass it over?")
        terminal.until("holds the lock and took no command")
        assert floor.pulse().pid != terminal.process.pid
        terminal.press(f"seize{ENTER}")
        terminal.send("y")
        terminal.until("engine: this process")
        provider.let_go()
        until(lambda: floor.books(run_id).delivered == 9)

        # It wakes, finds the workspace taken, changes nothing and ends.
        engine.signal(signal.SIGCONT)
        assert engine.ended() == 1
        assert "another engine has taken this workspace over" in engine.said
    assert floor.assert_books_hold(run_id).delivered == 9
    assert floor.pulse().pid == terminal.process.pid
    assert len({one.key for one in provider.arrivals}) == 9
