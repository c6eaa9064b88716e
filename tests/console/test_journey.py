from __future__ import annotations

from tests.console.looking import press, settled, shown, until

from watchfloor.console.screens.journey import JourneyScreen, why
from watchfloor.domain.errors import StoreError
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RecordView

SIZE = (120, 36)


async def test_a_record_opens_as_its_journey(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await until(pilot, lambda: "record 2" in shown(app))
        said = shown(app)
        assert "transient busy" in said
        assert "812 ms" in said
        assert "wf-run-0001-2-1" in said
        assert "delivered; never attempted again" in said


async def test_no_contact_is_shown_in_full(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter")
        await until(pilot, lambda: "inputs" in shown(app))
        assert "+15550000001" not in shown(app)
        assert "0000001" not in shown(app)
        assert "lovelace" not in shown(app)


async def test_one_walks_from_record_to_record_and_comes_back_there(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter", *["right_square_bracket"] * 3)
        await until(pilot, lambda: "record 4" in shown(app))
        await press(pilot, "left_square_bracket")
        await until(pilot, lambda: "record 3" in shown(app))
        await press(pilot, "escape")
        assert app.screen is app.jobs
        assert app.jobs.records.current_key == 3


async def test_there_is_no_record_before_the_first(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter", "left_square_bracket")
        await until(pilot, lambda: "no record stands before 1" in shown(app))
        assert "record 1" in shown(app)


async def test_walking_stays_within_the_filter(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "exclamation_mark", "enter", "right_square_bracket")
        await until(pilot, lambda: "record 18" in shown(app))


async def test_a_journey_that_cannot_be_read_says_so(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l")
        desk.fault = StoreError("the store is gone")
        await press(pilot, "enter")
        await until(pilot, lambda: "the store is gone" in shown(app))
        await press(pilot, "q")
        assert app.screen is app.jobs


def test_every_state_has_a_reason():
    for state in RecordState:
        assert why(RecordView(seq=1, contact="x", state=state))
