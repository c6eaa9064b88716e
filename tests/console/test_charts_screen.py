from __future__ import annotations

import pytest
from rich.cells import cell_len
from tests.console.looking import press, settled, shown, until
from tests.console.test_hostile import DOSES
from tests.support.hostile import traces

from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.charts import ChartsScreen
from watchfloor.domain.errors import StoreError

TITLES = ("1 Rate", "2 Outcomes", "3 Failures", "4 Callbacks due")


async def opened(app, pilot, told="as of") -> None:
    await settled(pilot)
    await app.push_screen(ChartsScreen(app.session, app.jobs.run))
    await until(pilot, lambda: told in shown(app))
    await settled(pilot)


def titles(app) -> list[str]:
    said = shown(app)
    return [title for title in TITLES if f" {title}" in said]


async def test_a_small_terminal_shows_one_chart_at_a_time(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        assert "Charts  Autumn billing  Running" in shown(app)
        assert "━ Autumn billing  0.0/s now" in shown(app)
        for number, title in enumerate(TITLES, 1):
            assert titles(app) == [title]
            assert f"{number} of 4" in shown(app)
            await press(pilot, "right_square_bracket")
        assert "This is the last one." in shown(app)
        assert "4 of 4" in shown(app)
        await press(pilot, "left_square_bracket")
        assert "3 of 4" in shown(app)
        assert "last one" not in shown(app)
        await press(pilot, "left_curly_bracket", "left_square_bracket")
        assert "This is the first one." in shown(app)
        await press(pilot, "right_curly_bracket")
        assert titles(app) == ["4 Callbacks due"]


async def test_a_larger_one_shows_two_and_a_large_one_all(app):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        assert titles(app) == ["1 Rate", "2 Outcomes"]
        assert "1-2 of 4" in shown(app)
        await press(pilot, "right_square_bracket")
        assert titles(app) == ["3 Failures", "4 Callbacks due"]
        assert "failed: permanent wrong_number, call 12" in shown(app)
        assert "118 callbacks due" in shown(app)
        await press(pilot, "right_square_bracket")
        assert "This is the last one." in shown(app)

        await pilot.resize_terminal(200, 60)
        await settled(pilot)
        assert titles(app) == list(TITLES)
        assert " of 4" not in shown(app)
        await press(pilot, "left_square_bracket")
        assert "All charts stand here." in shown(app)

        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert titles(app) == ["3 Failures"]
        assert "3 of 4" in shown(app)


async def test_charts_change_only_on_a_refresh(app, desk, clock):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "right_square_bracket")
        before = shown(app)
        desk.bump = 3
        clock.pass_ms(60_000)
        await settled(pilot)
        assert shown(app) == before
        await press(pilot, "r")
        await until(pilot, lambda: "as of 14:03:11" in shown(app))
        assert "failed          20" in shown(app)
        assert titles(app) == ["2 Outcomes"]


async def test_a_slow_line_gets_ascii(console):
    app = console(wishes=Preferences(is_calm=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        assert "* Autumn billing" in shown(app)
        assert shown(app).isascii()


@pytest.mark.parametrize("size", [(60, 16), (30, 8), (12, 6)])
async def test_without_room_there_is_a_text_that_fits(app, size):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await pilot.resize_terminal(*size)
        await settled(pilot)
        lines = shown(app).split("\n")
        assert len(lines) == size[1]
        assert all(cell_len(line) <= size[0] for line in lines)
        assert "1 Rate" in shown(app)


async def test_a_failed_read_says_so_and_keeps_the_charts(app, desk):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone")
        await opened(app, pilot, told="r tries again")
        assert "Could not read the run: the store is gone." in shown(app)
        await press(pilot, "right_square_bracket")
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "as of" in shown(app))
        desk.fault = StoreError("gone again")
        await press(pilot, "r")
        await until(pilot, lambda: "is from 14:02:11" in shown(app))
        assert titles(app) == ["1 Rate", "2 Outcomes"]


async def test_a_run_that_has_not_begun_says_so_in_words(app, desk):
    desk.runs = [desk.runs[3]]
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(app, pilot)
        assert "no callback is due" in shown(app)
        assert "pending" in shown(app)


async def test_without_a_run_nothing_is_drawn(app, desk):
    desk.runs = []
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot, told="no run is selected")
        await press(pilot, "right_square_bracket", "r", "escape")
        assert app.screen is app.jobs


@pytest.mark.parametrize("poison", [*DOSES, "[/]"])
async def test_hostile_texts_are_shown_as_they_are_and_do_no_harm(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=(200, 60)) as pilot:
        await opened(app, pilot)
        said = shown(app)
        assert not traces(said)
        assert all(cell_len(line) <= 200 for line in said.split("\n"))
        if poison == "[/]":
            assert "━ [/]" in said
            assert "failed: permanent [/], call" in said
