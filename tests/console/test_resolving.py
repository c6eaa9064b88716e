from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from tests.console.looking import press, settled, shown, until
from tests.console.test_text import HOSTILE
from tests.console.test_unknowns import grid, many
from textual.widgets import Button

from watchfloor.console.screens.chooser import Chooser
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.unknowns import UnknownsScreen
from watchfloor.domain.errors import Refusal, StoreError

SIZE = (80, 24)


async def inbox(app, pilot, desk, count=3) -> None:
    """Open the unknown records of two runs, each with so many."""
    many(desk, count)
    await settled(pilot)
    await press(pilot, "6")
    await until(pilot, lambda: isinstance(app.screen, UnknownsScreen))
    await until(pilot, lambda: len(grid(app).rows) > 0)


async def chosen(app, pilot, *keys: str) -> None:
    """Press keys, and choose among the ways; wait for the question."""
    await press(pilot, *keys)
    await until(pilot, lambda: isinstance(app.screen, Confirm))


def first_seq(app) -> int:
    """The record under the cursor."""
    row = grid(app).current
    assert row is not None
    return row.unknown.record.seq


def is_shown(app, said: str) -> bool:
    return said in shown(app)


def in_one_line(app) -> str:
    """What is shown, as if nothing of it were wrapped."""
    return " ".join(shown(app).replace("│", " ").split())


async def way(app, pilot, key: str) -> None:
    await press(pilot, key)
    await until(pilot, lambda: isinstance(app.screen, Chooser))


async def test_a_record_is_resolved_from_the_list_with_a_reason(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        seq = first_seq(app)
        await press(pilot, "m")
        await way(app, pilot, "U")
        assert "resolve 1 unknown record as" in shown(app)
        await chosen(app, pilot, "enter")
        assert "as delivered?" in shown(app)
        assert "reason, for the journal (needed)" in shown(app)
        await press(pilot, *"their log", "enter", "y")
        await until(pilot, lambda: bool(desk.ordered))
        await until(pilot, lambda: "resolve settled" in shown(app))
        assert isinstance(app.screen, UnknownsScreen)
    payload = {"as": "delivered", "expected": 1, "seqs": [seq]}
    assert desk.ordered == [("resolve", "run-0001", "their log", payload)]


async def test_without_a_reason_nothing_can_be_said(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, "enter")
        assert app.screen.query_one("#yes", Button).disabled
        await press(pilot, " ", "enter")
        assert app.focused.id == "reason"
        assert app.screen.query_one("#yes", Button).disabled
        await press(pilot, "escape")
        await until(pilot, lambda: "Nothing was resolved." in shown(app))
    assert desk.ordered == []


async def test_the_key_that_opened_it_and_enter_resolve_nothing(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, "enter")
        await press(pilot, "U", "enter", "enter")
        await until(pilot, lambda: "Nothing was resolved." in shown(app))
    assert desk.ordered == []


async def test_marked_records_of_several_runs_are_resolved_run_by_run(app, desk):
    async with app.run_test(size=(120, 36)) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m", "*")
        await until(pilot, lambda: "6 records marked: U resolves them." in shown(app))
        await way(app, pilot, "U")
        await chosen(app, pilot, *"not", "enter")
        said = shown(app)
        assert "Resolve 6 unknown records of 2 runs as not-delivered?" in said
        assert "run-0001: 3 records" in said
        await press(pilot, *"lost", "enter", "y")
        await until(pilot, lambda: len(desk.ordered) == 2)
        await until(pilot, lambda: "resolve settled" in shown(app))
        await until(pilot, lambda: not grid(app).marks)
    assert {(one[1], one[3]["expected"]) for one in desk.ordered} == {
        ("run-0001", 3),
        ("run-0002", 3),
    }


async def test_all_of_a_run_are_resolved_by_their_number(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk, 2_000)
        await press(pilot, "m")
        await way(app, pilot, "E")
        assert "resolve 2,000 unknown records as" in shown(app)
        await chosen(app, pilot, "enter")
        await press(pilot, *"all of it", "enter", "y")
        await until(pilot, lambda: bool(desk.ordered))
    assert desk.ordered[0][3] == {"as": "delivered", "expected": 2_000, "seqs": []}


async def test_a_resend_wants_the_run_id_typed(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, *"resend", "enter")
        said = shown(app)
        assert "contacted twice" in " ".join(said.split())
        assert "Type run-0001" in said
        await press(pilot, *"run-0001", "enter", *"we must", "enter", "y")
        await until(pilot, lambda: bool(desk.ordered))
    assert desk.ordered[0][:3] == ("resolve", "run-0001", "we must")
    assert desk.ordered[0][3]["as"] == "resend"


async def test_what_an_ended_run_cannot_do_says_what_to_do_instead(app, desk):
    many(desk, 0)
    ended = next(i for i, run in enumerate(desk.runs) if run.lifecycle.is_ended)
    desk.runs = [desk.runs[ended]]
    async with app.run_test(size=(120, 36)) as pilot:
        run = desk.runs[0]
        desk.runs[0] = replace(run, books=replace(run.books, unknown=2))
        await settled(pilot)
        await press(pilot, "6")
        await until(pilot, lambda: bool(grid(app).rows))
        await press(pilot, "m")
        await way(app, pilot, "U")
        assert "not possible: an ended run makes no attempts" in shown(app)
        await press(pilot, *"resend", "enter")
        retry = "watchfloor retry run-0006 --class unknown --seq N"
        await until(pilot, lambda: retry in in_one_line(app))
        assert isinstance(app.screen, Chooser)


@pytest.mark.parametrize("key", ["U", "E", "L", "W"])
async def test_nothing_is_resolved_while_disarmed_or_read_only(console, desk, key):
    for choices, why in (({}, "press m to arm"), ({"read_only": True}, "READ ONLY")):
        app = console(**choices)
        async with app.run_test(size=SIZE) as pilot:
            await inbox(app, pilot, desk)
            await press(pilot, key)
            shows = partial(is_shown, app, why)
            await until(pilot, shows)
            assert isinstance(app.screen, UnknownsScreen)
    assert desk.ordered == []


async def test_a_cohort_that_drifted_is_asked_about_anew_and_wants_typing(app, desk):
    desk.refusals = [Refusal.DRIFTED]
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, "enter")
        await press(pilot, *"log", "enter", "y")
        await until(pilot, lambda: "DRIFTED" in shown(app))
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "Type run-0001" in shown(app)
        await press(pilot, "escape")
        await until(pilot, lambda: "It was refused before: DRIFTED" in shown(app))
    assert len(desk.ordered) == 1


