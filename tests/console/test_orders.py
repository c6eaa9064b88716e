from __future__ import annotations

from dataclasses import replace

import pytest
from tests.console.looking import panel, press, settled, shown, until
from tests.console.paper_runs import MINUTE_MS, campaign_runs, some_runs
from textual.widgets import Button

from watchfloor.console.approval import approval_question, no_approval
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.limits import LimitsDialog
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import Refusal, StoreError
from watchfloor.domain.regions import Gate, Verb

SIZE = (80, 24)


@pytest.fixture
def desk(desk):
    desk.runs = campaign_runs()
    return desk


async def test_a_word_shows_what_was_done_and_is_given_with_a_reason(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "waits for your word" in shown(app)
        await press(pilot, "m", "A")
        said = shown(app)
        assert "Approve First words?" in said
        assert "20 attempts made so far" in said
        assert "17 delivered, 2 failed, 0" in said
        assert "4,981 records left" in said
        assert app.focused is not None
        assert app.focused.id == "no"
        await press(pilot, "shift+tab", *"heard it", "enter", "y")
        await until(pilot, lambda: "approve settled" in panel(app, "message"))
        assert desk.ordered == [("approve", "run-0011", "heard it", {})]
        await until(pilot, lambda: "waits for your word" not in shown(app))


async def test_enter_and_the_key_that_opened_it_give_no_word(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "A")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        # The key again is the beginning of a reason; Enter leads from there to No.
        await press(pilot, "A", "enter", "enter")
        assert "Nothing was approved" in panel(app, "message")
        assert desk.ordered == []


@pytest.mark.parametrize("key", ["A", "L"])
async def test_nothing_is_ordered_while_disarmed_or_read_only(console, desk, key):
    for choices, why in (({}, "press m to arm"), ({"read_only": True}, "READ ONLY")):
        app = console(**choices)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            await press(pilot, key)
            assert why in panel(app, "message")
            assert app.screen is app.jobs
    assert desk.ordered == []


async def test_a_word_that_outlives_the_arming_is_not_given(app, desk, clock):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "A")
        clock.pass_ms(6 * MINUTE_MS)
        await press(pilot, "y")
        assert "Nothing was asked" in panel(app, "message")
        await press(pilot, "m", "L", *"24", "enter", "enter")
        clock.pass_ms(6 * MINUTE_MS)
        await press(pilot, "y")
        assert "Nothing was asked" in panel(app, "message")
        assert desk.ordered == []


async def test_a_run_that_does_not_wait_is_told_why_no_word_is_taken(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "j", "A")
        assert "Approve is not possible now" in shown(app)
        assert "asks for nobody's word" in shown(app)
        await press(pilot, "y", "enter")
        assert "approve refused, NOT_YET" in panel(app, "message")
        assert desk.ordered == []


def test_every_no_to_a_word_has_its_own_words():
    waits, other, *_, ended = campaign_runs()
    assert no_approval(waits) is None
    early = replace(waits, books=replace(waits.books, attempts=7))
    given = replace(waits, approved_at_ms=waits.created_at_ms)

    said = [no_approval(run) for run in (other, early, given, ended)]

    names = [one[0] for one in said if one is not None]
    assert names == [*([Refusal.NOT_YET] * 3), Refusal.ALREADY_ENDED]
    assert said[1] is not None
    assert "7 of 20 attempts made" in said[1][1]
    assert said[2] is not None
    assert "given already, 2026-11-22" in said[2][1]


def test_what_would_still_hold_the_run_stands_in_the_question(clock):
    run = campaign_runs()[0]
    paused = replace(run, lifecycle=replace(run.lifecycle, gate=Gate.PAUSED))
    shut = replace(run, shut_until_ms=clock() + 60 * MINUTE_MS)
    held = replace(run, held=420)

    def said(one) -> str:
        return " ".join(approval_question(one, clock()).lines)

    assert "u must follow" in said(paused)
    assert "nothing starts before 15:02 UTC" in said(shut)
    assert "420 records rest outside their window" in said(held)


async def test_limits_are_changed_field_by_field_and_confirmed_on_the_button(app, desk):
    desk.told = "16 permits, 20/s -> 24 permits, 10/s"
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "j", "L")
        assert isinstance(app.screen, LimitsDialog)
        assert "nothing would change" in shown(app)
        assert app.screen.query_one("#yes", Button).disabled
        await press(pilot, *"24", "enter", *"600/m")
        assert "16 permits, 20/s  →  24 permits, 10/s" in shown(app)
        await press(pilot, "enter")
        assert app.focused is not None
        assert app.focused.id == "no"
        assert desk.ordered == []
        await press(pilot, "y")
        await until(pilot, lambda: "limit settled" in panel(app, "message"))
        assert desk.told in panel(app, "message")
        payload = {"scope": "run", "permits": 24, "rate_per_s": 10.0}
        assert desk.ordered == [("limit", "run-0012", "", payload)]


async def test_no_pacing_is_asked_for_by_its_word(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "L", "enter", *"none", "enter", "y")
        await until(pilot, lambda: "limit settled" in panel(app, "message"))
        assert desk.ordered[0][3]["rate_per_s"] is None


async def test_a_mistake_is_told_in_words_and_leads_back_to_its_field(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "L", *"many", "enter")
        assert "'many' is no number of permits" in shown(app)
        assert app.focused is not None
        assert app.focused.id == "permits"
        await press(pilot, *["backspace"] * 4, *"8", "enter", *"20", "enter")
        assert "'20' is not a rate; write 20/s, 600/m, 10/h or none" in shown(app)
        assert app.focused.id == "rate"
        await press(pilot, "tab", "y")
        assert isinstance(app.screen, LimitsDialog)
        await press(pilot, "escape")
        assert "stay as they are" in panel(app, "message")
        assert desk.ordered == []


