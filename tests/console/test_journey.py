from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.console.looking import press, press_at_once, settled, shown, until
from tests.console.paper_runs import MINUTE_MS, NOON_MS, some_runs
from tests.console.test_text import HOSTILE

from watchfloor.console.journey_lines import (
    StepRow,
    comparison,
    inside,
    step_rows,
    why,
)
from watchfloor.console.pages import Filter
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import StoreError
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import Journey, JourneyEntry, RecordView

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


def grid(app, name: str = "entries") -> Grid[StepRow]:
    found: Grid[StepRow] = app.screen.query_one(f"#{name}", Grid)
    return found


async def record_18(pilot) -> None:
    """Open the journey of a record of which nobody knows whether it arrived."""
    await settled(pilot)
    screen = JourneyScreen(pilot.app.session, pilot.app.jobs.run, 18, Filter())
    await pilot.app.push_screen(screen)
    await until(pilot, lambda: bool(grid(pilot.app).rows))


async def test_a_healthy_record_stands_beside_it_where_there_is_room(app):
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        await press(pilot, "b")
        await until(pilot, lambda: "beside record 20" in shown(app))
        assert [row.sign for row in grid(app).rows] == ["same"] * 4 + ["differs"]
        assert [row.sign for row in grid(app, "healthy").rows][-1] == "differs"
        said = " ".join(shown(app).split())
        assert "Entry 5 differs: attempt delivered reset here" in said
        assert "delivered http_200 there" in said
        assert "took 953 ms in 2 attempts here" in said
        await press(pilot, "k")
        assert grid(app, "healthy").place == grid(app).place
        await press(pilot, "b")
        assert "beside" not in shown(app)
        assert not any(row.sign for row in grid(app).rows)


