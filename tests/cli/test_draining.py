"""An owner that drains, and one that hangs, as the verbs tell of them."""

from __future__ import annotations

import os

import pytest

from watchfloor.cli import asking, compose, taking_over
from watchfloor.cli.beside import Beside
from watchfloor.cli.taking_over import made_way
from watchfloor.domain.draining import Drain
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.moments import at_minute
from watchfloor.domain.taking_over import LET_GO_S
from watchfloor.engine.ownership import TAKES, Ownership
from watchfloor.engine.tenure import tenure
from watchfloor.engine.waiting import what_it_is_at
from watchfloor.store.owner_sign import is_owned

MINUTE_MS = 60_000


@pytest.fixture
def drain(shell, queued):
    """What an owner tells that drains for ten minutes at most; a run waits."""
    since_ms = compose.now_ms()
    told = Drain(since_ms, since_ms + 10 * MINUTE_MS, 10)
    around, owner = compose.surroundings(), compose.owner("engine")
    with tenure(shell.layout, around, owner, dispatches=True) as committer:
        committer.on_drain(told)
        yield told


def said_of(drain: Drain) -> str:
    now_ms = compose.now_ms()
    ends = at_minute(-(-drain.until_ms // MINUTE_MS) * MINUTE_MS, now_ms)
    since = at_minute(drain.since_ms, now_ms)
    return f"drains, 10 in flight, since {since}; ends by {ends} at the latest"


@pytest.fixture
def hanging(shell, queued):
    """An owner that lives and has not beaten for an hour; a run waits."""
    owner = compose.owner("engine")
    around = compose.surroundings()._replace(
        now_ms=lambda: compose.now_ms() - 60 * MINUTE_MS
    )
    with tenure(shell.layout, around, owner, dispatches=True):
        yield f"hangs: last heartbeat 1 h 00 min ago, and its process {os.getpid()}"


def test_status_tells_of_a_drain_and_of_what_waits_for_the_next_engine(shell, drain):
    said = shell("status")
    told = shell("status", "--json").json

    assert f"| engine {said_of(drain)} (pid {os.getpid()})" in said.out
    after = f"watchfloor --workspace {shell.root} engine --wait 6"
    assert f"1 will wait for the next engine: {after}" in said.out
    assert "no engine" not in said.out
    assert "waiting for an engine" not in said.out
    assert (told["engine"]["alive"], told["engine"]["hangs"]) == (True, False)
    assert told["engine"]["drain"]["in_flight"] == 10
    assert told["engine"]["drain"]["ends_by"] > told["engine"]["drain"]["since"]
    assert said.code == 4
    assert f"engine {said_of(drain)}" in shell("status", "--short").out


def test_what_is_told_of_a_workspace_in_this_folder_holds_in_any_other(
    shell, hanging, monkeypatch
):
    monkeypatch.chdir(shell.root.parent)
    here = ("--workspace", shell.root.name)
    asked = f"watchfloor --workspace {shell.root} engine --take-over"

    assert hanging in shell.bare(*here, "status").out
    assert asked in shell.bare(*here, "status").out
    assert asked in shell.bare(*here, "doctor").out


def test_a_run_is_held_by_the_drain_and_not_stalled(shell, drain, queued):
    [held] = shell("why", queued, "--json").json["blocked_by"][:1]
    said = shell("why", queued).out

    assert held["reason"] == "engine drains"
    assert f"drains, {held['detail']}" == said_of(drain)
    assert "stalled" not in said
    assert "let another go on after it: watchfloor engine --wait" in said


def test_doctor_tells_of_a_drain_and_to_wait(shell, drain):
    lines = shell("doctor").out.splitlines()

    [at] = [n for n, line in enumerate(lines) if said_of(drain) in line]
    assert "FAIL" not in lines[at]
    assert f"{shell.root} engine --wait 6" in lines[at + 1]
    assert not any("none runs" in line for line in lines)


def test_doctor_tells_of_outcomes_that_an_engine_could_not_store(shell):
    assert "unstored" not in shell("doctor").out
    shell.layout.unstored.write_text("{}\n", encoding="utf-8")

    lines = shell("doctor").out.splitlines()

    [at] = [n for n, line in enumerate(lines) if str(shell.layout.unstored) in line]
    assert lines[at].startswith("note unstored outcomes: ")
    assert "resolve what is unknown from that list" in lines[at + 1]


def test_an_engine_that_drains_is_waited_for_and_not_asked(shell, drain, capfd):
    taking = made_way(shell.layout, yes=False)

    told = capfd.readouterr().err
    assert f"That engine {said_of(drain)}." in told
    assert "Nothing is asked of it" in told
    # As long as it says that it takes, whatever engines usually take.
    assert 10 * 60 < taking.patience_s < 11 * 60
    assert not taking.seizes
    assert (
        shell("engine", "--until-idle").err.count(f"{shell.root} engine --wait 6") == 1
    )


def test_a_console_waits_as_long_for_it(shell, drain, monkeypatch):
    beside, waited = Beside(shell.layout, starts=True), []

    def started(*, patience_s: float, seizes: bool) -> None:
        waited.append((patience_s, seizes))

    monkeypatch.setattr(beside, "start_engine", started)

    assert beside.start(patience_s=LET_GO_S) == ""

    [(patience_s, seizes)] = waited
    assert 10 * 60 < patience_s < 11 * 60
    assert not seizes


def test_an_owner_that_hangs_is_told_everywhere_and_never_called_none(shell, hanging):
    status, doctor = shell("status"), shell("doctor")
    refused = shell("engine", "--until-idle")

    assert f"| engine {hanging} lives" in status.out
    assert "the engine hangs: look at that process, or: " in status.out
    told = shell("status", "--json").json["engine"]
    assert (told["alive"], told["hangs"], told["drain"]) == (False, True, None)
    assert f"{hanging} lives" in doctor.out
    assert f"It {hanging} lives; look at that process, or: " in refused.err
    over = f"watchfloor --workspace {shell.root} engine --take-over"
    assert all(over in said for said in (status.out, doctor.out, refused.err))
    for said in (status.out, doctor.out, refused.err, shell("why", "--help").out):
        assert "none runs" not in said
        assert "no engine" not in said
        assert "reach that engine" not in said


def test_why_sends_nobody_to_start_an_engine_beside_one_that_hangs(
    shell, hanging, queued
):
    said = shell("why", queued).out

    assert "the engine hangs since" in said
    assert "watchfloor engine --take-over" in said
    assert "start an engine" not in said
    assert "HANGS since" in shell("handover").out


@pytest.fixture
def leaving(shell, monkeypatch):
    """Let an owner that answers nothing be gone once it was asked."""
    monkeypatch.setattr(taking_over, "ANSWER_S", 0.05)
    around, owner = compose.surroundings(), compose.owner("engine")
    owning = tenure(shell.layout, around, owner, dispatches=True)
    owning.__enter__()

    def let_go(*_: object) -> bool:
        owning.__exit__(None, None, None)
        return True

    yield let_go
    assert not is_owned(shell.layout)


def test_an_owner_that_ended_while_it_was_asked_is_not_passed_over(
    shell, leaving, monkeypatch, capfd
):
    def asked_in_vain(*arguments, **options):
        receipt = asking.asked(*arguments, **options)
        leaving()
        return receipt

    monkeypatch.setattr(taking_over, "asked", asked_in_vain)

    assert made_way(shell.layout, yes=True) == TAKES
    assert "has ended meanwhile; this one starts" in capfd.readouterr().err


@pytest.mark.parametrize("word", ["", "take over"])
def test_who_is_asked_about_an_owner_that_ended_is_told_so(
    shell, leaving, monkeypatch, capfd, word
):
    def confirmed(_: str, expected: str) -> bool:
        leaving()
        return bool(word == expected)

    monkeypatch.setattr(taking_over, "confirmed", confirmed)

    if word:
        assert made_way(shell.layout, yes=False) == TAKES
        assert "has ended meanwhile; this one starts" in capfd.readouterr().err
    else:
        with pytest.raises(ConfigError, match="ended meanwhile; start one: watchfloor"):
            made_way(shell.layout, yes=False)


def test_an_owner_that_drains_by_the_time_the_word_is_typed_is_waited_for(
    shell, monkeypatch, capfd
):
    monkeypatch.setattr(taking_over, "ANSWER_S", 0.05)
    around, owner = compose.surroundings(), compose.owner("engine")
    now_ms = compose.now_ms()
    with tenure(shell.layout, around, owner, dispatches=True) as committer:

        def confirmed(*_: object) -> bool:
            committer.on_drain(Drain(now_ms, now_ms + 10 * MINUTE_MS, 3))
            return True

        monkeypatch.setattr(taking_over, "confirmed", confirmed)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        taking = made_way(shell.layout, yes=True)

    assert not taking.seizes
    assert taking.patience_s > 10 * 60
    assert "That engine drains, 3 in flight" in capfd.readouterr().err


@pytest.fixture(params=["", ", for a moment"], ids=["starts", "applies a command"])
def holder(shell, queued, request):
    """One that holds the workspace whose last owner died a minute ago."""
    around = compose.surroundings()._replace(
        now_ms=lambda: compose.now_ms() - MINUTE_MS
    )
    died = tenure(shell.layout, around, compose.owner("engine"), dispatches=True)
    # Its lock goes, as when it is killed; it tells the store nothing of that.
    with died:
        pass
    who = "engine of nora (pid 7 on here)"
    lock = Ownership.taken(shell.layout, f"{who}{request.param}")
    yield f"{who} {'applies a command' if request.param else 'is starting'}"
    lock.release()


def test_who_holds_the_workspace_of_one_that_died_is_not_told_to_hang(shell, holder):
    status, doctor = shell("status"), shell("doctor")
    refused = what_it_is_at(shell.layout, compose.now_ms())
    taken = shell("engine", "--take-over", "--yes")

    assert f"| no engine: {holder}\n" in status.out
    assert "an engine: wait for that; where it takes long, look" in status.out
    assert shell("status", "--json").json["engine"]["hangs"] is False
    assert f"engine: {holder}\n" in doctor.out
    at = holder.removeprefix("engine of nora (pid 7 on here) ")
    assert refused.startswith(f"It {at}; wait for that; where it takes long")
    assert f"{holder}: it can neither be asked nor passed over." in taken.err
    for said in (status.out, doctor.out, refused, taken.err):
        assert "hangs" not in said
        assert f"process {os.getpid()}" not in said
