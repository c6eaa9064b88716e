from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import panel, press, settled, shown, until
from tests.console.paper_runs import MINUTE_MS, OWN_PID, campaign_runs

from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.events import Events
from watchfloor.console.screens.reader import Reader
from watchfloor.console.themes import THEMES
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.books import Books
from watchfloor.domain.errors import StoreError
from watchfloor.domain.records import RecordState

WIDE, NARROW = (120, 36), (80, 24)


async def test_runs_and_records_stand_side_by_side(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "+1***0001" in shown(app))

        assert "Autumn billing" in shown(app)
        assert "1-40 of 1,000,000" in panel(app, "records-title")


async def test_one_pane_with_a_breadcrumb_where_there_is_no_room(app):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert "Autumn billing" in shown(app)
        assert "CONTACT" not in shown(app)

        await press(pilot, "enter")
        await until(pilot, lambda: "+1***0001" in shown(app))
        assert "Runs > Autumn billing" in shown(app)
        assert "ELAPSED" not in shown(app)

        await press(pilot, "escape")
        await until(pilot, lambda: "ELAPSED" in shown(app))
        assert app.focused is app.jobs.runs


async def test_selecting_a_run_loads_its_records(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await pilot.press("j")

        await until(pilot, lambda: "of 120,000" in panel(app, "records-title"))
        assert "Reminder DE" in panel(app, "about")


async def test_nothing_is_read_before_it_is_painted(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        assert "Watchfloor" in panel(app, "header")
        await settled(pilot)
        assert desk.reads[0] == "overview"


async def test_rows_stay_until_refreshed(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        before = shown(app)
        desk.bump = 1
        await pilot.pause()
        assert shown(app) == before

        await press(pilot, "r")
        await until(pilot, lambda: "2 of 48 rows changed" in panel(app, "message"))


async def test_a_refresh_keeps_cursor_and_marks_by_id(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "j", "j", "space")
        records = app.jobs.records
        assert records.current_key == 4
        assert records.marks == {3}

        desk.runs.insert(0, desk.runs.pop())
        await press(pilot, "r")

        assert app.jobs.runs.current_key == "run-0001"
        assert app.jobs.runs.place == 1
        assert records.current_key == 4
        assert records.marks == {3}
        await until(pilot, lambda: "1 marked" in panel(app, "message"))


async def test_a_refresh_without_change_repaints_no_row(app, monkeypatch):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        painted = []
        monkeypatch.setattr(
            Grid, "refresh", lambda *regions, **_: painted.append(regions)
        )

        await press(pilot, "r")
        await until(pilot, lambda: "0 of 48 rows changed" in panel(app, "message"))

        assert painted == []


async def test_changed_cells_are_marked_once(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        grid = app.jobs.records

        def marked() -> list[int]:
            return [
                shown.key
                for shown in grid._rows
                if any(cell.changed for cell in shown.cells)
            ]

        desk.bump = 1
        await press(pilot, "r")
        assert marked() == [10]
        await press(pilot, "r")
        assert marked() == []


async def test_a_failed_read_keeps_the_rows_and_says_how_old_they_are(app, desk, clock):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        clock.pass_ms(MINUTE_MS)
        desk.fault = StoreError("the store is locked by pid 12; nothing was read")
        await press(pilot, "r")

        await until(pilot, lambda: "Could not refresh" in panel(app, "message"))
        assert "locked by pid 12" in panel(app, "message")
        assert "Rows are from 14:02:11." in panel(app, "message")
        assert "Autumn billing" in shown(app)
        assert "as of 14:02:11" in panel(app, "header")


async def test_a_bug_behind_the_desk_does_not_take_the_screen_away(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk.fault = ZeroDivisionError("[/] division")
        await press(pilot, "r")

        await until(pilot, lambda: "ZeroDivisionError" in panel(app, "message"))


async def test_an_empty_workspace_says_what_to_do(app, desk):
    desk.runs.clear()
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "No runs yet" in shown(app))
        await press(pilot, "v", "d", "slash", "m", "p")
        assert "no run is selected" in panel(app, "message")


async def test_the_first_read_may_fail_too(app, desk):
    desk.fault = StoreError("no store here")
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "r tries again" in shown(app))
        assert "nothing read yet" in panel(app, "header")
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "Autumn billing" in shown(app))


async def test_a_slow_read_is_said_and_gives_the_line_back(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "M")
        desk.hold.clear()
        await pilot.press("r")
        await until(pilot, lambda: "Reading" in panel(app, "message"))
        assert "Autumn billing" in shown(app)
        desk.hold.set()
        await until(pilot, lambda: "rows changed" in panel(app, "message"))


async def test_changes_since_are_counted_and_rows_stay(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk.changes += 214
        app.jobs._pulse()
        await until(pilot, lambda: "214 changes since" in panel(app, "header"))


async def test_a_silent_engine_is_said_and_a_failed_pulse_too(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "this process, pid 4711" in panel(app, "engine")
        desk.alive = False
        app.jobs._pulse()
        await until(pilot, lambda: "NO ENGINE since" in panel(app, "engine"))
        desk.fault = StoreError("gone")
        app.jobs._pulse()
        await until(pilot, lambda: "not known, gone" in panel(app, "engine"))


async def test_pages_turn_by_key_to_the_last_of_ten_million(app, desk):
    desk.total = 10_000_000
    everything = Books(extracted=10_000_000, records=10_000_000, pending=10_000_000)
    desk.runs[0] = replace(desk.runs[0], books=everything)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "right_square_bracket")
        assert app.jobs.records.rows[0].record.seq == 41
        await press(pilot, "right_curly_bracket")
        assert app.jobs.records.rows[-1].record.seq == 10_000_000
        await press(pilot, "right_square_bracket")
        assert "last page" in panel(app, "message")
        await press(pilot, "left_square_bracket")
        assert app.jobs.records.rows[-1].record.seq == 9_999_960
        await press(pilot, "r")
        assert app.jobs.records.rows[-1].record.seq == 9_999_960
        await press(pilot, "left_curly_bracket")
        assert app.jobs.records.rows[0].record.seq == 1


async def test_faults_only_and_back(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "exclamation_mark")
        states = {row.record.state for row in app.jobs.records.rows}
        assert states == {RecordState.FAILED, RecordState.UNKNOWN}
        assert "filter: failed or unknown" in panel(app, "records-title")

        await press(pilot, "escape")
        assert len({row.record.state for row in app.jobs.records.rows}) > 2


async def test_steps_and_results_stand_where_the_records_have_some(app, desk):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "l")
        await until(pilot, lambda: "+1***0001" in shown(app))
        assert "STEP" not in shown(app)
        assert "RESULT" not in shown(app)

        desk.steps = ("call", "text")
        await press(pilot, "r")
        await until(pilot, lambda: "STEP" in shown(app))
        assert " text " in shown(app)

        desk.reports = {"opened": 3, "opted_out": 1}
        await press(pilot, "r")
        await until(pilot, lambda: "RESULT" in shown(app))
        assert "opted_out" in shown(app)
        assert all(len(line) <= NARROW[0] for line in shown(app).split("\n"))


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_filter_is_named_beside_the_longest_label(app, desk, size):
    desk.runs = campaign_runs()[4:]
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "l", "exclamation_mark")
        await until(
            pilot,
            lambda: "filter: failed or unknown" in panel(app, "records-title"),
        )


async def test_a_run_whose_people_were_taken_out_says_purged(app, desk):
    desk.runs = [campaign_runs()[5]]
    record = desk.record
    desk.record = lambda seq: replace(record(seq), contact="")
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "l")
        await until(pilot, lambda: "purged" in shown(app))
        assert "***" not in shown(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "record 1  purged" in shown(app))
        await press(pilot, "escape", "d", "pagedown")
        assert "people were taken out" in shown(app)


