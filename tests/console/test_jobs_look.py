from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from tests.console.looking import panel, press, press_at_once, settled, shown, until
from tests.console.paper_runs import MINUTE_MS, a_run, balanced

from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.chooser import Chooser
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.prompt import Prompt
from watchfloor.console.screens.switches import Switches
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import StoreError
from watchfloor.domain.labels import Dialect
from watchfloor.domain.records import RecordState

WIDE, NARROW, SMALLEST, VAST = (120, 36), (80, 24), (60, 16), (200, 60)


def run_ids(app) -> list[str]:
    return [row.run.run_id for row in app.jobs.runs.rows]


def seqs(app) -> list[int]:
    return [row.record.seq for row in app.jobs.records.rows]


def title(app, name: str) -> str:
    said = panel(app, f"{name}-title").replace("filter:", " filter:")
    return " ".join(said.split())


def with_rates(desk, **per_s: float):
    """Let the desk say how fast runs are, by number."""
    read = desk.overview

    async def overview():
        rates = {f"run-{name[1:]}": value for name, value in per_s.items()}
        return replace(await read(), done_per_s=rates)

    desk.overview = overview


# --- the filter of the runs ----------------------------------------------------------


async def test_the_runs_are_narrowed_by_words_and_escape_shows_all(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "slash", *"paus", "enter")

        assert run_ids(app) == ["run-0002", "run-0003"]
        assert app.jobs.runs.current_key == "run-0002"
        assert title(app, "runs") == 'Runs 2 of 8 filter: "paus" newest first'

        await press(pilot, "escape")
        assert len(run_ids(app)) == 8
        assert app.jobs.runs.current_key == "run-0002"
        assert title(app, "runs") == "Runs 8 filter: none newest first"


async def test_a_filter_that_leaves_no_run_says_how_to_get_them_back(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "slash", *"zzz", "enter")

        assert '0 runs match "zzz". Esc shows all 8.' in shown(app)
        assert seqs(app) == []
        assert panel(app, "about") == ""

        await press(pilot, "escape")
        assert app.jobs.runs.current_key == "run-0002"
        await until(pilot, lambda: "of 120,000" in title(app, "records"))


async def test_another_run_under_the_cursor_brings_its_own_records(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"nps", "enter")

        await until(pilot, lambda: "Survey NPS" in title(app, "records"))
        assert "of 2,000" in title(app, "records")
        assert "Survey NPS" in panel(app, "about")


async def test_the_prompt_can_be_left_and_remembers_what_was_asked(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"nps", "escape")
        assert len(run_ids(app)) == 8

        await press(pilot, "slash", *"nps", "enter", "escape")
        await press(pilot, "slash", "up", "enter")
        assert run_ids(app) == ["run-0005"]

        await press(pilot, "slash", *["backspace"] * 3, "enter")
        assert len(run_ids(app)) == 8


async def test_the_faults_of_the_runs_are_those_somebody_should_look_at(app, desk):
    good = a_run(20, "All well", desk.runs[5].lifecycle, balanced(10, delivered=10))
    desk.runs.insert(0, good)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "exclamation_mark")

        assert "run-0020" not in run_ids(app)
        assert "run-0008" in run_ids(app)
        assert "filter: faults" in title(app, "runs")

        await press(pilot, "slash", *"beta", "enter")
        assert run_ids(app) == ["run-0008"]
        await press(pilot, "exclamation_mark")
        assert title(app, "runs").startswith('Runs 1 of 9 filter: "beta"')


async def test_a_refresh_never_takes_the_selected_run_away(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"paus", "enter", "j")
        assert app.jobs.runs.current_key == "run-0003"

        life = replace(desk.runs[2].lifecycle, gate=desk.runs[0].lifecycle.gate)
        desk.runs[2] = replace(desk.runs[2], lifecycle=life)
        await press(pilot, "r")

        assert app.jobs.runs.current_key == "run-0003"
        await press(pilot, "k", "r")
        assert run_ids(app) == ["run-0002"]


# --- the filter of the records -------------------------------------------------------


