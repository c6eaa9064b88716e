"""``engine --moved`` and doctor: a workspace that was copied as files, or moved."""

from __future__ import annotations

import shutil

import pytest
from tests.cli.shell import Shell

from watchfloor.cli import compose, exits
from watchfloor.cli.beside import Beside
from watchfloor.engine.tenure import tenure


@pytest.fixture
def copied(shell, queued, tmp_path, capfd):
    """A shell on a copy of a workspace that an engine ran, with that still there."""
    around, owner = compose.surroundings(), compose.owner("engine")
    with tenure(shell.layout, around, owner, dispatches=True):
        pass
    shutil.copytree(shell.root, tmp_path / "elsewhere")
    return Shell(tmp_path / "elsewhere", capfd)


@pytest.fixture
def elsewhere(shell, copied):
    """A shell on a copy of a workspace that an engine ran, and that is gone now."""
    shutil.rmtree(shell.root)
    return copied


def delivered(shell):
    [run] = shell("runs", "--json").json
    return run["books"]["delivered"]


def place_in(shell):
    [found] = [one for one in shell("doctor", "--json").json if one["name"] == "place"]
    return found


@pytest.mark.parametrize("line", ["", "yes", "move"])
def test_nothing_is_sent_until_it_is_typed_that_the_workspace_was_moved(
    elsewhere, typed, line
):
    plainly = elsewhere("engine", "--until-idle")
    typed(line)
    confirmed = elsewhere("engine", "--until-idle", "--moved")

    assert (plainly.code, confirmed.code) == (exits.REFUSED, exits.REFUSED)
    assert "was copied or moved: an engine last ran it as" in plainly.err
    assert "Two engines over two copies contact the same people" in confirmed.err
    assert "not confirmed; nothing was changed" in confirmed.err
    assert delivered(elsewhere) == 0


def test_once_it_is_typed_the_runs_go_on_and_nothing_is_asked_again(elsewhere, typed):
    typed("moved")
    assert elsewhere("engine", "--until-idle", "--moved").code == exits.DONE

    assert delivered(elsewhere) == 5
    again = elsewhere("engine", "--until-idle", "--moved")
    assert again.code == exits.DONE
    assert "nothing is to be said" in again.err


async def test_a_console_of_it_looks_and_says_why_no_engine_starts(elsewhere, queued):
    beside = Beside(elsewhere.layout, starts=True)
    desk = beside.desk()
    try:
        runs = (await desk.overview()).runs
        again = beside.desk()
        await again.close()
    finally:
        await desk.close()

    assert [run.run_id for run in runs] == [queued]
    assert "was copied or moved: an engine last ran it as" in beside.hindrance
    assert f"{elsewhere.root} engine --moved" in beside.hindrance
    assert (beside.left(), delivered(elsewhere)) == (None, 0)


def test_doctor_names_where_an_engine_last_ran_it_and_the_way_on(elsewhere, queued):
    found = place_in(elsewhere)
    assert not found["is_well"]
    assert "a copy, or moved: an engine last ran it as" in found["found"]
    assert f"{elsewhere.root} engine --moved" in found["action"]

    assert elsewhere("engine", "--until-idle", "--moved", "--yes").code == exits.DONE
    assert place_in(elsewhere)["is_well"]


def test_of_a_plain_copy_nobody_is_asked_what_no_answer_could_change(
    shell, copied, typed
):
    typed("moved")
    refused = copied("engine", "--until-idle", "--moved")
    found = place_in(copied)

    assert refused.code == exits.REFUSED
    assert refused.err.count("\n") == 1
    assert f"the one it was copied from still stands at {shell.root}" in refused.err
    assert not found["is_well"]
    assert f"still stands at {shell.root}" in found["found"]
    assert "--moved" not in found["action"]
    shutil.rmtree(shell.root)
    assert "engine --moved" in place_in(copied)["action"]


def test_where_no_engine_ever_ran_it_nobody_says_that_one_did(shell, queued):
    moved = shell("engine", "--moved", "--until-idle")

    assert "nothing is to be said: no engine is known to have run it" in moved.err


def test_doctor_tells_apart_why_a_workspace_is_at_home(shell, queued, tmp_path, capfd):
    never = place_in(shell)
    assert shell("engine", "--until-idle").code == exits.DONE
    there = place_in(shell)
    copy = Shell(tmp_path / "copy", capfd)
    shutil.copytree(shell.root, copy.root)
    elsewhere = place_in(copy)
    moved = copy("engine", "--moved", "--until-idle")

    assert all(one["is_well"] for one in (never, there, elsewhere))
    assert never["found"] == "no engine is known to have run it"
    assert there["found"] == "it is where an engine last ran it"
    left = f"an engine last ran it as {shell.root}, and nothing of it is left to do"
    assert elsewhere["found"] == left
    assert left in moved.err
