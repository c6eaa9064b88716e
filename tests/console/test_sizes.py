"""Every screen at every size, and over a desk that has nothing, fails, or is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.console.looking import _key as key
from tests.console.looking import check_lines, laid_out, shown, until
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import OWN_PID
from tests.console.tour import TOUR, arrive, at_rest, set_out, walk
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Resize
from textual.geometry import Size
from textual.pilot import Pilot

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import StoreError

#: Each screen opens at the first two here; at the others where its picture is taken.
WIDE, NARROW = (120, 36), (60, 16)
ON_THE_WAY = ((80, 24), NARROW, (170, 50), (40, 10), (1, 1))
#: Opened from the jobs screen: what each says of a workspace without runs.
EMPTY = {
    "jobs": ((), "No runs yet"),
    "live": (("2",), "Every run has ended: nothing is live."),
    "triage": (("3",), "Triage: no run is selected."),
    "callbacks": (("4",), "Callbacks: no run is selected."),
    "audit": (("5",), "Audit  all runs"),
    "unknowns": (("6",), "Unknown  all runs"),
    "charts": (("x",), "Charts: no run is selected."),
    "stop": (("m", "s"), "no run is selected"),
    "journey": (("l", "enter"), "selected."),
}


async def resize(pilot: Pilot[Any], width: int, height: int) -> None:
    """Resize as Pilot does, which waits for an idle process every time.

    Fails unless every line is exactly as wide as the screen then.
    """
    size, driver = Size(width, height), pilot.app._driver
    assert isinstance(driver, HeadlessDriver)
    driver._size = size
    pilot.app.post_message(Resize(size, size))
    # A resize that follows another one within a moment is not laid out at once.
    await until(pilot, lambda: pilot.app.screen.size == size)
    await at_rest(pilot)
    await until(pilot, lambda: laid_out(pilot.app) == [width] * height)


def standing(app: WatchfloorApp) -> list[object]:
    """What has the focus, and where every cursor stands."""
    grids = app.screen.query(Grid)
    return [app.focused, *(grid.current_key for grid in grids if grid.rows)][:2]


@pytest.mark.parametrize("name", TOUR)
async def test_a_screen_goes_through_every_size_and_comes_back_as_it_was(
    app, desk, name
):
    set_out(desk, name)
    async with app.run_test(size=WIDE) as pilot:
        await arrive(pilot, name)
        check_lines(app)
        where = standing(app)
        for size in ON_THE_WAY:
            await resize(pilot, *size)
            assert isinstance(app.screen, TOUR[name].kind), size
        await resize(pilot, *WIDE)
        # What was hidden has the focus again once it is painted.
        await until(pilot, lambda: standing(app) == where)


@pytest.mark.parametrize("name", TOUR)
async def test_a_screen_opens_where_there_is_little_room(app, desk, name):
    set_out(desk, name)
    async with app.run_test(size=NARROW) as pilot:
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
    "jobs": (("r",), "Could not refresh"),
    "records": (("l", "j"), "Could not read the records"),
    "live": (("2",), "Could not read how the runs do"),
    "triage": (("3",), "Could not read the run"),
    "callbacks": (("4",), "Could not read the callbacks"),
    "audit": (("5",), "Could not read the journal"),
    "unknowns": (("6",), "Could not read the unknown records"),
    "charts": (("x",), "Could not read the run"),
    "events": (("v",), "Could not read the events"),
    "details": (("d",), "results could not be read"),
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
    async with app.run_test(size=(80, 40)) as pilot:
        await at_rest(pilot)
        desk.fault = StoreError("the disk is full")
        await walk(pilot, *keys)
        assert f"{said}: the disk is full" in shown(app)
        check_lines(app)
        desk.fault = None
        await walk(pilot, "escape", "escape", "r")
        assert "the disk is full" not in shown(app)


#: The same, where what came before must still be read.
FAILING_LATER = {
    "journey": (("l", "enter"), "the disk is full."),
    "beside": (
        ("l", "enter", "b"),
        "No healthy record could be read: the disk is full",
    ),
    "wizard-upload": (("n", "enter", "s"), "the disk is full"),
    "wizard-checks": (("n", "enter", "enter"), "the disk is full"),
}


@pytest.mark.parametrize(("keys", "said"), FAILING_LATER.values(), ids=FAILING_LATER)
async def test_a_desk_that_fails_later_is_told_too(app, desk, keys, said):
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot)
        await walk(pilot, *keys[:-1])
        desk.fault = StoreError("the disk is full")
        await walk(pilot, keys[-1])
        assert said in shown(app)
        check_lines(app)


class SlowDesk(PaperDesk):
    """Once it is slow, nothing is answered any more."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()


def slowly(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    """The read of this name, behind the gate."""

    async def read(desk: SlowDesk, *args: Any, **more: Any) -> Any:
        await desk.gate.wait()
        return await getattr(PaperDesk, name)(desk, *args, **more)

    return read


#: What is pressed over a desk that never answers: the read, and what stands there.
SLOW = {
    "records": (("l",), "records", "Reading"),
    "journey": (("l", "enter"), "journey", "reading …"),
    "live": (("2",), "live", "reading …"),
    "triage": (("3",), "triage", "reading …"),
    "callbacks": (("4",), "callbacks", "reading …"),
    "audit": (("5",), "audit", "reading …"),
    "unknowns": (("6",), "unknowns", "reading …"),
    "charts": (("x",), "charts", "reading …"),
    "events": (("v",), "events", "reading …"),
    "wizard": (("n",), "campaigns", "Reading"),
    "wizard-checks": (("n", "enter", "enter"), "prospect", "Check"),
}
for _name in {read for _, read, _ in SLOW.values()}:
    setattr(SlowDesk, _name, slowly(_name))


@pytest.mark.parametrize(("keys", "read", "said"), SLOW.values(), ids=SLOW)
async def test_a_desk_that_does_not_answer_is_waited_for_in_words(keys, read, said):
    desk = SlowDesk()
    app = WatchfloorApp(
        desk,
        workspace_name="prod-eu",
        operator="ann@desk-3",
        clock=desk.clock,
        own_pid=OWN_PID,
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await at_rest(pilot)
        await walk(pilot, *keys[:-1])
        desk.gate.clear()
        pilot.app.post_message(key(keys[-1]))
        await until(pilot, lambda: said in shown(app))
        check_lines(app)
        # It can be left all the same.
        pilot.app.post_message(key("escape"))
        await until(pilot, lambda: said not in shown(app))
        desk.gate.set()


async def test_a_first_page_that_does_not_come_is_waited_for_in_words(app, desk):
    desk.hold.clear()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "nothing read yet" in shown(app))
        assert "Reading the runs …" in shown(app)
        desk.hold.set()
        await until(pilot, lambda: "Autumn billing" in shown(app))
