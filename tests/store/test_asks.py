from __future__ import annotations

import json
import logging
import os
import pwd
import stat
from dataclasses import asdict, replace

import pytest

from watchfloor.domain.errors import StoreError
from watchfloor.domain.roles import Role
from watchfloor.store import asks
from watchfloor.store.asks import (
    MOST_A_TURN,
    MOST_BYTES,
    MOST_SMALL_BYTES,
    MOST_VALUES,
    AskedFiles,
    drop,
)
from watchfloor.store.commands import MOST_CHARS, MOST_NAME_CHARS
from watchfloor.store.inbox import Command, Inbox, ask, create_inbox

PAUSE = Command(
    command_id="c-1", at_ms=5, verb="pause", run_id="run-1", by="nora", why="lunch"
)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give a file to another account"
)


@pytest.fixture
def folder(layout):
    create_inbox(layout)
    return layout.asks


@pytest.fixture
def files(layout, folder):
    assert folder.is_dir()
    return AskedFiles(layout)


def the_file(folder):
    [path] = folder.iterdir()
    return path


def test_a_file_says_what_was_asked_and_its_owner_who_asked(layout, files):
    asked = replace(PAUSE, role="operator", payload={"seen": {"version": 3}})
    drop(layout, asked)

    [found] = files.waiting()

    assert found == asked
    assert found.asker.uid == os.geteuid()
    assert found.asker.name == pwd.getpwuid(os.geteuid()).pw_name
    assert found.asker.is_owner


@needs_root
def test_who_asks_is_the_owner_of_the_file_whatever_stands_inside(
    layout, folder, files
):
    drop(layout, replace(PAUSE, by="root"))
    daemon = pwd.getpwnam("daemon")
    os.chown(the_file(folder), daemon.pw_uid, daemon.pw_gid)

    [found] = files.waiting()

    assert found.asker.name == "daemon"
    assert not found.asker.is_owner
    assert "daemon" in found.asker.groups


def test_what_is_not_forgotten_waits_on_and_what_is_leaves_nothing(
    layout, folder, files
):
    drop(layout, PAUSE)
    assert files.waiting() == files.waiting() == [PAUSE]

    files.forget("never-asked")
    assert files.waiting() == [PAUSE]
    files.forget("c-1")

    assert files.waiting() == []
    assert list(folder.iterdir()) == []


def test_asking_again_changes_nothing_and_another_under_the_id_is_refused(
    layout, files
):
    drop(layout, PAUSE)
    drop(layout, PAUSE)
    with pytest.raises(StoreError, match="another command was asked under the id c-1"):
        drop(layout, replace(PAUSE, verb="stop"))

    assert files.waiting() == [PAUSE]


def test_a_file_is_nobody_else_s_to_read_and_nobody_else_s_to_write(layout, folder):
    drop(layout, PAUSE)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(the_file(folder).stat().st_mode) & 0o037 == 0


def test_only_so_many_are_taken_in_one_turn_and_all_in_the_end(layout, files):
    for number in range(MOST_A_TURN + 10):
        drop(layout, replace(PAUSE, command_id=f"c-{number}"))

    first = files.waiting()
    for one in first:
        files.forget(one.command_id)
    rest = files.waiting()

    assert (len(first), len(rest)) == (MOST_A_TURN, 10)
    assert not {one.command_id for one in first} & {one.command_id for one in rest}


def _pipe(path):
    os.mkfifo(path)


def _link(path):
    path.symlink_to("/etc/passwd")


def _folder(path):
    (path / "inside").mkdir(parents=True)


def _huge(path):
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)


def _deep(path):
    path.write_text("[" * 100_000)


def _second_name(path):
    outside = path.parent.parent / "kept"
    outside.write_text("{}")
    path.hardlink_to(outside)


def _others_may_write(path):
    path.write_text("{}")
    path.chmod(0o622)


HOSTILE = [_pipe, _link, _folder, _huge, _deep, _second_name, _others_may_write]