async def test_the_provider_is_asked_about_a_record_or_all_of_a_run(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        seq = first_seq(app)
        await press(pilot, "m")
        await chosen(app, pilot, "L")
        await until(pilot, lambda: "nobody is contacted" in in_one_line(app))
        await press(pilot, "y")
        await until(pilot, lambda: len(desk.ordered) == 1)
        await until(pilot, lambda: "look_up settled" in shown(app))
        await press(pilot, ":")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await chosen(app, pilot, *"look all", "enter")
        await press(pilot, "y")
        await until(pilot, lambda: len(desk.ordered) == 2)
    assert [one[3] for one in desk.ordered] == [{"seq": seq}, {"seq": None}]


async def test_a_look_up_is_ended_with_a_reason_where_it_is_started(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await chosen(app, pilot, "W")
        await until(pilot, lambda: "What it answered stays" in in_one_line(app))
        await press(pilot, *"slow", "enter", "y")
        await until(pilot, lambda: len(desk.ordered) == 1)
        await until(pilot, lambda: "withdraw_look_up settled" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await chosen(app, pilot, "W")
        await press(pilot, *"slow", "enter", "y")
        await until(pilot, lambda: len(desk.ordered) == 2)
    asked = ("withdraw_look_up", "run-0001", "slow")
    assert [one[:3] for one in desk.ordered] == [asked, asked]


async def test_the_palette_says_why_nothing_can_be_resolved(app, desk):
    async with app.run_test(size=(120, 36)) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, ":", *"resolve")
        await until(pilot, lambda: "Resolve all" in shown(app))
        assert shown(app).count("not possible: disarmed, press m first") == 2


async def test_one_record_is_resolved_from_its_journey(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        seq = first_seq(app)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await until(pilot, lambda: "nobody knows" in shown(app))
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, *"not", "enter")
        await press(pilot, *"asked them", "enter", "y")
        await until(pilot, lambda: bool(desk.ordered))
        await until(pilot, lambda: "resolve settled" in shown(app))
        assert isinstance(app.screen, JourneyScreen)
    payload = {"as": "not-delivered", "expected": 1, "seqs": [seq]}
    assert desk.ordered == [("resolve", "run-0001", "asked them", payload)]


async def test_a_record_that_is_known_has_nothing_to_resolve(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "l", "enter")
        await until(pilot, lambda: isinstance(app.screen, JourneyScreen))
        await settled(pilot)
        await press(pilot, "m", "U")
        await until(pilot, lambda: "Nothing to resolve: the record is" in shown(app))
    assert desk.ordered == []


async def test_words_reach_the_jobs_when_the_list_was_left(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, "enter")
        await press(pilot, *"log", "enter", "y", "q")
        await until(pilot, lambda: app.screen is app.jobs)
        await until(pilot, lambda: "resolve settled" in shown(app))


async def test_a_desk_that_cannot_answer_resolves_nothing(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        desk.fault = StoreError("the store is gone.")
        await press(pilot, "U")
        await until(pilot, lambda: "Nothing was resolved: the store" in shown(app))
    assert desk.ordered == []


@pytest.mark.parametrize("poison", ["".join(HOSTILE[:6]), "[/] [@click=app.quit]x[/]"])
async def test_names_from_outside_stand_literally_in_the_question(app, desk, poison):
    desk.poison = poison
    async with app.run_test(size=(120, 36)) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await way(app, pilot, "U")
        await chosen(app, pilot, "enter")
        assert "\x1b" not in shown(app)
        await press(pilot, *"log", "enter", "y")
        await until(pilot, lambda: bool(desk.ordered))
        await until(pilot, lambda: "resolve settled" in shown(app))
        assert "\x1b" not in shown(app)


async def test_the_list_is_armed_and_disarmed_as_the_jobs_are(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await until(pilot, lambda: "Armed for five minutes; M disarms" in shown(app))
        await press(pilot, "M")
        await until(pilot, lambda: "Disarmed." in shown(app))
        await press(pilot, "U")
        await until(pilot, lambda: "press m to arm" in shown(app))
    assert desk.ordered == []


async def test_who_only_looks_cannot_arm_the_list(console, desk):
    app = console(read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await inbox(app, pilot, desk)
        await press(pilot, "m")
        await until(pilot, lambda: "READ ONLY" in shown(app))
        assert "Armed" not in shown(app)
        assert not app.session.is_armed
