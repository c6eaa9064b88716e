from __future__ import annotations

import time

from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, History, Phase, RunOutcome, Verb

CALLBACK = Reply(body={"outcome": "callback", "due_at": "2099-01-01T09:00:00+00:00"})
DUE_S = 4_070_941_200

#: Enough rows that an intake is still under way while a command travels.
LONG = 60_000


def test_a_stop_leaves_the_rest_not_attempted_and_drains_what_is_in_flight(
    floor, provider
):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=4), ids(50))
    with floor.engine():
        until(lambda: provider.at_once == 4)
        floor.steered(Verb.STOP, run_id, "wrong list", state="applied")
        until(lambda: floor.books(run_id).not_attempted == 46)
        stopping = floor.view(run_id)
        provider.let_go()
        floor.until_ended(run_id)

    assert (stopping.label, stopping.books.attempting) == ("Stopping", 4)
    run = floor.view(run_id)
    assert run.label == "Stopped + collecting"
    assert (run.books.delivered, run.books.not_attempted) == (4, 46)
    assert len(provider.arrivals) == 4
    floor.assert_books_hold(run_id)


def test_the_first_stop_keeps_promised_callbacks_and_the_second_drops_them(
    floor, provider
):
    for contact in ids(3):
        provider.replies[contact] = [CALLBACK]
    provider.otherwise = Reply(after_s=0.01)
    run_id = floor.launched(webhook(provider.url, permits=2), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 3)
        floor.steered(Verb.STOP, run_id)
        kept = floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        again = floor.preview(Verb.STOP, run_id)
        floor.steered(Verb.STOP, run_id)
        floor.until_ended(run_id)

    assert (kept.books.callback, kept.books.abandoned) == (3, 0)
    assert kept.next_callback_at_ms == 4_070_941_200_000
    assert any("callbacks: 3; they are dropped" in line for line in again.lines)
    assert floor.view(run_id).label == "Stopped + collecting"
    assert floor.assert_books_hold(run_id).abandoned == 3


def test_callbacks_kept_by_a_stop_are_made_when_due_and_end_the_run_as_stopped(
    floor, provider
):
    provider.replies["c00001"] = [CALLBACK, Reply()]
    run_id = floor.launched(webhook(provider.url, permits=1), ids(2))
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 1)
        until(lambda: floor.view(run_id).lifecycle.phase is Phase.CALLBACK)
        floor.steered(Verb.STOP, run_id)
        floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        assert len(provider.arrivals) == 2

        floor.clock.ahead_s = DUE_S - time.time() + 3_600
        floor.until_ended(run_id)

    assert provider.contacts == ["c00001", "c00002", "c00001"]
    assert floor.view(run_id).lifecycle.outcome is RunOutcome.STOPPED
    assert floor.assert_books_hold(run_id).delivered == 2


def test_a_promise_that_nobody_could_keep_in_time_expires_and_contacts_nobody(
    floor, provider
):
    provider.replies["c00001"] = [CALLBACK, Reply()]
    run_id = floor.launched(webhook(provider.url, permits=1), ids(2))
    with floor.engine():
        until(lambda: floor.view(run_id).lifecycle.phase is Phase.CALLBACK)
        floor.clock.ahead_s = DUE_S - time.time() + 48 * 3_600 + 1
        floor.until_ended(run_id)

    assert provider.contacts == ["c00001", "c00002"]
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.expired) == (1, 1)
    [late] = floor.records(run_id, RecordState.EXPIRED)
    assert (late.contact, late.code) == ("c00001", "callback_expired")


def test_a_launched_run_is_cancelled_only_from_paused(floor, provider):
    provider.replies["c00001"] = [CALLBACK]
    provider.otherwise = Reply(after_s=0.01)
    run_id = floor.launched(webhook(provider.url, permits=2), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 1)
        refused = floor.steered(Verb.CANCEL, run_id)
        assert floor.view(run_id).lifecycle.phase is Phase.RUNNING
        floor.steered(Verb.PAUSE, run_id)
        sent = len(provider.arrivals)
        floor.steered(Verb.CANCEL, run_id)
        floor.until_ended(run_id)

    assert (refused.state, refused.refusal) == ("refused", "NEEDS_PAUSE")
    assert floor.view(run_id).label == "Cancelled + collecting"
    assert len(provider.arrivals) == sent
    books = floor.assert_books_hold(run_id)
    assert (books.abandoned, books.not_attempted) == (1, 200 - sent)


def test_a_cancel_before_the_engine_ever_ran_contacts_nobody_and_owes_a_notice(
    floor, provider
):
    told = webhook(provider.url, head='notify = ["ops@example.org"]')
    run_id = floor.launched(told, ids(20))
    untold = floor.launched(webhook(provider.url, name="untold"), ids(20))
    for one in (run_id, untold):
        floor.steered(Verb.CANCEL, one, "wrong week")

    floor.carried_out()

    run = floor.view(run_id)
    assert (run.label, run.launch_id) == ("Cancelled before launch", None)
    assert "notice owed" in floor.event_words(run_id)
    # Where a campaign names nobody, nobody can be told.
    assert "notice owed" not in floor.event_words(untold)
    assert provider.arrivals == []


