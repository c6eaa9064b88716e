from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from sqlalchemy import select
from tests.support.floor import campaign, ids, webhook
from tests.support.pacing import assert_paced
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase, Verb
from watchfloor.store.tables import attempt

BOTH = pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])

#: How long a hurried channel may take; nothing here waits for it.
HURRY = 'timeout = "2s"'


def posting(provider, delivery="idempotent", **options):
    return webhook(provider.url, f'delivery = "{delivery}"', **options)


@BOTH
def test_attempts_in_flight_never_exceed_the_permits(floor, delivery):
    numbers = count()
    with Provider(lambda: Reply(after_s=0.001 * (next(numbers) % 7))) as provider:
        run_id = floor.launched(posting(provider, delivery, permits=7), ids(400))

        floor.carried_out()

        assert provider.most_at_once <= 7
        assert len(provider.arrivals) == 400
    assert floor.assert_books_hold(run_id).delivered == 400


def test_every_permit_is_used(floor, provider):
    provider.hold()
    floor.launched(posting(provider, permits=12), ids(40))
    with floor.engine():
        until(lambda: provider.at_once == 12)
        provider.let_go()


@pytest.mark.parametrize("rate", [40, 150])
def test_starts_in_any_window_keep_to_the_pace(floor, rate):
    run_id = floor.launched(campaign(rate=f"{rate}/s", permits=20), ids(rate))

    with floor.engine(until_idle=True) as engine:
        engine.ended()

    starts = floor.read(started)
    assert len(starts) == rate
    assert_paced(starts, rate)
    floor.assert_books_hold(run_id)


def started(connection):
    return list(connection.scalars(select(attempt.c.started_at_ms)))


def test_of_a_slow_pace_only_the_next_intent_is_stored_ahead(floor, provider):
    run_id = floor.launched(posting(provider, rate="6/h", permits=8), ids(20))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 1)
        until(lambda: floor.books(run_id).attempting == 1)

        floor.steered(Verb.PAUSE, run_id)

    assert floor.assert_books_hold(run_id).attempts == 1


def test_a_transient_failure_is_tried_again_with_the_same_key_and_body(floor, provider):
    provider.replies["c00002"] = [Reply(status=503), Reply(status=429), Reply()]
    run_id = floor.launched(posting(provider), ids(3))

    floor.carried_out()

    assert Counter(provider.contacts) == {"c00001": 1, "c00002": 3, "c00003": 1}
    assert [len(bodies) for bodies in provider.bodies_by_key.values()] == [1, 1, 1]
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.attempts) == (3, 5)
    outcomes = [entry.outcome for entry in floor.journey(run_id, 2).entries]
    assert outcomes == [
        "",
        "transient http_503",
        "transient http_429",
        "delivered http_200",
    ]


def test_a_permanent_failure_is_never_tried_again(floor, provider):
    provider.replies["c00001"] = [Reply(status=404), Reply()]
    run_id = floor.launched(posting(provider), ids(2))

    floor.carried_out()

    assert sorted(provider.contacts) == ids(2)
    assert floor.assert_books_hold(run_id).failed == 1


def test_attempts_end_at_the_cap(floor, provider):
    provider.replies["c00001"] = [Reply(status=503)]
    retry = 'attempts = 3\nbackoff = "1ms"'
    run_id = floor.launched(posting(provider, retry=retry), ids(1))

    floor.carried_out()

    assert len(provider.arrivals) == 3
    assert floor.assert_books_hold(run_id).failed == 1
    assert "3 of 3" in floor.journey(run_id, 1).entries[-1].detail


def test_a_retry_waits_at_least_as_long_as_the_provider_asked(floor, provider):
    wish = Reply(status=429, headers={"Retry-After": "3600"})
    provider.replies["c00001"] = [wish, Reply()]
    retry = 'backoff = "1ms"\nmax_backoff = "2h"'
    run_id = floor.launched(posting(provider, retry=retry), ids(2))
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 1)
        run = floor.view(run_id)
        ended_at_ms = floor.records(run_id, RecordState.RETRY)[0].updated_at_ms
        assert run.next_retry_at_ms == ended_at_ms + 3_600_000

        floor.clock.ahead_s = 3_500
        pulse = floor.pulse().changes
        until(lambda: floor.pulse().changes >= pulse and provider.contacts)
        assert provider.contacts.count("c00001") == 1

        floor.clock.ahead_s = 3_601
        floor.until_ended(run_id)

    assert provider.contacts.count("c00001") == 2


