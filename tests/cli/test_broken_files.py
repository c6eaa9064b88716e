"""Files that are gone, foreign or damaged: a sentence each time, never a traceback."""

from __future__ import annotations

import os

import pytest
from tests.cli.shell import campaign_text, engine_beside, people

from watchfloor.store.lock_text import lock_text
from watchfloor.store.reserve import SIZE

LOOKING = ["runs", "show", "records", "journey", "events", "books", "status", "rejects"]
ACTING = ["pause", "resume", "stop", "cancel", "launch", "engine"]


@pytest.fixture
def call(shell, queued, tmp_path):
    """Call a verb as it would succeed on a sound workspace."""
    run, campaign = queued, campaign_text(tmp_path, "autumn")
    other = people(tmp_path / "others.csv", 3)
    rest = {
        **{verb: [run] for verb in ("show", "records", "events", "books")},
        **{verb: [run, "--yes"] for verb in ("pause", "resume", "stop", "cancel")},
        "journey": [run, 1],
        "rejects": [run, "-o", tmp_path / "fix.csv"],
        "launch": [campaign, "--upload", other, "--yes"],
        "engine": ["--until-idle"],
    }
    return lambda verb: shell(verb, *rest.get(verb, []))


def text_file(path):
    path.write_text("Dear diary,\n" * 2_000)


def damaged(path):
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (size - 100))


def directory(path):
    path.unlink()
    path.mkdir()


def gone(path):
    path.unlink()


def assert_one_sentence(answer, code):
    assert answer.code == code, answer
    assert answer.out == ""
    assert answer.err.startswith("watchfloor: ")
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert "sqlalche.me" not in answer.err


def test_where_no_workspace_is_every_verb_says_how_to_make_one(call, shell, tmp_path):
    shell.root.rename(tmp_path / "moved")
    for verb in (*LOOKING, *ACTING):
        answer = call(verb)

        assert_one_sentence(answer, 3)
        assert f"there is no workspace in {shell.root}" in answer.err
        assert f"watchfloor init {shell.root}" in answer.err


@pytest.mark.parametrize("harm", [text_file, damaged])
def test_a_state_store_that_is_none_is_named_and_nothing_is_done(call, shell, harm):
    harm(shell.layout.state)
    before = shell.layout.state.read_bytes()
    for verb in (*LOOKING, *ACTING):
        answer = call(verb)

        assert_one_sentence(answer, 1)
        assert str(shell.layout.state) in answer.err
        assert "watchfloor doctor" in answer.err
        assert shell.layout.state.read_bytes() == before, verb


@pytest.mark.parametrize("harm", [directory, gone])
def test_where_the_state_store_is_gone_no_new_one_is_made(call, shell, harm):
    harm(shell.layout.state)
    for verb in (*LOOKING, *ACTING):
        assert_one_sentence(call(verb), 3)
        assert not shell.layout.state.is_file(), verb


def test_where_the_settings_are_gone_they_and_what_they_need_are_named(call, shell):
    shell.layout.settings.unlink()
    for verb in (*LOOKING, *ACTING):
        answer = call(verb)

        assert_one_sentence(answer, 3)
        assert f"the settings {shell.layout.settings} are missing" in answer.err
    shell.layout.settings.write_text(
        "[workspace]\nid = 'front-desk'\nname = 'The front desk'\n"
    )
    assert call("runs").code == 0


def test_an_emptied_store_stays_as_it_was_and_doctor_advises_what_the_engine_does(
    call, shell
):
    shell.layout.state.write_bytes(b"")

    refused = call("engine")
    (schema,) = [
        one for one in shell("doctor", "--json").json if one["name"] == "schema"
    ]

    assert_one_sentence(refused, 1)
    assert "Restore it from a backup" in refused.err
    assert shell.layout.state.read_bytes() == b""
    assert schema["action"].startswith("restore the workspace from a backup: ")


def test_doctor_does_not_send_to_the_doctor(shell, queued):
    damaged(shell.layout.state)

    said = shell("doctor").out

    assert "watchfloor doctor" not in said
    assert "watchfloor restore FILE DIR" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize("place", ["folder", "store"])
def test_who_may_not_read_a_workspace_is_told_whose_it_is(shell, tmp_path, place):
    for folder in (shell.root, *shell.root.parents[:3]):
        folder.chmod(0o755)
    path = shell.root if place == "folder" else shell.layout.state
    path.chmod(0o700)

    os.seteuid(1)
    try:
        answer = shell("runs")
    finally:
        os.seteuid(0)

    assert_one_sentence(answer, 1)
    assert f"may not read the workspace {shell.root}, which belongs to" in answer.err
    assert "Errno" not in answer.err


@pytest.mark.parametrize("harm", [text_file, damaged, directory, gone])
def test_an_inbox_that_takes_no_command_is_named(call, shell, harm):
    harm(shell.layout.inbox)
    for verb in ("pause", "stop", "cancel", "launch"):
        answer = call(verb)

        assert_one_sentence(answer, 1)
        assert str(shell.layout.inbox) in answer.err
        assert "Nothing was asked" in answer.err
    assert shell("runs", "--json").json[0]["label"] == "Queued"


