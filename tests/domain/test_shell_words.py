from __future__ import annotations

import shlex
from pathlib import PurePath

import pytest

from watchfloor.domain.shell_words import in_workspace, quoted, set_aside


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


def test_a_command_names_its_workspace():
    assert in_workspace("watchfloor engine", PurePath("/srv/floor two")) == (
        "watchfloor engine --workspace '/srv/floor two'"
    )
