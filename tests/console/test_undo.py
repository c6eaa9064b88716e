from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.console.looking import panel, press, settled, shown, until
from tests.console.paper_desk import PaperDesk
from textual.pilot import Pilot

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.outgoing import Held, Outgoing
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.confirm import Confirm
from watchfloor.domain.previews import seen
from watchfloor.domain.regions import Phase, RunOutcome, Verb

SIZE = (80, 24)
NAME = "Autumn billing"


@pytest.fixture
def patient(console: Callable[..., WatchfloorApp]) -> WatchfloorApp:
    """A console in which nothing goes out by itself while a test runs."""
    return console(wishes=Preferences(undo_s=600))


async def stopped(pilot: Pilot[Any]) -> None:
    """Arm, ask for a stop of the selected run, and say yes."""
    await press(pilot, "m", "s")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    await press(pilot, "y")


async def test_a_stop_waits_says_until_when_and_can_be_taken_back(patient, desk):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(patient.screen, Confirm))
        await until(pilot, lambda: "z takes it back for 600 s" in shown(patient))
        await press(pilot, "y")
        await until(pilot, lambda: "out 14:12:11" in panel(patient, "message"))
        assert "Not asked yet" in panel(patient, "message")
        assert "z Take back" in panel(patient, "footer")
        assert desk.asked == []

        await press(pilot, "z")
        await until(pilot, lambda: "was never asked" in panel(patient, "message"))
        assert desk.asked == []
        assert "z Take back" not in panel(patient, "footer")


async def test_what_is_not_taken_back_is_asked_when_its_time_has_come(console, desk):
    app = console(wishes=Preferences(undo_s=0.01))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped(pilot)
        await until(pilot, lambda: bool(desk.asked))
        await until(pilot, lambda: "stop settled" in panel(app, "message"))
        assert desk.asked[0][:2] == ("stop", "run-0001")


async def test_a_pause_and_what_ends_a_run_before_its_launch_never_wait(patient, desk):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "p")
        await until(pilot, lambda: len(desk.asked) == 1)
        # Win-back Q4 is still extracted: its cancel races the launch.
        await press(pilot, "j", "j", "j", "c")
        await until(pilot, lambda: isinstance(patient.screen, Confirm))
        assert "takes it back" not in shown(patient)
        await press(pilot, *"run-0004", "enter")
        await press(pilot, "y")
        await until(pilot, lambda: len(desk.asked) == 2)
        assert desk.asked[1][0] == Verb.CANCEL


async def test_the_same_run_is_not_asked_twice_while_its_stop_waits(patient, desk):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped(pilot)
        await until(pilot, lambda: bool(patient.session.outgoing.held))
        await press(pilot, "s")
        await until(pilot, lambda: "already; z" in panel(patient, "message"))
        assert not isinstance(patient.screen, Confirm)
        assert desk.asked == []


async def test_leaving_names_what_waits_and_hands_it_over(patient, desk):
    desk.pid = 1  # the engine lives elsewhere: its runs are no reason to stay
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped(pilot)
        await until(pilot, lambda: bool(patient.session.outgoing.held))
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(patient.screen, Confirm))
        await until(pilot, lambda: "to the engine at once" in shown(patient))
        assert f"Not asked yet: stop of {NAME}, out 14:12:11" in shown(patient)
        await press(pilot, "y")
        await until(pilot, lambda: patient._exit)
    assert [one[:2] for one in desk.asked] == [("stop", "run-0001")]


async def test_a_terminal_that_goes_away_does_not_lose_what_was_confirmed(
    patient, desk
):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped(pilot)
        await until(pilot, lambda: bool(patient.session.outgoing.held))
        patient._end_now()
        await until(pilot, lambda: patient._exit)
    assert [one[:2] for one in desk.asked] == [("stop", "run-0001")]


async def test_handing_over_waits_until_the_store_has_it():
    outgoing = Outgoing()
    stored: list[str] = []

    async def one(name: str) -> None:
        held = Held(verb="stop", run_id=name, run_name=name, goes_at_ms=0)
        if await outgoing.hold(held, 600):
            await asyncio.sleep(0.01)
            stored.append(name)
            outgoing.asked()

    tasks = [asyncio.create_task(one(name)) for name in "abc"]
    await asyncio.sleep(0)
    last = outgoing.take_back()
    assert last is not None
    assert last.run_id == "c"

    assert await outgoing.hand_over(5)
    assert stored == ["a", "b"]
    await asyncio.gather(*tasks)
    assert outgoing.take_back() is None


async def test_handing_over_tells_when_the_store_does_not_take_it():
    outgoing = Outgoing()
    held = Held(verb="stop", run_id="a", run_name="a", goes_at_ms=0)
    waits = asyncio.create_task(outgoing.hold(held, 600))
    await asyncio.sleep(0)

    assert not await outgoing.hand_over(0.01)
    assert await waits


async def test_paper_desks_are_asked_for_nothing_else(patient, desk: PaperDesk):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "z")
        assert "nothing to take back" in panel(patient, "message")
        assert desk.asked == []


