"""Calling the command line as a shell does, on workspaces of one's own."""

from __future__ import annotations

import os
import pty
import shutil
from pathlib import Path

import pytest
from tests.cli.shell import (
    Shell,
    SpareShell,
    campaign_text,
    carry_out,
    engine_beside,
    people,
    step,
)
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.cli.main import main

#: What a provider may say that a terminal must never hear.
SPITEFUL = "\x1b[31mred\x1b]52;c;aGk=\x07 \x9b2J \u202egpj.exe\u2066 zero\u200bwidth"


@pytest.fixture(scope="session")
def fresh_workspace(tmp_path_factory):
    """An empty workspace; copy it, or only look."""
    root = tmp_path_factory.mktemp("fresh") / "floor"
    assert main(["init", str(root), "--name", "Night shift"]) == 0
    return root


@pytest.fixture
def shell(fresh_workspace, tmp_path, capfd):
    """A shell on an empty workspace of this test."""
    root = tmp_path / "floor"
    shutil.copytree(fresh_workspace, root)
    return Shell(root, capfd)


@pytest.fixture(scope="session")
def queued_workspace(tmp_path_factory, fresh_workspace):
    """A workspace with a queued run of five people, called autumn; copy it."""
    folder = tmp_path_factory.mktemp("queued")
    shutil.copytree(fresh_workspace, folder / "floor")
    spare = SpareShell(folder / "floor")
    spare.launched(campaign_text(folder, "autumn"), people(folder / "people.csv", 5))
    return spare.root


@pytest.fixture
def queued(shell, queued_workspace):
    """The id of a run that nobody has launched yet, in this test's workspace."""
    return replaced(shell, queued_workspace)


@pytest.fixture(scope="session")
def rejecting_workspace(tmp_path_factory, fresh_workspace):
    """A workspace with an ended run that rejected four of seven rows; copy it."""
    folder = tmp_path_factory.mktemp("rejecting")
    shutil.copytree(fresh_workspace, folder / "floor")
    extra = ("", "c000001", 'c9\n"unclosed')
    upload = people(folder / "people.csv", 3, extra=extra)
    SpareShell(folder / "floor").launched(campaign_text(folder, "autumn"), upload)
    carry_out(folder / "floor")
    return folder / "floor"


@pytest.fixture
def rejecting(shell, rejecting_workspace):
    """The id of a run that rejected rows, in this test's workspace."""
    return replaced(shell, rejecting_workspace)


def replaced(shell, workspace):
    """Put a copy of a workspace in the place of this test's; return its run's id."""
    shutil.rmtree(shell.root)
    shutil.copytree(workspace, shell.root)
    (upload,) = shell.layout.uploads.iterdir()
    return upload.stem.removeprefix("u-")


@pytest.fixture(scope="session")
def busy_workspace(tmp_path_factory, fresh_workspace):
    """A workspace with runs in many states; only look."""
    folder = tmp_path_factory.mktemp("busy")
    shutil.copytree(fresh_workspace, folder / "floor")
    spare = SpareShell(folder / "floor")
    everybody = people(folder / "people.csv", 60, extra=("", "c000001", "c000002"))
    spare.launched(campaign_text(folder, "completed"), everybody)
    carry_out(spare.root)
    settings = """
shares = { permanent = 0.2, callback = 0.2 }
callback_after = "9d"
"""
    promising = campaign_text(folder, "promising", steps=step("simulator", settings))
    spare.launched(promising, everybody)
    with engine_beside(spare.root):
        until(lambda: "Callbacks only" in spare("runs").out)
    for name in ("cancelled", "paused", "queued"):
        spare.launched(campaign_text(folder, name), everybody)
    spare("cancel", spare.run_of("cancelled"), "--yes", "--reason", "wrong upload")
    spare("pause", spare.run_of("paused"), "--yes", "--reason", "lunch")
    return spare.root


@pytest.fixture
def busy(busy_workspace, capfd):
    """A shell on the busy workspace."""
    return Shell(busy_workspace, capfd)


@pytest.fixture(scope="session")
def spiteful_workspace(tmp_path_factory, fresh_workspace):
    """A workspace all of whose names, contacts and replies attack the terminal."""
    folder = tmp_path_factory.mktemp("spiteful")
    root = folder / "floor \x1b[31m\u202e"
    shutil.copytree(fresh_workspace, root)
    spare = SpareShell(root)
    rows = ("c1\x9b2J", "c2\u202eabc", "c3\u200bd", "c4\x1b[31m", "c5\x00", "c6", "c6")
    upload = people(folder / "people \x1b]0;owned\x07\u202e.csv", 0, extra=rows)
    said = {
        "outcome": "permanent",
        "code": SPITEFUL,
        "id": SPITEFUL,
        "detail": SPITEFUL,
    }
    with Provider(Reply(body=said)) as provider:
        settings = f'url = "{provider.url}"\nbody = {{ to = "${{contact}}" }}'
        text = campaign_text(
            folder, "spiteful", shown=SPITEFUL, steps=step("webhook", settings)
        )
        spare.launched(text, upload)
        carry_out(root)
    (root / "campaigns" / "bad \x1b[31m\u202e.toml").write_text(
        '[campaign]\n"\\u001b[31m\\u202e" = 1\n', encoding="utf-8"
    )
    spare.launched(text, upload, "--allow-twin")
    spare("pause", spare.newest, "--yes", "--reason", SPITEFUL)
    return root


@pytest.fixture
def spiteful(spiteful_workspace, capfd):
    """A shell on the spiteful workspace."""
    return Shell(spiteful_workspace, capfd)


@pytest.fixture
def upload(tmp_path) -> Path:
    """A contact file with five people and two rejects."""
    return people(tmp_path / "people.csv", 5, extra=("", "c00001"))


@pytest.fixture
def typed(monkeypatch):
    """Let a person at a terminal type a line."""
    ends = []

    def type_in(line):
        master, slave = pty.openpty()
        file = os.fdopen(slave, "r", encoding="utf-8")
        ends.extend([file, os.fdopen(master, "wb", buffering=0)])
        ends[-1].write(f"{line}\n".encode())
        monkeypatch.setattr("sys.stdin", file)

    yield type_in
    for end in ends:
        end.close()