async def test_details_tell_what_providers_reported_and_where_the_time_went(app, desk):
    desk.runs = [campaign_runs()[4]]
    desk.reports = {"opened": 300, "clicked": 100, "opted_out": 2}
    async with app.run_test(size=(100, 60)) as pilot:
        await settled(pilot)
        assert "results" not in desk.reads
        await press(pilot, "d")
        await until(pilot, lambda: "opted_out" in shown(app))
        lines = [" ".join(line.split()) for line in shown(app).split("\n")]
        for fact in (
            "child of run-0001",
            "history creating history 43 %",
            "results collecting",
            "opened 300 30%",
            "clicked 100 10%",
            "time 8:30:00",
            "active 3:20:00 39%",
            "window closed 2:00:00 23%",
            "not seen 2:10:00 25%",
        ):
            assert fact in lines, fact
        assert desk.reads.count("results") == 1


async def test_results_that_cannot_be_read_leave_the_details(app, desk):
    async with app.run_test(size=(100, 60)) as pilot:
        await settled(pilot)
        desk.fault = StoreError("the store is gone")
        await press(pilot, "d")
        await until(
            pilot,
            lambda: "results could not be read: the store is gone" in shown(app),
        )
        assert "launch-1" in shown(app)


async def test_a_state_is_chosen_by_its_word(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "slash", "enter", *"retr", "enter")
        await until(pilot, lambda: "filter: retry" in panel(app, "records-title"))
        assert {r.record.state for r in app.jobs.records.rows} == {RecordState.RETRY}

        await press(pilot, "slash", *["backspace"] * 5, "enter")
        await press(pilot, *"expi", "enter")
        await until(pilot, lambda: '0 records match "expired"' in shown(app))


