from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.test_hostile import DOSES, harmless

from watchfloor.console.screens.events import Events
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.triage import TriageScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import StoreError
from watchfloor.domain.live import Failures
from watchfloor.domain.views import RunView

SIZE = (120, 36)


async def opened(app, pilot, told="as of", place: int = 0) -> None:
    await settled(pilot)
    run = app.jobs.runs.rows[place].run if app.jobs.runs.rows else None
    await app.push_screen(TriageScreen(app.session, run))
    await until(pilot, lambda: told in shown(app))
    await settled(pilot)


def inside(app) -> str:
    found: str = app.screen.query_one("#inside", Panel).text
    return found


async def test_the_checks_stand_with_a_word_each_and_the_run_in_the_heading(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        said = shown(app)
        assert "Triage  Autumn billing  Running" in said
        assert "> 1  engine      ok     ann, pid 4711, has the workspace" in said
        assert "  2  health      LOOK   Late: by earlier runs it takes 0:20:00" in said
        assert "  7  journal     ok     Last: 13:55:11 resume by ann" in said
        assert "last heartbeat   2026-11-22 14:02:11 UTC" in said


async def test_the_cursor_shows_what_a_check_is_based_on_and_what_to_do_next(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "j", "j")
        assert "together                    580,000  = remaining" in inside(app)
        assert "L changes its permits" in inside(app)
        await press(pilot, "enter")
        assert "L changes its permits." in shown(app).split("\n")[-2]
        await press(pilot, "k", "k", "enter")
        assert "Nothing has to be done about it." in shown(app)


async def test_failures_open_the_journey_of_an_example_and_come_back_there(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "j", "j", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await until(pilot, lambda: "record 12" in shown(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, TriageScreen)
        assert app.screen.query_one(Grid).current_key == "outcomes"


async def test_the_journal_opens_whole(app):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "G", "enter")
        assert isinstance(app.screen, Events)
        await press(pilot, "escape", "q")
        assert app.screen is app.jobs


async def test_a_run_without_failures_has_none_to_open(app, desk):
    desk.failures = lambda _: Failures()
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, place=3)
        await press(pilot, "j", "j", "j", "enter")
        assert isinstance(app.screen, TriageScreen)
        assert "None yet." in shown(app)


async def test_a_refresh_judges_anew_and_keeps_the_cursor(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "j")
        reads = desk.reads.count("diagnosis")
        before = shown(app)
        clock.pass_ms(60_000)
        await settled(pilot)
        assert shown(app) == before
        assert desk.reads.count("diagnosis") == reads

        desk.alive = False
        await press(pilot, "r")
        await until(pilot, lambda: "as of 14:03:11" in shown(app))
        assert "1  engine      WRONG  No engine is alive: the last" in shown(app)
        assert app.screen.query_one(Grid).current_key == "health"


async def test_evidence_that_does_not_fit_is_scrolled_and_starts_at_the_top(app):
    async with app.run_test(size=(80, 20)) as pilot:
        await opened(app, pilot)
        await press(pilot, "j")
        assert "elapsed          0:41:00" not in shown(app)
        await press(pilot, *["right_square_bracket"] * 3)
        assert "elapsed          0:41:00" in shown(app)
        assert "This is all of the evidence." in shown(app)
        await press(pilot, *["left_square_bracket"] * 3)
        assert "Late: by earlier runs" in shown(app).split("\n")[10]
        await press(pilot, "right_square_bracket", "j")
        assert "580,000 records left and not taken up" in shown(app).split("\n")[10]


async def test_a_failed_read_says_so_and_keeps_what_is_there(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone")
        await opened(app, pilot, told="r tries again")
        assert "Could not read the run: the store is gone." in shown(app)
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "as of" in shown(app))
        desk.fault = StoreError("gone again")
        await press(pilot, "r")
        await until(pilot, lambda: "is from 14:02:11" in shown(app))
        assert "7  journal     ok" in shown(app)


async def test_a_long_name_leaves_room_for_the_age(app, desk):
    desk.runs = [replace(desk.runs[0], campaign_name="Autumn " * 40)]
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        first = shown(app).split("\n")[0]
        assert first.startswith(" Triage  Autumn Autumn")
        assert first.endswith("…  Running as of 14:02:11 UTC")


async def test_without_a_run_there_is_nothing_to_judge(app, desk):
    desk.runs = []
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, told="no run is selected")
        await press(pilot, "j", "enter", "right_square_bracket", "r", "escape")
        assert app.screen is app.jobs


async def test_it_follows_the_terminal_to_any_size(app):
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(app, pilot)
        for size in ((80, 24), (60, 16), (30, 8), (120, 36)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            lines = shown(app).split("\n")
            assert len(lines) == size[1]
            assert all(cell_len(line) <= size[0] for line in lines)
        assert "7  journal" in shown(app)


def poisoned(run: RunView, poison: str) -> RunView:
    return replace(run, cause=poison)


@pytest.mark.parametrize("poison", [*DOSES, "[/]"])
async def test_hostile_texts_are_shown_as_they_are_and_do_no_harm(app, desk, poison):
    desk.poison = poison
    desk.runs = [poisoned(desk.runs[0], poison)]
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        seen = [shown(app)]
        for _ in range(6):
            await press(pilot, "j")
            seen.append(shown(app))
        assert all(map(harmless, seen))
        lines = [line for screen in seen for line in screen.split("\n")]
        assert all(cell_len(line) <= 80 for line in lines)
        if poison == "[/]":
            assert "Running: [/]." in seen[1]
            assert "permanent [/]  step call" in seen[3]
