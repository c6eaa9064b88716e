"""Who was reached after all is not sent to again, whatever somebody had said before."""

from __future__ import annotations

import asyncio

import pytest
from tests.engine.test_collector import about, event
from tests.engine.test_look_ups import DELIVERED, NOT
from tests.engine.test_receiver import Door
from tests.engine.test_receiver import event as posted_event
from tests.engine.test_resolving import LOST, ONCE, one, resolved
from tests.engine.test_windows import RECIPIENT, ZONES, at
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.retries import BUSY, QUIET, retried

from watchfloor.domain.records import REACHED_BEFORE, RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.results import ResultKind
from watchfloor.engine.collector import TakeResults

FIRST = "c00001"
IDEMPOTENT = 'delivery = "idempotent"'


def in_doubt(floor, provider, settings=ONCE, **options):
    """Launch a run that goes on for long; only the first attempt of one is lost."""
    provider.replies = {FIRST: [LOST, Reply()]}
    options.setdefault("rate", "20/s")
    return floor.launched(webhook(provider.url, settings, **options), ids(200))


def paused_with_word(floor, run_id, word="resend"):
    """Pause once the first record is unknown, and say what becomes of it."""
    until(lambda: floor.books(run_id).unknown)
    floor.steered(Verb.PAUSE, run_id)
    assert resolved(floor, run_id, word, one(1)).state == "settled"
    assert first(floor, run_id).state is RecordState.RETRY


def first(floor, run_id):
    return floor.records(run_id)[0]


def goes_on(floor, provider, run_id):
    """Let the run go on; what is due goes first, so others came after it."""
    count = len(provider.arrivals)
    floor.steered(Verb.RESUME, run_id)
    until(lambda: len(provider.arrivals) > count + 1)


def told_of(floor, run_id):
    return [one.detail for one in floor.events(run_id) if one.event == "reached before"]


@pytest.mark.parametrize("word", ["resend", "not-delivered"])
@pytest.mark.parametrize("kind", [ResultKind.DELIVERED, ResultKind.VOICEMAIL])
def test_who_is_reported_as_reached_before_the_resend_is_unknown_again(
    floor, provider, word, kind
):
    run_id = in_doubt(floor, provider)
    with floor.engine() as engine:
        paused_with_word(floor, run_id, word)
        before = floor.assert_books_hold(run_id)
        engine.do(TakeResults([about(run_id, FIRST, kind)], "the receiver"))
        books = floor.assert_books_hold(run_id)
        assert (before.retry, before.unknown) == (1, 0)
        assert (books.retry, books.unknown) == (0, 1)
        assert books.attempts == before.attempts
        goes_on(floor, provider, run_id)

    assert provider.contacts.count(FIRST) == 1
    record = first(floor, run_id)
    assert (record.state, record.code) == (RecordState.UNKNOWN, REACHED_BEFORE)
    assert told_of(floor, run_id) == [
        (
            f"record 1 is not attempted again: the receiver reported of an earlier "
            f"attempt: {kind}. Unknown again; say that it was delivered: watchfloor "
            f"resolve {run_id} SEQ --as delivered --reason TEXT"
        )
    ]
    words = [(one.event, one.outcome) for one in floor.journey(run_id, 1).entries]
    assert ("resolved", f"as {word}") in words
    assert ("result", kind) in words
    assert words[-1][0] in ("unknown", "result")
    # Somebody says so, and it is.
    assert resolved(floor, run_id, "delivered", one(1)).state == "settled"
    assert floor.assert_books_hold(run_id).unknown == 0


def test_what_the_receiver_takes_from_a_provider_keeps_the_resend_back(floor, provider):
    run_id = in_doubt(floor, provider)
    with floor.engine() as engine:
        paused_with_word(floor, run_id)

        async def submit(job):
            return await asyncio.to_thread(engine.do, job)

        async def posted():
            door = Door(floor.around, submit)
            await door.open()
            key = next(one.key for one in provider.arrivals if one.contact == FIRST)
            try:
                return await door.post(posted_event(1, key=key, kind="opened"))
            finally:
                await door.close()

        status, told, _ = asyncio.run(posted())
        goes_on(floor, provider, run_id)

    assert (status, told["applied"]) == (202, 1)
    assert provider.contacts.count(FIRST) == 1
    assert first(floor, run_id).code == REACHED_BEFORE
    floor.assert_books_hold(run_id)


