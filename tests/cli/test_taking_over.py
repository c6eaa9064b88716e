"""Who owns a workspace, seen by who wants it; engines that stand by, or do not come."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.shell import campaign_text, engine_beside, people, step
from tests.support.patience import until

from watchfloor.cli import compose, taking_over
from watchfloor.cli.beside import Beside
from watchfloor.cli.desk import WholeDesk
from watchfloor.cli.handing_on import Successor
from watchfloor.cli.taking_over import made_way
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.taking_over import LET_GO_S
from watchfloor.engine.ownership import TAKES
from watchfloor.engine.tenure import tenure
from watchfloor.store.owner_sign import is_owned


@pytest.fixture
def layout(shell):
    return shell.layout


@pytest.fixture
def silent(layout, monkeypatch):
    """An owner that takes no command, and hears of none."""
    monkeypatch.setattr(taking_over, "ANSWER_S", 0.05)
    around, owner = compose.surroundings(), compose.owner("a silent engine")
    with tenure(layout, around, owner, dispatches=True):
        yield


def test_a_workspace_without_an_owner_is_simply_taken(layout, capfd):
    assert made_way(layout, yes=False) == TAKES
    assert "there is nothing to take over" in capfd.readouterr().err


@pytest.mark.parametrize("line", ["", "yes", "take"])
def test_only_the_very_words_ask_an_owner_to_let_go(layout, typed, capfd, line):
    with engine_beside(layout.root):
        typed(line)
        with pytest.raises(ConfigError, match="not confirmed; nothing was asked"):
            made_way(layout, yes=False)
        assert is_owned(layout)

    told = capfd.readouterr().err
    assert f"pid {os.getpid()} on " in told
    assert "its attempts in flight end, none is begun" in told
    assert "Type take over to go on:" in told


def test_an_owner_that_is_asked_lets_go_and_who_asked_waits_for_it(
    shell, layout, tmp_path, typed, capfd
):
    # One that has nothing in flight has let go before it answers.
    slow = step("simulator", 'latency = "2s"')
    campaign = campaign_text(tmp_path, "slow", steps=slow)
    run = shell.launched(campaign, people(tmp_path / "one.csv", 1))
    with engine_beside(layout.root):
        until(lambda: shell("show", run, "--json").json["books"]["attempting"] == 1)
        typed("take over")

        taking = made_way(layout, yes=False)

        until(lambda: not is_owned(layout), "the engine to let go")
    assert (taking.patience_s, taking.seizes) == (LET_GO_S, False)
    assert "drains and lets go; this one waits for it" in capfd.readouterr().err


def test_an_owner_goes_on_where_who_asks_may_not(layout):
    compose.start_as("", "viewer")
    try:
        with engine_beside(layout.root):
            with pytest.raises(ConfigError, match="the engine was not taken over: "):
                made_way(layout, yes=True)
            assert is_owned(layout)
    finally:
        compose.start_as("", "")


def test_a_silent_owner_is_passed_over_by_no_option(layout, silent, monkeypatch):
    with Path(os.devnull).open(encoding="utf-8") as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(
            ConfigError, match=rf"first end that .*kill {os.getpid()}\."
        ):
            made_way(layout, yes=True)


@pytest.mark.parametrize("line", ["", "take over", "yes"])
def test_a_silent_owner_keeps_what_nobody_seizes(layout, silent, typed, line):
    typed(line)

    with pytest.raises(ConfigError, match="that engine keeps the workspace"):
        made_way(layout, yes=True)


def test_a_silent_owner_is_passed_over_by_who_types_it(layout, silent, typed, capfd):
    typed("seize")

    taking = made_way(layout, yes=True)

    told = capfd.readouterr().err
    assert taking.seizes
    assert "That engine did not answer within" in told
    assert "Type seize to pass it over:" in told


def test_an_engine_that_cannot_start_beside_the_screens_says_why(layout, silent):
    beside = Beside(layout, starts=True)

    why = beside.start()

    assert "a silent engine" in why
    assert beside.is_owned()
    assert (beside.engine, beside.left()) == (None, None)


def test_a_console_that_is_being_left_starts_no_engine(layout):
    beside = Beside(layout, starts=True)
    assert beside.left() is None

    assert beside.start() == "this console is being left"
    assert (beside.engine, beside.is_owned()) == (None, False)


def test_a_console_that_a_signal_has_told_to_end_starts_no_engine(layout):
    beside = Beside(layout, starts=True)
    beside.close(Leaving.SIGNAL)

    assert beside.start() == "this console is being left"
    assert (beside.engine, beside.is_owned()) == (None, False)


class Closing(Beside):
    """Is told to end while its engine starts: a signal waits for nobody's turn."""

    def _is_closed(self) -> bool:
        was_closed = super()._is_closed()
        self.close(Leaving.HANG_UP)
        return was_closed


def test_an_engine_that_starts_while_a_signal_comes_drains_at_once(layout):
    beside = Closing(layout, starts=True)

    assert beside.start() == "this console is being left"
    engine = beside.engine
    assert engine is not None
    assert engine.join()
    assert not beside.is_owned()


class Waiting(Beside):
    """Counts how often it looked whether the owner has let go."""

    looks = 0

    def is_owned(self) -> bool:
        self.looks += 1
        return super().is_owned()