async def test_a_word_for_a_state_filters_by_it(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "slash", *"failed, retry", "enter")

        states = {row.record.state for row in app.jobs.records.rows}
        assert states == {RecordState.FAILED, RecordState.RETRY}
        assert "filter: failed or retry" in title(app, "records")
        await press(pilot, "slash")
        assert app.screen.query_one("#text").value == "failed retry"


async def test_nothing_typed_lists_the_states_with_their_counts(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "slash", "enter")

        assert isinstance(app.screen, Chooser)
        assert "419,975" in shown(app)
        await press(pilot, *"unkn", "enter")
        assert {r.record.state for r in app.jobs.records.rows} == {RecordState.UNKNOWN}


async def test_a_filter_in_the_products_language_goes_to_the_desk(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "slash", *'code = "busy"', "enter")

        assert 'filter: code = "busy"' in title(app, "records")
        assert app.jobs.chosen.where == 'code = "busy"'


async def test_a_wrong_filter_is_told_and_the_old_page_stays(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "j", "exclamation_mark")
        before = seqs(app)
        await press(pilot, "slash", *["backspace"] * 20, *"nonsense = 1", "enter")

        await until(pilot, lambda: "Not filtered" in panel(app, "message"))
        assert "there is no field nonsense" in panel(app, "message")
        assert seqs(app) == before
        assert "filter: failed or unknown" in title(app, "records")
        assert app.jobs.chosen.states == (RecordState.FAILED, RecordState.UNKNOWN)
        await press(pilot, "r")
        assert seqs(app) == before


async def test_a_search_that_stopped_says_how_far_it_looked_and_goes_on(app, desk):
    desk.search_most = 500
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "slash", *"+1555000074", "enter")

        assert seqs(app) == []
        assert (
            panel(app, "message")
            .strip()
            .startswith("Looked at records 1-500: 0 found, ] looks on.")
        )
        assert "Nothing was found so far; ] looks on." in shown(app)
        assert "0 found in 1-500" in title(app, "records")

        await press(pilot, "right_square_bracket")
        assert seqs(app) == list(range(740, 750))
        assert "Looked at records 501-1,000: 10 found" in panel(app, "message")
        await press(pilot, "r")
        assert seqs(app) == list(range(740, 750))

        await press(pilot, "right_curly_bracket")
        assert "999,501-1,000,000: 0 found, [ looks on" in panel(app, "message")
        await press(pilot, "escape")
        assert seqs(app)[0] == 1


async def test_records_of_no_such_state_say_so(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "slash", *"expired", "enter")
        assert '0 records match "expired". Esc shows all 1,000,000.' in shown(app)


async def test_escape_takes_one_thing_away_at_a_time(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"paus", "enter", "l", "exclamation_mark", "space")

        await press(pilot, "escape")
        assert "filter: none" in title(app, "records")
        assert "1 marked" in panel(app, "message")
        await press(pilot, "escape")
        assert "marked" not in panel(app, "message")
        await press(pilot, "escape")
        assert app.focused is app.jobs.runs
        assert 'filter: "paus"' in title(app, "runs")
        await press(pilot, "escape")
        assert "filter: none" in title(app, "runs")


# --- order ---------------------------------------------------------------------------


async def test_the_runs_are_ordered_and_the_cursor_keeps_its_run(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "o", *"failed", "enter")

        assert run_ids(app)[:2] == ["run-0008", "run-0001"]
        assert app.jobs.runs.current_key == "run-0002"
        assert title(app, "runs") == "Runs 8 filter: none most failed first"
        await press(pilot, "r")
        assert run_ids(app)[:2] == ["run-0008", "run-0001"]

        await press(pilot, "o", "escape")
        assert "most failed first" in title(app, "runs")


async def test_the_records_are_read_from_either_end(app, desk):
    desk.total = 100
    desk.runs[0] = replace(desk.runs[0], books=balanced(100, delivered=10))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "o")
        assert seqs(app) == list(range(100, 60, -1))
        assert "100-61 of 100, last first" in title(app, "records")

        await press(pilot, "right_square_bracket")
        assert seqs(app) == list(range(60, 20, -1))
        await press(pilot, "j", "r")
        assert seqs(app) == list(range(60, 20, -1))
        assert app.jobs.records.current_key == 59
        await press(pilot, "left_square_bracket", "left_square_bracket")
        assert seqs(app) == list(range(100, 60, -1))
        assert "First page" in panel(app, "message")
        await press(pilot, "right_curly_bracket")
        assert seqs(app)[-1] == 1
        await press(pilot, "o")
        assert seqs(app) == list(range(1, 41))


