from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.console.looking import press, settled, shown, until
from tests.console.paper_runs import a_run
from tests.console.test_text import HOSTILE
from textual.screen import Screen

from watchfloor.console.keymap import Keymap
from watchfloor.console.lens_lines import LensRow
from watchfloor.console.screens.chooser import Chooser
from watchfloor.console.screens.cohort import CohortScreen
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.lens import LensScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.books import Books
from watchfloor.domain.errors import Refusal, StoreError
from watchfloor.domain.regions import Lifecycle, Phase, RunOutcome

SIZES = ((80, 24), (120, 36), (200, 60))
ENDED = Lifecycle(phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)


def grid(app) -> Grid[LensRow]:
    found: Grid[LensRow] = app.screen.query_one("#entries", Grid)
    return found


@pytest.fixture
def ended(desk):
    """A run that has ended with failures; the only one there is."""
    books = Books(
        extracted=2_000, records=2_000, delivered=1_018, failed=979, unknown=3
    )
    desk.runs = [a_run(1, "Autumn billing", ENDED, books)]
    return desk


async def opened(app, pilot) -> None:
    await settled(pilot)
    await press(pilot, "F")
    assert is_open(app, LensScreen)
    await until(pilot, lambda: bool(grid(app).rows))


def is_open(app, kind: type[Screen[Any]]) -> bool:
    return isinstance(app.screen, kind)


def copied(app) -> list[str]:
    """Take what is copied from now on."""
    taken: list[str] = []
    app.copy_to_clipboard = taken.append
    return taken


@pytest.mark.parametrize("size", SIZES)
async def test_groups_stand_by_size_with_what_may_become_of_them(app, ended, size):
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        said = shown(app)
        assert "982: 810 retryable, 120 never, 3 to resolve, 9 by itself" in said
        assert "40 taken up" in said
        assert "http_503" in said
        assert "example.org" in said
        assert [row.group.records for row in grid(app).rows][:3] == [600, 210, 120]
        words = "watchfloor retry run-0001 --class transient --code http_503"
        assert words in " ".join(said.split())


async def test_one_key_groups_by_another_dimension_and_another_goes_back(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "b")
        assert "by code" in shown(app)
        assert [row.group.code for row in grid(app).rows][:2] == ["http_503", "busy"]
        await press(pilot, "b")
        assert "by origin" in shown(app)
        await press(pilot, "B", "B")
        assert "by class, code, origin, step" in shown(app)
        await press(pilot, "B")
        assert "by step" in shown(app)
        assert [row.group.step for row in grid(app).rows] == ["call", "text"]


async def test_a_run_with_very_many_failures_says_how_many_were_looked_at(app, ended):
    ended.failures_of = 5_000_000
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        assert "the newest 982 of 5,000,000" in shown(app)


async def test_enter_shows_the_records_and_exactly_what_a_retry_would_do(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "enter")
        assert is_open(app, CohortScreen)
        said = shown(app)
        assert "transient · http_503 · example.org · call" in said
        assert "will be tried again, each at the step where it failed" in said
        assert "A canary of 15 goes first, then 100, then 620" in said
        await press(pilot, "enter")
        assert is_open(app, JourneyScreen)
        await press(pilot, "escape", "escape")
        assert is_open(app, LensScreen)


async def test_the_pages_of_a_cohort_are_turned(app, ended):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "enter")
        first = [row.record.seq for row in app.screen.query_one("#entries", Grid).rows]
        await press(pilot, "]")
        assert "page 2" in shown(app)
        second = [row.record.seq for row in app.screen.query_one("#entries", Grid).rows]
        assert min(second) > max(first)
        await press(pilot, "[")
        assert "page 2" not in shown(app)


async def test_marked_groups_that_differ_in_one_thing_are_one_cohort(app, ended):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "b", "space", "space")
        assert "2 groups marked, 859 records" in shown(app)
        await press(pilot, "enter")
        top = app.screen
        assert isinstance(top, CohortScreen)
        chosen = top.meant()
        assert not isinstance(chosen, str)
        assert chosen.selection.codes == {"http_503", "busy"}
        assert "http_503 and 1 more group" in shown(app)