@pytest.mark.parametrize("kind", [ResultKind.NO_ANSWER, ResultKind.BOUNCED])
def test_a_report_that_does_not_say_so_changes_nothing(floor, provider, kind):
    run_id = in_doubt(floor, provider)
    with floor.engine() as engine:
        paused_with_word(floor, run_id)
        before = floor.books(run_id)
        engine.do(TakeResults([about(run_id, FIRST, kind)], "s"))
        assert floor.assert_books_hold(run_id) == before
        goes_on(floor, provider, run_id)

    assert provider.contacts.count(FIRST) == 2
    assert told_of(floor, run_id) == []


def test_a_resend_in_flight_is_not_touched_by_a_report(floor, provider):
    run_id = in_doubt(floor, provider)
    with floor.engine() as engine:
        paused_with_word(floor, run_id)
        provider.hold()
        floor.steered(Verb.RESUME, run_id)
        until(lambda: provider.contacts.count(FIRST) == 2)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        assert first(floor, run_id).state is RecordState.ATTEMPTING
        provider.let_go()
        until(lambda: first(floor, run_id).state is RecordState.DELIVERED)

    assert told_of(floor, run_id) == []
    floor.assert_books_hold(run_id)


def test_a_resend_that_failed_for_now_is_not_made_again_after_a_report(floor, provider):
    run_id = in_doubt(floor, provider)
    busy = Reply(status=503, headers={"Retry-After": "300"})
    provider.replies = {FIRST: [LOST, busy, Reply()]}
    with floor.engine() as engine:
        paused_with_word(floor, run_id)
        floor.steered(Verb.RESUME, run_id)
        until(lambda: first(floor, run_id).attempts == 2)
        until(lambda: first(floor, run_id).state is RecordState.RETRY)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        assert first(floor, run_id).code == REACHED_BEFORE
        assert floor.assert_books_hold(run_id).retry == 0

    assert provider.contacts.count(FIRST) == 2


def test_a_report_while_the_intent_is_stored_holds_once_it_is_taken_back(
    floor, provider
):
    floor.configure("[channels.webhook]\npermits = 1")
    run_id = in_doubt(floor, provider, rate="", permits=2)
    with floor.engine() as engine:
        paused_with_word(floor, run_id)
        provider.hold()
        provider.replies = {FIRST: [Reply()]}
        other = in_another_run(floor, provider)
        floor.steered(Verb.RESUME, run_id)
        until(lambda: first(floor, run_id).state is RecordState.ATTEMPTING)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        assert first(floor, run_id).state is RecordState.ATTEMPTING
        assert told_of(floor, run_id) == []
        floor.steered(Verb.PAUSE, run_id)
        assert first(floor, run_id).state is RecordState.RETRY
        provider.let_go()
        floor.until_ended(other)
        goes_on(floor, provider, run_id)

    assert provider.contacts.count(FIRST) == 1
    assert first(floor, run_id).code == REACHED_BEFORE
    assert len(told_of(floor, run_id)) == 1
    floor.assert_books_hold(run_id)


def in_another_run(floor, provider):
    """Let another run have the one shared permit until the provider answers."""
    text = webhook(provider.url, ONCE, name="other")
    run_id = floor.launched(text, ids(1, "x"))
    until(lambda: provider.at_once == 1)
    return run_id


def test_who_was_reported_before_the_word_is_not_sent_to_again_either(floor, provider):
    run_id = in_doubt(floor, provider)
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).unknown)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        assert first(floor, run_id).code != REACHED_BEFORE
        paused_with_word(floor, run_id)
        goes_on(floor, provider, run_id)

    assert provider.contacts.count(FIRST) == 1
    record = first(floor, run_id)
    assert (record.state, record.code) == (RecordState.UNKNOWN, REACHED_BEFORE)
    floor.assert_books_hold(run_id)


def test_where_the_provider_knows_the_key_again_a_resend_goes_out_all_the_same(
    floor, provider
):
    run_id = in_doubt(floor, provider, IDEMPOTENT, retry="attempts = 1")
    with floor.engine() as engine:
        paused_with_word(floor, run_id)
        before = floor.books(run_id)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        assert floor.assert_books_hold(run_id) == before
        goes_on(floor, provider, run_id)
        until(lambda: first(floor, run_id).state is RecordState.DELIVERED)

    keys = [each.key for each in provider.arrivals if each.contact == FIRST]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert told_of(floor, run_id) == []


