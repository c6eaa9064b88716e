"""A console with an engine in it, in a real terminal that misbehaves or goes away."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from tests.console.terminal import Terminal
from tests.e2e.consoles import ESCAPE, REDRAW, SIZE, flying, opened, told
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.process import bears, signalled, stands_still

from watchfloor.cli.hangups import ECHO_S
from watchfloor.domain.leaving import Leaving
from watchfloor.store.lock_text import all_told_in

__all__ = ["flying", "opened"]


def wanted_s(pid: int) -> float:
    """Return for how many seconds a process's threads had a core, or waited for one.

    On a busy machine one that spins gets little, and wants all of it.
    """
    wanted_ns = 0
    for one in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(FileNotFoundError):  # a thread that has ended
            wanted_ns += sum(map(int, one.read_text(encoding="ascii").split()[:2]))
    return wanted_ns / 1e9


def share_of_a_core(floor, pid: int, beats: int = 3) -> float:
    """Return how much of a core a process wants while its engine beats so often."""
    begun, wanted, seen = time.monotonic(), wanted_s(pid), set()

    def enough() -> bool:
        seen.add(floor.pulse().heartbeat_at_ms)
        return len(seen) > beats

    until(enough, "heartbeats")
    return (wanted_s(pid) - wanted) / (time.monotonic() - begun)


@pytest.mark.parametrize(
    "keys",
    ["", "?", "q", ":", "n", "R", "2", "/name", "5"],
    ids=[
        "jobs",
        "help",
        "leaving",
        "palette",
        "wizard",
        "engine",
        "live",
        "filter",
        "",
    ],
)
def test_a_terminal_that_closes_ends_the_console_whatever_is_open(
    floor, provider, opened, keys
):
    floor.launched(webhook(provider.url), ids(3))
    terminal = opened()
    terminal.until("Trial")
    for key in keys:
        terminal.send(key)
        terminal.quiet(0.05)

    terminal.vanish()

    assert terminal.ended() == 0
    assert floor.pulse().left == Leaving.HANG_UP


@pytest.mark.parametrize("written", [1, 200, 3_000])
def test_a_terminal_that_closes_in_the_first_paint_leaves_no_process(
    floor, opened, written
):
    terminal = opened(ready="")
    while len(terminal.sent) < written and terminal.process.poll() is None:
        terminal.read(0.05)

    terminal.vanish()

    # Before it listens, the hang-up ends it; it may also find no terminal to draw on.
    assert terminal.ended() in (0, 1, -signal.SIGHUP)
    assert floor.pulse().released


def test_a_terminal_that_closes_while_attempts_fly_lets_them_end(
    floor, provider, flying
):
    run_id, terminal = flying()

    terminal.vanish()
    os.kill(terminal.process.pid, signal.SIGHUP)  # as a shell does beside the kernel
    until(lambda: floor.books(run_id).attempting == 3)
    # It beats on while it drains: there is a time to measure.
    assert share_of_a_core(floor, terminal.process.pid, beats=2) < 0.6
    provider.let_go()

    assert terminal.ended() == 0
    assert floor.books(run_id).delivered == 3
    assert floor.pulse().left == Leaving.HANG_UP


def test_a_console_may_go_on_without_its_terminal_and_takes_no_core_for_it(
    floor, provider, flying
):
    run_id, terminal = flying("--on-hangup", "continue")

    terminal.vanish()
    pid = terminal.process.pid
    assert share_of_a_core(floor, pid) < 0.6
    os.kill(pid, signal.SIGHUP)
    provider.let_go()
    until(lambda: floor.books(run_id).delivered == 9)
    assert terminal.process.poll() is None

    os.kill(pid, signal.SIGTERM)
    assert terminal.ended() == 0
    assert floor.pulse().left == Leaving.SIGNAL


def test_a_terminal_that_takes_nothing_holds_up_no_run_and_no_end(
    floor, provider, opened
):
    terminal = opened()
    # Somebody keeps asking for the whole screen, and nobody reads what comes.
    for _ in range(60):
        terminal.send(f"{REDRAW}2{ESCAPE}")
    run_id = floor.launched(webhook(provider.url, permits=5), ids(200))

    floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).delivered == 200
    assert terminal.process.poll() is None
    terminal.vanish()
    assert terminal.ended() == 0


def test_a_stalled_console_that_is_asked_twice_to_end_does(floor, provider, opened):
    terminal = opened()
    for _ in range(60):
        terminal.send(f"{REDRAW}2{ESCAPE}")
    run_id = floor.launched(webhook(provider.url, permits=5), ids(50))
    floor.until_ended(run_id)

    def ended() -> bool:
        # Gone, and who forked it has not said so yet.
        with suppress(ProcessLookupError):
            os.kill(terminal.process.pid, signal.SIGTERM)
        time.sleep(0.1)
        return terminal.process.poll() is not None

    until(ended)
    assert terminal.is_cooked
    assert floor.pulse().released


def stalled(terminal: Terminal) -> None:
    """Let its line take nothing any more: much is painted, and nobody reads."""

    def takes_nothing() -> bool:
        for _ in range(5):
            terminal.send(f"{REDRAW}2{ESCAPE}")
        time.sleep(0.3)
        return terminal.is_full

    until(takes_nothing, "its line to be full")


def has_its_terminal(terminal: Terminal) -> bool:
    """Whether a program may still write to the terminal that it was started in."""
    terminal.check_runs()
    where = Path(f"/proc/{terminal.process.pid}/fd/1")
    return where.readlink().is_relative_to("/dev/pts")


TERM, HUP = signal.SIGTERM, signal.SIGHUP


@pytest.mark.parametrize(
    ("sent", "apart_s"),
    [
        ((TERM,), 0.0),
        ((HUP,), 0.0),
        ((HUP, TERM), 0.0),
        *((pair, ECHO_S * 1.5) for pair in product((TERM, HUP), repeat=2)),
    ],
)
def test_a_stalled_console_drains_at_once_by_any_signal_and_ends(
    floor, provider, flying, sent, apart_s
):
    run_id, terminal = flying()
    pid = terminal.process.pid
    stalled(terminal)

    for one in sent:
        signalled(pid, one)
        time.sleep(apart_s)
    until(lambda: all_told_in(floor.layout.lock).drain is not None, "it to drain")
    # The screens have not ended then: they wait for some seconds at least.
    assert has_its_terminal(terminal) or len(sent) > 1
    until(lambda: not has_its_terminal(terminal), "it to forsake its terminal")
    provider.let_go()

    assert terminal.ended() == 0
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.retry, books.attempting) == (3, 0, 0)
    assert len(provider.arrivals) == 3
    first = Leaving.HANG_UP if sent[0] == HUP else Leaving.SIGNAL
    assert floor.pulse().left == first


def test_a_stalled_console_may_go_on_after_a_hang_up_and_ends_by_a_sigterm(
    floor, provider, flying
):
    run_id, terminal = flying("--on-hangup", "continue")
    pid = terminal.process.pid
    stalled(terminal)

    signalled(pid, HUP)
    until(lambda: not has_its_terminal(terminal), "it to forsake its terminal")
    provider.let_go()
    until(lambda: floor.books(run_id).delivered == 9)
    assert terminal.process.poll() is None

    os.kill(pid, TERM)
    assert terminal.ended() == 0
    assert floor.pulse().left == Leaving.SIGNAL


@pytest.mark.parametrize("sent", [(TERM,), (HUP,), (HUP, TERM), (TERM, HUP)])
def test_a_console_that_is_ended_in_mid_run_gives_back_and_tells_the_terminal(
    floor, provider, flying, sent
):
    run_id, terminal = flying()

    for one in sent:
        signalled(terminal.process.pid, one)
    told(terminal, "Draining")
    until(lambda: floor.books(run_id).attempting == 3)
    provider.let_go()

    assert terminal.ended() == 0
    terminal.quiet()
    assert b"\x1b[?1049l" in terminal.sent
    assert terminal.is_cooked
    assert floor.assert_books_hold(run_id).delivered == 3


def test_a_hang_up_and_a_sigterm_at_once_let_what_flies_end(floor, provider, flying):
    run_id, terminal = flying()
    pid = terminal.process.pid

    # Whichever comes first, a process that finds both takes SIGHUP first.
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGHUP)
    until(lambda: floor.books(run_id).attempting == 3)
    assert terminal.process.poll() is None
    provider.let_go()

    assert terminal.ended() == 0
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.retry, books.attempting) == (3, 0, 0)


def test_ctrl_z_and_its_signal_stop_neither_console_nor_engine(floor, provider, flying):
    run_id, terminal = flying()
    pid = terminal.process.pid

    terminal.press("\x1a")
    assert bears(pid, signal.SIGTSTP)
    os.kill(pid, signal.SIGTSTP)
    # A key that came after both has its effect: neither waits to be taken.
    terminal.press("?")
    terminal.until("Esc Close")
    terminal.press(ESCAPE)
    assert not stands_still(pid)
    provider.let_go()

    until(lambda: floor.books(run_id).delivered == 9)
    terminal.press("r")
    terminal.until("100%")


def test_a_console_that_was_stopped_and_continued_stands_as_before(
    floor, provider, flying
):
    run_id, terminal = flying()
    os.kill(terminal.process.pid, signal.SIGSTOP)
    terminal.spoil()
    provider.let_go()

    os.kill(terminal.process.pid, signal.SIGCONT)

    terminal.until("engine: this process")
    until(lambda: floor.books(run_id).delivered == 9)
    terminal.press("r")
    terminal.until("100%")


def test_storms_of_signals_and_sizes_leave_a_console_that_answers(
    floor, provider, opened
):
    terminal = opened()
    run_id = floor.launched(webhook(provider.url, permits=5), ids(100))
    chance = random.Random(7)  # noqa: S311  replayable, not secret
    assert bears(terminal.process.pid, signal.SIGWINCH)
    painted = len(terminal.sent)

    for _ in range(500):
        terminal.resize(chance.randint(20, 200), chance.randint(5, 60))
        sent = chance.choice((signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP))
        os.kill(terminal.process.pid, sent)
        terminal.read(0.0)
    terminal.resize(*SIZE)
    # It heard of the sizes: whole screens came, and more than one.
    until(lambda: not terminal.read(0.1) and len(terminal.sent) - painted > 5_000)
    assert not stands_still(terminal.process.pid)

    floor.until_ended(run_id)
    terminal.quiet(0.3)
    terminal.press(REDRAW)
    terminal.press("r")
    terminal.until("100%")
    terminal.send("q")
    assert terminal.ended() == 0
