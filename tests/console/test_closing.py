from __future__ import annotations

import asyncio

import pytest
from tests.console.looking import settled

from watchfloor.console.closing import close
from watchfloor.console.questions import Question
from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.screens.charts import ChartsScreen
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.live import LiveScreen
from watchfloor.console.screens.resolve_counter import ResolveCounter
from watchfloor.console.snapshots import PulseRead


def names(app) -> list[str]:
    return [type(screen).__name__ for screen in app.screen_stack]


async def test_a_covered_screen_stays_and_takes_no_other_one_with_it(app):
    async with app.run_test() as pilot:
        await settled(pilot)
        view = LiveScreen(app.session, app.jobs.run)
        await app.push_screen(view)
        over = Confirm(Question(title="Sure?", no="No"), app.session)
        await app.push_screen(over)

        close(view)
        await settled(pilot)
        assert names(app) == ["JobsScreen", "LiveScreen", "Confirm"]

        close(over)
        await settled(pilot)
        assert names(app) == ["JobsScreen", "LiveScreen"]

        close(view)
        close(view)
        await settled(pilot)
        assert names(app) == ["JobsScreen"]


async def test_nothing_is_asked_behind_another_screen(app):
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.push_screen(LiveScreen(app.session, app.jobs.run))

        assert await app.jobs.consent(Question(title="Sure?", no="No")) is None


@pytest.mark.parametrize("kind", [CallbacksScreen, LiveScreen, ChartsScreen])
async def test_a_view_hears_of_the_engine_at_any_moment_it_opens_or_goes(app, kind):
    heard = 0
    async with app.run_test() as pilot:
        await settled(pilot)
        pulse = PulseRead(await app.session.desk.pulse())
        view = kind(app.session, app.jobs.run)
        opening = app.push_screen(view)
        while not view.is_mounted:
            app.jobs._pulse_read(pulse)
            heard += 1
            await asyncio.sleep(0)
        await opening
        await settled(pilot)
        opened, going = heard, app._prune(view)  # as where the application ends
        while view.is_attached:
            app.jobs._pulse_read(pulse)
            heard += 1
            await asyncio.sleep(0)
        await going

    assert heard > opened + 1 > 2


async def test_what_a_screen_put_off_is_not_done_when_it_has_gone(app):
    done: list[str] = []
    async with app.run_test() as pilot:
        await settled(pilot)
        over = Confirm(Question(title="Sure?", no="No"), app.session)
        await app.push_screen(over)
        over.call_after_refresh(done.append, "while it stood")
        await settled(pilot)
        # Whoever is shown by then is told to do it: here the screen beneath.
        over.call_after_refresh(done.append, "when it had gone")
        close(over)
        await settled(pilot)

    assert done == ["while it stood"]


async def test_nothing_is_told_to_a_screen_that_loses_its_parts(app):
    told = []
    async with app.run_test() as pilot:
        await settled(pilot)
        view = LiveScreen(app.session, app.jobs.run)
        await app.push_screen(view)

        def tell(text, _):
            told.append(text)

        counter = ResolveCounter(view, app.session, tell, tell)
        counter.say("it stands")
        going = app._prune(view)  # as where the application ends
        assert names(app) == ["JobsScreen", "LiveScreen"]
        counter.say("it goes")
        await going

    assert told == ["it stands"]
