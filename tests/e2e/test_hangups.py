"""An engine without a screen, and every signal that may end it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from tests.e2e.test_engine_process import NOT_DRAINED, said_by
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.process import (
    EngineProcess,
    bears,
    signalled,
    stands_still,
)

from watchfloor.cli.hangups import DRAINING, NOT_WAITING, Orders, follow_signals
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.taking_over import PROOF_S
from watchfloor.engine.ownership import Taking
from watchfloor.engine.tenure import tenure

#: Signals by which a terminal stops a job: an engine ignores them.
JOB_CONTROL = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


@pytest.fixture
def flying(floor, provider):
    """A run with three attempts in flight at an engine of its own process."""
    provider.hold()
    run_id = floor.launched(
        webhook(provider.url, 'timeout = "600s"', permits=3), ids(9)
    )

    def start(*options: str) -> tuple[str, EngineProcess]:
        engine = EngineProcess(floor.layout, *options)
        until(lambda: provider.at_once == 3)
        return run_id, engine

    return start


def test_a_hang_up_drains_and_the_runs_say_so_until_an_engine_starts(
    floor, provider, flying
):
    run_id, engine = flying()
    with engine:
        # A shell and the kernel both tell of it: twice is not a second order to stop.
        engine.signal(signal.SIGHUP)
        engine.signal(signal.SIGHUP)
        until(lambda: floor.books(run_id).attempting == 3)
        status = said_by(floor, "status").stdout
        assert "| engine drains, 3 in flight, since " in status
        provider.let_go()
        assert engine.ended() == 0

    assert floor.books(run_id).delivered == 3
    assert (floor.pulse().left, floor.pulse().released) == (Leaving.HANG_UP, True)
    for verb in (("runs",), ("show", run_id), ("why", run_id)):
        said = " ".join(said_by(floor, *verb).stdout.split())
        assert "interrupted by a hang-up at" in said, verb
    listed = json.loads(said_by(floor, "runs", "--json").stdout)
    assert listed[0]["interrupted"].startswith("interrupted by a hang-up at")

    # A verb owns the workspace for a moment, and resumes nothing.
    assert said_by(floor, "limit", run_id, "--permits", "4").returncode == 0
    assert floor.pulse().left == Leaving.HANG_UP

    with EngineProcess(floor.layout, "--until-idle") as again:
        until(lambda: floor.pulse().left == "")
        assert "interrupted" not in said_by(floor, "runs").stdout
        assert again.ended() == 0
    assert sorted(provider.contacts) == ids(9)
    assert floor.assert_books_hold(run_id).delivered == 9


def test_a_hang_up_may_leave_an_engine_alone(floor, provider, flying):
    run_id, engine = flying("--on-hangup", "continue")
    with engine:
        engine.signal(signal.SIGHUP)
        provider.let_go()
        until(lambda: floor.books(run_id).delivered == 9)
        assert engine.is_running
        engine.terminate()
        assert engine.ended() == 0
    assert floor.pulse().left == Leaving.SIGNAL


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once_and_says_that_it_was_not_drained(
    floor, flying, sent
):
    run_id, engine = flying("--grace", "3600")
    with engine:
        engine.signal(sent)
        until(lambda: "Draining" in engine.said)

        def again() -> bool:
            # Heard once it can no longer be an echo of the first.
            engine.signal(sent)
            return "Not waiting" in engine.said

        until(again)
        assert engine.ended() == NOT_DRAINED
        assert engine.said.count("Draining") == 1
        assert "Not waiting: attempts in flight are cut off" in engine.said
    books = floor.assert_books_hold(run_id)
    assert (books.attempting, books.retry, books.pending) == (0, 3, 6)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_twice_at_once_is_one_order_and_waits(
    floor, provider, flying, sent
):
    run_id, engine = flying("--grace", "3600")
    with engine:
        # As timeout does: its child, and then the group that its child is in.
        engine.signal(sent)
        until(lambda: "Draining" in engine.said)
        signalled(engine.pid, sent)
        provider.let_go()
        assert engine.ended() == 0
        assert engine.said.count("Draining") == 1
        assert "Not waiting" not in engine.said
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.retry, books.attempting) == (3, 0, 0)


def test_another_signal_at_once_is_a_second_order(flying):
    _, engine = flying("--grace", "3600")
    with engine:
        engine.signal(signal.SIGTERM)
        until(lambda: "Draining" in engine.said)
        engine.signal(signal.SIGINT)
        assert engine.ended() == NOT_DRAINED


class Ordered:
    """An engine that notes its orders, and is sent SIGINT in the midst of the first."""

    def __init__(self) -> None:
        self.orders: list[str] = []

    def drain(self, _: Leaving) -> None:
        signal.raise_signal(signal.SIGINT)
        self.orders.append("drain")

    def stop(self, _: Leaving = Leaving.SIGNAL) -> None:
        self.orders.append("stop")


def test_a_second_order_in_the_midst_of_the_first_is_heard():
    engine, said = Ordered(), list[str]()
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, *JOB_CONTROL)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        follow_signals(engine, Orders(), on_hangup="drain", tell=said.append)
        signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    # To stop means not to wait only where it was to drain before.
    assert engine.orders == ["drain", "stop", "drain"]
    assert said == [DRAINING, NOT_WAITING]


def test_an_echo_does_not_lengthen_its_own_time():
    now_s = [100.0]
    orders = Orders(lambda: now_s[0])
    heard = []
    for pause_s in (0.0, 0.1, 0.1, 0.2, 0.1, 5.0):
        now_s[0] += pause_s
        heard.append(orders.is_echo(signal.SIGTERM))

    assert heard == [False, True, True, False, True, False]


def test_an_engine_that_was_passed_over_while_it_stood_still_begins_nothing_more(
    floor, provider
):
    """Its intents are another owner's by then: unknown, as it must take them to be."""
    provider.hold()
    told = 'timeout = "600s"\ndelivery = "at_most_once"'
    run_id = floor.launched(webhook(provider.url, told, permits=9, rate="2/s"), ids(9))
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.arrivals)
        until(lambda: _stood_still_before_it_sent(floor, provider, run_id, engine))
        sent = len(provider.arrivals)
        seizing = Taking(seizes=True)
        with tenure(
            floor.layout, floor.around, floor.owner, dispatches=True, taking=seizing
        ):
            assert floor.books(run_id).unknown == sent + 1
            engine.signal(signal.SIGCONT)
            assert engine.ended() == 1
        assert "another engine has taken this workspace over" in engine.said
        # What it met is no fault of the store, and is not told as one.
        assert "takes no writes" not in engine.said
        assert "nothing was stored" not in engine.said
    assert len(provider.arrivals) == sent
    assert floor.assert_books_hold(run_id).unknown == sent + 1