async def test_events_and_details_of_the_run_can_be_read(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "v")
        assert isinstance(app.screen, Events)
        assert "wrong greeting" in shown(app)
        await press(pilot, "escape", "d")
        assert isinstance(app.screen, Reader)
        assert "launch-1" in shown(app)
        await press(pilot, "q")
        assert app.screen is app.jobs


async def test_the_layout_follows_the_terminal(app):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "+1***0001" in shown(app))
        assert "Autumn billing" in shown(app)
        await press(pilot, "l")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Runs > Autumn billing" in shown(app))
        await pilot.resize_terminal(200, 60)
        await until(pilot, lambda: "last outcome" in shown(app))


async def test_a_terminal_that_is_too_small_says_so_and_takes_no_command(app, desk):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        await pilot.resize_terminal(50, 12)
        await until(pilot, lambda: "Watchfloor needs 60x16" in shown(app))
        await press(pilot, "p", "s", "r")
        assert desk.asked == []
        assert app.screen is app.jobs
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Autumn billing" in shown(app))
        await press(pilot, "j")
        assert app.jobs.runs.current_key == "run-0002"


async def test_leaving_asks_when_the_engine_here_has_runs(app):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "q")
        assert isinstance(app.screen, Confirm)
        assert "6 runs not ended" in shown(app)
        await press(pilot, "enter")
        assert app.screen is app.jobs
        await press(pilot, "q", "y")
    assert app.return_code == 0


@pytest.mark.parametrize("own_pid", [OWN_PID, 1])
async def test_leaving_asks_nothing_when_nothing_would_wait(console, desk, own_pid):
    if own_pid == OWN_PID:
        desk.runs = [run for run in desk.runs if run.lifecycle.is_ended]
    app = console(own_pid=own_pid)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "q")
    assert app.return_code == 0


async def test_the_palette_runs_an_act_and_says_why_not(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "ctrl+p", *"pause")
        assert "not possible: disarmed" in shown(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "Pause is not possible now: dis" in shown(app))
        await press(pilot, "escape", "colon", *"details", "enter")
        await until(pilot, lambda: isinstance(app.screen, Reader))
        await press(pilot, "escape", "colon", *"last row", "enter")
        await until(pilot, lambda: app.jobs.runs.current_key == "run-0008")


async def test_the_palette_finds_every_act(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "colon", *"zzz")
        assert "Nothing has such a name" in shown(app)
        await press(pilot, "enter", "escape")
        assert app.screen is app.jobs


async def test_the_help_is_read_from_the_table(app):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "question_mark")
        assert "Next row" in shown(app)
        await press(pilot, "G", *["pagedown"] * 8)
        assert "Leave; asks when runs are active" in shown(app)


async def test_the_colours_can_be_changed(app):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        seen = {app.theme}
        for _ in THEMES[1:]:
            await press(pilot, "colon", *"theme", "enter")
            await until(pilot, lambda: app.theme not in seen)
            seen.add(app.theme)
        assert seen == {one.name for one in THEMES}


async def test_without_colour_the_cursor_is_still_told(console, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = console()
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert app.theme == "plain"
        line = app.jobs.runs.render_line(1)
        assert line.text.startswith(">")
        first = next(iter(line))
        assert first.style is not None
        assert first.style.reverse


async def test_a_click_selects_and_the_wheel_moves(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await pilot.click("#runs", offset=(4, 3))
        await until(pilot, lambda: app.jobs.runs.current_key == "run-0003")


async def test_copying_says_what_was_copied(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "y")
        assert app.clipboard == "run-0001"
        assert "Copied run-0001" in panel(app, "message")
