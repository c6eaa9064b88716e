"""Anchor files that are gone: whoever takes one away must not pass unseen."""

from __future__ import annotations

import os

import pytest
from tests.cli.shell import carry_out

from watchfloor.cli import exits


@pytest.fixture
def outside(shell, queued, tmp_path):
    """An anchor file out of reach, which an engine wrote into."""
    path = tmp_path / "far" / "anchors.jsonl"
    path.parent.mkdir()
    name(shell, path)
    carry_out(shell.root)
    assert path.is_file()
    return path


def name(shell, path):
    """Name an anchor file in settings that nobody has changed lately."""
    with shell.layout.settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[audit]\nanchor = "{path}"\n')
    os.utime(shell.layout.settings, (1_000, 1_000))


def checked(shell):
    """Return doctor's lines on anchor files."""
    lines = shell("doctor", "--json").json
    return [one for one in lines if one["name"] == "anchor file"]


def emptied(path):
    path.write_bytes(b"")


def with_a_link(path):
    aside = path.with_name("aside")
    path.rename(aside)
    path.symlink_to(aside)


def without_folder(path):
    path.unlink()
    path.parent.rmdir()


def below_a_file(path):
    without_folder(path)
    path.parent.touch()


def unlinked(path):
    path.unlink()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (unlinked, "is not there"),
        (without_folder, "has no folder"),
        (below_a_file, "cannot be looked at (Not a directory)"),
        (emptied, "is empty"),
        (with_a_link, "is a link, through which no engine writes"),
    ],
)
def test_an_anchor_file_that_an_engine_wrote_into_and_that_is_gone_is_told(
    shell, outside, spoil, why
):
    assert shell("audit", "verify").code == exits.DONE
    assert not checked(shell)

    spoil(outside)
    verified = shell("audit", "verify")
    told = shell("audit", "verify", "--json")
    doctor = shell("doctor")

    assert verified.code == told.code == exits.UNHEALTHY
    assert f"WRONG: {outside} {why}, though an engine notes its anchors there" in (
        verified.out
    )
    assert told.json["intact"] is False
    assert why in told.json["anchor_faults"][0]
    assert doctor.code == exits.UNHEALTHY
    assert "FAIL anchor file" in doctor.out
    assert f"{outside} {why}" in doctor.out
    assert "or name another in [audit] of watchfloor.toml" in doctor.out


def test_all_anchor_files_taken_away_at_once_are_told_one_by_one(shell, outside):
    outside.unlink()
    shell.layout.anchors.unlink()

    verified = shell("audit", "verify")

    assert verified.code == exits.UNHEALTHY
    assert [one["is_well"] for one in checked(shell)] == [False, False]
    assert f"WRONG: {shell.layout.anchors} is not there" in verified.out
    assert f"WRONG: {outside} is not there" in verified.out


def test_a_file_that_no_engine_has_noted_anything_in_yet_is_a_note(
    shell, queued, tmp_path
):
    path = tmp_path / "anchors.jsonl"
    name(shell, path)

    verified, [told] = shell("audit", "verify"), checked(shell)

    assert verified.code == exits.DONE
    assert f"{path} is not there; perhaps nothing was to be noted there yet" in (
        verified.out
    )
    assert (told["is_well"], told["is_note"]) == (True, True)
    assert told["action"] == "start an engine, which makes it and notes the head"


def test_a_file_that_was_named_after_the_last_anchor_is_a_note(shell, queued, tmp_path):
    carry_out(shell.root)
    name(shell, tmp_path / "anchors.jsonl")
    shell.layout.settings.touch()

    [told] = checked(shell)

    assert shell("audit", "verify").code == exits.DONE
    assert (told["is_well"], told["is_note"]) == (True, True)


def test_a_workspace_without_a_link_or_an_engine_says_nothing_of_anchor_files(
    shell, queued
):
    assert not checked(shell)
    assert "perhaps" not in shell("audit", "verify").out