# --- columns and room ----------------------------------------------------------------


async def test_columns_are_left_out_and_come_back(console):
    wishes = Preferences(hidden={"runs": frozenset({"ELAPSED"})})
    app = console(wishes=wishes)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert "ELAPSED" not in shown(app)
        await press(pilot, "w")
        assert isinstance(app.screen, Switches)
        await press(pilot, *"elapsed", "enter")
        assert "shown" in shown(app)
        await press(pilot, *["backspace"] * 7, *"progress", "enter", "escape")

        await until(pilot, lambda: "ELAPSED" in shown(app))
        assert "PROGRESS" not in shown(app)
        assert app.jobs.runs.current_key == "run-0001"

        await press(pilot, "l", "w", *"outcome", "enter", "escape")
        await until(pilot, lambda: "CONTACT" in shown(app))
        assert "OUTCOME" not in shown(app)


async def test_no_switch_is_no_change(app):
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        before = shown(app)
        await press(pilot, "w", *"zzz", "enter", "escape")
        assert shown(app) == before


@pytest.mark.parametrize("size", [SMALLEST, NARROW, WIDE, VAST])
async def test_one_list_may_have_the_whole_screen(app, size):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "f")
        room = size[1] - 7
        await until(pilot, lambda: app.jobs.runs.size.height == room)
        assert app.jobs.runs.size.width == size[0]
        assert "CONTACT" not in shown(app)
        assert " = " in panel(app, "about")
        assert "NO ENGINE" in shown(app) or "engine: " in shown(app)

        await press(pilot, "enter")
        await until(pilot, lambda: app.jobs.records.size.height == room)
        assert app.jobs.records.size.width == size[0]
        assert "Runs > Autumn billing" in panel(app, "records-title")

        await press(pilot, "f")
        await until(pilot, lambda: not app.jobs.is_full)
        await settled(pilot)
        both = size[0] >= 100
        assert (app.jobs.runs.size.height > 0) is both
        assert app.focused is app.jobs.records


@pytest.mark.parametrize("size", [SMALLEST, NARROW, WIDE, (200, 36), VAST])
async def test_the_books_and_the_owner_are_in_sight_in_every_size(app, size):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "419,975" in shown(app))
        seen = shown(app)
        assert "engine: this process, pid 4711" in seen
        assert "delivered" in seen
        assert "17 failed" in seen or size == VAST


# --- what is copied ------------------------------------------------------------------


async def test_a_row_is_copied_as_json_with_people_masked(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "Y")
        assert json.loads(app.clipboard)["run_id"] == "run-0001"
        assert "Copied run run-0001 as JSON" in panel(app, "message")

        await press(pilot, "l", "j", "Y")
        told = json.loads(app.clipboard)
        assert told["record"] == 2
        assert "+15550000002" not in app.clipboard
        assert "Copied record 2 as JSON, masked" in panel(app, "message")
        await press(pilot, "y")
        assert app.clipboard == "2"


async def test_nothing_is_copied_where_there_is_nothing(app, desk):
    desk.runs.clear()
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for key in "yY":
            await press(pilot, key)
            assert "nothing to copy" in panel(app, "message")
        assert app.clipboard == ""


# --- figures -------------------------------------------------------------------------


async def test_a_run_says_when_it_ends_where_there_is_room(app, desk):
    with_rates(desk, r0001=120.0)
    async with app.run_test(size=VAST) as pilot:
        await settled(pilot)
        assert "ETA" in shown(app)
        assert "1h 20m" in shown(app)
        assert "ETA after 15:22, in 1h 20m or more" in panel(app, "detail")
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "ETA after 15:22" in panel(app, "about"))


