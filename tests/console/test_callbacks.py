from __future__ import annotations

from tests.console.looking import press, press_at_once, settled, shown, until
from tests.console.paper_runs import MINUTE_MS, campaign_runs

from watchfloor.console.promises import PromiseRow
from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import StoreError

SIZE = (120, 36)
OPEN = ("j", "j", "j", "4")


def grid(app) -> Grid[PromiseRow]:
    found: Grid[PromiseRow] = app.screen.query_one(Grid)
    return found


def seqs(app) -> list[int]:
    return [row.record.seq for row in grid(app).rows]


async def test_what_waits_stands_with_the_run_it_waits_in(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN)
        await until(pilot, lambda: "+1***0035" in shown(app))
        said = shown(app)
        assert isinstance(app.screen, CallbacksScreen)
        assert "Promised  Stopped, callbacks  45 promised" in said
        assert "a second stop drops these" in said
        assert "not due, in 15 min" in said
        assert "due, window closed until 15:30" in said
        assert "too late, will not be tried" in said
        assert "+15550" not in said


async def test_rows_stay_until_refreshed_and_minutes_are_no_change(app, desk, clock):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN)
        before = shown(app)
        reads = desk.reads.count("callbacks")
        clock.pass_ms(50_000)
        await settled(pilot)
        assert shown(app) == before
        assert desk.reads.count("callbacks") == reads

        await press(pilot, "r")
        await until(pilot, lambda: "0 of 40 rows changed" in shown(app))
        assert "as of 14:03:01 UTC" in shown(app)

        clock.pass_ms(MINUTE_MS)
        await press(pilot, "r")
        await until(pilot, lambda: "2 of 40 rows changed" in shown(app))


async def test_a_refresh_keeps_the_cursor_by_id_and_shows_the_run_as_it_is(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN, "j", "j")
        assert grid(app).current_key == 275
        desk.runs[3] = desk.runs[4]
        await press(pilot, "r")
        await until(pilot, lambda: "Could not read the callbacks" in shown(app))
        assert "This is from 14:02:11" in shown(app)
        desk.runs[3] = campaign_runs()[3]
        await press(pilot, "r")
        await until(pilot, lambda: "0 of 40 rows changed" in shown(app))
        assert grid(app).current_key == 275


async def test_pages_are_turned_by_key_and_back_the_way_they_came(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN)
        first = seqs(app)
        await press(pilot, "right_square_bracket")
        await until(pilot, lambda: "page 2" in shown(app))
        second = seqs(app)
        assert len(first) == 40
        assert len(second) == 5
        assert not set(first) & set(second)
        await press(pilot, "right_square_bracket")
        assert "last page" in shown(app)
        await press(pilot, "r")
        await until(pilot, lambda: "0 of 5 rows changed" in shown(app))
        await press(pilot, "left_square_bracket")
        await until(pilot, lambda: seqs(app) == first)
        await press(pilot, "left_square_bracket")
        assert "First page." in shown(app)
        await press(pilot, "right_curly_bracket")
        assert "] is the next" in shown(app)


async def test_a_callback_opens_as_its_journey_and_comes_back_there(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN, "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await until(pilot, lambda: "record 155" in shown(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, CallbacksScreen)
        assert grid(app).current_key == 155
        await press(pilot, "1")
        assert app.screen is app.jobs


async def test_a_run_without_callbacks_says_so(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await until(pilot, lambda: "No callback is promised in this run" in shown(app))
        await press(pilot, "enter", "right_square_bracket", "left_curly_bracket", "q")
        assert app.screen is app.jobs


async def test_callbacks_that_cannot_be_read_say_so_and_can_be_read_again(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone.")
        await press(pilot, *OPEN)
        await until(pilot, lambda: "r tries again" in shown(app))
        assert "the store is gone." in shown(app)
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "+1***0035" in shown(app))


async def test_without_a_run_there_are_no_callbacks(app, desk):
    desk.runs = []
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        assert "Callbacks: no run is selected" in shown(app)
        await press(pilot, "m", "A")
        assert "Nothing to approve" in shown(app)
        await press(pilot, "L")
        assert "Nothing to limit" in shown(app)


async def test_every_page_of_a_burst_is_turned(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN)
        first = seqs(app)
        await press_at_once(pilot, *"]]]")
        await until(pilot, lambda: "This is the last page." in shown(app))
        assert "page 2" in shown(app)
        assert seqs(app)[0] not in first
        await press_at_once(pilot, *"]][[")
        await until(pilot, lambda: "First page." in shown(app) or seqs(app) == first)
        await settled(pilot)
        assert "page 2" not in shown(app)


async def test_a_mark_does_nothing_here_and_says_so(app, desk):
    desk.runs = campaign_runs()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *OPEN, "space")
        assert "Nothing is marked here" in shown(app)
        await press(pilot, "asterisk")
        assert grid(app).marks == set()
