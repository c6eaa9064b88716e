from __future__ import annotations

import json
import os
import pty
import shutil
import stat
import subprocess

import pytest
from sqlalchemy import text
from tests.cli.shell import Shell

from watchfloor.cli import exits
from watchfloor.cli.checkup.machine import clock, session, sqlite, terminal
from watchfloor.cli.checkup.place import disk, missing, owner, writable
from watchfloor.store.accounts import account
from watchfloor.store.layout import Layout
from watchfloor.store.sqlite import writing_engine


def told(shell):
    return {one["name"]: one for one in json.loads(shell("doctor", "--json").out)}


def changed(shell, statement):
    engine = writing_engine(shell.layout.state)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_sound_workspace_passes_every_check_with_something_said_of_each(shell):
    checks = told(shell)

    assert shell("doctor").code == exits.DONE
    assert all(one["is_well"] and one["found"] for one in checks.values())
    assert {
        "sqlite",
        "clock",
        "terminal",
        "session",
        "file system",
        "free disk",
        "integrity",
        "books",
        "audit chain",
        "restored runs",
        "place",
        "clock and store",
        "engine",
    } <= checks.keys()


@pytest.mark.parametrize(
    ("statement", "name", "action"),
    [
        (
            "UPDATE journal SET by = 'x' WHERE entry_id = 1",
            "audit chain",
            "watchfloor audit verify",
        ),
        (
            "UPDATE lease SET heartbeat_at_ms = heartbeat_at_ms + 3600000",
            "clock and store",
            "timedatectl",
        ),
        ("UPDATE books SET delivered = 1", "books", "watchfloor books RUN --audit"),
    ],
)
def test_what_is_not_well_is_named_with_what_to_do_and_ends_with_4(
    statement, name, action, shell, queued
):
    changed(shell, statement)

    one = told(shell)[name]

    assert shell("doctor").code == exits.UNHEALTHY
    assert (one["is_well"], action in one["action"]) == (False, True)


def test_runs_that_wait_since_a_restore_are_a_note(shell, queued):
    changed(shell, "UPDATE run SET restored_from_ms = 1")

    one = told(shell)["restored runs"]

    assert (one["is_well"], one["is_note"]) == (True, True)
    assert queued in one["found"]


@pytest.mark.skipif(os.geteuid() != 0, reason="modes are another person's to change")
def test_folders_with_people_in_them_are_for_nobody_else(shell):
    shell.layout.uploads.chmod(0o755)

    one = told(shell)["mode of uploads"]

    assert (one["is_well"], one["found"]) == (False, "0755")
    assert one["action"].startswith("chmod g-w,o= ")


@pytest.mark.parametrize(
    ("piece", "mode"), [("", 0o777), ("watchfloor.toml", 0o666), ("campaigns", 0o770)]
)
def test_what_the_owner_alone_decides_is_written_by_nobody_else(shell, piece, mode):
    path = shell.root / piece
    path.chmod(mode)

    one = told(shell)[f"mode of {path.name}"]

    assert not one["is_well"]
    assert one["found"].startswith(f"{mode:04o}: others may write it")
    assert one["action"].endswith(f"chmod go-w {path}")


@pytest.mark.parametrize("name", ["inbox", "uploads", "campaigns"])
def test_a_folder_that_is_gone_is_named_with_how_to_make_it_anew(shell, name):
    path = shell.root / name
    path.rmdir()

    one = told(shell)[f"folder {name}"]

    assert (one["is_well"], one["action"]) == (False, f"mkdir -m 700 {path}")


def test_a_folder_of_a_group_is_made_anew_for_the_group(shell):
    shell.layout.state.chmod(0o640)
    shell.layout.asks.rmdir()

    (one,) = missing(shell.layout)

    assert "chgrp --reference=" in one.action
    assert one.action.endswith(f"chmod 3730 {shell.layout.asks}")


def test_whose_the_workspace_is_is_told_to_who_is_somebody_else(shell):
    me = os.geteuid()

    (mine,) = owner(shell.layout, me)
    (another,) = owner(shell.layout, me + 4_711)

    assert (mine.is_well, mine.is_note) == (True, False)
    assert (another.is_well, another.is_note) == (True, True)
    assert another.found == f"{mine.found}, and you are uid {me + 4_711}"
    assert f"the engine can be run by {mine.found} only" in another.action


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_workspace_of_two_accounts_is_not_well(shell):
    os.chown(shell.layout.state, 1, 1)

    (one,) = owner(shell.layout, 0)

    assert not one.is_well
    assert one.found.startswith(f"state.db is {account(1)}'s, and not so: campaigns")
    assert f"chown -R ACCOUNT {shell.root}" in one.action


def test_a_disk_that_takes_no_writes_is_named(tmp_path):
    one = writable(Layout(tmp_path), os.ST_RDONLY)

    assert (one.is_well, writable(Layout(tmp_path), 0).is_well) == (False, True)
    assert "mounted read-only" in one.found