def _stood_still_before_it_sent(floor, provider, run_id, engine: EngineProcess) -> bool:
    """Stop it for long; let it go on where it had sent all that it had intended."""
    engine.signal(signal.SIGSTOP)
    until(lambda: stands_still(engine.pid))
    stopped_s = time.monotonic()
    until(lambda: time.monotonic() - stopped_s > PROOF_S)
    has_more = floor.books(run_id).attempting > len(provider.arrivals)
    if has_more and not _holds_the_store(floor):
        return True
    engine.signal(signal.SIGCONT)
    return False


def _holds_the_store(floor) -> bool:
    """Whether it was stopped within a transaction, which nobody can pass over."""
    with closing(sqlite3.connect(floor.layout.state, timeout=0)) as store:
        try:
            store.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        store.rollback()
    return False


def test_attempts_that_do_not_end_within_the_grace_are_left_to_the_next_engine(
    floor, provider, flying
):
    run_id, engine = flying("--grace", "0.2")
    with engine:
        engine.terminate()
        assert engine.ended() == NOT_DRAINED
    assert floor.books(run_id).attempting == 3
    assert "ended with attempts in flight" in engine.said

    provider.let_go()
    with EngineProcess(floor.layout, "--until-idle") as again:
        assert again.ended() == 0
    # The webhook's key makes asking again harmless: each was taken once.
    assert floor.assert_books_hold(run_id).delivered == 9


def test_a_hang_up_with_a_sigterm_beside_it_is_one_end_and_waits(
    floor, provider, flying
):
    run_id, engine = flying()
    with engine:
        # As where a session ends: the terminal goes, and its manager ends what is left.
        for sent in (signal.SIGHUP, signal.SIGTERM):
            engine.signal(sent)
        until(lambda: engine.said.count("Draining") == 2, "both to be heard")
        until(lambda: floor.books(run_id).attempting == 3)
        provider.let_go()
        assert engine.ended() == 0
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.retry, books.attempting) == (3, 0, 0)