@pytest.mark.parametrize("lay", HOSTILE)
@pytest.mark.parametrize("ending", [".ask", ".new", ".db-journal"])
def test_whatever_else_lies_there_neither_blocks_nor_hides_a_command(
    layout, folder, files, caplog, lay, ending
):
    lay(folder / f"aaa{ending}")
    drop(layout, PAUSE)

    with caplog.at_level(logging.WARNING):
        found = [files.waiting() for _ in range(3)]

    assert found == [[PAUSE]] * 3
    assert len(caplog.records) == (ending != ".new")


@pytest.mark.parametrize(
    "wrong",
    [
        {"command_id": ""},
        {"command_id": 7},
        {"verb": None},
        {"at_ms": "now"},
        {"at_ms": True},
        {"at_ms": -1},
        {"at_ms": 1 << 70},
        {"at_ms": 253_402_300_800_000},
        {"why": "w" * (MOST_CHARS + 1)},
        {"run_id": "r" * (MOST_NAME_CHARS + 1)},
        {"payload": {"seen": {"x": [{}] * 5_000}}},
        {"payload": []},
        {"role": ["admin"]},
    ],
)
def test_what_is_no_command_is_taken_away_and_told_of(
    layout, folder, files, caplog, wrong
):
    drop(layout, PAUSE)
    path = the_file(folder)
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))

    assert files.waiting() == []
    assert not path.exists()
    assert "it was not obeyed" in caplog.text


def test_a_text_without_an_end_is_not_asked_and_says_so(layout, folder):
    with pytest.raises(StoreError, match="the origin of the command has 501"):
        drop(layout, replace(PAUSE, origin="o" * (MOST_NAME_CHARS + 1)))
    with pytest.raises(StoreError, match="Write a shorter one"):
        drop(layout, replace(PAUSE, why="w" * (MOST_CHARS + 1)))

    assert list(folder.iterdir()) == []


def test_a_reason_of_bytes_that_are_no_text_is_one_that_the_store_takes(layout, files):
    half = b"caf\xe9".decode(errors="surrogateescape")
    payload = {"seen": {half: half}}
    drop(layout, replace(PAUSE, by=half, origin=half, why=half, payload=payload))

    [found] = files.waiting()

    assert (found.by, found.origin, found.why) == ("caf?", "caf?", "caf?")
    assert found.payload == {"seen": {"caf?": "caf?"}}
    assert files.waiting() == [found]


def laid(folder, command_id, account=None, **values):
    """Lay a file as any program would, of an account's own; return it."""
    told = asdict(replace(PAUSE, command_id=command_id, **values))
    del told["asker"]
    path = folder / f"{command_id}.ask"
    path.write_text(json.dumps(told), encoding="utf-8")
    path.chmod(0o640)
    if account is not None:
        os.chown(path, pwd.getpwnam(account).pw_uid, -1)
    return path


def large(size=MOST_SMALL_BYTES):
    return {"verb": "launch", "payload": {"campaign_text": "c" * size}}


def ids_of(commands):
    return [one.command_id for one in commands]


def test_only_a_launch_and_results_may_be_large(layout, folder, files, caplog):
    payload = {"seen": {"x": "a" * MOST_SMALL_BYTES}}
    with pytest.raises(StoreError, match=r"more than 65,536; nothing was asked"):
        drop(layout, replace(PAUSE, payload=payload))
    path = laid(folder, "c-1", payload=payload)

    assert files.waiting() == []
    assert not path.exists()
    assert "it was not obeyed" in caplog.text
    launch = replace(PAUSE, command_id="c-2", **large(MOST_BYTES - 1_000))
    drop(layout, launch)
    assert files.waiting() == [launch]
    results = replace(launch, command_id="c-3", verb="results")
    drop(layout, results)
    files.forget("c-2")
    assert files.waiting() == [results]


def test_one_large_command_is_read_in_a_turn_after_all_the_small_ones(folder, files):
    for number in range(5):
        laid(folder, f"large-{number}", **large())
    laid(folder, "small")

    first = files.waiting()
    for one in first:
        files.forget(one.command_id)

    assert set(ids_of(first)) == {"large-0", "small"}
    assert ids_of(files.waiting()) == ["large-1"]


