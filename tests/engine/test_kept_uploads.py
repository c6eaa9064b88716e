"""Contact files of launches that nobody asked for, because somebody was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from tests.support.floor import ASKER, campaign, ids

from watchfloor.engine.kept_uploads import LEAST_AGE_MS, sweep_uploads
from watchfloor.engine.prospects import Prospects
from watchfloor.store.asks import drop
from watchfloor.store.inbox import ask, is_anything_asked

#: As ``prepared_launch`` does, in a process of its own that then stands still.
CHECKS = """
import sys, time
from pathlib import Path
from watchfloor.cli import compose
from watchfloor.engine.preparing import prepared_launch
from watchfloor.store.layout import Layout
root, campaign, upload = map(Path, sys.argv[1:])
made = prepared_launch(
    Layout(root), campaign, upload, compose.asker(), compose.surroundings()
)
print("checked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def later_ms(floor):
    return floor.around.now_ms() + LEAST_AGE_MS + 60_000


def kept(floor):
    return sorted(path.stem for path in floor.layout.uploads.iterdir())


def forgotten(floor):
    """Check a launch as a process that was killed then; return its upload's id."""
    launch = floor.prepared(campaign(), ids(1), allow_twin=True)
    return launch.command.payload["upload_id"]


def test_the_upload_of_a_launcher_that_was_killed_goes_and_no_living_one_s(
    floor, tmp_path, later_ms
):
    (tmp_path / "c.toml").write_text(campaign())
    (tmp_path / "u.csv").write_text("id\na\nb\n")
    told = [str(floor.layout.root), str(tmp_path / "c.toml"), str(tmp_path / "u.csv")]
    command = [sys.executable, "-c", CHECKS, *told]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == b"checked\n"
        assert sweep_uploads(floor.layout, later_ms) == 0
        os.kill(launcher.pid, signal.SIGKILL)
        launcher.wait()
    assert len(kept(floor)) == 1
    assert sweep_uploads(floor.layout, later_ms - LEAST_AGE_MS) == 0

    assert sweep_uploads(floor.layout, later_ms) == 1

    assert kept(floor) == []


def test_an_engine_sweeps_as_it_starts(floor):
    run_id = floor.launched(campaign(), ids(1))
    forgotten(floor)
    floor.clock.ahead_s += LEAST_AGE_MS / 1_000 + 60

    with floor.engine():
        assert kept(floor) == [f"u-{run_id}"]


def test_what_a_screen_holds_stays_and_can_be_launched(floor, tmp_path, later_ms):
    (tmp_path / "c.toml").write_text(campaign())
    (tmp_path / "u.csv").write_text("id\na\nb\n")

    async def checked_and_launched():
        chosen = Prospects(floor.layout, floor.around, ASKER, floor.owner)
        files = str(tmp_path / "c.toml"), str(tmp_path / "u.csv")
        found = await chosen.prospect(*files, lambda _: None)
        assert sweep_uploads(floor.layout, later_ms) == 0
        await chosen.launch(found)
        await chosen.close()
        return found.ident

    run_id = asyncio.run(checked_and_launched())

    assert sweep_uploads(floor.layout, later_ms) == 0
    assert kept(floor) == [f"u-{run_id}"]
    floor.carried_out()
    assert floor.view(run_id).books.delivered == 2


@pytest.mark.parametrize("way", [ask, drop], ids=["the owner", "a member"])
def test_what_was_asked_and_not_taken_stays(floor, later_ms, way):
    command = floor.prepared(campaign(), ids(1)).command
    assert not is_anything_asked(floor.layout)
    way(floor.layout, command)
    assert is_anything_asked(floor.layout)

    assert sweep_uploads(floor.layout, later_ms) == 0

    assert kept(floor) == [command.payload["upload_id"]]


def test_where_nobody_can_tell_what_was_asked_all_of_it_stays(floor, later_ms):
    upload_id = forgotten(floor)
    floor.layout.inbox.write_bytes(b"no database" * 100)

    assert sweep_uploads(floor.layout, later_ms) == 0

    assert kept(floor) == [upload_id]


def test_what_is_no_upload_is_left_alone(floor, later_ms):
    folder = floor.layout.uploads
    os.mkfifo(folder / "u-pipe.csv")
    (folder / "u-link.csv").symlink_to(folder)
    (folder / "mine.csv").touch()
    forgotten(floor)

    assert sweep_uploads(floor.layout, later_ms) == 1

    assert kept(floor) == ["mine", "u-link", "u-pipe"]


def test_a_store_that_cannot_be_read_keeps_every_upload(floor, later_ms):
    upload_id = forgotten(floor)
    floor.close()
    floor.layout.state.write_bytes(b"no database" * 1_000)

    assert sweep_uploads(floor.layout, later_ms) == 0

    assert kept(floor) == [upload_id]
