from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.console.looking import panel, press, settled, shown, until
from tests.console.paper_desk import PaperDesk
from textual.pilot import Pilot

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.outgoing import Held, Outgoing
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.confirm import Confirm
from watchfloor.domain.regions import Verb

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
        await until(pilot, lambda: "goes out 14:12:11" in panel(patient, "message"))
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
        await until(pilot, lambda: "hands it to the engine at once" in shown(patient))
        assert f"The stop of {NAME} goes out 14:12:11" in shown(patient)
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
        assert "z takes back: stop, out 14:12:11" in panel(patient, "message")


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
