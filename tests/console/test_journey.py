from __future__ import annotations

from dataclasses import replace

from tests.console.looking import press, settled, shown, until
from tests.console.paper_runs import MINUTE_MS, NOON_MS

from watchfloor.console.journey_lines import why
from watchfloor.console.screens.journey import JourneyScreen
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
        await until(pilot, lambda: "INPUTS" in shown(app))
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
        await until(pilot, lambda: "There is no record before 1" in shown(app))
        assert "record 1" in shown(app)


async def test_walking_stays_within_the_filter(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "!", "enter", "]")
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


def test_a_promise_and_a_closed_window_are_told_with_their_times():
    due, opens = NOON_MS + 15 * MINUTE_MS, NOON_MS + 60 * MINUTE_MS
    promise = RecordView(
        seq=1,
        contact="x",
        state=RecordState.CALLBACK,
        next_at_ms=due,
        due_at_ms=due,
        expires_at_ms=opens,
    )
    held = replace(promise, is_held=True, next_at_ms=opens)
    resting = replace(held, state=RecordState.PENDING)

    assert why(promise) == (
        "promised for 2026-11-22 14:17:11 UTC, too late from 2026-11-22 15:02:11 UTC"
    )
    assert "promised for 2026-11-22 14:17:11 UTC" in why(held)
    assert "its window is closed and opens at 2026-11-22 15:02:11 UTC" in why(held)
    assert why(resting).startswith("outside window; its window is closed")


async def test_what_a_provider_reported_stands_in_the_journey(app, desk):
    desk.reports = {"opened": 3}
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter")
        await until(pilot, lambda: "opened, as the provider reported" in shown(app))
