"""What a forced command lets a client ask for; over a real sshd in ``e2e``."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def session(shell, monkeypatch):
    """Ask in words, as the forced command of a role does."""

    def asked(words, role="operator"):
        monkeypatch.setenv("SSH_ORIGINAL_COMMAND", words)
        forced = ("--role", role, "--as", "olga", "ssh-session")
        return shell.from_elsewhere(*forced)

    return asked


@pytest.mark.parametrize(
    "options", [("--role", "viewer"), ("--workspace", "."), ()], ids=" ".join
)
def test_a_forced_command_that_is_not_whole_opens_nothing(shell, options):
    answer = shell.bare(*options, "ssh-session")

    assert (answer.code, answer.out) == (1, "")
    assert "must say --workspace DIR and --role ROLE before ssh-session" in answer.err
    assert "docs/guides/roles.md" in answer.err


@pytest.mark.parametrize("words", ["runs", "watchfloor runs"])
def test_one_verb_is_carried_out_with_or_without_the_programs_name(
    session, queued, words
):
    answer = session(words, role="viewer")

    assert (answer.code, queued in answer.out) == (0, True)


def test_nothing_asked_is_the_console_which_needs_a_terminal(session):
    answer = session("")

    assert answer.code == 1
    assert "the console needs a terminal, and there is none" in answer.err


def test_what_a_client_puts_into_the_environment_decides_nothing(
    session, queued, monkeypatch, tmp_path
):
    monkeypatch.setenv("WATCHFLOOR_WORKSPACE", str(tmp_path / "mine"))

    assert queued in session("runs").out
    # Nor what this process starts.
    assert "WATCHFLOOR_WORKSPACE" not in os.environ


def test_who_asked_is_whom_the_forced_command_names(session, queued, shell):
    assert session(f"pause {queued} --yes --reason lunch").out == "pause settled\n"

    asked = shell("audit", "show", queued, "--json").json
    assert {one["by"].partition(" via ")[0] for one in asked if one["reason"]} == {
        "olga"
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("show 'x", "what was asked cannot be read: No closing quotation"),
        (f"records {'x ' * 64}", "more than 64 words were asked; nothing was done"),
        ("engine", "engine is no verb of a session behind a forced command"),
        ("--workspace /tmp runs", "are the forced command's to say"),
        ("--role admin runs", "are the forced command's to say"),
        ("--as root runs", "are the forced command's to say"),
        ("console --preferences /tmp/p.toml", "--preferences names a file"),
        ("triage /tmp/x.zip", "a file cannot be looked into"),
        ("alerts test", "alerts test starts programs"),
    ],
)
def test_what_a_session_may_not_ask_is_refused_by_its_reason(session, words, said):
    answer = session(words, role="admin")

    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err


def test_a_viewers_session_changes_nothing(session, queued, shell):
    answer = session(f"pause {queued} --yes", role="viewer")

    assert answer.code == 1
    assert "NOT_ALLOWED" in answer.err
    assert shell("show", queued, "--json").json["label"] == "Queued"