def test_a_network_disk_is_not_well(tmp_path):
    mounts = "22 1 0:50 / / rw - nfs4 files:/export rw\n"

    found = disk(Layout(tmp_path), mounts)

    assert (found.is_well, found.found.split(":")[0]) == (
        False,
        "a network disk (nfs4)",
    )


@pytest.mark.parametrize(
    ("version", "has_note"),
    [("3.40.1", True), ("3.51.2", True), ("3.51.3", False), ("3.7.0", True)],
)
def test_the_reset_defect_is_told_of_the_versions_that_have_it(version, has_note):
    assert ("WAL-reset" in sqlite(version).found) is has_note


@pytest.mark.parametrize(
    ("state", "is_note"), [(0, False), (1, False), (5, True), (None, False)]
)
def test_a_clock_that_nothing_sets_right_is_a_note(state, is_note):
    assert (clock(state).is_well, clock(state).is_note) == (True, is_note)


@pytest.mark.parametrize(
    ("environment", "settings", "has_linger", "said"),
    [
        ({"TMUX": "x"}, [], False, "tmux"),
        ({"STY": "1.x"}, [], False, "screen"),
        ({"INVOCATION_ID": "a"}, ["KillUserProcesses=yes"], False, "a systemd service"),
        ({"SSH_CONNECTION": "a"}, [], False, "plain SSH login"),
        ({"TMUX": "x"}, ["KillUserProcesses=yes"], False, "logind ends"),
        ({"TMUX": "x"}, ["KillUserProcesses=yes"], True, "tmux"),
        (
            {"TMUX": "x"},
            ["KillUserProcesses=yes", "KillUserProcesses=no"],
            False,
            "tmux",
        ),
        ({"TMUX": "x"}, ["# KillUserProcesses=yes"], False, "tmux"),
        ({}, [], False, "a local session"),
    ],
)
def test_what_keeps_an_engine_alive_is_told(environment, settings, has_linger, said):
    found = session(environment, settings, has_linger=has_linger)

    assert said in found.found
    assert found.is_note is ("logind ends" in said or "plain SSH" in said)


def test_an_alert_that_leads_to_an_address_not_listed_is_not_well(shell):
    settings = shell.layout.settings
    hook = '[alerts.webhook.chat]\nurl = "http://10.1.2.3/chat"\n'
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[alerts]\non = ["failed"]\n{hook}', encoding="utf-8")

    before = told(shell)["alerts"]
    listed = text.replace('"::1"]', '"::1", "10.1.2.3"]')
    settings.write_text(
        f'{listed}\n[alerts]\non = ["failed"]\n{hook}', encoding="utf-8"
    )

    assert not before["is_well"]
    assert "10.1.2.3 is an address of a private network" in before["found"]
    assert told(shell)["alerts"]["is_well"]


@pytest.mark.parametrize(
    ("environment", "encoding", "columns", "said"),
    [
        ({"TERM": "xterm-256color"}, "utf-8", 80, []),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "utf-8", 200, []),
        ({}, "utf-8", 80, ["export TERM=xterm-256color", "with --calm"]),
        ({"TERM": "dumb"}, "utf-8", 80, ["export TERM=xterm-256color", "with --calm"]),
        ({"TERM": "vt100"}, "utf-8", 80, ["with --calm"]),
        ({"TERM": "xterm-256color"}, "latin-1", 80, ["export LANG=C.UTF-8"]),
        ({"TERM": "xterm-256color"}, "utf-8", 79, ["make it 80 by 24 at least"]),
    ],
)
def test_what_the_console_lacks_of_a_terminal_is_told(
    environment, encoding, columns, said, monkeypatch
):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding=encoding) as out:
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setattr("sys.stdin", out)
        found = terminal(environment)
        monkeypatch.undo()
    os.close(master)

    assert (found.is_well, found.is_note) == (True, bool(said))
    assert len(found.action.split("; ")) == max(1, len(said))
    assert all(one in found.action for one in said)
    assert f"{columns} by 24" in found.found


def test_where_there_is_no_terminal_nothing_is_asked_of_one():
    assert not terminal({}).is_note
    assert "none here" in terminal({}).found


def test_what_is_to_be_copied_stands_a_space_in_the_name_of_the_folder(
    queued_workspace, tmp_path, capfd
):
    shell = Shell(tmp_path / "floor two", capfd)
    shutil.copytree(queued_workspace, shell.root)
    shell.root.chmod(0o777)
    shell.layout.asks.rmdir()
    shell.layout.inbox.write_bytes(b"Dear diary,\n" * 2_000)

    found = {one["name"]: one for one in shell("doctor", "--json").json}
    anew = found["folder inbox"]["action"]
    aside = found["inbox"]["action"].partition("or ")[2].partition(" and ")[0]
    closed = found["mode of floor two"]["action"].partition("then: ")[2]

    assert found["engine"]["action"].endswith(f"--workspace '{shell.root}' engine")
    for command in (anew, aside, closed):
        subprocess.run(["sh", "-c", command], check=True)  # noqa: S607 - as pasted
    assert shell.layout.asks.is_dir()
    assert shell.layout.inbox.with_name("inbox.db.damaged").is_file()
    assert stat.S_IMODE(shell.root.stat().st_mode) == 0o755