async def test_marked_groups_that_are_no_one_cohort_say_what_else_it_would_hold(
    app, ended
):
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "space", "j", "j", "space", "enter")
        assert is_open(app, Confirm)
        assert "There is no one cohort" in shown(app)
        await press(pilot, "enter", "m", "R")
        assert is_open(app, Confirm)
        assert ended.retries == []


async def test_a_retry_is_asked_from_the_lens_and_followed(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "R")
        assert "Disarmed: press m" in shown(app)
        await press(pilot, "m", "R")
        assert is_open(app, Confirm)
        said = shown(app)
        assert "Retry 735 of Autumn billing?" in said
        assert "failed for good and are refused" in said
        assert "No, leave it" in said
        await press(pilot, "enter")
        assert ended.retries == []
        assert "Nothing of Autumn billing is retried" in shown(app)
        await press(pilot, "R", "tab", *"cause is gone", "tab", "tab", "enter")
        await until(pilot, lambda: bool(ended.retries))
        preview, canary, reason = ended.retries[0]
        assert (canary, reason) == (True, "cause is gone")
        assert preview.selection.codes == {"http_503"}
        await until(pilot, lambda: "as run child-0001" in shown(app))
        assert is_open(app, LensScreen)


async def test_all_at_once_wants_the_number_typed(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "m", "E")
        assert "Type 735 and press Enter" in shown(app)
        await press(pilot, *"734", "enter")
        assert "That is not the number of records" in shown(app)
        await press(pilot, "backspace", "5", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: bool(ended.retries))
        assert ended.retries[0][1] is False


async def test_unknown_ones_too_is_an_act_of_its_own_and_typed(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "G", "m", ":", *"retry unkn", "enter")
        assert is_open(app, Confirm)
        said = " ".join(shown(app).replace("│", "").split())
        assert "whoever was reached is contacted AGAIN" in said
        assert "Type resend" in shown(app)


async def test_counts_that_drifted_are_offered_anew_and_the_id_is_typed(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        ended.refusals = [Refusal.DRIFTED]
        await press(pilot, "m", "R", "y")
        await until(pilot, lambda: "on the new figures" in shown(app))
        assert "Type run-0001" in shown(app)
        await press(pilot, "escape")
        assert "It was refused before: DRIFTED" in shown(app)
        assert len(ended.retries) == 1


async def test_a_live_run_is_not_retried_and_says_why(app, desk):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "m", "R")
        assert "Retry is not possible now" in shown(app)
        assert "STILL_LIVE" in shown(app)
        await press(pilot, "enter")
        assert desk.retries == []


async def test_who_only_looks_retries_nothing(console, ended):
    app = console(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot)
        await press(pilot, "m", "R", "E")
        assert "READ ONLY" in shown(app)
        assert ended.retries == []


async def test_the_palette_says_why_an_act_is_not_possible(app, ended):
    def why(ident):
        return app.screen.obstacle(Keymap().act(ident))

    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        assert why("cohort.retry") == "disarmed, press m first"
        await press(pilot, "m")
        assert why("cohort.retry") == ""
        assert why("cohort.unknown") == "none of these is unknown"
        await press(pilot, "j", "j")
        assert why("cohort.retry") == "permanent: never retried"
        await press(pilot, "G")
        assert why("cohort.resolve") == ""
        assert why("cohort.retry") == "unknown: resolve first"
        await press(pilot, ":", *"retry all")
        assert "unknown: resolve first" in shown(app)