async def test_a_late_run_says_so_and_does_not_tick(app, desk, clock):
    over = replace(
        desk.runs[5], campaign_id="campaign-1", spent_ms={"active": MINUTE_MS}
    )
    desk.runs[5] = over
    desk.runs[0] = replace(desk.runs[0], spent_ms={"active": 41 * MINUTE_MS})
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        before = panel(app, "about")
        assert "late, Running" in shown(app)
        assert "should have ended 0:21:46 ago" in before

        clock.pass_ms(MINUTE_MS)
        await press(pilot, "j", "k")
        app.jobs.paint()
        assert panel(app, "about") == before


async def test_runs_are_called_by_the_words_that_were_wished(console):
    app = console(wishes=Preferences(dialect=Dialect.DIALER))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "Active" in shown(app)
        assert "Running" not in shown(app)
        await press(pilot, "f", "enter")
        await until(pilot, lambda: "Active 41%" in title(app, "records"))


async def test_runs_of_one_name_are_told_apart(app, desk):
    desk.runs[1] = replace(desk.runs[1], campaign_name="Autumn billing")
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        assert "0002" in shown(app)
        await press(pilot, "j")
        await until(pilot, lambda: "Autumn billing 0002" in panel(app, "about"))
        await press(pilot, "enter")
        assert "Runs > Autumn billing 0002" in title(app, "records")


# --- calm ----------------------------------------------------------------------------


async def test_a_poll_that_tells_nothing_new_paints_nothing(app, monkeypatch):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        painted = []
        monkeypatch.setattr(
            Panel, "refresh", lambda self, *_, **__: painted.append(self.id)
        )
        app.jobs._pulse()
        await settled(pilot)
        await asyncio.sleep(0.02)
        assert painted == []


async def test_a_poll_paints_the_cards_that_differ_and_no_row(app, desk, monkeypatch):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        painted = []
        monkeypatch.setattr(
            Panel, "refresh", lambda self, *_, **__: painted.append(self.id)
        )
        failed = replace(desk.runs[0].books, failed=9_018, pending=570_995)
        desk.runs[0] = replace(desk.runs[0], books=failed)
        app.jobs._pulse()
        await until(pilot, lambda: "FAILED 9,123" in panel(app, "cards"))
        assert painted == ["cards"]
        assert "     17" in shown(app)


async def test_a_slow_line_is_polled_less_often(console):
    app = console(wishes=Preferences(is_calm=True))
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        polls = [one._interval for one in app.jobs._timers if one._repeat is None]
        assert [one for one in polls if one > 1] == [4.0]


# --- what may go wrong ---------------------------------------------------------------


async def test_records_that_cannot_be_read_are_not_those_of_another_run(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert seqs(app)
        desk.fault = StoreError("the store is locked")
        await press(pilot, "j")

        await until(pilot, lambda: "the store is locked" in panel(app, "message"))
        assert seqs(app) == []
        assert "could not be read; r tries again" in shown(app)

        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "of 120,000" in title(app, "records"))


