"""The demonstration, as somebody sees it who has just installed Watchfloor."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from tests.console.terminal import Terminal
from tests.support.patience import DEADLINE_S


@pytest.fixture
def terminal(tmp_path):
    arguments = ("-m", "watchfloor", "--workspace", str(tmp_path / "demo"), "demo")
    opened = Terminal((150, 45), *arguments, STARTS="afresh")
    yield opened
    opened.end()


def test_without_a_terminal_the_demo_carries_two_runs_to_their_end(tmp_path):
    root = tmp_path / "demo"
    found = subprocess.run(
        [sys.executable, "-m", "watchfloor", "--workspace", str(root), "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    lines = found.stdout.splitlines()

    assert found.returncode == 0, found.stderr
    assert "Traceback" not in found.stderr
    assert lines[0].startswith("Welcome call over clean-200.csv: Completed")
    assert lines[3].startswith("Outage notice over messy.csv: Completed")
    assert lines[6] == f"workspace: {root}"
    accounts = [line for line in lines if " = " in line]
    assert len(accounts) == 4
    for account in accounts:
        whole, *parts = (
            int(one.replace(",", "")) for one in re.findall(r"[\d,]+", account)
        )
        assert whole == sum(parts) > 0, account


def test_in_a_terminal_the_demo_shows_runs_in_many_states_and_can_be_left(terminal):
    terminal.until("Welcome call")
    terminal.until("? Help")
    for name in ("Autumn billing", "Survey NPS", "Outage notice", "Messy upload"):
        terminal.until(name)
    for label in ("Completed", "Running", "paused", "Cancelled before", "Stopped, c"):
        terminal.until(label)

    terminal.send("q")
    terminal.until("Leave")
    terminal.send("y")
    terminal.until("The workspace stays")
    while terminal.read(0.1):
        pass

    assert terminal.ended() == 0
    assert "Traceback" not in terminal.glass