async def test_the_words_for_a_shell_and_the_groups_are_copied(app, ended):
    taken = copied(app)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "y")
        words = "--class transient --code http_503 --origin example.org --step call"
        assert taken == [f"watchfloor retry run-0001 {words}"]
        await press(pilot, "j", "j", "y")
        assert "Nothing was copied: permanent: never retried" in shown(app)
        await press(pilot, "Y")
        told = json.loads(taken[1])
        assert told["groups"][0]["code"] == "wrong_number"
        assert told["groups"][0]["permanent"] == 120
        await press(pilot, "g", "enter", "Y", "y")
        assert json.loads(taken[2])["stages"] == [15, 100, 620]
        assert json.loads(taken[2])["words"] == taken[3] == taken[0]


async def test_the_unknown_ones_of_a_group_are_resolved_counted_and_with_a_reason(
    app, ended
):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "G", "U")
        assert "Disarmed" in shown(app)
        row = grid(app).current
        assert row is not None
        codes = [row.group.code]
        await press(pilot, "m", "U")
        await until(pilot, lambda: is_open(app, Chooser))
        await press(pilot, *"not-d", "enter")
        await until(pilot, lambda: is_open(app, Confirm))
        assert "as not-delivered?" in shown(app)
        await press(pilot, *"their log", "enter", "y")
        await until(pilot, lambda: bool(ended.ordered))
        await until(pilot, lambda: "resolve settled" in shown(app))
        assert is_open(app, LensScreen)
    verb, run_id, reason, payload = ended.ordered[0]
    assert (verb, run_id, reason) == ("resolve", "run-0001", "their log")
    assert (payload["as"], payload["codes"]) == ("not-delivered", codes)


async def test_of_a_group_without_unknown_ones_nothing_is_resolved(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "m", "U")
        assert "Nothing to resolve: none of these is unknown." in shown(app)
        assert not ended.ordered


async def test_from_triage_one_key_leads_to_the_failures_of_that_run(app, desk):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "j", "3", "F")
        assert is_open(app, LensScreen)
        assert app.screen.run == app.jobs.run == desk.runs[1]


async def test_a_refresh_keeps_the_grouping_the_cursor_and_the_marks(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        await press(pilot, "b", "space", "r")
        assert "by code" in shown(app)
        assert "0 of 4 rows changed" in shown(app)
        assert "1 group marked" in shown(app)
        row = grid(app).current
        assert row is not None
        assert row.group.code == "busy"


async def test_a_failed_read_keeps_the_groups_and_tells_their_age(app, ended):
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(app, pilot)
        ended.fault = StoreError("the store is gone.")
        await press(pilot, "r")
        assert "the store is gone. This is from" in shown(app)
        await press(pilot, "b")
        assert "by class, code, origin, step" in shown(app)
        assert len(grid(app).rows) == 6
        ended.fault = None
        await press(pilot, "r")
        assert "by class, code, origin, step" in shown(app)


async def test_nothing_failed_and_no_run_are_sentences(app, desk):
    run = desk.runs[0]
    desk.runs = [replace(run, books=replace(run.books, failed=0))]
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "F")
        await until(pilot, lambda: "Nothing failed in this run" in shown(app))
        await press(pilot, "enter", "R", "m", "R", "y", "Y", "U", "]")
        await press(pilot, "escape", "escape")
        desk.runs = []
        await press(pilot, "r", "F")
        assert "Failures: no run is selected" in shown(app)


@pytest.mark.parametrize("poison", ["".join(HOSTILE[:6]), "[/] [@click=app.quit]x[/]"])
async def test_texts_from_outside_are_shown_literally(app, ended, poison):
    ended.poison = poison
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(app, pilot)
        assert "\x1b" not in shown(app)
        await press(pilot, "enter")
        assert is_open(app, CohortScreen)
        assert "\x1b" not in shown(app)
        await press(pilot, "y", "Y", "m", "R")
        assert "\x1b" not in shown(app)


async def test_a_code_that_holds_a_number_is_masked_and_not_copied(app, ended):
    ended.poison = "no_line_+15551234567"
    taken = copied(app)
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(app, pilot)
        assert "+15551234567" not in shown(app).partition("\n")[2]
        await press(pilot, "y")
        assert "cannot be typed in a shell" in shown(app)
        assert taken == []