async def test_what_waits_stays_in_sight_while_other_words_come(patient):
    async with patient.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await stopped(pilot)
        await until(pilot, lambda: bool(patient.session.outgoing.held))
        await press(pilot, "r")
        await until(pilot, lambda: "changed" in panel(patient, "message"))
        assert "z takes back: stop of Autumn billing, out 14:12:11" in panel(
            patient, "message"
        )


async def test_every_view_says_that_no_engine_lives(console, desk):
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "5")
        await settled(pilot)
        assert "NO ENGINE" not in shown(app)
        desk.alive = False
        app.jobs._pulse()
        await until(pilot, lambda: "NO ENGINE" in shown(app))


async def test_a_second_stop_of_a_run_cannot_be_confirmed_while_one_is_asked(
    patient, desk
):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s", "s")
        await until(pilot, lambda: isinstance(patient.screen, Confirm))
        await press(pilot, "escape")
        await stopped_again(pilot)
        assert len(patient.session.outgoing.held) == 1


async def stopped_again(pilot: Pilot[Any]) -> None:
    await stopped(pilot)
    app = cast("WatchfloorApp", pilot.app)
    await until(pilot, lambda: bool(app.session.outgoing.held))


async def test_a_pause_passes_while_a_stop_waits_and_the_stop_goes_out_all_the_same(
    console, desk
):
    app = console(wishes=Preferences(undo_s=600))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped_again(pilot)
        await press(pilot, "p")
        await until(pilot, lambda: [one[0] for one in desk.asked] == ["pause"])
        await until(pilot, lambda: "pause settled" in panel(app, "message"))
        app.session.outgoing.held[0].decide(taken_back=False)
        await until(pilot, lambda: [one[0] for one in desk.asked][-1] == "stop")
        # Of the run as it is now: its version has grown with the pause.
        assert desk.asked[-1][3] == desk.runs[0].version


async def test_a_stop_carries_the_figures_that_were_on_the_screen_at_its_yes(
    patient, desk
):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        asked_of = desk.runs[0]
        await stopped_again(pilot)
        left = replace(asked_of.books, pending=500_000, delivered=499_971)
        desk.runs[0] = replace(asked_of, books=left, version=asked_of.version + 2)
        patient.session.outgoing.held[0].decide(taken_back=False)
        await until(pilot, lambda: bool(desk.seen))
        now = replace(seen(asked_of), version=asked_of.version + 2)
        assert seen(desk.runs[0]).untouched < now.untouched
        assert desk.seen == [now]


async def test_a_stop_of_a_run_that_ended_under_its_question_does_not_wait(
    patient, desk
):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(patient.screen, Confirm))
        over = replace(
            desk.runs[0].lifecycle, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED
        )
        desk.runs[0] = replace(desk.runs[0], lifecycle=over)
        await press(pilot, "y")
        told = "stop refused, ALREADY_ENDED: the run has ended; nothing can change it"
        await until(pilot, lambda: told in " ".join(panel(patient, "message").split()))
        assert not patient.session.outgoing.is_busy
        assert desk.asked == []


def test_what_has_gone_out_is_not_called_over():
    held = Held(verb="stop", run_id="run-1", run_name=NAME, goes_at_ms=0)
    held.decide(taken_back=False)
    held.find_over()

    assert (held.is_over, held.is_taken_back) == (False, False)


async def test_disarming_takes_back_what_waits(patient, desk):
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped_again(pilot)
        await press(pilot, "M")
        await until(pilot, lambda: not patient.session.outgoing.held)
        assert desk.asked == []


@pytest.mark.parametrize("view", ["2", "3", "4", "5", "6", "x"])
async def test_what_waits_can_be_taken_back_from_every_view(patient, desk, view):
    async with patient.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await stopped_again(pilot)
        await press(pilot, view)
        await until(pilot, lambda: "z takes back: stop of Autumn" in shown(patient))
        await press(pilot, "z")
        await until(pilot, lambda: "was never asked" in shown(patient))
        assert desk.asked == []


async def test_textuals_own_way_out_asks_and_hands_over_too(patient, desk):
    desk.pid = 1
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await stopped_again(pilot)
        await press(pilot, "ctrl+q")
        await until(pilot, lambda: isinstance(patient.screen, Confirm))
        await press(pilot, "y")
        await until(pilot, lambda: patient._exit)
    assert [one[0] for one in desk.asked] == ["stop"]
    assert any("stop" in said for said in patient.parting)


async def test_a_question_that_comes_late_is_not_answered_by_another_key(patient, desk):
    slow = asyncio.Event()
    preview = desk.preview

    async def late(*asked: Any) -> Any:
        await slow.wait()
        return await preview(*asked)

    desk.preview = late
    async with patient.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s", "j")
        slow.set()
        await until(pilot, lambda: "came late" in panel(patient, "message"))
        await press(pilot, "y")
        assert not isinstance(patient.screen, Confirm)
        assert desk.asked == []
        assert not patient.session.outgoing.held


async def test_a_reason_typed_at_once_is_a_reason_and_no_answer(console, desk):
    app = console()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await press(pilot, *"my list", "enter")
        assert desk.asked == []
        await press(pilot, "y")
        await until(pilot, lambda: bool(desk.asked))
        assert desk.asked[0][:3] == ("stop", "run-0001", "my list")