@pytest.fixture
def waiting(layout, monkeypatch):
    monkeypatch.setattr(taking_over, "_TOLD_S", 0.01)
    return Waiting(layout, starts=True)


@pytest.mark.parametrize("by", ["giving up", "leaving"])
def test_a_console_that_is_left_waits_no_longer_for_an_owner(silent, waiting, by):
    beside = waiting
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(beside.start, patience_s=LET_GO_S)
        until(lambda: beside.looks > 1, "the console to wait")
        asked = beside.awaited()
        said = beside.give_up() if by == "giving up" else ""
        assert beside.left() is None
        assert waits.result() == "this console is being left"

    assert beside.is_owned()
    assert asked.startswith("This console waits for a silent engine of ")
    assert "Leaving ends that wait: no engine starts here after it. To have " in asked
    assert asked.endswith(f"watchfloor engine --wait {LET_GO_S:.0f}.")
    if said:
        assert said.startswith("nobody waits any more for a silent engine of ")
        assert f"(pid {os.getpid()} on " in said
        assert said.endswith(f"watchfloor engine --wait {LET_GO_S:.0f}")
    assert (beside.awaited(), beside.give_up()) == ("", "")


def test_a_console_that_waits_and_is_told_to_end_by_a_signal_waits_no_longer(
    silent, waiting
):
    beside = waiting
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(beside.start, patience_s=LET_GO_S)
        until(lambda: beside.looks > 1, "the console to wait")
        beside.close(Leaving.SIGNAL)
        assert waits.result() == "this console is being left"

    assert (beside.engine, beside.is_owned()) == (None, True)


def test_a_console_that_waits_starts_when_the_owner_has_let_go(layout, waiting):
    beside, owner = waiting, compose.owner("a silent engine")
    with ThreadPoolExecutor(1) as threads:
        with tenure(layout, compose.surroundings(), owner, dispatches=True):
            waits = threads.submit(beside.start, patience_s=LET_GO_S)
            until(lambda: beside.looks > 1, "the console to wait")
        assert waits.result() == ""

    engine = beside.left()
    assert engine is not None
    engine.stop()
    assert engine.join()


def test_where_nobody_comes_to_stand_by_the_screens_keep_their_engine(layout):
    beside = Beside(layout, starts=False)
    layout.settings.unlink()
    layout.state.unlink()

    why = beside.hand_on()

    assert why == f"no engine came to stand by; see {layout.headless_log}"
    assert "watchfloor: " in layout.headless_log.read_text(encoding="utf-8")
    assert beside.successor is None


def test_where_it_could_not_say_why_nobody_is_started(layout):
    layout.headless_log.mkdir()

    with pytest.raises(StoreError, match="cannot be written: Is a directory"):
        Successor(layout)


def test_one_that_dies_while_it_stands_by_has_not_taken_over(layout, silent):
    successor = Successor(layout)
    os.kill(successor.pid, signal.SIGKILL)

    assert not successor.took_over()
    assert successor.words == str(layout.headless_log)
    successor._process.communicate()


@pytest.fixture
async def desk(shell):
    made = WholeDesk(
        shell.layout, compose.surroundings(), compose.asker(), compose.owner("desk")
    )
    yield made
    await made.close()


async def test_the_desk_judges_a_run_that_has_ended_without_watching_it(
    rejecting, desk
):
    found = await desk.triage(rejecting, watch_s=3_600)

    assert (found.run.run_id, found.sampled_ms) == (rejecting, 0)
    assert found.findings


async def test_the_desk_tells_with_every_page_of_runs_what_the_workspace_is_called(
    layout, desk
):
    before = (await desk.overview()).name
    text = layout.settings.read_text(encoding="utf-8")
    layout.settings.write_text(text.replace(f'"{before}"', '"renamed desk"', 1))

    assert before
    assert (await desk.overview()).name == "renamed desk"


async def test_the_desk_watches_a_run_that_lives(queued, desk):
    found = await desk.triage(queued, watch_s=0.02)

    assert found.run.run_id == queued
    assert found.sampled_ms >= 20


@pytest.mark.parametrize("address", ["8787", ":8787", "host:", "host:65536", "h:²"])
def test_results_come_in_only_by_an_address(shell, address):
    answer = shell("engine", "--until-idle", "--results", address)

    assert (answer.code, answer.out) == (1, "")
    assert f"--results {address!r} is no address; write 127.0.0.1:8787" in answer.err
    assert not is_owned(shell.layout)


def test_an_engine_that_cannot_take_results_never_says_that_it_runs(shell, monkeypatch):
    refused = shell("engine", "--until-idle", "--results", "127.0.0.1:0")

    assert (refused.code, refused.out) == (1, "")
    assert "results.token" in refused.err
    assert "runs" not in refused.err

    monkeypatch.setenv("RESULTS_TOKEN", "t0k3n")
    with shell.layout.settings.open("a") as file:
        file.write('[results]\ntoken = "env:RESULTS_TOKEN"\n')
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = shell("engine", "--until-idle", "--results", at)

    assert (refused.code, refused.out) == (1, "")
    assert f"results cannot be received on {at}" in refused.err
    assert "runs" not in refused.err