def test_a_callback_is_made_when_it_is_due_and_not_before(floor, provider):
    due = "2098-01-01T09:00:00+00:00"
    later = Reply(body={"outcome": "callback", "due_at": due})
    provider.replies["c00001"] = [later, Reply()]
    run_id = floor.launched(posting(provider), ids(1))
    with floor.engine():
        waiting = floor.until_phase(run_id, Phase.CALLBACK)
        assert waiting.next_callback_at_ms == 4_039_405_200_000
        ahead_s = 4_039_405_200 - floor.clock.now_ms() / 1000
        floor.clock.ahead_s = ahead_s - 60
        beat = floor.pulse().heartbeat_at_ms
        until(lambda: floor.pulse().heartbeat_at_ms > beat + 1000)
        assert len(provider.arrivals) == 1

        floor.clock.ahead_s = ahead_s + 1
        floor.until_ended(run_id)

    assert len(provider.arrivals) == 2


def test_a_reply_lost_at_most_once_is_unknown_and_never_sent_again(floor, provider):
    provider.replies["c00002"] = [Reply(drop=True)]
    run_id = floor.launched(posting(provider, "at_most_once"), ids(3))

    floor.carried_out()

    assert sorted(provider.contacts) == ids(3)
    assert floor.assert_books_hold(run_id).unknown == 1
    assert floor.view(run_id).label == "Completed + collecting"
    [one] = floor.records(run_id, RecordState.UNKNOWN)
    assert (one.contact, one.attempts) == ("c00002", 1)


def test_a_reply_lost_by_a_provider_that_honours_the_key_is_asked_again(
    floor, provider
):
    provider.replies["c00002"] = [Reply(drop=True), Reply(drop=True), Reply()]
    run_id = floor.launched(posting(provider), ids(3))

    floor.carried_out()

    assert Counter(provider.contacts)["c00002"] == 3
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    assert len(provider.bodies_by_key) == 3
    assert floor.assert_books_hold(run_id).delivered == 3


def test_a_reply_lost_again_and_again_ends_unknown_never_failed(floor, provider):
    provider.replies["c00001"] = [Reply(drop=True)]
    retry = 'attempts = 2\nbackoff = "1ms"'
    run_id = floor.launched(posting(provider, retry=retry), ids(1))

    floor.carried_out()

    assert len(provider.arrivals) == 2
    assert floor.assert_books_hold(run_id).unknown == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_pause_the_run_instead_of_burning_its_list(
    floor, provider, status
):
    provider.otherwise = Reply(status=status)
    run_id = floor.launched(posting(provider, permits=2), ids(300))
    with floor.engine():
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        run = floor.view(run_id)

    assert run.gate_asked.by == "engine"
    assert run.gate_asked.why
    assert len(provider.arrivals) < 30
    books = floor.assert_books_hold(run_id)
    assert books.pending == 300 - books.failed


def test_a_channel_that_raises_is_ambiguous_and_takes_nobody_with_it(floor):
    settings = 'delivery = "at_most_once"\nscript = { c00002 = ["crash"] }'
    run_id = floor.launched(campaign(settings), ids(20))

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.unknown) == (19, 1)
    [one] = floor.records(run_id, RecordState.UNKNOWN)
    assert (one.contact, one.code) == ("c00002", "channel_error")


def test_a_huge_run_does_not_starve_a_small_one(floor, provider):
    provider.otherwise = Reply(after_s=0.002)
    huge = floor.launched(posting(provider, permits=20, name="huge"), ids(8_000, "h"))
    with floor.engine():
        until(lambda: floor.books(huge).delivered > 100)
        small = floor.launched(posting(provider, permits=2, name="small"), ids(20, "s"))
        floor.until_ended(small)
        left = floor.books(huge).pending
        floor.steered(Verb.STOP, huge)
        floor.until_ended(huge)

    assert left > 0
    assert floor.assert_books_hold(small).delivered == 20
    floor.assert_books_hold(huge)


def test_retries_take_no_more_than_their_share_while_others_wait(floor, provider):
    for contact in ids(40):
        provider.replies[contact] = [Reply(status=503), Reply()]
    retry = 'backoff = "1ms"\nmax_backoff = "1ms"'
    run_id = floor.launched(
        posting(provider, permits=10, retry=retry, retry_share=0.1), ids(200)
    )

    floor.carried_out()

    # Before the last new contact arrives, about one dispatch in ten may be a retry.
    last_new = max(provider.contacts.index(contact) for contact in ids(200))
    repeated = len(provider.contacts[:last_new]) - len(
        set(provider.contacts[:last_new])
    )
    assert repeated <= 40
    assert floor.assert_books_hold(run_id).delivered == 200
