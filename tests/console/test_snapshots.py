"""What the screens look like, as text; WATCHFLOOR_SNAPSHOTS=write writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.console.looking import press, settled, shown

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


CASES = (
    *((name, (80, 24)) for name in SCREENS),
    *((name, (120, 36)) for name in ("jobs", "records", "journey", "help", "stop")),
    *((name, (200, 60)) for name in ("jobs", "journey", "cancel")),
)


@pytest.mark.parametrize(("name", "size"), CASES)
async def test_a_screen_looks_as_it_was_approved(app, name, size):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, *SCREENS[name])
        app.jobs.paint()  # the lines of a run follow only where its cursor rests
        await settled(pilot)
        seen = shown(app) + "\n"
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    if os.environ.get("WATCHFLOOR_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")
