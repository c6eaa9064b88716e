"""A retry from its question to its child run, and what is handed over on leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.console.conftest import QUICK
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import campaign_runs

from watchfloor.console import parting
from watchfloor.console.commands import Patience
from watchfloor.console.limits import Limits
from watchfloor.console.outgoing import Held
from watchfloor.console.parting import parted
from watchfloor.console.questions import Consent, Question
from watchfloor.console.reading import Failure
from watchfloor.console.retrying import Retry, retry
from watchfloor.console.session import Session
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import Refusal, RefusedError, StoreError
from watchfloor.domain.views import RunView

ENDED = "run-0015"
WANTED = Retry(ENDED, Selection())


class PaperCounter:
    """Answers every question as it is told, and keeps what was said."""

    def __init__(self, *answers: Consent | None) -> None:
        self.answers = list(answers)
        self.questions: list[Question] = []
        self.said: list[tuple[str, str]] = []
        self.on_question: Callable[[], None] = lambda: None

    def say(self, text: str, role: str = "") -> None:
        self.said.append((text, role))

    async def consent(self, question: Question) -> Consent | None:
        self.questions.append(question)
        self.on_question()
        return self.answers.pop(0)

    async def new_limits(self, run: RunView) -> Limits | None:
        raise AssertionError(run)

    async def run_changed(self, run_id: str) -> None:
        """Show nothing."""


@pytest.fixture
def desk(desk: PaperDesk) -> PaperDesk:
    desk.runs = campaign_runs()
    return desk


@pytest.fixture
def session(desk: PaperDesk) -> Session:
    made = Session(
        desk=desk, workspace_name="prod-eu", operator="ann", clock=desk.clock
    )
    made.catch.arm(desk.clock())
    return made


def yes(reason: str = "") -> Consent:
    return Consent(reason=reason)


async def test_a_retry_that_is_meant_becomes_a_child_run(session, desk):
    counter = PaperCounter(yes("they asked"))

    child = await retry(session, counter, WANTED, QUICK)

    assert child == "child-0001"
    (asked,) = desk.retries
    assert (asked[0].run_id, asked[1:]) == (ENDED, (True, "they asked"))
    assert counter.questions[0].title == "Retry 8 of Well told?"
    assert "settled" in counter.said[-1][0]


async def test_a_no_retries_nothing(session, desk):
    counter = PaperCounter(None)

    assert await retry(session, counter, WANTED, QUICK) == ""
    assert counter.said == [("Nothing of Well told is retried.", "")]
    assert desk.retries == []


async def test_a_yes_that_outlives_the_arming_retries_nothing(session, desk):
    counter = PaperCounter(yes())
    counter.on_question = session.catch.disarm

    assert await retry(session, counter, WANTED, QUICK) == ""
    assert counter.said[0][0].startswith("Nothing was asked.")
    assert desk.retries == []


async def test_a_run_that_lives_is_declined_by_name(session, desk):
    counter = PaperCounter(None)

    live = Retry("run-0011", Selection())
    assert await retry(session, counter, live, QUICK) == ""
    said, role = counter.said[-1]
    assert said.startswith("retry refused, STILL_LIVE: ")
    assert (said.endswith("Nothing changed."), role) == (True, "warn")
    assert desk.retries == []


async def test_what_cannot_be_counted_is_not_asked(session, desk):
    desk.fault = StoreError("the store is gone")
    counter = PaperCounter()

    assert await retry(session, counter, WANTED, QUICK) == ""
    assert counter.said == [("retry was not asked: the store is gone", "bad")]


async def test_what_the_store_does_not_take_is_told_with_where_to_look(session, desk):
    counter = PaperCounter(yes())

    def fails() -> None:
        desk.fault = StoreError("the inbox is full")

    counter.on_question = fails

    assert await retry(session, counter, WANTED, QUICK) == ""
    said, role = counter.said[-1]
    key = session.keymap.key("view.events")
    assert said == f"retry: the inbox is full ({key} shows what was stored)"
    assert role == "bad"


async def test_counts_that_drifted_are_asked_about_anew_and_want_typing(session, desk):
    desk.refusals = [Refusal.DRIFTED]
    counter = PaperCounter(yes(), None)

    assert await retry(session, counter, WANTED, QUICK) == ""
    first, again = counter.questions
    assert not first.typed
    assert again.typed
    assert "DRIFTED" in str(again)
    assert counter.said[-1][0].startswith(
        "Nothing of Well told is retried. It was refused before: DRIFTED, "
    )


async def test_counts_that_drifted_before_they_were_stored_are_too(session, desk):
    counter = PaperCounter(yes(), None)
    drifts = [RefusedError(Refusal.DRIFTED, "two more failed"), None]

    def drifting() -> None:
        desk.fault = drifts.pop(0)

    counter.on_question = drifting

    class Recovering(PaperDesk):
        async def retry_preview(self, *given, **named):
            desk.fault = None
            return await desk.retry_preview(*given, **named)

        async def retry(self, *given, **named):
            return await desk.retry(*given, **named)

    assert (
        await retry(replace(session, desk=Recovering()), counter, WANTED, QUICK) == ""
    )
    assert "DRIFTED: two more failed" in str(counter.questions[1])
    assert desk.retries == []


async def test_what_waited_and_is_stored_on_leaving_is_told(session, desk):
    held = Held(verb="stop", run_id=ENDED, run_name="Well told", goes_at_ms=0)

    async def waits() -> None:
        assert await session.outgoing.hold(held, 600)
        session.outgoing.asked(await desk.order("hide", ENDED))

    going = asyncio.create_task(waits())
    await asyncio.sleep(0)

    told = await parted(session, QUICK)

    await going
    assert len(told) == 1
    assert "settled" in told[0]


async def test_what_the_store_did_not_take_on_leaving_is_told_as_not_asked(session):
    held = Held(verb="stop", run_id=ENDED, run_name="Well told", goes_at_ms=0)

    async def waits() -> None:
        assert await session.outgoing.hold(held, 600)
        session.outgoing.asked(Failure("the inbox is full"))

    going = asyncio.create_task(waits())
    await asyncio.sleep(0)

    assert await parted(session, QUICK) == ["NOT asked: the inbox is full"]
    await going


async def test_what_nobody_knows_to_be_stored_is_named(session, monkeypatch):
    monkeypatch.setattr(parting, "_HAND_OVER_S", 0.01)
    held = Held(verb="stop", run_id=ENDED, run_name="Well told", goes_at_ms=0)
    waits = asyncio.create_task(session.outgoing.hold(held, 600))
    await asyncio.sleep(0)

    told = await parted(session, QUICK)

    assert await waits
    assert told == [f"NOT known to be stored: {held.words}"]


async def test_a_command_that_no_engine_answers_is_told_as_it_stands(session, desk):
    held = Held(verb="stop", run_id=ENDED, run_name="Well told", goes_at_ms=0)

    async def waits() -> None:
        assert await session.outgoing.hold(held, 600)
        receipt = await desk.order("hide", ENDED)
        desk._receipts[receipt.command_id] = []
        session.outgoing.asked(receipt)

    going = asyncio.create_task(waits())
    await asyncio.sleep(0)

    told = await parted(session, Patience(poll_s=0.0, polls=1))

    await going
    assert len(told) == 1
    assert "settled" not in told[0]
