from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.test_hostile import DOSES
from tests.support.hostile import traces

from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.triage import TriageScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import StoreError
from watchfloor.domain.failing import Failures
from watchfloor.domain.regions import Gate, Verb
from watchfloor.domain.views import Asked

SIZE = (120, 36)
TWICE = "counters read twice, 3.0 s apart"


async def opened(app, pilot, told="as of", place: int = 0) -> None:
    await settled(pilot)
    run = app.jobs.runs.rows[place].run if app.jobs.runs.rows else None
    await app.push_screen(TriageScreen(app.session, run))
    await until(pilot, lambda: told in shown(app))
    await settled(pilot)


async def watched(app, pilot, place: int = 0) -> None:
    """Open it and wait until the counters were read twice."""
    await opened(app, pilot, place=place)
    await until(pilot, lambda: "watched" in app.session.desk.reads)
    await settled(pilot)


def inside(app) -> str:
    found: str = app.screen.query_one("#inside", Panel).text
    return found


def place_of(app, name: str) -> None:
    assert app.screen.query_one(Grid).select(name)


async def test_the_checks_stand_in_sections_and_the_verdict_below(app):
    async with app.run_test(size=(120, 70)) as pilot:
        await watched(app, pilot)
        said = shown(app)
        assert "Triage  Autumn billing  Running" in said
        for section in (
            "Health",
            "Permits and dispatch: 1 of 12 checks failing",
            "Upload",
            "Speed",
        ):
            assert section in said
        assert "runtime      ok    ann, pid 4711, has the workspace" in said
        assert "late         ok    By earlier runs it takes 20 min" in said
        assert "Verdict  level 1, operator: At 20/s the 579,996" in inside(app)
        assert "ETA" in inside(app)


async def test_the_counters_are_read_a_second_time_and_replace_the_first(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        assert desk.reads.count("triage") == 1
        assert desk.reads.count("watched") == 1
        assert TWICE in inside(app)
        assert "The counters move: attempts +36 in 3.0 s" in shown(app)


async def test_a_run_that_has_ended_is_not_watched(app, desk):
    ended = next(i for i, run in enumerate(desk.runs) if run.lifecycle.is_ended)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, place=ended)
        assert "watched" not in desk.reads
        assert "counters read once so far" in inside(app)


async def test_the_cause_stands_under_the_cursor_and_names_what_to_do(app, desk):
    desk.alive = False
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        assert app.screen.query_one(Grid).current_key == "runtime"
        assert "FAIL  No engine is alive" in shown(app)
        assert "level 1, operator: No engine is alive" in inside(app)
        assert "Start one: watchfloor engine." in inside(app)
        assert "Fix      no engine is alive → start one" in inside(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids="{0[0]}x{0[1]}".format)
async def test_who_paused_the_run_is_read_at_once(app, desk, size):
    told = "the customer asked while their own lines are down, until 14"
    asked = Asked(by="nora via ubuntu", at_ms=desk.clock() - 1_000, why=told)
    paused = replace(desk.runs[2], gate_asked=asked)
    assert paused.lifecycle.gate is Gate.PAUSED
    desk.runs = [paused]
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        under = shown(app).splitlines()[1]
        assert "10 % done, paused by nora via ubuntu since 14:02: the customer" in under
        assert under.rstrip().endswith("…" if size == (80, 24) else "until 14")


async def test_enter_shows_the_evidence_of_a_check_and_the_verdict_again(app):
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        place_of(app, "expected")
        await press(pilot, "enter")
        assert "expected  answers 1.7" in inside(app)
        assert "records " in inside(app)
        await press(pilot, "k")
        assert "progress  answers 1.6, 1.23" in inside(app)
        await press(pilot, "enter")
        assert "Verdict" in inside(app)


async def test_escape_leaves_the_evidence_first_and_the_screen_then(app):
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        await press(pilot, "enter", "escape")
        assert isinstance(app.screen, TriageScreen)
        assert "Verdict" in inside(app)
        await press(pilot, "escape")
        assert app.screen is app.jobs


