"""Who was reached after all is not contacted again by a retry that has not sent yet."""

from __future__ import annotations

import pytest
from tests.engine.test_collector import about, event
from tests.engine.test_resolving import resolved
from tests.engine.test_resolving_retried import ended_with_unknowns
from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.retries import BUSY, FINE, ONCE, QUIET, previewed, retried, sick

from watchfloor.domain.records import REACHED_BEFORE, RecordState
from watchfloor.domain.regions import Gate, Verb
from watchfloor.domain.results import ResultKind
from watchfloor.engine.collector import MatchParked, TakeResults
from watchfloor.store.reads import rows


def held_child(floor, run_id, **options):
    """Return a retry that is paused before it sends anything, all taken up."""
    child = retried(floor, run_id, **options)
    floor.steered(Verb.PAUSE, child)
    return child


def seeded(floor, child, count):
    until(lambda: floor.books(child).records == count)


def spared(floor, child):
    return [r for r in floor.records(child) if r.code == REACHED_BEFORE]


@pytest.mark.parametrize("kind", [ResultKind.DELIVERED, ResultKind.OPTED_OUT])
def test_a_late_report_keeps_a_retry_from_sending_to_whom_its_parent_reached(
    floor, provider, kind
):
    run_id = ended_with_unknowns(floor, provider, 3)
    provider.arrivals.clear()
    child = held_child(floor, run_id, with_unknown=True)
    with floor.engine() as engine:
        seeded(floor, child, 3)
        engine.do(TakeResults([about(run_id, "c00002", kind)], "the receiver"))
        books = floor.assert_books_hold(child)
        assert (books.pending, books.not_attempted) == (2, 1)
        floor.steered(Verb.RESUME, child)
        floor.until_ended(child)

    assert sorted(provider.contacts) == ["c00001", "c00003"]
    [record] = spared(floor, child)
    assert record.state is RecordState.NOT_ATTEMPTED
    floor.assert_books_hold(child)
    told = [one.detail for one in floor.events(child) if one.event == "reached before"]
    assert len(told) == 1
    assert told[0].endswith(f"the receiver reported of an earlier attempt: {kind}")
    words = [one.detail for one in floor.journey(child, record.seq).entries]
    assert any(f"of record 2 of run {run_id}" in word for word in words)


@pytest.mark.parametrize("kind", [ResultKind.NO_ANSWER, ResultKind.BOUNCED])
def test_what_does_not_say_that_somebody_was_reached_spares_nobody(
    floor, provider, kind
):
    run_id = sick(floor, provider, 2)
    provider.arrivals.clear()
    child = held_child(floor, run_id)
    with floor.engine() as engine:
        seeded(floor, child, 2)
        engine.do(TakeResults([about(run_id, "c00001", kind)], "s"))
        floor.steered(Verb.RESUME, child)
        floor.until_ended(child)

    assert sorted(provider.contacts) == ids(2)
    assert spared(floor, child) == []


def refused(floor, provider, count):
    """Return an ended run whose attempts failed for now under ids p-1, p-2, ..."""
    for number, contact in enumerate(ids(count), 1):
        provider.replies[contact] = [Reply(status=503, body={"id": f"p-{number}"})]
    text = webhook(provider.url, retry=ONCE, rest=QUIET)
    run_id = floor.launched(text, ids(count))
    floor.carried_out()
    provider.replies.clear()
    return run_id


def test_what_the_retry_attempted_already_stays_and_its_journey_tells(floor, provider):
    run_id = refused(floor, provider, 1)
    child = retried(floor, run_id)
    floor.carried_out()
    before = floor.assert_books_hold(child)
    assert before.delivered == 1
    with floor.engine() as engine:
        late = event("late", ResultKind.OPENED, provider_id="p-1")
        engine.do(TakeResults([late], "the receiver"))

    assert floor.assert_books_hold(child) == before
    assert "reached before" not in floor.event_words(child)
    (told,) = [one for one in floor.journey(child, 1).entries if one.event == "result"]
    assert told.outcome == "opened"
    assert told.detail == f"of record 1 of run {run_id}; the receiver"