@needs_root
def test_large_commands_are_taken_of_every_account_in_turn(folder, files):
    for account in ("daemon", "bin"):
        for number in range(3):
            laid(folder, f"{account}-{number}", account, **large())
    laid(folder, "mine-0", **large())

    taken = []
    for _ in range(5):
        [one] = files.waiting()
        taken.append(one.command_id.partition("-")[0])
        files.forget(one.command_id)

    assert sorted(taken[:3]) == ["bin", "daemon", "mine"]
    assert sorted(taken[3:]) == ["bin", "daemon"]


@needs_root
def test_what_an_account_lays_beyond_what_is_read_of_it_is_taken_away(folder, files):
    for number in range(9):
        laid(folder, f"theirs-{number}", "daemon", **({} if number else large()))
        laid(folder, f"mine-{number}")

    def most_of(who):
        return 9 if who.is_owner else 3

    found = ids_of(files.waiting(most_of))

    assert found.count("mine-0") == 1
    theirs = {"theirs-0", "theirs-1", "theirs-2"}
    assert {one for one in found if one.startswith("theirs")} == theirs
    assert {path.stem for path in folder.glob("theirs-*")} == theirs
    assert len(list(folder.glob("mine-*"))) == 9


def test_a_file_that_grew_since_it_was_looked_at_waits_for_another_turn(folder, files):
    path = laid(folder, "c-1")
    [looked_at] = files._looked_at()
    laid(folder, "c-1", **large())

    assert list(files._read(looked_at, MOST_SMALL_BYTES, MOST_VALUES)) == []
    assert path.exists()
    assert ids_of(files.waiting()) == ["c-1"]


def test_a_role_that_is_asked_for_reaches_the_engine_from_the_owner_too(layout, folder):
    ask(layout, replace(PAUSE, role="viewer"))
    inbox = Inbox(layout)

    [found] = inbox.waiting()
    inbox.forget(["c-1"])

    assert found.role == "viewer"
    assert inbox.waiting() == []
    inbox.close()


def test_rows_of_a_file_that_others_may_write_are_nobody_s_in_particular(layout):
    create_inbox(layout)
    ask(layout, PAUSE)
    layout.inbox.chmod(0o660)
    inbox = Inbox(layout)

    [found] = inbox.waiting()

    assert found.asker is not None
    assert not found.asker.is_owner
    assert found.asker.name.startswith("somebody of ")
    assert found.role == Role.OPERATOR
    inbox.close()


def test_folders_without_an_end_keep_no_command_from_being_taken(
    layout, folder, files, monkeypatch
):
    monkeypatch.setattr(asks, "MOST_NAMES", 50)
    for number in range(200):
        (folder / f"{number}.ask").mkdir()
    for number in range(200, 300):
        _folder(folder / f"{number}.ask")
    drop(layout, PAUSE)

    # Every turn looks at so many, and the next one goes on from there.
    turns = [files.waiting() for _ in range(12)]

    assert [PAUSE] in turns
    left = {path.name for path in folder.iterdir() if path.is_dir()}
    assert left == {f"{number}.ask" for number in range(200, 300)}
    files.close()


def test_a_flood_of_what_is_no_command_makes_a_turn_no_longer(
    layout, folder, files, monkeypatch, caplog
):
    monkeypatch.setattr(asks, "MOST_OPENED", 5)
    monkeypatch.setattr(asks, "_MOST_TOLD", 7)
    for number in range(12):
        (folder / f"{number:02}.ask").write_text("no command", encoding="utf-8")
    drop(layout, PAUSE)

    with caplog.at_level(logging.WARNING):
        turns = [(files.waiting(), len(list(folder.iterdir()))) for _ in range(3)]

    # So many files are opened in a turn and not one more, and it ends all the same.
    assert turns == [([], 8), ([], 3), ([PAUSE], 1)]
    assert len(caplog.records) == 7
    files.close()


@needs_root
def test_a_flood_of_one_account_leaves_room_for_what_others_ask(layout, folder, files):
    daemon = pwd.getpwnam("daemon")
    for number in range(MOST_A_TURN * 2):
        drop(layout, replace(PAUSE, command_id=f"flood-{number}"))
    for path in folder.iterdir():
        os.chown(path, daemon.pw_uid, -1)
    drop(layout, replace(PAUSE, command_id="mine"))

    found = files.waiting()

    assert len(found) == MOST_A_TURN
    assert "mine" in {one.command_id for one in found}
