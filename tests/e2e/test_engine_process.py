"""The engine as a process: who owns it, how it drains, and what a verb does then."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.preloaded import carried_out
from tests.support.process import EngineProcess, signalled

from watchfloor.domain.regions import Verb

NOT_DRAINED = 75


def said_by(floor, *arguments):
    return carried_out(*arguments, "--workspace", str(floor.layout.root))


def test_a_second_engine_says_who_owns_the_workspace_and_ends(floor):
    with EngineProcess(floor.layout) as engine:
        until(lambda: floor.pulse().owner.startswith("engine of"))
        pid = floor.pulse().pid

        second = said_by(floor, "engine")

        assert engine.is_running
    assert second.returncode == 1
    assert f"pid {pid}" in second.stderr
    assert "owned by engine of" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_webhook_run_is_launched_paused_resumed_and_ended_by_verbs(floor, provider):
    provider.hold()
    launch = floor.prepared(webhook(provider.url, permits=3), ids(20))
    floor.asked(launch.command)
    run_id = launch.run_id
    with EngineProcess(floor.layout, "--until-idle") as engine:
        until(lambda: provider.at_once == 3)
        paused = said_by(floor, "pause", run_id, "--yes", "--reason", "lunch")
        assert (paused.returncode, paused.stdout) == (0, "pause applied\n")
        until(lambda: floor.books(run_id).attempting == 3)
        provider.let_go()
        # Only a person can go on with a paused run: the engine is idle.
        assert engine.ended() == 0
    assert floor.view(run_id).gate_asked.why == "lunch"
    assert len(provider.arrivals) == 3

    resumed = said_by(floor, "resume", run_id, "--yes", "--wait")
    assert (resumed.returncode, resumed.stdout) == (0, "resume settled\n")
    with EngineProcess(floor.layout, "--until-idle") as engine:
        assert engine.ended() == 0

    assert sorted(provider.contacts) == ids(20)
    assert floor.assert_books_hold(run_id).delivered == 20


def test_sigterm_drains_and_a_second_one_does_not_wait(floor, provider):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=3), ids(20))
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 3)
        engine.terminate()
        until(lambda: floor.books(run_id).attempting == 3)
        assert engine.is_running

        def again() -> bool:
            # Heard once it can no longer be an echo of the first.
            engine.terminate()
            return "Not waiting" in engine.said

        until(again)
        assert engine.ended() == NOT_DRAINED

    floor.steered(Verb.PAUSE, run_id)
    books = floor.assert_books_hold(run_id)
    assert (books.retry, books.pending) == (3, 17)
    assert len(provider.arrivals) == 3


def core_limit(pid):
    """Return the soft and the hard limit of a process's core files."""
    told = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    [line] = [one for one in told.splitlines() if one.startswith("Max core file")]
    return line.split()[4:6]


def test_an_engine_that_crashes_would_leave_no_picture_of_its_memory(floor):
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        pytest.skip("nobody's core files are kept here")

    def kept_before():
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    command = [sys.executable, "-m", "watchfloor", "engine"]
    with subprocess.Popen(
        [*command, "--workspace", str(floor.layout.root)],
        stderr=subprocess.DEVNULL,
        preexec_fn=kept_before,  # noqa: PLW1509 - no threads of ours hold anything
    ) as engine:
        try:
            assert core_limit(engine.pid)[1] != "0"
            until(lambda: floor.pulse().owner.startswith("engine of"))
            soft, still = core_limit(engine.pid)
        finally:
            engine.terminate()

    assert soft == "0"
    # Who looks for a bug may lift it: prlimit --core --pid.
    assert still != "0"


def test_a_function_that_blocks_in_a_thread_keeps_no_process_from_its_end(floor):
    sign = floor.root / "it-blocks"
    settings = (
        'call = "tests.support.blocking:contact"\ntimeout = "1h"\n'
        f'settings = {{ sign = "{sign}" }}'
    )
    run_id = floor.launched(campaign(settings, channel="python", permits=1), ids(1))
    with EngineProcess(floor.layout) as engine:
        until(sign.exists, "a thread to block")
        signalled(engine.pid, signal.SIGTERM)
        # Another signal: the same one so soon would be taken for an echo.
        signalled(engine.pid, signal.SIGINT)

        assert engine.ended() == NOT_DRAINED

    assert floor.pulse().released
    assert floor.assert_books_hold(run_id).unknown == 1
    # The lock is let go of: the next engine owns the workspace at once.
    floor.carried_out()
