from __future__ import annotations

from collections import Counter

import pytest
from tests.support.floor import ids, posting_step, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Provider, Reply

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase, RunOutcome, Verb

S = RecordState
ONCE = "attempts = 1"
AT_MOST_ONCE = 'delivery = "at_most_once"'
BUSY = Reply(body={"outcome": "transient", "code": "busy"})
NO_ANSWER = Reply(body={"outcome": "permanent", "code": "no_answer"})
WRONG_NUMBER = Reply(body={"outcome": "permanent", "code": "wrong_number"})
LATER = Reply(body={"outcome": "callback", "due_at": "2099-01-01T09:00:00+00:00"})


@pytest.fixture
def texts():
    """The provider of the second step."""
    with Provider() as serving:
        yield serving


@pytest.fixture
def mails():
    """The provider of the third step."""
    with Provider() as serving:
        yield serving


def states(floor, run_id):
    return {one.contact: (one.step, one.state) for one in floor.records(run_id)}


def test_only_whom_its_condition_names_is_taken_on_to_a_step(floor, provider, texts):
    provider.replies |= {
        "c00002": [BUSY],
        "c00003": [NO_ANSWER],
        "c00004": [WRONG_NUMBER],
    }
    then = posting_step(texts.url, when='call.code in ("no_answer", "busy")')
    run_id = floor.launched(webhook(provider.url, retry=ONCE, steps=then), ids(5))

    floor.carried_out()

    assert sorted(provider.contacts) == ids(5)
    assert sorted(texts.contacts) == ["c00002", "c00003"]
    assert states(floor, run_id) == {
        "c00001": ("call", S.DELIVERED),
        "c00002": ("text", S.DELIVERED),
        "c00003": ("text", S.DELIVERED),
        "c00004": ("call", S.FAILED),
        "c00005": ("call", S.DELIVERED),
    }
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.failed, books.attempts) == (4, 1, 7)


@pytest.mark.parametrize(
    ("when", "taken"),
    [
        ('call.class = "delivered"', ["c00001"]),
        ('call.class in ("transient", "permanent")', ["c00002", "c00003"]),
        ('not (call.class = "permanent")', ["c00001", "c00002"]),
        ("call.attempts >= 2", ["c00002"]),
        ('first_name = "name of c00003"', ["c00003"]),
        ('call.code = "no such code"', []),
        ("", ["c00001", "c00002", "c00003"]),
    ],
)
def test_a_step_may_ask_for_class_code_attempts_and_cells(
    floor, provider, texts, when, taken
):
    provider.replies |= {"c00002": [BUSY], "c00003": [WRONG_NUMBER]}
    retry = 'attempts = 2\nbackoff = "1ms"'
    told = webhook(provider.url, retry=retry, steps=posting_step(texts.url, when=when))
    run_id = floor.launched(told, ids(3))

    floor.carried_out()

    assert sorted(texts.contacts) == taken
    floor.assert_books_hold(run_id)


def test_of_three_steps_one_that_does_not_ask_for_a_record_is_passed_over(
    floor, provider, texts, mails
):
    provider.replies |= {"c00002": [NO_ANSWER], "c00003": [WRONG_NUMBER]}
    texts.replies["c00002"] = [WRONG_NUMBER]
    steps = posting_step(texts.url, when='call.code = "no_answer"')
    steps += posting_step(
        mails.url,
        name="mail",
        when='call.code = "wrong_number" or text.class = "permanent"',
    )
    run_id = floor.launched(webhook(provider.url, steps=steps), ids(3))

    floor.carried_out()

    assert texts.contacts == ["c00002"]
    assert sorted(mails.contacts) == ["c00002", "c00003"]
    assert states(floor, run_id) == {
        "c00001": ("call", S.DELIVERED),
        "c00002": ("mail", S.DELIVERED),
        "c00003": ("mail", S.DELIVERED),
    }
    assert [one.attempts for one in floor.records(run_id)] == [1, 3, 2]
    floor.assert_books_hold(run_id)


def test_every_step_has_a_key_of_its_own_that_stays_the_same_over_its_retries(
    floor, provider, texts
):
    for contact in ids(3):
        provider.replies[contact] = [BUSY, BUSY, Reply()]
        texts.replies[contact] = [Reply(status=503), Reply(drop=True), Reply()]
    run_id = floor.launched(
        webhook(provider.url, steps=posting_step(texts.url)), ids(3)
    )

    floor.carried_out()

    assert (
        Counter(provider.contacts)
        == Counter(texts.contacts)
        == dict.fromkeys(ids(3), 3)
    )
    for serving in (provider, texts):
        assert [len(bodies) for bodies in serving.bodies_by_key.values()] == [1] * 3
    assert not set(provider.keys) & set(texts.keys)
    assert floor.assert_books_hold(run_id).delivered == 3


