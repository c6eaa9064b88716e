"""What the screens look like, as text; WATCHFLOOR_SNAPSHOTS=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.console.looking import check_lines, shown
from tests.console.paper_runs import campaign_runs
from tests.console.tour import TOUR, arrive, at_rest, set_out, walk

from watchfloor.console.screens import jobs_look

FOLDER = Path(__file__).parent / "snapshots"
#: Over runs that wait for words and windows, keep promises, and have ended.
MORE_SCREENS = {
    "asking": (),
    "reported": ("j", "j", "j", "j", "l", "j"),
    "promises": ("j", "j", "j", "4", "j"),
    "no-callbacks": ("4",),
    "limits-changed": ("m", "L", *"24", "enter", *"600/m"),
    "limits-wrong": ("m", "L", *"0", "tab", *"fast"),
    "stop-again": ("j", "j", "j", "m", "s"),
    "told": ("j", "j", "j", "j", "d", "pagedown", "pagedown"),
    "purged": ("G", "d"),
}
#: They show how far a command has come at this moment.
MOVING = {"paused", "stopped"}
STILL = tuple(name for name in TOUR if name not in MOVING)
WIDEST = (
    *("jobs", "journey", "beside", "live", "triage", "charts", "cancel"),
    *("failures", "cohort", "canary"),
)

CASES = (
    *((name, (80, 24)) for name in (*STILL, *MORE_SCREENS)),
    *((name, (120, 36)) for name in (*STILL, "asking", "reported", "promises")),
    *((name, (200, 60)) for name in (*WIDEST, "reported")),
)
NAMES = {f"{name}-{width}x{height}" for name, (width, height) in CASES}


@pytest.mark.parametrize(("name", "size"), CASES)
async def test_a_screen_looks_as_it_was_approved(app, desk, name, size, monkeypatch):
    monkeypatch.setattr(jobs_look, "_REST_S", 3_600)
    if name in TOUR:
        set_out(desk, name)
    else:
        desk.runs = campaign_runs()
        desk.steps = ("call", "text")
        desk.reports = {"opened": 300, "clicked": 100, "opted_out": 2}
    async with app.run_test(size=size) as pilot:
        await at_rest(pilot)
        if name in TOUR:
            await arrive(pilot, name)
        else:
            await walk(pilot, *MORE_SCREENS[name])
        # What is told of a run follows only where its cursor rests: here, and not
        # where a slow machine lets it rest between two keys.
        app.jobs._run_reached()
        await at_rest(pilot)
        check_lines(app)
        seen = shown(app) + "\n"
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("WATCHFLOOR_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")


def test_no_picture_is_left_of_a_screen_that_is_gone():
    assert {path.stem for path in FOLDER.iterdir()} == NAMES
