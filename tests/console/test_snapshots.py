"""What the screens look like, as text; WATCHFLOOR_SNAPSHOTS=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.console.looking import press, settled, shown
from tests.console.paper_runs import campaign_runs

FOLDER = Path(__file__).parent / "snapshots"
SCREENS = {
    "jobs": (),
    "records": ("l", "j", "j", "space"),
    "faults": ("exclamation_mark",),
    "journey": ("l", "enter"),
    "events": ("v",),
    "details": ("d",),
    "help": ("question_mark",),
    "palette": ("colon", *"pa"),
    "states": ("slash",),
    "stop": ("m", "s"),
    "cancel": ("m", "j", "j", "c"),
    "refused": ("m", "c"),
    "leave": ("q",),
}
#: Over runs that wait for words and windows, keep promises, and have ended.
MORE_SCREENS = {
    "asking": (),
    "reported": ("j", "j", "j", "j", "l", "j"),
    "callbacks": ("j", "j", "j", "4", "j"),
    "no-callbacks": ("4",),
    "approve": ("m", "A"),
    "limits": ("m", "L", *"24", "enter", *"600/m"),
    "limits-wrong": ("m", "L", *"0", "tab", *"fast"),
    "stop-again": ("j", "j", "j", "m", "s"),
    "told": ("j", "j", "j", "j", "d", "pagedown", "pagedown"),
    "purged": ("G", "d"),
}

CASES = (
    *((name, (80, 24)) for name in (*SCREENS, *MORE_SCREENS)),
    *((name, (120, 36)) for name in ("asking", "reported", "callbacks")),
    *((name, (200, 60)) for name in ("reported",)),
    *((name, (120, 36)) for name in ("jobs", "records", "journey", "help", "stop")),
    *((name, (200, 60)) for name in ("jobs", "journey", "cancel")),
)


@pytest.mark.parametrize(("name", "size"), CASES)
async def test_a_screen_looks_as_it_was_approved(app, desk, name, size):
    if name in MORE_SCREENS:
        desk.runs = campaign_runs()
        desk.steps = ("call", "text")
        desk.reports = {"opened": 300, "clicked": 100, "opted_out": 2}
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, *{**SCREENS, **MORE_SCREENS}[name])
        app.jobs.paint()  # the lines of a run follow only where its cursor rests
        await settled(pilot)
        seen = shown(app) + "\n"
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("WATCHFLOOR_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")