def test_each_step_is_as_patient_as_its_own_policy_says(floor, provider, texts):
    provider.replies["c00001"] = [BUSY]
    texts.replies["c00001"] = [BUSY]
    then = posting_step(texts.url, retry='attempts = 2\nbackoff = "1ms"')
    retry = 'attempts = 3\nbackoff = "1ms"'
    run_id = floor.launched(webhook(provider.url, retry=retry, steps=then), ids(1))

    floor.carried_out()

    assert (len(provider.arrivals), len(texts.arrivals)) == (3, 2)
    assert states(floor, run_id) == {"c00001": ("text", S.FAILED)}
    entries = floor.journey(run_id, 1).entries
    assert [one.step for one in entries if one.outcome] == ["call"] * 3 + ["text"] * 2
    assert "2 of 2" in entries[-1].detail
    assert floor.assert_books_hold(run_id).attempts == 5


def test_the_age_of_a_retry_counts_from_the_first_attempt_of_its_own_step(
    floor, provider, texts
):
    provider.replies["c00001"] = [LATER, Reply()]
    texts.replies["c00001"] = [BUSY, Reply()]
    then = posting_step(texts.url, retry='backoff = "1ms"\nmax_age = "1m"')
    run_id = floor.launched(webhook(provider.url, steps=then), ids(1))
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 1)
        floor.clock.move_to("2099-01-01T09:30:00+00:00")
        floor.until_ended(run_id)

    assert len(texts.arrivals) == 2
    assert states(floor, run_id) == {"c00001": ("text", S.DELIVERED)}


def test_who_may_have_been_reached_waits_for_a_person_before_the_next_step(
    floor, provider, texts
):
    provider.replies["c00002"] = [Reply(drop=True)]
    run_id = floor.launched(
        webhook(provider.url, AT_MOST_ONCE, steps=posting_step(texts.url)), ids(3)
    )

    floor.carried_out()

    assert sorted(texts.contacts) == ["c00001", "c00003"]
    assert states(floor, run_id)["c00002"] == ("call", S.UNKNOWN)
    floor.assert_books_hold(run_id)


def test_a_doubt_of_an_earlier_step_is_none_of_the_next(floor, provider, texts):
    provider.replies["c00001"] = [Reply(drop=True), Reply()]
    texts.replies["c00001"] = [BUSY]
    told = webhook(provider.url, steps=posting_step(texts.url, retry=ONCE))
    run_id = floor.launched(told, ids(1))

    floor.carried_out()

    # The call was answered; the text was refused for certain.
    assert states(floor, run_id) == {"c00001": ("text", S.FAILED)}


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.CANCEL])
def test_who_waits_for_the_next_step_at_the_end_stays_as_the_last_one_left_it(
    floor, provider, texts, verb
):
    provider.replies["c00002"] = [NO_ANSWER]
    provider.hold()
    then = posting_step(texts.url)
    told = webhook(provider.url, AT_MOST_ONCE, permits=4, steps=then)
    run_id = floor.launched(told, ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 4)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        waiting = floor.assert_books_hold(run_id)
        floor.steered(verb, run_id)
        floor.until_ended(run_id)

    assert (waiting.pending, waiting.delivered) == (10, 0)
    found = {contact: state for contact, (_, state) in states(floor, run_id).items()}
    reached = {"c00002": S.FAILED} | dict.fromkeys(
        ["c00001", "c00003", "c00004"], S.DELIVERED
    )
    assert found == dict.fromkeys(ids(10), S.NOT_ATTEMPTED) | reached
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.failed, books.not_attempted) == (3, 1, 6)
    assert texts.arrivals == []


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.CANCEL])
def test_a_retry_of_a_later_step_that_an_end_finds_falls_back_unless_it_is_in_doubt(
    floor, provider, texts, verb
):
    provider.replies["c00002"] = [NO_ANSWER]
    texts.replies |= {
        "c00001": [BUSY],
        "c00002": [BUSY],
        "c00003": [Reply(drop=True)],
        "c00004": [LATER],
    }
    patient = 'backoff = "1h"\nmax_backoff = "1h"'
    told = webhook(provider.url, steps=posting_step(texts.url, retry=patient))
    run_id = floor.launched(told, ids(4))
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 3)
        until(lambda: floor.books(run_id).callback == 1)
        floor.steered(Verb.PAUSE, run_id)
        floor.steered(verb, run_id)
        if verb is Verb.STOP:
            floor.steered(Verb.STOP, run_id)
        floor.until_ended(run_id)

    found = {contact: state for contact, (_, state) in states(floor, run_id).items()}
    assert found == {
        "c00001": S.DELIVERED,
        "c00002": S.FAILED,
        "c00003": S.UNKNOWN,
        "c00004": S.ABANDONED,
    }
    floor.assert_books_hold(run_id)


