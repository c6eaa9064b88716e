"""Every screen at every size, and over a desk that has nothing, fails, or is slow."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from tests.console.looking import shown
from tests.console.paper_desk import PaperDesk
from tests.console.tour import TOUR, arrive, at_rest, set_out, walk
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import StoreError

SIZES = ((80, 24), (120, 36), (200, 60), (60, 16))
ON_THE_WAY = ((300, 100), (40, 10), (1, 1))
#: Opened from the jobs screen: what each says of a workspace without runs.
EMPTY = {
    "jobs": ((), "No runs yet"),
    "live": (("2",), "Every run has ended: nothing is live."),
    "triage": (("3",), "Triage: no run is selected."),
    "callbacks": (("4",), "Callbacks: no run is selected."),
    "audit": (("5",), "Nobody has done anything yet."),
    "unknowns": (("6",), "Of every record it is known"),
    "charts": (("x",), "Charts: no run is selected."),
    "stop": (("m", "s"), "no run is selected"),
    "journey": (("l", "enter"), "No runs yet"),
}


def check_lines(app: WatchfloorApp) -> None:
    """Every line is exactly as wide as the screen."""
    for strip in app.screen._compositor.render_strips():
        line = "".join(piece.text for piece in strip)
        assert cell_len(line) == app.size.width, line


async def resize(pilot: Pilot[Any], width: int, height: int) -> None:
    """Resize as Pilot does, which waits for an idle process every time."""
    size, driver = Size(width, height), pilot.app._driver
    assert isinstance(driver, HeadlessDriver)
    driver._size = size
    pilot.app.post_message(Resize(size, size))
    await at_rest(pilot)


def standing(app: WatchfloorApp) -> list[object]:
    """What has the focus, and where every cursor stands."""
    grids = app.screen.query(Grid)
    return [app.focused, *(grid.current_key for grid in grids if grid.rows)][:2]


@pytest.mark.parametrize("name", TOUR)
async def test_a_screen_goes_through_every_size_and_comes_back_as_it_was(
    app, desk, name
):
    set_out(desk, name)
    async with app.run_test(size=SIZES[0]) as pilot:
        await arrive(pilot, name)
        where = standing(app)
        for size in (*SIZES[1:], *ON_THE_WAY):
            await resize(pilot, *size)
            check_lines(app)
            assert isinstance(app.screen, TOUR[name].kind), size
        await resize(pilot, *SIZES[0])
        assert standing(app) == where
        check_lines(app)


@pytest.mark.parametrize("size", SIZES[2:], ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("name", TOUR)
async def test_a_screen_opens_at_every_size(app, desk, name, size):
    set_out(desk, name)
    async with app.run_test(size=size) as pilot:
        await arrive(pilot, name)
        check_lines(app)


@pytest.mark.parametrize(("keys", "said"), EMPTY.values(), ids=EMPTY)
async def test_a_workspace_without_runs_says_so_everywhere(app, desk, keys, said):
    desk.runs = []
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot)
        await walk(pilot, *keys)
        assert said in shown(app)
        check_lines(app)


#: What is pressed over a desk that fails, and the sentence before the reason.
FAILING = {
    "jobs": (("r",), "Could not read the runs"),
    "records": (("l",), "Could not read the records"),
    "full": (("l", "f"), "Could not read the records"),
    "live": (("2",), "Could not read how the runs do"),
    "triage": (("3",), "Could not read the run"),
    "callbacks": (("4",), "Could not read the callbacks"),
    "audit": (("5",), "Could not read the journal"),
    "unknowns": (("6",), "Could not read the unknown records"),
    "charts": (("x",), "Could not read the run"),
    "events": (("v",), "Could not read the events"),
    "details": (("d", "G"), "x"),
    "paused": (("m", "p"), "pause was not asked"),
    "stop": (("m", "s"), "stop was not asked"),
    "cancel": (("m", "j", "j", "c"), "cancel was not asked"),
    "approve": (("m", "A"), "approve was not asked"),
    "limits": (("m", "L"), "limit was not asked"),
    "wizard": (("n",), "Could not read the campaigns"),
}


@pytest.mark.parametrize(("keys", "said"), FAILING.values(), ids=FAILING)
async def test_a_desk_that_fails_is_told_in_a_sentence(app, desk, keys, said):
    set_out(desk, "approve" if "A" in keys else "jobs")
    async with app.run_test(size=(120, 36)) as pilot:
        await at_rest(pilot)
        desk.fault = StoreError("the disk is full")
        await walk(pilot, *keys)
        assert f"{said}: the disk is full" in shown(app)
        check_lines(app)
        desk.fault = None
        await walk(pilot, "escape", "escape", "r")
        assert "the disk is full" not in shown(app)


@pytest.mark.parametrize(
    "keys",
    [("l", "enter"), ("l", "enter", "b"), ("n", "enter"), ("n", "enter", "enter")],
)
async def test_x(app, desk, keys):
    set_out(desk, "jobs")
    async with app.run_test(size=(120, 36)) as pilot:
        await at_rest(pilot)
        await walk(pilot, *keys[:-1])
        desk.fault = StoreError("the disk is full")
        await walk(pilot, keys[-1])
        print(shown(app))
        assert 0
