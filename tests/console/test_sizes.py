"""Every screen at every size, and over a desk that has nothing, fails, or is slow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.paper_desk import PaperDesk
from tests.console.tour import TOUR, arrive, at_rest, set_out, walk
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


async def resize(pilot: Pilot[Any], *size: int) -> None:
    await pilot.resize_terminal(*size)
    await at_rest(pilot)


def standing(app: WatchfloorApp) -> list[object]:
    """What has the focus, and where every cursor stands."""
    return [app.focused, *(grid.current_key for grid in app.screen.query(Grid))]


@pytest.mark.parametrize("name", TOUR)
async def test_a_screen_goes_through_every_size_and_comes_back_as_it_was(
    app, desk, name
):
    set_out(desk, name)
    async with app.run_test(size=SIZES[0]) as pilot:
        await arrive(pilot, name)
        before, where = shown(app), standing(app)
        for size in (*SIZES[1:], *ON_THE_WAY):
            await resize(pilot, *size)
            check_lines(app)
            assert isinstance(app.screen, TOUR[name].kind), size
        await resize(pilot, *SIZES[0])
        assert standing(app) == where
        assert shown(app) == before


@pytest.mark.parametrize("size", SIZES[1:], ids="{0[0]}x{0[1]}".format)
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
        await walk(pilot, *keys)
        assert said in shown(app)
        check_lines(app)


def reading(names: dict[str, Any]) -> list[str]:
    """Screens that read something by themselves."""
    return [name for name in names if name not in KNOWS_ALL]


KNOWS_ALL = ()


@pytest.mark.parametrize("name", TOUR)
async def test_a_desk_that_fails_is_told_and_ends_nothing(app, desk, name):
    set_out(desk, name)
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot)
        desk.fault = StoreError("the disk is full; nothing was read")
        await walk(pilot, *TOUR[name].keys)
        print(name, type(app.screen))
        print(shown(app))
        check_lines(app)
