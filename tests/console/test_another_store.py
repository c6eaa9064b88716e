"""A console whose workspace is replaced, or whose operator is less than before."""

from __future__ import annotations

import asyncio

import pytest
from tests.console.looking import jobs, panel, press, settled, shown, until

from watchfloor.console.outgoing import Held
from watchfloor.console.preferences import Preferences
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.snapshots import PulseRead
from watchfloor.domain.errors import StoreError
from watchfloor.domain.roles import Role

WIDE = (200, 50)


async def polled(app, pilot, desk):
    """Let the console poll now, not when its time has come."""
    jobs(app).post_message(PulseRead(await desk.pulse()))
    await settled(pilot)


async def test_another_store_voids_what_was_typed_marked_and_shown(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await polled(app, pilot, desk)
        await press(pilot, "space", "j", "j", "j", "escape")
        await press(pilot, "m", "c")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await press(pilot, *"run-0004", "enter")
        desk.runs = desk.runs[:2]
        desk.store += 1
        await polled(app, pilot, desk)

        assert app.screen is app.jobs
        assert "Another workspace stands here now" in panel(app, "message")
        assert "disarmed" in panel(app, "header")
        assert len(jobs(app).runs.rows) == 2
        assert jobs(app).runs.marks == set()
        assert jobs(app).is_selected("run-0001")
        assert (jobs(app).runs.place, jobs(app).records.place) == (0, 0)
        await press(pilot, "y")
        assert desk.asked == []
        # A key works as before: who asked for what is void does not wait for ever.
        await press(pilot, "escape", "m", "p")
        await until(pilot, lambda: len(desk.asked) == 1)


async def test_what_waits_to_go_out_is_never_asked_of_another_store(console, desk):
    app = console(wishes=Preferences(undo_s=600))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await polled(app, pilot, desk)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await press(pilot, "y")
        await until(pilot, lambda: bool(app.session.outgoing.held))
        desk.store += 1
        await polled(app, pilot, desk)

        assert not app.session.outgoing.is_busy
        assert "void" in panel(app, "message")
    assert desk.asked == []


async def test_a_refresh_that_reads_another_store_says_so_too(app, desk):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "space")
        desk.store += 1
        await press(pilot, "r")
        await until(pilot, lambda: "Another workspace" in panel(app, "message"))
        await settled(pilot)

        assert jobs(app).runs.marks == set()
        assert jobs(app).run is not None
        assert "Reading" not in shown(app)


@pytest.mark.parametrize("key", ["j", "space", "tab"])
async def test_what_is_said_of_another_store_stays_until_a_key_does_more_than_refresh(
    app, desk, key
):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j")
        desk.store += 1
        for again in ("r", "f5", "r"):
            await press(pilot, again)
            await until(pilot, lambda: "Another workspace" in panel(app, "message"))

        # What comes of itself stands behind it.
        desk.fault = StoreError("the disk is gone")
        await press(pilot, "r")
        await until(pilot, lambda: "Could not refresh" in panel(app, "message"))
        assert "Another workspace" in panel(app, "message")
        desk.fault = None
        await press(pilot, "r")
        await until(pilot, lambda: "Could not" not in panel(app, "message"))
        assert "Another workspace" in panel(app, "message")

        await press(pilot, key, "r")
        assert "rows changed" in panel(app, "message")
        assert "Another workspace" not in panel(app, "message")


async def test_what_was_taken_away_with_the_store_is_told_beside_it(console, desk):
    app = console(role=Role.OPERATOR)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await polled(app, pilot, desk)
        desk.store, desk.role = desk.store + 1, Role.VIEWER
        await polled(app, pilot, desk)
        await polled(app, pilot, desk)

        told = " ".join(panel(app, "message").split())
        assert "Another workspace stands here now" in told
        assert "You are a viewer here now" in told


@pytest.mark.parametrize("by", ["a refresh", "a poll"])
async def test_another_store_brings_its_workspaces_own_name(app, desk, by):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        desk.store, desk.name = desk.store + 1, "fresh-desk"
        if by == "a refresh":
            await press(pilot, "r")
        else:
            await polled(app, pilot, desk)
        await until(pilot, lambda: "Another workspace" in panel(app, "message"))
        await settled(pilot)
        assert "fresh-desk" in panel(app, "header")

        # Its file may be put in its place after the store.
        desk.name = "restored-desk"
        await polled(app, pilot, desk)
        assert "restored-desk" in panel(app, "header")


async def test_a_role_that_was_taken_away_is_told_and_nothing_stays_armed(
    console, desk
):
    app = console(role=Role.OPERATOR)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        desk.role = Role.VIEWER
        await polled(app, pilot, desk)

        assert app.screen is app.jobs
        assert "viewer  READ ONLY" in panel(app, "header")
        assert "You are a viewer here now" in panel(app, "message")
        assert "question was closed: nothing was asked by it" in panel(app, "message")
        assert "Taken back" not in panel(app, "message")
        await press(pilot, "escape", "m", "p")
        assert "READ ONLY" in panel(app, "message")

        # It may come back, but no more than what the console was opened with.
        desk.role = Role.ADMIN
        await polled(app, pilot, desk)
        assert "operator  READ+WRITE  disarmed" in panel(app, "header")
    assert desk.asked == []


async def test_who_loses_the_role_while_a_stop_waits_is_told_that_it_is_taken_back(
    console, desk
):
    app = console(role=Role.OPERATOR, wishes=Preferences(undo_s=600))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await press(pilot, "y")
        await until(pilot, lambda: bool(app.session.outgoing.held))
        [stop] = app.session.outgoing.held
        desk.role = Role.VIEWER
        await polled(app, pilot, desk)

        told = " ".join(panel(app, "message").split())
        assert f"Nothing is armed. Taken back, never asked: {stop.name}." in told
        assert "question" not in told
        assert "gone out" not in told
        assert app.session.outgoing.held == ()
    assert desk.asked == []


async def test_of_many_that_are_taken_back_some_are_named(console, desk):
    app = console(role=Role.OPERATOR)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        outgoing = app.session.outgoing
        held = [Held("stop", f"run-{n}", f"Autumn {n}", 0) for n in range(5)]
        waits = [asyncio.create_task(outgoing.hold(one, 600)) for one in held]
        await until(pilot, lambda: len(outgoing.held) == 5)
        desk.role = Role.VIEWER
        await polled(app, pilot, desk)

        told = " ".join(panel(app, "message").split())
        named = "stop of Autumn 0, stop of Autumn 1, stop of Autumn 2 and 2 more."
        assert f"Taken back, never asked: {named}" in told
        assert await asyncio.gather(*waits) == [False] * 5


async def test_what_has_gone_out_by_then_is_not_told_to_be_taken_back(console, desk):
    app = console(role=Role.OPERATOR)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.session.outgoing.begin()
        desk.role = Role.VIEWER
        await polled(app, pilot, desk)

        told = " ".join(panel(app, "message").split())
        assert "A command had gone out already and was not taken back" in told
        assert "Taken back, never" not in told
        app.session.outgoing.asked()
