from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import press, settled, shown, until
from tests.console.paper_runs import NOON_MS
from tests.console.test_text import HOSTILE

from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.unknowns import UnknownsScreen
from watchfloor.console.unknown_lines import UnknownRow, unknown_at_length
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import StoreError
from watchfloor.domain.live import Unknown
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RecordView

SIZES = ((80, 24), (120, 36), (200, 60))


def grid(app) -> Grid[UnknownRow]:
    found: Grid[UnknownRow] = app.screen.query_one("#entries", Grid)
    return found


async def opened(app, pilot) -> None:
    await settled(pilot)
    await app.push_screen(UnknownsScreen(app.session, app.jobs.run))
    await settled(pilot)


def many(desk, unknown: int) -> None:
    """Give two runs so many records that nobody knows of."""
    for place in (0, 1):
        run = desk.runs[place]
        books = replace(run.books, unknown=unknown)
        desk.runs[place] = replace(run, books=books)
    for place in range(2, len(desk.runs)):
        run = desk.runs[place]
        desk.runs[place] = replace(run, books=replace(run.books, unknown=0))


def text_of(row: UnknownRow, width: int = 120) -> str:
    lines = unknown_at_length(row, width)
    said = ("".join(piece.text for piece in line) for line in lines)
    return " ".join(" ".join(said).split())


def a_row(**choices) -> UnknownRow:
    record = RecordView(
        seq=18,
        contact="+15550000018",
        state=RecordState.UNKNOWN,
        step="call",
        attempts=2,
        code="reset",
        updated_at_ms=NOON_MS,
    )
    record = replace(record, **choices)
    unknown = Unknown(run_id="run-0001", campaign_name="Autumn", record=record)
    return UnknownRow(unknown, NOON_MS, 1)


@pytest.mark.parametrize("size", SIZES)
async def test_what_nobody_knows_stands_with_what_can_be_done(app, desk, size):
    many(desk, 3)
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        said = shown(app)
        assert "Unknown  all runs" in said
        assert "6 in all" in said
        assert "U resolves the record, E all of a run, L asks for it." in said
        assert "+1***0018" in said
        assert "+15550" not in said
        assert "look the key up at the provider" in said


async def test_one_key_shows_this_run_only_and_all_again(app, desk):
    many(desk, 2)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "4 in all" in shown(app))
        await press(pilot, "!")
        await until(pilot, lambda: "2 in all" in shown(app))
        name = app.jobs.run.campaign_name
        assert f"Unknown  {name}" in shown(app)
        await press(pilot, "!")
        await until(pilot, lambda: "4 in all" in shown(app))


async def test_pages_are_turned_and_the_total_stays(app, desk):
    many(desk, 30)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "60 in all" in shown(app))
        first = [row.unknown for row in grid(app).rows]
        await press(pilot, "]")
        await until(pilot, lambda: "page 2, 60 in all" in shown(app))
        second = [row.unknown for row in grid(app).rows]
        assert len(first) + len(second) == 60
        assert not {(o.run_id, o.record.seq) for o in first} & {
            (o.run_id, o.record.seq) for o in second
        }


async def test_a_record_opens_as_its_journey_and_comes_back_there(app, desk):
    many(desk, 3)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: len(grid(app).rows) == 6)
        await press(pilot, *"jjjj")
        row = grid(app).current
        assert row is not None
        assert row.unknown.run_id != app.jobs.run.run_id
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await until(pilot, lambda: "nobody knows: ask the provider" in shown(app))
        assert row.unknown.campaign_name in shown(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, UnknownsScreen)
        assert grid(app).current == row


async def test_a_journey_whose_run_cannot_be_read_says_so(app, desk):
    many(desk, 1)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        desk.fault = StoreError("the store is gone.")
        await press(pilot, "enter")
        await until(pilot, lambda: "Could not open the journey" in shown(app))
        assert isinstance(app.screen, UnknownsScreen)


async def test_nothing_unknown_and_no_run_is_a_sentence(app, desk):
    desk.runs = []
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "No record is unknown" in shown(app))
        await press(pilot, "enter", "]", "[", "{", "!")
        assert "no run is selected" in shown(app)
        await press(pilot, "q")
        assert app.screen is app.jobs


async def test_a_failed_read_keeps_the_rows_and_tells_their_age(app, desk):
    many(desk, 2)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        desk.fault = StoreError("the store is gone.")
        await press(pilot, "r")
        await until(pilot, lambda: "the store is gone. This is from" in shown(app))
        assert len(grid(app).rows) == 4


@pytest.mark.parametrize("poison", ["".join(HOSTILE[:6]), "[/] [@click=app.quit]x[/]"])
async def test_texts_from_outside_are_shown_literally(app, desk, poison):
    many(desk, 2)
    desk.poison = poison
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: bool(grid(app).rows))
        assert "\x1b" not in shown(app)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "\x1b" not in shown(app)
        assert len(grid(app).rows) == 4


def test_what_is_known_is_told_apart_from_what_is_not():
    said = text_of(a_row(key="wf-1"))
    assert "2 attempts; the last one, of step call, ended 2026-11-22 14:02:11" in said
    assert "with reset: no answer that tells whether it arrived" in said
    assert "may have been delivered or not" in said
    assert "key wf-1" in said


def test_what_the_provider_reported_since_is_told_but_settles_nothing():
    said = text_of(a_row(result="bounced"))
    assert "the provider reported bounced since then" in said
    assert "for a person to say" in said


def test_a_purged_contact_and_no_key_leave_no_gap():
    said = text_of(a_row(contact="", step="", code=""))
    assert "purged" in said
    assert "not told; the journey has it" in said