async def test_failures_open_the_journey_of_an_example_and_come_back_there(app):
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        place_of(app, "outcomes")
        await press(pilot, "enter")
        assert "Enter opens record 12 of them." in shown(app)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await until(pilot, lambda: "record 12" in shown(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, TriageScreen)
        assert app.screen.query_one(Grid).current_key == "outcomes"


async def test_a_run_without_failures_has_none_to_open(app, desk):
    desk.failures = lambda _: Failures()
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot, place=3)
        place_of(app, "outcomes")
        await press(pilot, "enter", "enter")
        assert isinstance(app.screen, TriageScreen)


async def test_a_refresh_judges_anew_and_keeps_the_cursor(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        place_of(app, "expected")
        reads, before = desk.reads.count("triage"), shown(app)
        clock.pass_ms(60_000)
        await settled(pilot)
        assert shown(app) == before
        assert desk.reads.count("triage") == reads

        desk.alive = False
        await press(pilot, "r")
        await until(pilot, lambda: "level 1, operator: No engine" in inside(app))
        assert "as of 14:03:11" in shown(app)
        assert app.screen.query_one(Grid).current_key == "expected"


async def test_what_does_not_fit_below_is_scrolled_and_starts_at_the_top(app):
    async with app.run_test(size=(80, 20)) as pilot:
        await watched(app, pilot)
        place_of(app, "progress")
        await press(pilot, "enter")
        assert "answers 1.6" in inside(app)
        assert "finished a second" not in shown(app)
        await press(pilot, *["right_square_bracket"] * 6)
        assert "finished a second" in shown(app)
        assert "This is all of it." in shown(app)
        await press(pilot, "j")
        assert "answers 1.7" in shown(app)


async def test_the_verdict_and_all_of_it_are_copied_ready_to_paste(app):
    copied: list[str] = []
    app.copy_to_clipboard = copied.append
    async with app.run_test(size=SIZE) as pilot:
        await watched(app, pilot)
        await press(pilot, "y")
        assert "Copied the verdict" in shown(app)
        await press(pilot, "Y")
        verdict, whole = copied
        assert verdict.startswith("Triage of run run-0001, 2026-11-22 14:02")
        assert "\nCounts     " in verdict
        assert "\nHealth" not in verdict
        assert whole.startswith(verdict)
        assert "\nPermits and dispatch\n" in whole


async def test_a_failed_read_says_so_and_keeps_what_is_there(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone")
        await opened(app, pilot, told="r tries again")
        assert "Could not read the run: the store is gone." in shown(app)
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "watched" in desk.reads)
        await settled(pilot)
        desk.fault = StoreError("gone again")
        await press(pilot, "r")
        await until(pilot, lambda: "is from 14:02:11" in shown(app))
        assert "Permits and dispatch" in shown(app)


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
        await press(pilot, "j", "enter", "right_square_bracket", "r", "y", "escape")
        assert app.screen is app.jobs


async def test_it_follows_the_terminal_to_any_size(app):
    async with app.run_test(size=(200, 60)) as pilot:
        await watched(app, pilot)
        for size in ((80, 24), (60, 16), (30, 8), (120, 36)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            lines = shown(app).split("\n")
            assert len(lines) == size[1]
            assert all(cell_len(line) <= size[0] for line in lines)
        assert "Verdict" in shown(app)


@pytest.mark.parametrize("poison", [*DOSES, "[/]"])
async def test_hostile_texts_are_shown_as_they_are_and_do_no_harm(app, desk, poison):
    desk.poison = poison
    desk.runs = [replace(desk.runs[0], cause=poison)]
    async with app.run_test(size=(80, 24)) as pilot:
        await watched(app, pilot)
        seen = [shown(app)]
        for name in ("status", "filter", "outcomes"):
            place_of(app, name)
            await settled(pilot)
            seen.append(shown(app))
        await press(pilot, "enter")
        seen.append(shown(app))
        assert not traces("\n".join(seen))
        lines = [line for screen in seen for line in screen.split("\n")]
        assert all(cell_len(line) <= 80 for line in lines)
        if poison == "[/]":
            assert "Running: [/]." in seen[0]
            assert "permanent [/]" in seen[4]


async def test_the_run_is_paused_where_it_is_judged(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot)
        await press(pilot, "p")
        assert "Disarmed" in shown(app)
        assert not desk.asked
        await press(pilot, "m", "p")
        await until(pilot, lambda: bool(desk.asked))
        assert desk.asked[0][:2] == (Verb.PAUSE, "run-0001")
        assert isinstance(app.screen, TriageScreen)
        await until(pilot, lambda: "pause " in shown(app))
