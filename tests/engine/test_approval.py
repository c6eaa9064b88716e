from __future__ import annotations

from tests.support.floor import ids, via_account, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.regions import Gate, Phase, RunOutcome, Verb

AFTER_FIVE = "[approval]\nafter = 5"
LATER = Reply(body={"outcome": "callback", "due_at": "2099-01-01T09:00:00+00:00"})


def until_waiting(floor, run_id):
    until(lambda: floor.view(run_id).label == "Waiting (external)")
    floor.rounds(run_id)


def test_after_so_many_attempts_the_run_waits_for_a_person_s_word(floor, provider):
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(20))
    with floor.engine():
        until_waiting(floor, run_id)
        waiting = floor.view(run_id)
        assert len(provider.arrivals) == 5
        answer = floor.ordered("approve", run_id, by="otto", why="they look right")
        floor.until_ended(run_id)

    assert waiting.awaits_approval
    assert (waiting.books.pending, waiting.books.attempts) == (15, 5)
    assert (waiting.approve_after, waiting.approved_at_ms) == (5, None)
    assert answer.state == "settled"
    assert sorted(provider.contacts) == ids(20)
    [told] = [one for one in floor.events(run_id) if one.event == "approved"]
    assert (told.by, told.why) == (via_account("otto"), "they look right")
    assert told.detail == "after 5 attempts"
    assert (told.before, told.after) == ("Waiting (external)", "Running")
    ended = floor.view(run_id)
    assert ended.approved_at_ms == told.at_ms
    assert ended.lifecycle.outcome is RunOutcome.COMPLETED
    floor.assert_books_hold(run_id)


def test_a_run_that_is_smaller_than_that_waits_for_nobody(floor, provider):
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(4))

    floor.carried_out()

    assert floor.view(run_id).lifecycle.outcome is RunOutcome.COMPLETED
    assert floor.assert_books_hold(run_id).delivered == 4


def test_a_run_of_exactly_so_many_ends_without_a_word(floor, provider):
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(5))

    floor.carried_out()

    assert floor.view(run_id).lifecycle.outcome is RunOutcome.COMPLETED
    assert floor.assert_books_hold(run_id).delivered == 5


def test_retries_wait_for_the_word_as_everything_else(floor, provider):
    for contact in ids(5):
        provider.replies[contact] = [Reply(status=503), Reply()]
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(5))
    with floor.engine():
        until_waiting(floor, run_id)
        floor.clock.ahead_s = 60
        floor.rounds(run_id)
        books = floor.assert_books_hold(run_id)
        assert (books.retry, len(provider.arrivals)) == (5, 5)
        floor.ordered("approve", run_id)
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).delivered == 5


def test_a_promise_that_falls_due_waits_for_the_word_too(floor, provider):
    provider.replies["c00001"] = [LATER, Reply()]
    rest = "[approval]\nafter = 2"
    run_id = floor.launched(webhook(provider.url, rest=rest), ids(3))
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 1)
        until(lambda: floor.books(run_id).attempting == 0)
        floor.clock.move_to("2099-01-01T10:00:00+00:00")
        floor.rounds(run_id)
        assert len(provider.arrivals) == 2
        floor.ordered("approve", run_id)
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ["c00001", *ids(3)]


def test_intents_that_were_taken_back_count_for_nothing(floor, provider):
    provider.hold()
    told = webhook(provider.url, permits=2, rest=AFTER_FIVE)
    run_id = floor.launched(told, ids(20))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        until(lambda: floor.books(run_id).attempting == 4)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        floor.steered(Verb.RESUME, run_id)
        until_waiting(floor, run_id)

    assert len(provider.arrivals) == 5
    assert floor.assert_books_hold(run_id).attempts == 5


def test_a_resume_is_not_the_word_that_is_waited_for(floor, provider):
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(8))
    with floor.engine():
        until_waiting(floor, run_id)
        floor.steered(Verb.PAUSE, run_id)
        floor.steered(Verb.RESUME, run_id)
        until_waiting(floor, run_id)
        assert len(provider.arrivals) == 5
        floor.steered(Verb.PAUSE, run_id)
        # The word opens no gate either.
        floor.ordered("approve", run_id)
        floor.rounds(run_id)
        assert len(provider.arrivals) == 5
        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert len(provider.arrivals) == 8


def test_a_word_that_nobody_waits_for_is_refused_by_name(floor, provider):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=1, rest=AFTER_FIVE), ids(20))
    plain = floor.launched(webhook(provider.url, name="plain"), ids(2))
    with floor.engine():
        until(lambda: provider.at_once > 1)
        early = floor.ordered("approve", run_id)
        never = floor.ordered("approve", plain)
        provider.let_go()
        until_waiting(floor, run_id)
        provider.hold()
        floor.ordered("approve", run_id)
        again = floor.ordered("approve", run_id)
        provider.let_go()
        floor.until_ended(run_id)
        late = floor.ordered("approve", run_id)

    assert [one.refusal for one in (early, never, again)] == ["NOT_YET"] * 3
    assert "waits for nobody's word" in early.detail
    assert (late.state, "not live" in late.detail) == ("refused", True)
    assert floor.event_words(run_id).count("approved") == 1


def test_an_engine_that_works_until_idle_does_not_wait_for_a_person(floor, provider):
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(9))

    floor.carried_out()
    floor.carried_out()

    assert floor.view(run_id).lifecycle.phase is Phase.RUNNING
    assert len(provider.arrivals) == 5
    # Nobody owns the workspace now: the word is stored by who gives it.
    assert floor.ordered("approve", run_id).state == "settled"
    assert len(provider.arrivals) == 5
    floor.carried_out()
    assert floor.assert_books_hold(run_id).delivered == 9


def test_a_stop_while_a_word_is_waited_for_contacts_nobody_else(floor, provider):
    run_id = floor.launched(webhook(provider.url, rest=AFTER_FIVE), ids(9))
    with floor.engine():
        until_waiting(floor, run_id)
        floor.steered(Verb.STOP, run_id)
        floor.until_ended(run_id)

    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.not_attempted) == (5, 4)
    assert len(provider.arrivals) == 5
