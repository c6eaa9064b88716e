from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import press, settled, shown
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import NOON_MS, a_canary, a_run

from watchfloor.console.canary_lines import StageRow, stage_at_length
from watchfloor.console.labels import canary_share, list_label
from watchfloor.console.screens.canary import CanaryScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.books import Books
from watchfloor.domain.canary import StageState, StageView
from watchfloor.domain.regions import Gate, Lifecycle, Phase, RunOutcome, Verb

ENDED = Lifecycle(phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
SIZES = ((80, 24), (120, 36), (200, 60))


def child(**choices):
    books = Books(extracted=735, records=735, pending=723, delivered=12)
    life = Lifecycle(phase=Phase.RUNNING, launched=True)
    run = a_run(9, "Autumn billing", life, books)
    made = replace(run, parent_id="run-0001", cohort=735, released_seq=15)
    return replace(made, **choices)


@pytest.fixture
def retried(desk: PaperDesk) -> PaperDesk:
    run = child()
    desk.runs = [run]
    desk.canaries = {run.run_id: a_canary(run.run_id)}
    return desk


def stages(app) -> list[StageRow]:
    found: Grid[StageRow] = app.screen.query_one("#entries", Grid)
    return list(found.rows)


@pytest.mark.parametrize("size", SIZES)
async def test_stages_stand_with_their_figures_and_what_they_were_judged_on(
    app, retried, size
):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        assert isinstance(app.screen, CanaryScreen)
        said = shown(app)
        assert "620 records are held back" in said
        assert "1 of 3" in said
        assert "15 of 15 final" in said
        await press(pilot, "k")
        said = " ".join(shown(app).split())
        assert "0 of 15 failed: with 95 % confidence fewer than 18 % of the" in said
        assert "the next one was let go by engine" in said


async def test_the_cursor_begins_on_the_stage_that_was_released_last(app, retried):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "8")
        said = " ".join(shown(app).split())
        assert "stage 2 of 3 running" in said
        assert "so far 2 of 63 attempts failed for now or are unknown" in said
        assert "2 of 61 failed: with 95 % confidence fewer than 10.0 %" in said
        await press(pilot, "G")
        assert "the stages before it are judged first" in shown(app)


async def test_a_stopped_canary_says_who_goes_on_and_a_resume_shows_what_it_overrules(
    app, retried
):
    run = retried.runs[0]
    paused = replace(run.lifecycle, gate=Gate.PAUSED)
    retried.runs = [replace(run, lifecycle=paused)]
    retried.canaries = {run.run_id: a_canary(run.run_id, StageState.STOPPED)}
    retried.overruled = ("Overrules the canary and releases stage 3, 620 records.",)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        assert "stopped, 620 records are held back" in shown(app)
        assert "u overrules it" in shown(app)
        await press(pilot, "1", "m", "u")
        assert "Overrules the canary" in shown(app)
        assert "Yes, overrule it" in shown(app)
        await press(pilot, "n")
        assert retried.asked == []
        await press(pilot, "u", "y")
        assert [verb for verb, *_ in retried.asked] == [Verb.RESUME.value]


async def test_nothing_moves_until_a_refresh(app, retried):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        run_id = retried.runs[0].run_id
        retried.canaries = {run_id: a_canary(run_id, StageState.PASSED)}
        await settled(pilot)
        assert stages(app)[1].stage.state is StageState.RUNNING
        await press(pilot, "r")
        assert stages(app)[1].stage.state is StageState.PASSED
        assert "1 of 3 rows changed" in shown(app)


async def test_a_run_that_is_no_retry_has_no_canary(app, desk):
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        assert "Canary: the run is no retry" in shown(app)


async def test_a_retry_without_a_canary_says_so(app, retried):
    retried.canaries = {}
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        assert "This run has no canary" in shown(app)


async def test_the_jobs_say_how_far_the_stage_is(app, retried):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert "canary 1 of 3: 12 of 15" in shown(app)
        await press(pilot, "d")
        assert "canary 1 of 3: 12 of 15" in shown(app)


@pytest.mark.parametrize(
    ("gate", "said"),
    [(Gate.OPEN, "canary 1 of 3: 12"), (Gate.PAUSED, "paused, canary 1")],
)
async def test_a_narrow_list_has_room_for_the_stage(app, retried, gate, said):
    life = Lifecycle(phase=Phase.RUNNING, gate=gate, launched=True)
    # Beside the run it retries, which takes a column more.
    older = child(run_id="run-0001", lifecycle=ENDED, released_seq=None)
    retried.runs = [child(lifecycle=life), older]
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        [row] = [line for line in shown(app).splitlines() if line.startswith(">")]
        assert said in row


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({}, "canary 1 of 3: 12 of 15"),
        ({"released_seq": 115}, "canary 2 of 3: 0 of 100"),
        ({"released_seq": None}, ""),
        ({"cohort": 40, "released_seq": 15}, "canary 1 of 2: 12 of 15"),
        ({"released_seq": 77}, "canary: 77 of 735 released"),
    ],
)
def test_how_far_a_canary_is_follows_from_the_books(choices, said):
    assert canary_share(child(**choices)) == said


def test_what_is_settled_before_a_stage_does_not_count_for_it():
    books = Books(
        extracted=735, records=735, pending=610, delivered=90, failed=30, callback=5
    )

    assert canary_share(child(books=books, released_seq=115)).endswith("100 of 100")


def test_a_run_that_ended_holds_nothing_back():
    ended = Lifecycle(phase=Phase.ENDED, outcome=RunOutcome.STOPPED)

    assert canary_share(child(lifecycle=ended)) == ""
    assert "canary" not in list_label(child(lifecycle=ended), NOON_MS)


def test_what_a_provider_says_is_masked_in_the_evidence():
    stage = StageView(
        number=1,
        records=15,
        last_seq=15,
        state=StageState.STOPPED,
        evidence=("permanent: 2 no_line_+15551234567",),
    )

    said = stage_at_length(StageRow(stage, 3, NOON_MS), 80)

    assert "+15551234567" not in str(said)


async def test_of_a_parent_the_canary_of_its_newest_retry_is_shown(app, retried):
    parent = a_run(1, "Autumn billing", ENDED, Books(extracted=735, records=735))
    parent = replace(parent, retried_by="run-0009")
    retried.runs = [parent, *retried.runs]
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        app.jobs.runs.select("run-0001")
        await press(pilot, "8")
        said = " ".join(shown(app).split())
        assert "run-0001 was retried: this is its newest retry, run-0009." in said
        assert "620 records are held back" in said


async def test_a_run_that_is_no_retry_and_has_none_has_no_canary(app, retried):
    retried.runs = [a_run(1, "Autumn billing", ENDED, Books())]
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "8")
        assert "the run is no retry and has none" in shown(app)
