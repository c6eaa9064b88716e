"""A question that goes away by itself: what is typed on into it is no command."""

from __future__ import annotations

import pytest
from tests.console.looking import jobs, panel, press, settled, shown, until
from tests.console.paper_keeper import PaperKeeper

from watchfloor.console.safety import QUIET_MS, SafetyCatch
from watchfloor.console.screens import confirm
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.snapshots import PulseRead

WIDE = (160, 36)
NOT_OBEYED = "went away by itself: those keys were not obeyed"
ENDED = "That engine has ended meanwhile; nothing was changed. R starts one here."


@pytest.fixture
def keeper(desk):
    """Another process owns the workspace."""
    desk.pid += 1
    return PaperKeeper(owned=True)


@pytest.fixture
def app(console, keeper):
    return console(keeper=keeper)


def said(app) -> str:
    """The line of words, as one line."""
    return " ".join(panel(app, "message").split())


async def vanished(app, pilot, keeper):
    """Let the engine end while somebody types that it is to be taken over."""
    await settled(pilot)
    await press(pilot, "m", "R", *"take")
    assert isinstance(app.screen, Confirm)
    keeper.owned = False
    await until(pilot, lambda: app.screen is app.jobs)


async def test_what_is_typed_on_into_a_question_that_went_away_is_no_command(
    app, desk, keeper
):
    async with app.run_test(size=WIDE) as pilot:
        await vanished(app, pilot, keeper)
        for key in (*"pRover", "enter"):
            await press(pilot, key)
            desk.clock.pass_ms(QUIET_MS - 1)
        await until(pilot, lambda: ENDED in said(app))
        assert NOT_OBEYED in said(app)
        assert app.screen is app.jobs

    assert (keeper.started, desk.asked) == ([], [])


@pytest.mark.parametrize("way", ["a pause", "escape"])
async def test_keys_are_obeyed_again_after_a_moment_or_escape(app, desk, keeper, way):
    async with app.run_test(size=WIDE) as pilot:
        await vanished(app, pilot, keeper)
        await press(pilot, "p")
        assert desk.asked == []
        if way == "escape":
            await press(pilot, "escape")
        else:
            desk.clock.pass_ms(QUIET_MS)
        await press(pilot, "p")
        await until(pilot, lambda: [one[0] for one in desk.asked] == ["pause"])
        assert NOT_OBEYED not in shown(app)


async def test_no_question_stays_about_an_engine_that_has_ended(
    app, desk, keeper, monkeypatch
):
    monkeypatch.setattr(confirm, "_MOOT_S", 3_600)
    keeper.owned = False
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        await until(pilot, lambda: ENDED in said(app))
        assert app.screen is app.jobs
        assert keeper.started == []
        # Its last heartbeat looks fresh yet; the key does what the line said.
        desk.clock.pass_ms(QUIET_MS)
        await press(pilot, "R")
        await until(pilot, lambda: keeper.started == [(0.0, False)])


async def test_what_is_typed_on_when_another_store_came_is_no_command(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        jobs(app).post_message(PulseRead(await desk.pulse()))
        await settled(pilot)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        desk.store += 1
        jobs(app).post_message(PulseRead(await desk.pulse()))
        await settled(pilot)
        await press(pilot, "m")
        assert "disarmed" in panel(app, "header")
        assert "Another workspace stands here now" in said(app)
        assert NOT_OBEYED in said(app)


def test_a_clock_that_was_put_back_ignores_no_key_for_longer():
    catch = SafetyCatch()
    catch.ignore_typing(60_000)

    assert catch.ignores_typing(60_000)
    assert not catch.ignores_typing(60_000 + QUIET_MS)
    assert not catch.ignores_typing(50_000)