def test_signals_of_job_control_do_not_stop_an_engine(floor, provider, flying):
    run_id, engine = flying()
    with engine:
        for sent in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            assert bears(engine.pid, sent)
            engine.signal(sent)
        # A storm of what a terminal tells of itself, and of pipes that broke.
        assert bears(engine.pid, signal.SIGPIPE)
        for _ in range(200):
            for sent in (signal.SIGWINCH, signal.SIGCONT, signal.SIGPIPE):
                engine.signal(sent)
        assert not stands_still(engine.pid)
        provider.let_go()
        until(lambda: floor.books(run_id).delivered == 9)
        engine.terminate()
        assert engine.ended() == 0


def test_an_engine_goes_on_though_nobody_takes_what_it_says_any_more(floor, provider):
    provider.hold()
    told = webhook(provider.url, 'timeout = "600s"', permits=3)
    run_id = floor.launched(told, ids(9))
    reader, writer = os.pipe()
    with EngineProcess(floor.layout, tells=writer) as engine:
        os.close(writer)
        assert b"SIGTERM drains it" in os.read(reader, 65_536)
        until(lambda: provider.at_once == 3)
        # From here on whatever it says breaks, as it would by SIGPIPE.
        os.close(reader)
        engine.terminate()
        until(lambda: floor.books(run_id).attempting == 3)
        assert engine.is_running
        provider.let_go()
        assert engine.ended() == 0
    assert floor.assert_books_hold(run_id).delivered == 3


def test_an_engine_that_was_stopped_and_continued_goes_on(floor, provider, flying):
    run_id, engine = flying()
    with engine:
        engine.signal(signal.SIGSTOP)
        provider.let_go()
        engine.signal(signal.SIGCONT)
        until(lambda: floor.books(run_id).delivered == 9)
        engine.terminate()
        assert engine.ended() == 0
    assert sorted(provider.contacts) == ids(9)


def test_an_engine_waits_for_the_owner_to_let_go(floor, provider, flying):
    run_id, engine = flying()
    with engine, EngineProcess(floor.layout, "--wait", "60", "--until-idle") as next_:
        engine.terminate()
        provider.let_go()
        assert engine.ended() == 0
        assert next_.ended() == 0
    assert sorted(provider.contacts) == ids(9)
    assert floor.assert_books_hold(run_id).delivered == 9


@pytest.fixture
def waiting(floor, flying):
    """A run in flight, its engine, and a second one that waits for its workspace."""
    run_id, engine = flying()

    def start(*options: str) -> tuple[str, EngineProcess, EngineProcess]:
        waits = EngineProcess(floor.layout, "--wait", "60", "--until-idle", *options)
        until(lambda: bears(waits.pid, signal.SIGTERM), "it to listen")
        assert engine.is_running
        return run_id, engine, waits

    yield start
    engine.kill()


def test_an_engine_that_waits_outlives_a_hang_up_that_it_was_told_to(
    floor, provider, waiting
):
    run_id, engine, waits = waiting("--on-hangup", "continue")
    with waits:
        waits.signal(signal.SIGHUP)
        waits.signal(signal.SIGHUP)
        engine.terminate()
        provider.let_go()
        assert engine.ended() == 0
        assert waits.ended() == 0
    assert floor.assert_books_hold(run_id).delivered == 9


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGTERM])
def test_an_engine_that_is_ended_while_it_waits_says_so(waiting, sent):
    _, engine, waits = waiting()
    with waits:
        waits.signal(sent)
        assert waits.ended() == -sent
    assert f"Ended by {sent.name} before an engine ran here" in waits.said
    assert engine.is_running


def test_an_engine_is_taken_over_by_asking_it_and_nobody_is_contacted_twice(
    floor, provider, flying
):
    run_id, engine = flying()
    pid = floor.pulse().pid
    with engine:
        unsure = said_by(floor, "engine", "--take-over")
        assert unsure.returncode == 1
        assert f"pid {pid} on {os.uname().nodename}, since" in unsure.stderr
        assert "last heartbeat" in unsure.stderr
        assert "Add --yes to mean it" in unsure.stderr
        assert engine.is_running

        taking = ("--take-over", "--yes", "--until-idle")
        with EngineProcess(floor.layout, *taking) as other:
            until(lambda: "this one waits for it" in engine.said)
            provider.let_go()
            assert engine.ended() == 0
            assert other.ended() == 0
    assert "another engine" not in engine.said
    assert sorted(provider.contacts) == ids(9)
    assert floor.assert_books_hold(run_id).delivered == 9


def test_where_nobody_owns_the_workspace_there_is_nothing_to_take_over(floor):
    with EngineProcess(floor.layout, "--take-over", "--until-idle") as engine:
        assert engine.ended() == 0
    assert "nothing to take over" in engine.said
