from __future__ import annotations

import shlex
from pathlib import PurePath

import pytest

from watchfloor.domain.roles import VERBS
from watchfloor.domain.shell_words import Address, in_workspace, quoted, set_aside


@pytest.mark.parametrize(
    "path", ["/srv/floor", "/srv/floor two", "it's", "$HOME", "a;b", "*", "Büro"]
)
def test_a_shell_takes_a_path_as_the_one_word_that_it_is(path):
    assert shlex.split(f"mv {quoted(PurePath(path))} there") == ["mv", path, "there"]


def test_a_path_that_needs_no_quotes_has_none():
    assert quoted("/srv/floor-2/state.db") == "/srv/floor-2/state.db"


def test_what_is_damaged_keeps_its_folder_and_gets_a_name_that_tells_it():
    assert shlex.split(set_aside(PurePath("/srv/floor two/inbox.db"))) == [
        "mv",
        "/srv/floor two/inbox.db",
        "/srv/floor two/inbox.db.damaged",
    ]


FLOOR = PurePath("/srv/floor two")
NAMED = "watchfloor --workspace '/srv/floor two'"


def test_a_command_names_its_workspace():
    assert in_workspace("watchfloor engine", FLOOR) == f"{NAMED} engine"


def test_every_command_of_a_sentence_names_it_wherever_it_ends():
    said = "look: watchfloor show r-1, then: watchfloor look-up r-1 --yes; or wait"

    assert in_workspace(said, FLOOR) == (
        f"look: {NAMED} show r-1, then: {NAMED} look-up r-1 --yes; or wait"
    )


def test_a_command_that_names_one_keeps_it():
    once = in_workspace("watchfloor engine --moved", "/srv/old")

    assert once == "watchfloor --workspace /srv/old engine --moved"
    assert in_workspace(once, FLOOR) == once


def test_a_path_is_no_pattern_of_what_is_put_in():
    assert in_workspace("watchfloor runs", r"/srv/\1") == (
        r"watchfloor --workspace '/srv/\1' runs"
    )


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_of_a_workspace_names_it_and_no_other_does(verb):
    is_of_one = verb not in {"completion", "demo", "init", "restore", "ssh-session"}

    assert ("--workspace" in in_workspace(f"watchfloor {verb}", FLOOR)) is is_of_one


@pytest.mark.parametrize(
    "said",
    [
        "watchfloor: interrupted",
        "/opt/watchfloor runs",
        "watchfloor runs-on",
        "watchfloor 1.0",
        "A mistake in Watchfloor itself",
        "watchfloor",
    ],
)
def test_what_is_no_command_stays_as_it_is(said):
    assert in_workspace(said, FLOOR) == said


@pytest.mark.parametrize(
    ("address", "here", "anywhere"),
    [
        (Address(), "watchfloor runs", "watchfloor runs"),
        (Address("/srv/a"), "watchfloor runs", "watchfloor --workspace /srv/a runs"),
        (
            Address("/srv/a", is_elsewhere=True),
            "watchfloor --workspace /srv/a runs",
            "watchfloor --workspace /srv/a runs",
        ),
    ],
    ids=["nobody may name it", "where the shell is", "elsewhere"],
)
def test_a_command_is_told_as_whoever_reads_it_has_to_type_it(address, here, anywhere):
    assert address.here("watchfloor runs") == here
    assert address.anywhere("watchfloor runs") == anywhere