def retry_of_a_retry(floor, provider):
    """Return a child that failed for now again, after a run of ``refused``."""
    run_id = refused(floor, provider, 2)
    provider.otherwise = BUSY
    child = retried(floor, run_id)
    floor.carried_out()
    provider.otherwise = FINE
    provider.arrivals.clear()
    return child


def test_a_report_of_the_first_run_spares_the_retry_of_its_retry(floor, provider):
    grandchild = held_child(floor, retry_of_a_retry(floor, provider))
    with floor.engine() as engine:
        seeded(floor, grandchild, 2)
        engine.do(TakeResults([event("late", provider_id="p-1")], "s"))
        floor.steered(Verb.RESUME, grandchild)
        floor.until_ended(grandchild)

    assert provider.contacts == ["c00002"]
    assert floor.assert_books_hold(grandchild).not_attempted == 1


def test_whom_the_first_run_reached_no_later_retry_takes_up(floor, provider):
    child = retry_of_a_retry(floor, provider)
    late = {"events": [event("late", provider_id="p-1").as_dict()], "source": "s"}
    assert floor.ordered("results", **late).state == "settled"
    grandchild = retried(floor, child)
    floor.carried_out()

    assert provider.contacts == ["c00002"]
    assert floor.assert_books_hold(grandchild).duplicate == 1


def test_a_parked_report_that_finds_its_record_spares_the_retry(
    floor, provider, monkeypatch
):
    monkeypatch.setattr(rows, "FRESH_RUNS", 0)
    run_id = sick(floor, provider, 2)
    child = held_child(floor, run_id)
    with floor.engine() as engine:
        seeded(floor, child, 2)
        engine.do(TakeResults([about(run_id, "c00001")], "s"))
        assert floor.books(child).not_attempted == 0
        engine.do(MatchParked())
        assert floor.assert_books_hold(child).not_attempted == 1


def test_what_is_spared_is_resolved_on_the_parent_while_the_retry_still_runs(
    floor, provider
):
    run_id = ended_with_unknowns(floor, provider, 3)
    child = held_child(floor, run_id, with_unknown=True)
    with floor.engine() as engine:
        seeded(floor, child, 3)
        engine.do(TakeResults([about(run_id, "c00002")], "s"))
        assert floor.view(child).lifecycle.gate is Gate.PAUSED
        answer = resolved(floor, run_id, "delivered")
    assert answer.detail == "1 unknown record resolved"
    assert floor.assert_books_hold(run_id).delivered == 1


def test_whoever_was_reached_is_not_asked_for_a_retry_of_the_parent_again(
    floor, provider
):
    run_id = sick(floor, provider, 2)
    child = held_child(floor, run_id)
    with floor.engine() as engine:
        seeded(floor, child, 2)
        engine.do(TakeResults([about(run_id, "c00001")], "s"))
        floor.steered(Verb.CANCEL, child)
        floor.until_ended(child)
    assert previewed(floor, run_id).counts.retried == 1


@pytest.mark.parametrize("limit", ["permits = 1", 'rate = "1/s"'], ids=["full", "pace"])
def test_a_report_keeps_back_a_retry_whose_intent_waits_for_a_shared_limit(
    floor, provider, limit
):
    run_id = ended_with_unknowns(floor, provider, 3)
    provider.arrivals.clear()
    floor.configure(f"[channels.webhook]\n{limit}")
    provider.hold()
    floor.clock.stand()
    child = retried(floor, run_id, with_unknown=True, canary=False)
    with floor.engine() as engine:
        # One is in flight, and the next one's intent waits for its turn.
        until(lambda: provider.at_once == 1 and floor.books(child).attempting == 2)
        [waits] = [
            record.contact
            for record in floor.records(child, RecordState.ATTEMPTING)
            if record.contact not in provider.contacts
        ]
        engine.do(TakeResults([about(run_id, waits)], "the receiver"))
        assert floor.books(child).attempting == 2
        floor.clock.go_on()
        provider.let_go()
        floor.until_ended(child)

    assert len(provider.contacts) == 2
    assert waits not in provider.contacts
    [record] = spared(floor, child)
    assert record.contact == waits
    assert record.state is RecordState.NOT_ATTEMPTED
    floor.assert_books_hold(child)
