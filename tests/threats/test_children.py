"""What the processes that are started beside an engine or a console get to know.

Secrets may stand in the environment of whoever runs the engine. A real child prints the
environment that it was given before it does its work.
"""

from __future__ import annotations

import asyncio
import shlex
import sys

import pytest
from tests.cli.shell import SpareShell

from watchfloor.channels.hook_command import told_command
from watchfloor.channels.hook_settings import CommandHookSettings
from watchfloor.channels.settings import checked
from watchfloor.cli.bundle_child import ChildBundler
from watchfloor.cli.handing_on import Successor
from watchfloor.cli.main import main
from watchfloor.domain.errors import WatchfloorError
from watchfloor.intake.suppression_file import load_apart

SECRETS = {"CALLS_TOKEN": "hush-of-a-webhook", "WATCHFLOOR_RESULTS_TOKEN": "hush-too"}


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Have every Python that is started say what environment it has; return that."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    said, python = tmp_path / "said", tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\nenv >> {shlex.quote(str(said))}\n"
        f'exec {shlex.quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))

    def found():
        text = said.read_text(encoding="utf-8")
        assert "PATH=" in text, "no child said anything"
        return {name for name, value in SECRETS.items() if value in text}

    return found


@pytest.fixture
def shell(tmp_path):
    assert main(["init", str(tmp_path / "floor")]) == 0
    return SpareShell(tmp_path / "floor")


async def test_a_reader_of_suppression_lists_gets_no_secret(given, tmp_path):
    path = tmp_path / "never.csv"
    path.write_text("phone\n+14155552671\n", encoding="utf-8")

    found = await load_apart(path, "phone", "us")

    assert found.entries == 1
    assert given() == set()


def test_a_writer_of_bundles_gets_no_secret(given, shell):
    with pytest.raises(WatchfloorError, match="no run"):
        asyncio.run(ChildBundler(shell.layout)("no-such-run", lambda _: None))

    assert given() == set()


async def test_a_hook_gets_no_secret(given, tmp_path):
    said = tmp_path / "said"
    argv = ["/bin/sh", "-c", f"cat > /dev/null; env >> {shlex.quote(str(said))}"]

    await told_command(checked(CommandHookSettings, {"argv": argv}), b"{}")

    assert given() == set()


def test_the_engine_that_goes_on_gets_them_since_it_contacts_people(given, shell):
    successor = Successor(shell.layout)
    try:
        assert successor.took_over()
    finally:
        with successor._process as process:
            process.terminate()

    assert given() == set(SECRETS)
