from __future__ import annotations

import re
import subprocess
import sys

import pytest

from watchfloor import __version__
from watchfloor.cli import exits
from watchfloor.cli.main import VERBS
from watchfloor.cli.parser import parser


def loaded_by(root, *arguments):
    """Return the names of every module that one call loads, and its exit code."""
    probe = (
        "import sys; from watchfloor.cli.main import main; "
        "code = main(sys.argv[1:]); print('LOADED', code, *sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", probe, "--workspace", str(root), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    _, code, *modules = found.stdout.split("LOADED")[1].split(" ")
    return int(code), {one.strip() for one in modules}


@pytest.mark.parametrize(
    ("arguments", "unloaded"),
    [
        (["status", "--short"], {"sqlalchemy", "textual", "pydantic", "aiohttp"}),
        (["status", "--json"], {"sqlalchemy", "textual", "pydantic", "aiohttp"}),
        (["runs"], {"textual", "aiohttp", "alembic"}),
        (["doctor"], {"textual"}),
    ],
    ids=lambda names: " ".join(sorted(names)),  # a set has no order of its own
)
def test_a_verb_loads_only_what_it_needs(fresh_workspace, arguments, unloaded):
    code, modules = loaded_by(fresh_workspace, *arguments)

    assert code == 0
    assert "watchfloor.store.layout" in modules
    assert not unloaded & modules


def test_the_package_runs_as_a_module():
    found = subprocess.run(
        [sys.executable, "-m", "watchfloor", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == f"watchfloor {__version__}\n"
    assert found.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["show"],
        ["journey", "some-run", "first"],
        ["records", "some-run", "--limit", "few"],
        ["launch", "campaign.toml"],
        ["campaign"],
        ["rejects", "some-run"],
        ["runs", "--no-such-option"],
        ["engine", "--on-hangup", "panic"],
    ],
    ids=" ".join,
)
def test_a_call_that_is_not_understood_is_a_matter_of_usage(shell, arguments):
    answer = shell(*arguments)

    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("usage: watchfloor")
    assert "error: " in answer.err


def test_every_verb_has_help_and_the_help_names_every_verb(shell):
    told = shell.bare("--help")

    assert told.code == 0
    assert "0 done, 1 refused" in " ".join(told.out.split())
    for verb in VERBS:
        assert f"\n    {verb} " in told.out
        assert shell.bare(verb, "--help").code == 0


def test_every_verb_of_the_parser_can_be_called():
    (verbs,) = (
        one.choices for one in parser()._actions if isinstance(one.choices, dict)
    )

    assert set(verbs) == set(VERBS)


def test_the_workspace_may_stand_before_or_after_the_verb(shell, fresh_workspace):
    before = shell.bare("--workspace", fresh_workspace, "status")
    after = shell.bare("status", "--workspace", fresh_workspace)

    assert before == after
    assert before.code == 0


def test_the_workspace_may_come_from_the_environment(
    shell, fresh_workspace, monkeypatch
):
    monkeypatch.setenv("WATCHFLOOR_WORKSPACE", str(fresh_workspace))

    assert shell.bare("status").code == 0


def test_the_workspace_is_this_directory_otherwise(shell, fresh_workspace, monkeypatch):
    monkeypatch.delenv("WATCHFLOOR_WORKSPACE", raising=False)
    monkeypatch.chdir(fresh_workspace)

    assert shell.bare("status").code == 0


@pytest.mark.parametrize("arguments", [[], ["console"], ["console", "--read-only"]])
def test_the_console_needs_a_terminal_and_names_the_verbs_instead(shell, arguments):
    answer = shell(*arguments)

    assert answer.code == 1
    assert "the console needs a terminal, and there is none" in answer.err
    assert "watchfloor runs" in answer.err
    assert shell("status", "--json").json["engine"]["alive"] is False


def test_the_help_tells_what_every_exit_code_means(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])

    told = re.search(r"Exit codes: (.*)", capsys.readouterr().out, re.DOTALL)
    assert told is not None
    codes = {value for name, value in vars(exits).items() if name.isupper()}
    assert {int(one) for one in re.findall(r"\b\d+\b", told[1])} == codes