def test_a_retry_that_nobody_was_in_doubt_about_goes_out_after_a_report(
    floor, provider
):
    run_id = in_doubt(floor, provider, retry='backoff = "1ms"')
    provider.replies = {FIRST: [Reply(status=503), Reply()]}
    provider.hold()
    with floor.engine() as engine:
        until(lambda: FIRST in provider.contacts)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: first(floor, run_id).state is RecordState.RETRY)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        floor.steered(Verb.RESUME, run_id)
        until(lambda: first(floor, run_id).state is RecordState.DELIVERED)

    assert provider.contacts.count(FIRST) == 2


def test_a_resend_that_rests_outside_its_window_is_kept_back_and_not_counted_as_held(
    floor, provider
):
    upload = floor.root / "zones.csv"
    # The second one's window is closed all the time, so that the run goes on.
    rows = f"id,first_name,zone\n{FIRST},Ann,UTC\nc00002,Bob,Asia/Tokyo\n"
    upload.write_text(rows, encoding="utf-8")
    provider.replies = {FIRST: [LOST, Reply()]}
    floor.clock.move_to(at("10:00"))
    text = webhook(provider.url, ONCE, audience=ZONES, rest=RECIPIENT)
    run_id = floor.launched(text, upload)
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).unknown)
        floor.clock.move_to(at("17:30"))
        assert resolved(floor, run_id, "resend", one(1)).state == "settled"
        until(lambda: floor.view(run_id).held == 2)
        engine.do(TakeResults([about(run_id, FIRST)], "s"))
        assert floor.view(run_id).held == 1
        assert floor.assert_books_hold(run_id).unknown == 1

    assert first(floor, run_id).code == REACHED_BEFORE
    assert provider.contacts == [FIRST]


@pytest.mark.parametrize(
    ("answer", "state"),
    [(DELIVERED, RecordState.DELIVERED), (NOT, RecordState.RETRY)],
    ids=["it arrived", "it did not"],
)
def test_a_look_up_that_is_answered_after_the_word_settles_only_that_it_arrived(
    floor, provider, answer, state
):
    run_id = in_doubt(floor, provider, f"{ONCE}\n{provider.look_up_setting}")
    provider.look_ups = {FIRST: answer}
    with floor.engine():
        until(lambda: floor.books(run_id).unknown)
        floor.steered(Verb.PAUSE, run_id)
        provider.hold()
        asked = floor.ordered_begun("look_up", run_id, why="report")
        until(lambda: provider.questions)
        assert resolved(floor, run_id, "resend", one(1)).state == "settled"
        provider.let_go()
        until(lambda: floor.receipt(asked.command_id).state == "settled")
        assert first(floor, run_id).state is state
        floor.assert_books_hold(run_id)

    assert provider.contacts.count(FIRST) == 1
    said = [(one.event, one.outcome) for one in floor.journey(run_id, 1).entries]
    assert ("resolved", "as resend") in said
    assert (("looked up", "as delivered") in said) is (state is RecordState.DELIVERED)
    told = floor.receipt(asked.command_id).detail
    assert told.endswith("1 resolved meanwhile") is (state is RecordState.RETRY)


def test_a_report_of_the_parent_keeps_a_retry_from_sending_again(floor, provider):
    provider.otherwise = BUSY
    provider.replies = {FIRST: [Reply(status=503, body={"id": "p-1"}), LOST, Reply()]}
    text = webhook(provider.url, ONCE, retry="attempts = 1", rest=QUIET)
    run_id = floor.launched(text, ids(20))
    floor.carried_out()
    provider.otherwise = Reply()
    child = retried(floor, run_id, canary=False)
    floor.ordered("limit", child, scope="run", permits=1, rate_per_s=4.0)
    with floor.engine() as engine:
        paused_with_word(floor, child)
        engine.do(TakeResults([event("late", provider_id="p-1")], "s"))
        assert first(floor, child).code == REACHED_BEFORE
        assert floor.assert_books_hold(child).unknown == 1
        goes_on(floor, provider, child)

    assert provider.contacts.count(FIRST) == 2
    words = [one.detail for one in floor.journey(child, 1).entries]
    assert f"of record 1 of run {run_id}; s" in words
