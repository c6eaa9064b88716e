"""``backup`` and ``restore`` as a person and a script are told of them."""

from __future__ import annotations

import os
import pty

import pytest
from sqlalchemy import update
from tests.cli.shell import Shell, campaign_text, carry_out, engine_beside, people

from watchfloor.engine.auditing import anchor_now
from watchfloor.engine.sharing_files import share
from watchfloor.store.anchor_file import append_anchor
from watchfloor.store.sqlite import writing_engine
from watchfloor.store.tables import run


@pytest.fixture
def half_done(shell, tmp_path):
    """A run that has contacted two of five, and waits for a person's word."""
    campaign = campaign_text(tmp_path, "autumn", rest="[approval]\nafter = 2")
    run = shell.launched(campaign, people(tmp_path / "five.csv", 5))
    carry_out(shell.root)
    return run


@pytest.fixture
def terminal():
    """A terminal: what is written to it, and what it got since it was last asked."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        yield file, lambda: os.read(master, 65_536).decode()
    os.close(master)


def test_a_backup_comes_back_as_a_workspace_whose_runs_are_held(
    shell, half_done, tmp_path, capfd
):
    made = shell("backup", tmp_path / "b.tar")
    back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")
    other = Shell(tmp_path / "back", capfd)

    assert (made.code, made.err) == (0, "")
    assert made.out.startswith(f"{tmp_path / 'b.tar'}: ")
    assert " MiB, " in made.out
    assert back.code == 0
    is_as_of, held = back.out.splitlines()
    assert is_as_of.startswith(f"{tmp_path / 'back'} is the workspace as of ")
    assert held == (
        f"held: {half_done} Autumn, 3 records may have been contacted since"
    )
    lost, next_act = back.err.splitlines()
    assert "suppress again who opted out, before any run goes on" in lost
    there = f"watchfloor --workspace {tmp_path / 'back'}"
    assert next_act == (
        f"Look with the provider first; then {there} cancel RUN, or {there} resume "
        "RUN, which asks for the number."
    )
    assert other("show", half_done, "--json").json["gate"] == "paused"


def test_a_script_is_told_the_same_in_json(shell, half_done, tmp_path):
    made = shell("backup", tmp_path / "b.tar", "--json").json
    back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back", "--json").json

    assert made["file"] == str(tmp_path / "b.tar")
    assert made["bytes"] == (tmp_path / "b.tar").stat().st_size
    assert (made["left_out"], made["flaws"], back["flaws"]) == ([], [], [])
    assert set(made) == {
        *("file", "bytes", "made_at", "instance", "link", "head"),
        *("files", "left_out", "lists_left_out", "flaws", "warnings"),
    }
    assert (made["lists_left_out"], made["warnings"], back["warnings"]) == ([], [], [])
    assert (back["lists_missing"], back["shared_with"]) == ([], "")
    assert back["held"] == [{"run": half_done, "unfinished": 3}]
    assert (back["as_of"], back["was_instance"]) == (made["made_at"], made["instance"])
    assert back["instance"] != made["instance"]
    assert (back["not_told_again"], back["original_lives"]) == (0, False)


def test_a_past_comes_back_once_unless_it_is_meant(shell, tmp_path):
    shell("backup", tmp_path / "b.tar")
    shell.bare("restore", tmp_path / "b.tar", tmp_path / "one")

    twice = shell.bare("restore", tmp_path / "b.tar", tmp_path / "two")
    again = shell.bare("restore", tmp_path / "b.tar", tmp_path / "two", "--again")

    assert (twice.code, twice.out) == (1, "")
    assert "was restored before" in twice.err
    assert "Add --again to mean it" in twice.err
    assert again.code == 0
    # Nothing of it was live: nothing is said of runs.
    assert len(again.out.splitlines()) == len(again.err.splitlines()) == 1


def test_links_are_left_out_and_named(shell, tmp_path):
    (shell.layout.campaigns / "link.toml").symlink_to("/etc/hostname")

    made = shell("backup", tmp_path / "b.tar")

    assert made.code == 0
    assert "left out: campaigns/link.toml is a link" in made.err


def test_a_backup_without_a_list_that_a_run_names_is_not_well(shell, tmp_path):
    listed = shell.layout.root / "suppression.csv"
    listed.write_text("id\np1\n", encoding="utf-8")
    text = campaign_text(tmp_path, "autumn").read_text(encoding="utf-8")
    text = text.replace("[audience]", '[audience]\nsuppression = ["suppression.csv"]')
    (tmp_path / "autumn.toml").write_text(text, encoding="utf-8")
    shell.launched(tmp_path / "autumn.toml", people(tmp_path / "five.csv", 5))
    listed.unlink()

    made = shell("backup", tmp_path / "b.tar")
    as_json = shell("backup", tmp_path / "c.tar", "--json")
    back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")

    assert made.code == as_json.code == 4
    assert "! the suppression list suppression.csv is not in it" in made.err
    assert as_json.json["left_out"] == as_json.json["lists_left_out"]
    assert as_json.json["lists_left_out"] == ["suppression.csv"]
    assert "! suppression.csv is not there, which a held run names" in back.err


def test_doctor_tells_of_an_anchor_file_of_the_workspace_before(shell, tmp_path, capfd):
    outside = tmp_path / "anchors.jsonl"
    with shell.layout.settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[audit]\nanchor = "{outside}"\n')
    shell.launched(campaign_text(tmp_path, "autumn"), people(tmp_path / "five.csv", 5))
    anchor = anchor_now(shell.layout, 1_000)
    assert anchor is not None
    append_anchor(outside, anchor)
    shell("backup", tmp_path / "b.tar")
    shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")

    before = shell("doctor")
    back = Shell(tmp_path / "back", capfd)("doctor")

    told = f"{outside} is of another workspace, {anchor.instance}: nothing is noted"
    assert "is of another workspace" not in before.out
    assert told in back.out
    assert "name a new file in [audit]" in back.out


def test_what_a_restore_has_to_tell_of_it_stands_by_itself(shell, tmp_path):
    outside = tmp_path / "anchors.jsonl"
    with shell.layout.settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[audit]\nanchor = "{outside}"\n')
    share(shell.layout, os.getegid())
    shell("backup", tmp_path / "b.tar")

    back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")

    _, told, shared = back.err.splitlines()
    assert told.startswith(f"! [audit] of its watchfloor.toml names {outside}, where")
    assert shared.startswith("The group ")


def test_a_copy_of_a_workspace_whose_engine_lives_is_called_one(shell, tmp_path):
    shell("backup", tmp_path / "b.tar")
    with engine_beside(shell.root):
        back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")

    assert back.code == 0
    assert f"An engine still owns {shell.root}, which this is a copy of" in back.err
    assert "let only one of the two go on" in back.err


def test_only_a_terminal_is_told_how_far_it_is(shell, tmp_path, terminal, monkeypatch):
    file, got = terminal
    monkeypatch.setattr("sys.stderr", file)
    made = shell("backup", tmp_path / "b.tar")
    on_backup = got()
    back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")
    on_restore = got()

    assert (made.code, back.code) == (0, 0)
    assert on_backup == "store: 100 %\r\n"
    assert on_restore.startswith("unpacked: ")
    # Not a line for each file.
    assert on_restore.count(" %\r\n") == 1


def test_the_id_of_a_held_run_leads_no_terminal_astray(shell, half_done, tmp_path):
    # No run is launched under such an id; a store from elsewhere may hold one.
    assert half_done
    engine = writing_engine(shell.layout.state)
    with engine.begin() as connection:
        connection.execute(update(run).values(run_id="\x1b]0;owned\x07\x1b[31mRED"))
    engine.dispose()
    shell("backup", tmp_path / "b.tar")

    back = shell.bare("restore", tmp_path / "b.tar", tmp_path / "back")

    assert "RED" in back.out
    assert "\x1b" not in back.out + back.err


def test_a_backup_in_a_folder_that_is_not_there_is_refused_in_whole_words(
    shell, tmp_path
):
    answer = shell("backup", str(tmp_path / "none" / "b.tar"))

    assert (answer.code, answer.out) == (1, "")
    assert f"{tmp_path / 'none'}: No such file or directory; nothing was made" in (
        answer.err
    )
    assert "Name a file in a folder that is there" in answer.err