async def test_limits_left_alone_ask_for_nothing(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "L", "enter", "enter")
        assert app.focused is not None
        assert app.focused.id == "no"
        await press(pilot, "enter")
        assert "stay as they are" in panel(app, "message")
        assert desk.ordered == []


async def test_an_ended_run_takes_no_limits(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "G", "L")
        assert "Limit is not possible now" in shown(app)
        assert "ALREADY_ENDED" in shown(app)
        await press(pilot, "enter")
        assert "limit refused, ALREADY_ENDED" in panel(app, "message")


async def test_an_order_the_engine_refuses_is_told_once_with_its_name(app, desk):
    desk.refusals = [Refusal.NOT_ALLOWED]
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "A", "y")
        await until(pilot, lambda: "NOT_ALLOWED" in panel(app, "message"))
        assert panel(app, "message").count("NOT_ALLOWED") == 1
        assert "this session may not do that" in panel(app, "message")


async def test_an_order_that_cannot_be_stored_or_read_for_says_so(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m", "A")
        desk.fault = StoreError("the inbox cannot be written")
        await press(pilot, "y")
        await until(pilot, lambda: "inbox cannot be written" in panel(app, "message"))
        await press(pilot, "L")
        await until(pilot, lambda: "limit was not asked" in panel(app, "message"))
        assert desk.ordered == []


async def test_a_cancel_that_wants_a_second_person_says_who_must_do_what(app, desk):
    desk.runs = some_runs()
    desk.refusals = [Refusal.SECOND_PERSON]
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "j", "m", "c", *"run-0003", "enter", "y")
        await until(pilot, lambda: "a second person must ask too" in shown(app))
        said = " ".join(app.screen.query_one("#question", Panel).text.split())
        assert "SECOND_PERSON: the run is very large" in said
        assert "cancel run-0003 too, before 14:17:11 UTC" in said
        assert "watchfloor cancel run-0003" in said
        await press(pilot, "y")
        assert isinstance(app.screen, Confirm)
        await press(pilot, "enter")
        assert app.screen is app.jobs
        assert "SECOND_PERSON" in panel(app, "message")
        assert len(desk.asked) == 1


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_named_promises_never_push_the_answers_off(app, desk, size):
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "j", "j", "j", "m", "s")
        assert "more lines" in shown(app)
        assert "No, leave it" in shown(app)
        assert "reason, for the journal" in shown(app)
        await press(pilot, *["pagedown"] * 3)
        assert "Drops 40 more" in shown(app)
        assert "more lines" not in shown(app)
        await press(pilot, *["pageup"] * 3)
        assert "Stop Promised?" in shown(app)
        assert "more lines" in shown(app)


async def test_the_palette_says_why_a_word_or_limits_are_not_possible(app, desk):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "colon", *"approve")
        assert "not possible: disarmed" in shown(app)
        await press(pilot, "escape", "j", "colon", *"approve")
        assert "asks for nobody's word" in shown(app)
        await press(pilot, "escape", "G", "colon", *"limits")
        assert "not possible: the run has ended" in shown(app)


async def test_the_footer_offers_the_word_only_where_one_is_waited_for(app, desk):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "A Approve" in panel(app, "footer")
        await press(pilot, "j")
        app.jobs.paint()
        assert "A Approve" not in panel(app, "footer")


async def test_a_restored_run_is_resumed_only_by_the_number_that_is_typed(app, desk):
    desk.runs = some_runs()
    desk.runs[2] = replace(desk.runs[2], restored_from_ms=1)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "j", "m", "u")
        assert isinstance(app.screen, Confirm)
        number = (await desk.preview(Verb.RESUME, "run-0003")).typed
        assert int(number) > 0
        assert "may have been contacted since" in shown(app)
        await press(pilot, *number, "enter")
        assert desk.asked == []
        await press(pilot, "y")
        await until(pilot, lambda: bool(desk.asked))

    assert [one[:2] for one in desk.asked] == [("resume", "run-0003")]
    assert desk.typed == [number]


@pytest.mark.parametrize(
    ("words", "verb", "asks", "warns"),
    [
        ("hide", "hide", "Hide Well told?", "Nothing of it is deleted"),
        (
            "close results",
            "close_results",
            "Close the results of Well told?",
            "This cannot be undone",
        ),
    ],
)
async def test_what_is_asked_of_an_ended_run_is_confirmed_with_a_reason(
    app, desk, words, verb, asks, warns
):
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "m", *"jjjj", "colon", *words, "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert asks in shown(app)
        assert warns in shown(app)
        await press(pilot, "enter", "enter")
        assert "Nothing was changed on Well told" in panel(app, "message")
        assert desk.ordered == []

        await press(pilot, "colon", *words, "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await press(pilot, "shift+tab", *"all is said", "enter", "y")
        await until(pilot, lambda: " settled" in panel(app, "message"))
        assert desk.ordered == [(verb, "run-0015", "all is said", {})]


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ("hide_run", "only a run that has ended can be hidden"),
        ("close_results", "its results are not being collected"),
    ],
)
async def test_what_only_an_ended_run_takes_is_declined_with_why(
    app, desk, action, why
):
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        await app.jobs.run_action(action)
        await until(pilot, lambda: why in shown(app))
        await press(pilot, "enter")
        assert "NOT_YET" in panel(app, "message")
        assert desk.ordered == []