async def test_a_record_of_another_run_is_never_opened(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l")
        read, gate = desk.records, asyncio.Event()

        async def slowly(run_id, wanted):
            await gate.wait()
            return await read(run_id, wanted)

        desk.records = slowly
        await pilot.press("h", "j")
        await until(pilot, lambda: app.jobs._wanted.run_id == "run-0002")
        assert "1-40" not in title(app, "records")
        await pilot.press("l", "enter")
        await until(pilot, lambda: "are not read yet" in panel(app, "message"))
        assert not isinstance(app.screen, JourneyScreen)

        await until(pilot, lambda: "Reading the records" in panel(app, "message"))
        gate.set()
        await until(pilot, lambda: "1-40 of 120,000" in title(app, "records"))
        assert "Reading" not in panel(app, "message")


async def test_going_back_to_a_run_drops_what_was_asked_on_the_way(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        read, gate = desk.records, asyncio.Event()

        async def slowly(run_id, wanted):
            await gate.wait()
            return await read(run_id, wanted)

        desk.records = slowly
        await pilot.press("j")
        await until(pilot, lambda: app.jobs._wanted.run_id == "run-0002")
        await pilot.press("k")
        await until(pilot, lambda: app.jobs._wanted.run_id == "run-0001")
        gate.set()
        await settled(pilot)
        assert "1-40 of 1,000,000" in title(app, "records")


async def test_marks_of_records_end_with_their_run(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "space", "space", "right_square_bracket")
        assert "2 marked, 2 not shown" in panel(app, "message")
        await press(pilot, "h", "j")
        await until(pilot, lambda: "of 120,000" in title(app, "records"))
        assert app.jobs.records.marks == set()


@pytest.mark.parametrize(
    ("size", "lines", "needs"),
    [
        ((80, 12), 1, " Watchfloor needs 60x16."),
        ((40, 20), 3, " Watchfloor needs 60x16."),
        ((20, 5), 3, " needs 60x16"),
        ((9, 3), 3, " 60x16"),
    ],
)
async def test_too_small_says_what_matters_most(app, size, lines, needs):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await until(pilot, lambda: "FAILED 122" in panel(app, "small"))
        said = panel(app, "small").split("\n")
        assert len(said) == lines
        assert said[0].startswith(needs)
        if size[0] > 9:
            assert "…" not in shown(app)
        assert "q quit" in said[-1]
        assert "active 5" in panel(app, "small")


async def test_the_prompt_is_for_the_focused_list(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        assert isinstance(app.screen, Prompt)
        assert "Filter runs" in shown(app)
        await press(pilot, "escape", "l", "slash")
        assert "Filter records" in shown(app)


# --- keys that come at once ----------------------------------------------------------


@pytest.mark.parametrize("size", [SMALLEST, NARROW, WIDE])
@pytest.mark.parametrize("enters", ["l", "enter"])
async def test_a_key_behind_the_one_that_enters_the_records_is_for_them(
    app, size, enters
):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press_at_once(pilot, enters, "slash")
        assert isinstance(app.screen, Prompt)
        assert "Filter records" in shown(app)

        await press(pilot, "escape")
        assert app.focused is app.jobs.records
        await press_at_once(pilot, "h", "slash")
        assert "Filter runs" in shown(app)
        await press(pilot, "escape")
        assert app.focused is app.jobs.runs


async def test_every_page_of_a_burst_is_turned(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l")
        await press_at_once(pilot, *"]]]")
        await until(pilot, lambda: "121-160 of 1,000,000" in title(app, "records"))
        await press_at_once(pilot, *"][[")
        await until(pilot, lambda: "81-120 of 1,000,000" in title(app, "records"))
        await press_at_once(pilot, *"]]{]")
        await until(pilot, lambda: "41-80 of 1,000,000" in title(app, "records"))
        await press_at_once(pilot, *"[[[")
        await until(pilot, lambda: "First page." in panel(app, "message"))
        assert "1-40 of 1,000,000" in title(app, "records")


async def test_pages_that_were_asked_for_end_with_a_failure(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "l")
        desk.fault = StoreError("the store is gone")
        await press_at_once(pilot, *"]]]")
        await until(pilot, lambda: "the store is gone" in panel(app, "message"))
        desk.fault = None
        await press(pilot, "]")
        await until(pilot, lambda: "41-80 of 1,000,000" in title(app, "records"))


# --- titles and messages -------------------------------------------------------------


async def test_numbers_of_records_are_no_count_of_those_that_match(app):
    async with app.run_test(size=VAST) as pilot:
        await settled(pilot)
        await press(pilot, "l", "!")
        assert "records 11-518, 17 match" in title(app, "records")
        assert " of 17" not in title(app, "records")


async def test_what_was_said_of_a_widened_list_goes_with_it(app):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "f")
        assert "has the whole screen" in panel(app, "message")
        await press(pilot, "f")
        assert "has the whole screen" not in panel(app, "message")


async def test_what_was_said_of_a_search_ends_with_the_next_one(app, desk):
    desk.search_most = 500
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "l", "/", *"nobody", "enter")
        await until(pilot, lambda: "Looked at records" in panel(app, "message"))
        await press(pilot, "escape")
        await until(pilot, lambda: "1-40 of 1,000,000" in shown(app))
        assert "Looked at" not in panel(app, "message")


async def test_a_mistake_in_a_filter_is_told_to_its_end_where_it_is_cut(app, desk):
    async with app.run_test(size=(60, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "enter", "/", *'nonsense = "x"', "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "there is no field nonsense" in " ".join(shown(app).split())
        await press(pilot, "enter")
        assert app.screen is app.jobs
        assert "filter: none" in shown(app)
