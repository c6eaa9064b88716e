"""The engine's key: start one here, see whose it is, or take it over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import press, settled, shown, until
from tests.console.paper_keeper import PaperKeeper
from tests.console.paper_runs import MINUTE_MS, NOON_MS

from watchfloor.console import engine_key
from watchfloor.console.screens.confirm import Confirm
from watchfloor.domain.draining import Drain
from watchfloor.domain.errors import Refusal
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.roles import Role
from watchfloor.domain.taking_over import LET_GO_S

WIDE = (120, 36)
MOVED = "it was moved to where it is now, and nobody has said so to anybody. "


@pytest.fixture
def keeper():
    return PaperKeeper()


@pytest.fixture
def app(console, keeper):
    return console(keeper=keeper)


def line(app) -> str:
    """The screen as one line, its frames left out."""
    return " ".join(shown(app).replace("│", " ").split())


async def test_what_a_hang_up_interrupted_goes_on_by_the_key(app, desk, keeper):
    desk.alive, desk.left = False, Leaving.HANG_UP
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "NO ENGINE — interrupted by a hang-up at" in line(app)
        assert "R resumes" in line(app)

        await press(pilot, "R")
        await until(pilot, lambda: "runs under way go on" in line(app))

    # Nobody is waited for, and nobody passed over.
    assert keeper.started == [(0.0, False)]
    assert desk.ordered == []


async def test_a_store_that_is_gone_is_put_back_before_the_key_helps(app, desk, keeper):
    desk.alive, desk.left = False, Leaving.STORE_GONE
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        assert "interrupted when files of its store were moved or deleted" in line(app)
        assert (
            "do what it said at its end, see watchfloor doctor, then R resumes"
            in line(app)
        )

    assert keeper.started == []


async def test_an_engine_that_does_not_start_says_why(app, desk, keeper):
    desk.alive, keeper.why = False, "the disk is full"
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        await until(
            pilot, lambda: "No engine was started: the disk is full" in line(app)
        )


@pytest.mark.parametrize("size", [WIDE, (60, 20)])
async def test_what_kept_the_engine_from_starting_is_said_whole_and_once(
    app, desk, keeper, size
):
    desk.alive, keeper.hindrance = False, f"{MOVED * 5}Say: --moved"
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "No engine was started" in line(app))
        await settled(pilot)
        assert "Say: --moved" in line(app)
        assert isinstance(app.screen, Confirm) is (size != WIDE)
        await press(pilot, "escape")
        assert app.jobs.runs.rows

        app.jobs.say("All is well.")
        await press(pilot, "r")
        assert "No engine was started" not in line(app)


async def test_the_engine_of_this_console_is_told_and_left_alone(app, keeper):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        assert "The engine runs in this console: ann, pid" in line(app)

    assert keeper.started == []


async def test_without_the_means_or_the_right_the_key_says_what_is_missing(
    console, desk, keeper
):
    for choices in ({}, {"keeper": keeper, "read_only": True}):
        app = console(**choices)
        async with app.run_test(size=WIDE) as pilot:
            await settled(pilot)
            await press(pilot, "R")
            assert not isinstance(app.screen, Confirm)

    assert (keeper.started, desk.ordered) == ([], [])


@pytest.fixture
def elsewhere(desk, keeper):
    """An engine lives in another process."""
    desk.pid += 1
    keeper.owned = True
    return desk


async def test_a_take_over_needs_its_words_and_asks_the_engine_that_was_seen(
    app, elsewhere, keeper
):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        assert "Take the engine over?" in line(app)
        assert "last heartbeat" in line(app)

        await press(pilot, *"take", "enter", "y")
        assert isinstance(app.screen, Confirm)
        assert elsewhere.ordered == []

        await press(pilot, "escape", "R", *"take over", "enter", "y")
        await until(pilot, lambda: "runs under way go on" in line(app))

    [(verb, run_id, _, payload)] = elsewhere.ordered
    assert (verb, run_id, payload["epoch"]) == ("take_over", "", 7)
    assert keeper.started == [(LET_GO_S, False)]


async def test_a_take_over_that_is_not_wanted_asks_nobody(app, elsewhere, keeper):
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R", "escape")
        assert "Nothing was asked; that engine goes on." in line(app)

    assert (keeper.started, elsewhere.ordered) == ([], [])


async def test_a_take_over_that_is_refused_starts_nothing(app, elsewhere, keeper):
    elsewhere.refusals = [Refusal.NOT_ALLOWED]
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R", *"take over", "enter", "y")
        await until(pilot, lambda: "Not taken over:" in line(app))

    assert keeper.started == []


@pytest.mark.parametrize("word", ["seize", ""])
async def test_an_engine_that_does_not_answer_is_passed_over_only_by_a_typed_word(
    app, elsewhere, keeper, word, monkeypatch
):
    monkeypatch.setattr(engine_key, "ANSWER_S", 0.01)
    elsewhere.stages = ("asked",)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R", *"take over", "enter", "y")
        await until(pilot, lambda: "Pass it over?" in line(app))
        await settled(pilot)
        if word:
            await press(pilot, *word, "enter", "y")
            await until(pilot, lambda: "runs under way go on" in line(app))
        else:
            await press(pilot, "enter", "y", "escape")
            told = "Nothing was changed; that engine keeps the workspace."
            await until(pilot, lambda: told in line(app))

    assert keeper.started == ([(0.0, True)] if word else [])


def asks(app) -> bool:
    return isinstance(app.screen, Confirm)


DRAINS = "drains, 10 in flight, since 13:57; ends by 14:08 at the latest"


@pytest.fixture
def draining(elsewhere):
    """The engine in the other process ends."""
    elsewhere.drain = Drain(NOON_MS - 5 * MINUTE_MS, NOON_MS + 5 * MINUTE_MS, 10)
    return elsewhere


@pytest.mark.parametrize("key", ["y", "escape"])
async def test_an_engine_that_drains_is_told_so_and_waited_for_by_the_key(
    app, draining, keeper, key
):
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        assert f"ENGINE {DRAINS}; R waits and goes on here" in line(app)
        assert "NO ENGINE" not in line(app)

        await press(pilot, "R")
        assert "Go on here when that engine has ended?" in line(app)
        assert "That engine drains, 10 in flight" in line(app)
        await settled(pilot)
        await press(pilot, key)
        told = "runs under way go on" if key == "y" else f"that engine {DRAINS}."
        await until(pilot, lambda: told in line(app))

    assert keeper.started == ([(LET_GO_S, False)] if key == "y" else [])
    assert draining.ordered == []


@pytest.mark.parametrize("key", ["q", ""])
async def test_a_console_that_is_left_or_breaks_waits_for_no_engine(
    app, draining, keeper, key
):
    keeper.waits_for = "nobody waits any more for that engine"
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "R", "y")
        await until(pilot, lambda: "this console waits for it" in line(app))
        if key:
            # Not without a question: the wait ends with the console.
            await press(pilot, key)
            await until(pilot, lambda: "Leaving ends the wait" in line(app))
            await press(pilot, "n")
            await settled(pilot)
            assert not keeper.left.is_set()
            await press(pilot, key, "y")
            await until(pilot, lambda: app.is_left)

    assert keeper.left.is_set()
    assert app.parting == ((keeper.waits_for,) if key else ())


async def test_an_engine_of_this_console_that_drains_offers_no_key(app, desk):
    desk.drain = Drain(NOON_MS - 5 * MINUTE_MS, NOON_MS + 5 * MINUTE_MS, 10)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        assert f"ENGINE {DRAINS}" in line(app)
        assert "R waits" not in line(app)


async def test_a_session_that_only_looks_is_told_of_a_drain_and_what_goes_on(
    console, draining
):
    async with console(read_only=True).run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        assert f"ENGINE {DRAINS}; then: watchfloor engine" in shown(pilot.app)


async def test_an_engine_that_hangs_is_never_called_none(app, elsewhere, keeper):
    elsewhere.alive, elsewhere.hangs = False, True
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        assert "ENGINE hangs: last heartbeat 1 min 00 s ago, and its" in line(app)
        assert f"process {elsewhere.pid} lives; R asks it to let go" in line(app)
        for key in ("2", "1"):
            await press(pilot, key)
            assert "NO ENGINE" not in line(app)
            assert "starts it here" not in line(app)

    assert keeper.started == []


@pytest.mark.parametrize("asked", ["take over", "seize"])
async def test_a_question_about_an_engine_that_ended_goes_and_says_so(
    app, elsewhere, keeper, asked, monkeypatch
):
    monkeypatch.setattr(engine_key, "ANSWER_S", 0.01)
    elsewhere.stages = ("asked",)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        if asked == "seize":
            await press(pilot, *"take over", "enter", "y")
            await until(pilot, lambda: "Pass it over?" in line(app))
        assert asks(app)

        keeper.owned = False

        told = "has ended meanwhile; nothing was changed. R starts one here."
        await until(pilot, lambda: told in line(app))
        assert not asks(app)
        assert "keeps the workspace" not in line(app)

    assert keeper.started == []


async def test_an_engine_that_ends_while_it_is_asked_is_followed_by_one_here(
    app, elsewhere, keeper
):
    elsewhere.stages = ("asked",)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "R", *"take over", "enter")
        await press(pilot, "y")
        await until(pilot, lambda: "Asking that engine to let go" in line(app))
        keeper.owned = False
        await until(pilot, lambda: "runs under way go on" in line(app))

    # Nobody is passed over, and nobody waited for.
    assert keeper.started == [(0.0, False)]


async def test_an_engine_that_drains_and_does_not_answer_is_not_passed_over(
    app, elsewhere, keeper, monkeypatch
):
    monkeypatch.setattr(engine_key, "ANSWER_S", 0.01)
    elsewhere.stages = ("asked",)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "R", *"take over", "enter")
        drain = Drain(NOON_MS - 5 * MINUTE_MS, NOON_MS + 5 * MINUTE_MS, 10)
        app.session.sight.tell(replace(app.session.sight.engine, drain=drain), NOON_MS)
        await press(pilot, "y")
        await until(pilot, lambda: "Go on here when that engine" in line(app))
        assert "Pass it over?" not in line(app)
        await press(pilot, "escape")

    assert keeper.started == []


async def test_an_engine_that_wakes_while_the_word_is_typed_is_waited_for(
    app, elsewhere, keeper, monkeypatch
):
    monkeypatch.setattr(engine_key, "ANSWER_S", 0.01)
    elsewhere.stages = ("asked",)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "R", *"take over", "enter", "y")
        await until(pilot, lambda: "Pass it over?" in line(app))
        await settled(pilot)
        await press(pilot, *"seize", "enter")
        elsewhere.drain = Drain(NOON_MS - 5 * MINUTE_MS, NOON_MS + 5 * MINUTE_MS, 10)
        seen = replace(app.session.sight.engine, drain=elsewhere.drain)
        app.session.sight.tell(seen, NOON_MS)
        await press(pilot, "y")
        await until(pilot, lambda: "Go on here when that engine" in line(app))
        await press(pilot, "escape")

    assert keeper.started == []


async def test_one_that_starts_after_an_engine_died_is_told_and_not_asked(
    app, elsewhere, keeper
):
    elsewhere.alive, elsewhere.holder = False, "engine of nora (pid 7 on here)"
    starts = "engine of nora (pid 7 on here) is starting"
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        assert f"NO ENGINE: {starts}" in line(app)
        await press(pilot, "R")
        told = f"Not taken over: {starts}: it can neither be asked nor passed over"
        await until(pilot, lambda: told in line(app))
        assert not asks(app)
        await press(pilot, "2")
        await until(pilot, lambda: f"engine none: {starts}" in line(app))

    assert (keeper.started, elsewhere.ordered) == ([], [])


async def test_an_engine_that_nobody_may_look_at_is_called_neither_none_nor_hanging(
    console, desk
):
    desk.pid, desk.alive, desk.is_unseen = desk.pid + 1, False, True
    app = console(role=Role.VIEWER)
    unknown = "whether its process lives cannot be told: its lock cannot be read from"
    async with app.run_test(size=(200, 48)) as pilot:
        await settled(pilot)
        assert f"ENGINE does not answer: last heartbeat 1 min 00 s ago; {unknown}" in (
            line(app)
        )
        await press(pilot, "2")
        await until(pilot, lambda: "ENGINE DOES NOT ANSWER" in line(app))
        assert f"engine does not answer: last heartbeat 1 min 00 s ago; {unknown}" in (
            line(app)
        )
        assert "ask whoever owns the workspace to look" in line(app)
        assert "NO ENGINE" not in line(app)
        assert "watchfloor engine" not in line(app)
