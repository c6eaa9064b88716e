"""The command line as a shell sees it: processes, signals, pipes, a real receiver."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.floor import Clock, campaign, ids, webhook
from tests.support.patience import DEADLINE_S, until
from tests.support.preloaded import carried_out

from watchfloor.store.glance import glance
from watchfloor.store.layout import Layout

WATCHFLOOR = (sys.executable, "-m", "watchfloor")


class Shell:
    """A shell in an empty directory; every command in it is a process of its own.

    What is started in the background or stands in a line is Python started afresh.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(root / "floor")
        self._environment = os.environ | {
            "WATCHFLOOR_WORKSPACE": str(self.layout.root),
            "PYTHONUNBUFFERED": "1",
        }
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return carried_out(*arguments, environment=self._environment)

    def line(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of bash, in which ``watchfloor`` is this one."""
        function = f'watchfloor() {{ {shlex.join(WATCHFLOOR)} "$@"; }}'
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {function}; {command}"],  # noqa: S607 - whichever bash there is
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=DEADLINE_S,
        )

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in the background."""
        process = subprocess.Popen(
            [*WATCHFLOOR, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self._started.append(process)
        return process

    def engine(self, *options: str) -> subprocess.Popen[str]:
        """Start an engine and wait until it says that it runs."""
        process = self.started("engine", *options)
        assert process.stderr is not None
        told = process.stderr.readline()
        assert told.startswith(f"engine of {self.layout.root} runs (pid {process.pid})")
        return process

    def launched(self, campaign: str, contacts: list[str]) -> str:
        """Launch over ids and return the run's id."""
        (self.root / "campaign.toml").write_text(campaign, encoding="utf-8")
        rows = "".join(f"{one},name of {one}\n" for one in contacts)
        upload = self.root / "people.csv"
        upload.write_text(f"id,first_name\n{rows}", encoding="utf-8")
        found = self(
            *("launch", str(self.root / "campaign.toml")),
            *("--upload", str(upload), "--yes"),
        )
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    def shown(self, run: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self("show", run, "--json").stdout)
        return found

    def left(self) -> int:
        """Return how many records of live runs remain."""
        return sum(run.left for run in glance(self.layout).live)

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture(scope="session")
def empty_workspace(tmp_path_factory):
    root = tmp_path_factory.mktemp("empty") / "floor"
    subprocess.run([*WATCHFLOOR, "init", str(root)], capture_output=True, check=True)
    return root


@pytest.fixture
def shell(tmp_path, empty_workspace):
    opened = Shell(tmp_path)
    shutil.copytree(empty_workspace, opened.layout.root)
    yield opened
    opened.close()


def test_a_run_is_launched_paused_resumed_and_carried_out_from_other_processes(
    shell, provider
):
    engine = shell.engine()
    provider.hold()
    # The provider holds them for as long as the pause takes to be asked.
    text = webhook(provider.url, 'timeout = "10m"', permits=4)
    run = shell.launched(text, ids(30))
    until(lambda: provider.at_once == 4, "four requests in flight")
    # ``--wait`` is answered when the last attempt in flight has its outcome.
    pausing = shell.started("pause", run, "--yes", "--wait", "--reason", "lunch")
    until(lambda: glance(shell.layout).live[0].gate == "pausing", "the gate to close")
    assert pausing.poll() is None
    provider.let_go()
    assert pausing.communicate(timeout=DEADLINE_S) == ("pause settled\n", "")
    paused = shell.shown(run)

    assert (paused["gate"], paused["gate_reason"]) == ("paused", "lunch")
    assert paused["books"]["delivered"] == 4
    assert paused["books"]["attempting"] == 0
    assert [one["reason"] for one in paused["blocked_by"]] == ["gate"]
    assert len(provider.arrivals) == 4

    resumed = shell("resume", run, "--yes")
    assert resumed.returncode == 0, resumed.stderr
    until(lambda: shell.left() == 0, "the run to be carried out")
    until(lambda: not glance(shell.layout).live, "the run to end")
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(DEADLINE_S) == 0

    ended = shell.shown(run)
    assert (ended["outcome"], ended["books"]["delivered"]) == ("completed", 30)
    assert shell("books", run, "--audit").returncode == 0
    assert sorted(provider.contacts) == ids(30)
    assert len(set(provider.keys)) == 30


def test_an_engine_until_idle_carries_a_run_through_a_real_receiver_and_ends(
    shell, provider
):
    run = shell.launched(webhook(provider.url, permits=8), ids(120))
    assert shell("status", "--short").returncode == 4
    found = shell("engine", "--until-idle")

    assert (found.returncode, found.stdout) == (0, "")
    assert shell("status", "--short").stdout == "1 ended | 0 left | no engine\n"
    books = json.loads(shell("books", run, "--audit", "--json").stdout)
    assert books["differences"] == []
    assert books["books"]["delivered"] == books["books"]["records"] == 120
    assert sorted(provider.contacts) == ids(120)
    assert len(set(provider.keys)) == len(provider.keys) == 120
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    # What the receiver saw is what the journey of the record says.
    first = provider.arrivals[provider.contacts.index("c00001")]
    assert first.key in shell("journey", run, "1").stdout
    assert json.loads(first.body)["reference"] == first.key


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_engine_and_a_verb_sees_that_it_let_go(
    shell, provider, sign
):
    engine = shell.engine()
    provider.hold()
    run = shell.launched(webhook(provider.url, permits=2), ids(10))
    until(lambda: provider.at_once == 2, "two requests in flight")
    assert f"pid {engine.pid}" in shell("status", "--short").stdout
    engine.send_signal(sign)
    provider.let_go()

    assert engine.wait(DEADLINE_S) == 0
    answered, told = engine.communicate()
    assert answered == ""
    assert told.startswith("Draining: attempts in flight end, none is begun")
    assert len(told.splitlines()) == 1
    seen = glance(shell.layout)
    assert not seen.engine_lives(Clock().now_ms())
    books = shell.shown(run)["books"]
    assert books["attempting"] == 0
    # Whatever had left has its outcome; the rest is as it was.
    assert books["delivered"] == len(provider.arrivals) >= 2
    assert books["pending"] == 10 - books["delivered"]


def test_a_second_engine_says_who_owns_the_workspace(shell):
    first = shell.engine()
    second = shell("engine")

    assert second.returncode == 1
    assert second.stdout == ""
    assert f"(pid {first.pid} on " in second.stderr
    assert second.stderr.count("\n") == 1
    assert first.poll() is None


def test_a_reader_that_has_seen_enough_is_no_fault(shell):
    contacts = ids(1_000)
    run = shell.launched(campaign(permits=100), [*contacts, *contacts])
    assert shell("engine", "--until-idle").returncode == 0
    for command in (
        f"watchfloor records {run} --limit 5000 --json | head -1",
        f"watchfloor rejects {run} -o - | head -1",
    ):
        found = shell.line(command)

        assert found.returncode == 0, found.stderr
        assert found.stdout.count("\n") == 1
        assert "Traceback" not in found.stderr
        assert "Error" not in found.stderr


def test_ctrl_c_ends_a_verb_that_waits_without_a_traceback(shell, provider):
    shell.engine()
    provider.hold()
    run = shell.launched(webhook(provider.url, permits=1), ids(3))
    until(lambda: provider.at_once == 1, "a request in flight")
    waiting = shell.started("pause", run, "--yes", "--wait")
    until(lambda: glance(shell.layout).live[0].gate == "pausing", "the gate to close")
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=DEADLINE_S)
    provider.let_go()

    assert (waiting.returncode, out) == (1, "")
    assert err == "watchfloor: interrupted\n"
    # The command was stored before the wait: it holds.
    until(lambda: shell.shown(run)["gate"] == "paused", "the pause to settle")