@pytest.mark.parametrize("harm", [text_file, damaged, directory, gone])
def test_whoever_looks_needs_no_inbox(call, shell, harm):
    harm(shell.layout.inbox)
    codes = {verb: call(verb).code for verb in LOOKING}

    # One run waits for an engine, and no record and no reject is there yet.
    ill = {"status": 4, "journey": 3, "rejects": 3}
    assert codes == dict.fromkeys(LOOKING, 0) | ill


@pytest.mark.parametrize("harm", [text_file, damaged, directory, gone])
@pytest.mark.parametrize("name", ["state", "inbox"])
def test_the_doctor_finds_it_and_says_what_to_do(shell, queued, harm, name):
    harm(getattr(shell.layout, name))
    answer = shell("doctor")
    found = {one["name"]: one for one in shell("doctor", "--json").json}
    check = found["store" if name == "state" else "inbox"]

    assert answer.code == 4
    assert answer.err == ""
    assert check["is_well"] is False
    ways = {
        "state": "restore the workspace from a backup",
        "inbox": "start the engine anew: it makes an empty one, and pauses every run",
    }
    assert ways[name] in check["action"]
    assert f"FAIL {check['name']}: " in answer.out
    assert f"     do: {check['action']}" in answer.out


def test_the_doctor_finds_settings_that_are_none(shell):
    shell.layout.settings.write_text("name = ")
    answer = shell("doctor")

    assert answer.code == 4
    assert "FAIL settings: watchfloor.toml: " in answer.out
    assert "do: correct watchfloor.toml" in answer.out


@pytest.mark.parametrize("name", ["state", "inbox"])
def test_the_doctor_finds_files_that_others_may_read(shell, name):
    file = getattr(shell.layout, name)
    file.chmod(0o644)
    answer = shell("doctor")

    assert answer.code == 4
    assert f"FAIL mode of {file.name}: 0644" in answer.out
    assert f"do: chmod g-w,o= {file}" in answer.out


def test_the_doctor_finds_runs_that_wait_for_an_engine(shell, queued):
    answer = shell("doctor")

    assert answer.code == 4
    assert "FAIL engine: none runs" in answer.out
    assert f"do: watchfloor --workspace {shell.root} engine" in answer.out


def test_the_doctor_finds_nothing_in_a_sound_workspace(shell):
    answer = shell("doctor", "--json")

    assert answer.code == 0
    assert {one["name"] for one in answer.json} == {
        *("python", "sqlite", "settings", "mode of state.db", "mode of inbox.db"),
        "mode of inbox",
        *(
            "free disk",
            "reserve",
            "inbox",
            "schema",
            "integrity",
            "books",
            "engine",
            "alerts",
        ),
        *("clock", "terminal", "session", "file system", "mode of uploads"),
        *("audit chain", "restored runs", "place", "clock and store"),
        *("mode of floor", "mode of watchfloor.toml", "mode of campaigns"),
        *("owner", "mount"),
    }
    assert all(one["is_well"] for one in answer.json)


def test_the_doctor_looks_whether_the_reserve_is_room_or_only_a_hole(shell):
    def found():
        return next(
            one for one in shell("doctor", "--json").json if one["name"] == "reserve"
        )

    assert found()["is_well"]
    reserve = shell.layout.reserve
    with engine_beside(shell.root):
        whole = found()
        assert whole["is_well"]
        assert whole["found"] == "8 of 8 MiB are allocated"

        reserve.unlink()
        assert found()["found"] == "there is none"
        with reserve.open("wb") as hole:
            hole.truncate(SIZE)
        sparse = found()
        assert not sparse["is_well"]
        assert "a hole, which is no room" in sparse["found"]
        assert "make room" in sparse["action"]
        with reserve.open("wb") as short:
            short.write(bytes(SIZE // 2))
        assert not found()["is_well"]
    assert not reserve.exists()


def test_where_the_store_was_lost_the_last_words_of_its_engine_are_told(shell):
    shell.layout.state.rename(shell.root / "elsewhere.db")
    shell.layout.lock.write_bytes(lock_text("engine of ann", "the store was moved"))
    answer = shell("runs")

    assert_one_sentence(answer, 3)
    assert "Its last engine said: the store was moved" in answer.err
    assert "watchfloor init" not in answer.err


def test_the_doctor_makes_no_workspace(shell, tmp_path):
    nowhere = tmp_path / "nowhere"
    answer = shell.bare("--workspace", nowhere, "doctor")

    assert answer.code == 4
    assert not nowhere.exists()


def test_a_folder_for_uploads_that_is_gone_is_named(call, shell):
    for kept in shell.layout.uploads.iterdir():
        kept.unlink()
    shell.layout.uploads.rmdir()
    answer = call("launch")

    assert_one_sentence(answer, 1)
    assert str(shell.layout.uploads) in answer.err


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may read everything")
@pytest.mark.parametrize("name", ["state", "inbox"])
def test_a_file_that_may_not_be_read_is_named(call, shell, name):
    file = getattr(shell.layout, name)
    file.chmod(0)
    answer = call("pause")

    assert_one_sentence(answer, 1)
    assert str(file) in answer.err