async def test_in_one_column_one_key_changes_between_the_two(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await record_18(pilot)
        await press(pilot, "b")
        await until(pilot, lambda: "Beside  record 20" in shown(app))
        assert "differs" in shown(app)
        assert "delivered; never attempted again" in shown(app)
        await press(pilot, "b")
        await until(pilot, lambda: "Journey  record 18" in shown(app))
        assert "nobody knows" in shown(app)


async def test_a_live_resize_moves_the_healthy_record_beside_and_back(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await record_18(pilot)
        await press(pilot, "b")
        await until(pilot, lambda: "Beside  record 20" in shown(app))
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: "Journey  record 18" in shown(app))
        assert grid(app, "healthy").display
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Beside  record 20" in shown(app))


async def test_the_healthy_record_follows_from_record_to_record(app):
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        await press(pilot, "b")
        await until(pilot, lambda: "beside record 20" in shown(app))
        await press(pilot, *"]]]]")
        await until(pilot, lambda: "record 22" in shown(app))
        await until(pilot, lambda: "beside record 23" in shown(app))


async def test_where_nothing_was_delivered_yet_it_says_so(app, desk):
    desk.total = 1
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter")
        await until(pilot, lambda: bool(grid(app).rows))
        await press(pilot, "b")
        await until(pilot, lambda: "No other record of this run" in shown(app))
        assert "beside" not in shown(app)


async def test_a_healthy_record_that_cannot_be_read_leaves_this_one(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        desk.fault = StoreError("the store is gone.")
        await press(pilot, "b")
        await until(pilot, lambda: "No healthy record could be read" in shown(app))
        assert "Journey  record 18" in shown(app)


async def test_a_refresh_reads_it_again_and_tells_what_changed(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        clock.pass_ms(5_000)
        await press(pilot, "r")
        await until(pilot, lambda: "as of 14:02:16" in shown(app))
        assert "0 entries changed" in shown(app)
        desk.fault = StoreError("the store is gone.")
        await press(pilot, "r")
        said = "the store is gone. This is from 14:02:16."
        await until(pilot, lambda: said in shown(app))
        assert grid(app).rows


async def test_a_search_that_stopped_goes_on_with_the_same_key(app, desk):
    desk.search_most = 8
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        chosen = Filter(text="reset")
        await app.push_screen(JourneyScreen(app.session, app.jobs.run, 1, chosen))
        await until(pilot, lambda: bool(grid(app).rows))
        await press(pilot, "]")
        said = "None found after 1 as far as record 9; ] looks further."
        await until(pilot, lambda: said in shown(app))
        await press(pilot, "]")
        await until(pilot, lambda: "as far as record 17" in shown(app))
        await press(pilot, "]")
        await until(pilot, lambda: "Journey  record 18" in shown(app))
        await press(pilot, "[")
        await until(pilot, lambda: "before 18 as far as record 10" in shown(app))


async def test_number_and_json_are_copied_with_people_masked(app, monkeypatch):
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        await press(pilot, "y")
        assert copied == ["18"]
        await press(pilot, "Y")
        whole = json.loads(copied[1])
        assert whole["record"] == 18
        assert whole["contact"] == "+1***0018"
        assert "5550000018" not in copied[1]
        assert "lovelace" not in copied[1]
        assert "people masked" in shown(app)


async def test_a_view_opened_from_a_journey_is_of_its_run(app):
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        await press(pilot, "1")
        assert app.screen is app.jobs


@pytest.mark.parametrize("poison", ["".join(HOSTILE[:6]), "[/] [@click=app.quit]x[/]"])
async def test_hostile_texts_stand_in_both_records_literally(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=SIZE) as pilot:
        await record_18(pilot)
        await press(pilot, "b", "Y")
        await until(pilot, lambda: "beside record 20" in shown(app))
        assert "\x1b" not in shown(app)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "\x1b" not in shown(app)


def a_journey(*outcomes: str, seq: int = 1) -> Journey:
    return Journey(
        run_id="run-0001",
        record=RecordView(seq=seq, contact="+15550000018", state=RecordState.FAILED),
        key="wf-1",
        fields={"phone": "+15550000018"},
        entries=tuple(
            JourneyEntry(
                at_ms=NOON_MS + place,
                step="call",
                event=f"attempt {place + 1}",
                outcome=outcome,
                took_ms=100,
                detail=f"provider id p-{place}; to +15550000018",
            )
            for place, outcome in enumerate(outcomes)
        ),
    )


def signs(one: Journey, other: Journey) -> list[str]:
    return [row.sign for row in step_rows(one, other)]


def test_the_first_entry_that_differs_is_marked_and_what_only_one_has():
    busy, both = a_journey("transient busy"), a_journey("transient busy", "delivered")
    assert signs(busy, both) == ["same"]
    assert signs(both, busy) == ["same", "only here"]
    other = a_journey("delivered", "delivered")
    assert signs(both, other) == ["differs", ""]
    assert signs(both, both) == ["same", "same"]


def test_the_difference_is_one_sentence_with_what_each_took():
    busy = a_journey("transient busy")
    both = a_journey("transient busy", "delivered", seq=7)
    assert comparison(busy, both) == (
        "Entry 2 differs: nothing here, attempt 2 delivered there; "
        "took 100 ms in 1 attempt here, 200 ms in 2 attempts there."
    )
    assert comparison(both, both).startswith("No entry differs from record 7;")


def test_inputs_outcome_and_internals_stand_apart():
    journey = a_journey("permanent wrong_number")
    held = replace(journey.record, is_held=True, next_at_ms=NOON_MS, row_no=2)
    journey = replace(journey, record=held)
    run = some_runs()[0]
    lines = inside(journey, run, step_rows(journey)[0], 120)
    text = "\n".join("".join(piece.text for piece in line) for line in lines)
    assert "INPUTS     phone=+1***0018" in text
    assert "OUTCOME    -" in text
    assert "entry    14:02:11.000 attempt 1: provider id p-0; to +1***0018" in text
    assert "INTERNALS  key wf-1, provider id p-0" in text
    assert "row 2 of contacts-1.csv, 0 attempts" in text
    assert "+15550000018" not in text


def test_a_purged_record_has_no_inputs_to_show():
    journey = replace(a_journey(), fields={})
    journey = replace(journey, record=replace(journey.record, contact=""))
    lines = inside(journey, some_runs()[0], None, 80)
    assert any("purged" in piece.text for line in lines for piece in line)


async def test_every_step_of_a_burst_is_gone(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter")
        await press_at_once(pilot, *"]]]]]")
        await until(pilot, lambda: "Journey  record 6 " in shown(app))
        await press_at_once(pilot, *"]]][")
        await until(pilot, lambda: "Journey  record 8 " in shown(app))
        await press_at_once(pilot, *"[[[[[[[[[")
        await until(pilot, lambda: "There is no record before 1" in shown(app))
        assert "Journey  record 1 " in shown(app)


async def test_a_key_that_does_nothing_in_a_journey_says_so(app):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter", "}")
        assert "gone through one by one: ] is the next" in shown(app)
        await press(pilot, "space")
        assert "Nothing is marked here" in shown(app)
        assert grid(app).marks == set()


async def test_a_step_after_one_that_could_not_be_read_is_gone_again(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter")
        desk.fault = StoreError("the store is gone")
        await press(pilot, "]")
        await until(pilot, lambda: "the store is gone" in shown(app))
        desk.fault = None
        await press(pilot, "]")
        await until(pilot, lambda: "Journey  record 2 " in shown(app))