def test_an_attempt_that_ends_after_a_stop_takes_nobody_on(floor, provider, texts):
    provider.hold()
    told = webhook(provider.url, permits=2, steps=posting_step(texts.url))
    run_id = floor.launched(told, ids(2))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        floor.steered(Verb.STOP, run_id, state="applied")
        provider.let_go()
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).delivered == 2
    assert texts.arrivals == []


def test_a_promise_that_a_stopped_run_keeps_takes_nobody_on(floor, provider, texts):
    provider.replies["c00001"] = [LATER, Reply()]
    then = posting_step(texts.url, when='first_name = "name of c00001"')
    told = webhook(provider.url, steps=then)
    run_id = floor.launched(told, ids(2))
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 1)
        floor.steered(Verb.STOP, run_id)
        floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        floor.clock.move_to("2099-01-01T09:00:01+00:00")
        floor.until_ended(run_id)

    assert provider.contacts.count("c00001") == 2
    assert texts.arrivals == []
    assert states(floor, run_id)["c00001"] == ("call", S.DELIVERED)
    assert floor.assert_books_hold(run_id).delivered == 2


def test_after_a_crash_each_step_is_accounted_for_by_its_own_promise(
    floor, provider, texts
):
    for contact in ids(6)[3:]:
        provider.replies[contact] = [Reply(after_s=3_600)]
    texts.hold()
    then = posting_step(texts.url, retry=ONCE)
    told = webhook(provider.url, AT_MOST_ONCE, permits=6, steps=then)
    run_id = floor.launched(told, ids(6))
    with EngineProcess(floor.layout) as engine:
        until(lambda: (provider.at_once, texts.at_once) == (3, 3))
        assert engine.kill()
    texts.let_go()

    floor.carried_out()

    # The call may have been made: it is not made again, and the text waits for a
    # person. The text is sent again with its old key, and a crash costs it no attempt.
    assert sorted(provider.contacts) == ids(6)
    assert Counter(texts.contacts) == dict.fromkeys(ids(3), 2)
    assert [len(bodies) for bodies in texts.bodies_by_key.values()] == [1] * 3
    found = states(floor, run_id)
    assert {found[one] for one in ids(3)} == {("text", S.DELIVERED)}
    assert {found[one] for one in ids(6)[3:]} == {("call", S.UNKNOWN)}
    events = floor.events(run_id)
    recovered = [one.detail for one in events if one.event == "recovered"]
    assert sorted(recovered) == [
        "3 attempts were in flight: may have been delivered",
        "3 attempts were in flight: resent with the same key",
    ]
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.unknown, books.attempts) == (3, 3, 12)


def test_records_that_wait_for_their_next_step_go_on_with_the_next_engine(
    floor, provider, texts
):
    provider.hold()
    told = webhook(provider.url, permits=3, steps=posting_step(texts.url))
    run_id = floor.launched(told, ids(3))
    with floor.engine():
        until(lambda: provider.at_once == 3)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
    assert texts.arrivals == []
    floor.steered(Verb.RESUME, run_id)

    floor.carried_out()

    assert sorted(texts.contacts) == ids(3)
    assert sorted(provider.contacts) == ids(3)
    assert floor.assert_books_hold(run_id).delivered == 3


def test_the_books_hold_at_every_look_while_records_go_from_step_to_step(
    floor, provider, texts
):
    for number, contact in enumerate(ids(300)):
        replies = [[Reply()], [BUSY, Reply()], [NO_ANSWER], [Reply(drop=True), Reply()]]
        provider.replies[contact] = replies[number % 4]
        texts.replies[contact] = replies[number % 3]
    provider.otherwise = Reply(after_s=0.002)
    then = posting_step(texts.url, when='call.class in ("delivered", "permanent")')
    run_id = floor.launched(webhook(provider.url, permits=15, steps=then), ids(300))
    with floor.engine():
        looks = 0
        while floor.view(run_id).ended_at_ms is None:
            assert floor.books(run_id).imbalance == ""
            looks += 1
        floor.until_ended(run_id)

    assert looks > 1
    books = floor.assert_books_hold(run_id)
    assert books.remaining == 0
    assert books.delivered + books.failed == 300
    assert floor.view(run_id).lifecycle.outcome is RunOutcome.COMPLETED
    assert set(texts.contacts) == set(ids(300))
