"""Commands that are told: whoever copies one acts on the workspace that it is about."""

from __future__ import annotations

import pytest

from watchfloor.cli import exits


@pytest.mark.parametrize("verb", ["why", "show", "triage"])
def test_of_another_workspace_than_the_shells_own_every_command_names_it(
    shell, queued, verb
):
    at_home, told = shell(verb, queued), shell.from_elsewhere(verb, queued)

    assert "watchfloor engine" in at_home.out + at_home.err
    assert "--workspace" not in at_home.out + at_home.err
    assert f"watchfloor --workspace {shell.root} engine" in told.out
    assert "watchfloor engine" not in told.out


def test_a_refusal_and_a_line_for_a_machine_name_it_too(shell, queued):
    refused = shell.from_elsewhere("show", "nobody")
    as_json = shell.from_elsewhere("why", queued, "--json").json

    assert refused.code == exits.NOT_FOUND
    assert f"`watchfloor --workspace {shell.root} runs` lists" in refused.err
    assert as_json["next"].endswith(f"watchfloor --workspace {shell.root} engine")


def test_whether_it_is_another_is_told_by_the_folder_and_not_by_how_it_is_written(
    shell, queued, monkeypatch
):
    monkeypatch.chdir(shell.root.parent)
    monkeypatch.setenv("WATCHFLOOR_WORKSPACE", shell.root.name)

    same = shell.bare(
        "--workspace", f"../{shell.root.parent.name}/floor", "why", queued
    )
    assert "watchfloor engine" in same.out
    monkeypatch.setenv("WATCHFLOOR_WORKSPACE", "another")
    other = shell.bare("--workspace", shell.root.name, "why", queued)
    # From wherever it is pasted.
    assert f"watchfloor --workspace {shell.root} engine" in other.out


def test_a_handover_names_it_whose_shell_reads_that_nobody_knows(shell, queued):
    for told in (shell("handover"), shell("handover", "--json")):
        assert f"watchfloor --workspace {shell.root} engine" in told.out
        assert "watchfloor engine" not in told.out


def test_a_session_that_may_name_no_workspace_is_told_none(shell, queued, monkeypatch):
    forced = ("--role", "operator", "--as", "olga", "ssh-session")
    for asked in (f"why {queued}", "handover"):
        monkeypatch.setenv("SSH_ORIGINAL_COMMAND", asked)
        told = shell.from_elsewhere(*forced)
        assert "watchfloor engine" in told.out
        assert "--workspace" not in told.out + told.err


def test_a_folder_with_blanks_and_controls_in_its_name_is_one_word_and_harmless(
    shell, queued
):
    root = shell.root.rename(shell.root.with_name("ward 7\x1b[31m"))

    told = shell.bare("--workspace", root, "why", queued)

    assert f"--workspace '{shell.root.parent}/ward 7" in told.out
    assert "\x1b" not in told.out + told.err


def test_a_place_that_cannot_be_is_told_in_a_sentence(shell):
    loop = shell.root.with_name("loop")
    loop.symlink_to(loop)
    for place in (loop, "\udfff"):
        told = shell.bare("--workspace", place, "runs")
        assert told.code != exits.DONE
        assert told.err.startswith("watchfloor: ")
        assert "Traceback" not in told.err
