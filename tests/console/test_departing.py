"""Leaving a console while runs are active: drain, headless, or stay."""

from __future__ import annotations

import asyncio

import pytest
from tests.console.looking import press, press_at_once, settled, shown, until
from tests.console.paper_keeper import PaperKeeper
from textual.events import Key, MouseMove

from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.regions import Phase


@pytest.fixture
def keeper():
    return PaperKeeper()


@pytest.fixture
def app(console, keeper):
    return console(keeper=keeper)


async def test_three_answers_are_offered_and_each_says_what_becomes_of_the_runs(app):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "q")
        asked = " ".join(app.screen.query_one("#question", Panel).text.split())
        for words in ("Stay (n)", "Drain (y)", "Headless (h)"):
            assert words in shown(app)

    assert "Leave the console?" in asked
    assert "not ended yet" in asked
    assert "attempts in flight end, none is begun" in asked
    assert "outlives this terminal" in asked


@pytest.mark.parametrize("key", ["n", "enter", "escape"])
async def test_to_stay_is_what_enter_means_and_changes_nothing(app, keeper, key):
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "q", key)

        assert not isinstance(app.screen, Confirm)
        assert not app.is_left
        assert keeper == PaperKeeper()


async def test_a_key_typed_before_the_question_stands_answers_nothing(app, keeper):
    async with app.run_test() as pilot:
        await settled(pilot)
        await press_at_once(pilot, "q", "y", "h", "y")

        assert isinstance(app.screen, Confirm)
        assert not app.is_left
        assert keeper == PaperKeeper()
        await press(pilot, "y")
        await until(pilot, lambda: app.is_left)


@pytest.mark.parametrize("moved_s", [0.002, 0.004, 0.008, 0.016])
async def test_a_mouse_that_moves_gives_no_key_a_later_moment(app, moved_s):
    async with app.run_test() as pilot:
        await settled(pilot)
        for key in "qyyyyyyyy":
            app.post_message(Key(key, key))
        while not isinstance(app.screen, Confirm) or app.has_typed_ahead:
            app.post_message(MouseMove(None, 1, 1, 1, 0, 0, False, False, False))
            await asyncio.sleep(moved_s)
        await settled(pilot)

        assert isinstance(app.screen, Confirm)
        assert not app.is_left


async def test_to_drain_leaves_and_asks_for_no_other_engine(app, keeper):
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "q", "y")
        await until(pilot, lambda: app.is_left)

    assert (app.return_value, app.goes_headless, keeper.handed_on) == (0, False, 0)


async def test_headless_leaves_once_an_engine_stands_by(app, keeper):
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "q", "h")
        await until(pilot, lambda: app.is_left)

    assert (app.return_value, app.goes_headless, keeper.handed_on) == (0, True, 1)


async def test_where_no_engine_stands_by_nobody_leaves_and_may_ask_again(app, keeper):
    keeper.why = "it ended at once; see headless.log"
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "q", "h")
        told = "Not left; the engine here goes on: it ended at once; see headless.log"
        await until(pilot, lambda: told in shown(app))
        assert not app.is_left
        assert not app.goes_headless

        keeper.why = ""
        await press(pilot, "q", "h")
        await until(pilot, lambda: app.is_left)

    assert (app.goes_headless, keeper.handed_on) == (True, 2)


async def test_headless_is_no_answer_where_no_engine_can_be_started(console):
    app = console()
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "q")
        assert "Headless" not in shown(app)
        await press(pilot, "h")
        assert isinstance(app.screen, Confirm)
        assert not app.goes_headless


@pytest.mark.parametrize("case", ["elsewhere", "released", "nothing runs"])
async def test_nothing_is_asked_where_leaving_ends_nothing(app, desk, keeper, case):
    if case == "elsewhere":
        desk.pid += 1
    elif case == "released":
        desk.left = "idle"
    else:
        ended = [one for one in desk.runs if one.lifecycle.phase is Phase.ENDED]
        desk.runs[:] = ended
        assert ended
    async with app.run_test() as pilot:
        await settled(pilot)
        await press(pilot, "q")
        await until(pilot, lambda: app.is_left)

    assert (app.return_value, keeper.handed_on) == (0, 0)