def test_a_cancel_in_the_middle_of_the_extraction_contacts_nobody(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(LONG))
    other = floor.launched(campaign(), ids(3))
    with floor.engine():
        until(lambda: floor.books(run_id).records > 0)
        floor.steered(Verb.CANCEL, run_id)
        cancelled = floor.until_ended(run_id)
        # The engine lives on and reads the next upload.
        floor.until_ended(other)

    assert cancelled.label == "Cancelled before launch"
    books = floor.assert_books_hold(run_id)
    assert 0 < books.records < LONG
    assert books.not_attempted == books.records
    assert provider.arrivals == []


def test_a_stop_in_the_middle_of_the_extraction_ends_as_stopped(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(LONG))
    with floor.engine():
        until(lambda: floor.books(run_id).records > 0)
        floor.steered(Verb.STOP, run_id)
        stopped = floor.until_ended(run_id)

    assert (stopped.label, stopped.launch_id) == ("Stopped", None)
    assert floor.assert_books_hold(run_id).not_attempted == stopped.books.records
    assert provider.arrivals == []


def test_a_large_run_is_ended_whole_without_an_engine(floor):
    run_id = floor.launched(campaign(), ids(25_000))
    floor.steered(Verb.PAUSE, run_id)
    with floor.engine():
        until(lambda: floor.books(run_id).records == 25_000)
        until(lambda: floor.view(run_id).label == "Queued + paused")

    command = floor.command(Verb.CANCEL, run_id)
    floor.asked(command, "acknowledged")

    run = floor.view(run_id)
    assert run.lifecycle.outcome is RunOutcome.CANCELLED
    assert floor.assert_books_hold(run_id).not_attempted == 25_000
    # A verb does not write the history of so many; the next engine does.
    assert run.lifecycle.history is History.CREATING
    floor.carried_out()
    assert floor.view(run_id).lifecycle.history is History.CREATED


def test_a_paused_launched_run_is_ended_whole_without_an_engine(floor, provider):
    provider.otherwise = Reply(after_s=0.03)
    run_id = floor.launched(webhook(provider.url, permits=2), ids(100))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 5)
        floor.steered(Verb.PAUSE, run_id)
    sent = len(provider.arrivals)

    floor.asked(floor.command(Verb.CANCEL, run_id), "acknowledged")

    run = floor.view(run_id)
    assert run.lifecycle.outcome is RunOutcome.CANCELLED
    assert run.lifecycle.history is History.CREATED
    assert floor.assert_books_hold(run_id).not_attempted == 100 - sent


def test_a_transient_failure_that_ends_after_the_stop_is_not_tried_again(
    floor, provider
):
    provider.otherwise = Reply(status=503)
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=2), ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        floor.steered(Verb.STOP, run_id, state="applied")
        provider.let_go()
        floor.until_ended(run_id)

    books = floor.assert_books_hold(run_id)
    assert (books.failed, books.not_attempted) == (2, 8)
    assert len(provider.arrivals) == 2


def test_a_doubtful_retry_that_a_stop_finds_is_unknown_never_not_attempted(
    floor, provider
):
    provider.replies["c00001"] = [Reply(drop=True)]
    provider.replies["c00002"] = [Reply(status=503)]
    retry = 'backoff = "1h"\nmax_backoff = "1h"'
    run_id = floor.launched(webhook(provider.url, retry=retry), ids(2))
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 2)
        floor.steered(Verb.STOP, run_id)
        floor.until_ended(run_id)

    states = {one.contact: one.state for one in floor.records(run_id)}
    assert states == {
        "c00001": RecordState.UNKNOWN,
        "c00002": RecordState.NOT_ATTEMPTED,
    }


def test_a_doubtful_retry_in_hand_at_a_stop_is_unknown_never_not_attempted(
    floor, provider
):
    later = Reply(status=503, headers={"Retry-After": "3600"})
    provider.replies["c00001"] = [later]
    provider.replies["c00002"] = [Reply(drop=True)]
    text = webhook(provider.url, permits=2, rate="0.5/s")
    run_id = floor.launched(text, ids(2))
    with floor.engine():
        # The second one is taken up again at once, and waits for its pace.
        until(lambda: floor.books(run_id).retry == 1 and len(provider.arrivals) == 2)
        until(lambda: floor.books(run_id).attempting == 1)
        floor.steered(Verb.STOP, run_id)
        floor.until_ended(run_id)

    states = {one.contact: one.state for one in floor.records(run_id)}
    assert len(provider.arrivals) == 2
    assert states == {
        "c00001": RecordState.NOT_ATTEMPTED,
        "c00002": RecordState.UNKNOWN,
    }


def test_an_end_is_final_and_its_history_is_written_once(floor):
    run_id = floor.launched(campaign(), ids(5))
    floor.carried_out()
    ended = floor.view(run_id)

    answers = [floor.steered(verb, run_id).refusal for verb in Verb]
    floor.carried_out()

    assert answers == ["ALREADY_ENDED"] * 4
    assert floor.view(run_id) == ended
    assert floor.event_words(run_id).count("history_created") == 1
    assert ended.lifecycle.gate is Gate.OPEN
