from __future__ import annotations

import contextlib
import sqlite3

import pytest
from sqlalchemy import select
from tests.support.floor import ids, posting_step, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.retries import (
    BUSY,
    FINE,
    ONCE,
    QUIET,
    asked,
    canary_of,
    previewed,
    retried,
    sick,
)

from watchfloor.domain.canary import StageState
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import Refusal
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase, RunOutcome, Verb
from watchfloor.engine import seeding
from watchfloor.store.reads.quota import used
from watchfloor.store.tables import quota

DROPPED = Reply(drop=True)


def month(floor):
    """Return what was reserved of the only month there is."""
    return floor.read(
        lambda connection: used(
            connection, str(connection.scalar(select(quota.c.month)))
        )
    )


def test_what_failed_for_now_is_retried_with_its_keys_and_the_rest_is_not(
    floor, provider
):
    run_id = sick(floor, provider, 20, gone=3)
    first = {one.contact: (one.key, one.body) for one in provider.arrivals}
    preview = previewed(floor, run_id)

    assert (preview.counts.selected, preview.counts.retried) == (20, 17)
    assert preview.counts.permanent == 3
    assert preview.stages == (15, 2)
    provider.arrivals.clear()
    child = asked(floor, preview).run_id
    floor.carried_out()

    again = {one.contact: (one.key, one.body) for one in provider.arrivals}
    assert again == {contact: first[contact] for contact in ids(20)[3:]}
    assert len(provider.arrivals) == 17
    view = floor.view(child)
    assert view.parent_id == run_id
    assert view.lifecycle.outcome is RunOutcome.COMPLETED
    assert floor.assert_books_hold(child).delivered == 17
    assert floor.assert_books_hold(run_id).failed == 20
    assert [one.state for one in canary_of(floor, child).stages] == [
        StageState.PASSED,
        StageState.PASSED,
    ]
    assert "retried" in floor.event_words(run_id)


def test_a_live_run_is_not_retried(floor, provider):
    run_id = floor.launched(webhook(provider.url, retry=ONCE), ids(3))
    preview = previewed(floor, run_id)
    answer = asked(floor, preview)

    assert preview.refusal is Refusal.STILL_LIVE
    assert (answer.state, answer.refusal) == ("refused", Refusal.STILL_LIVE)
    assert len(floor.views()) == 1
    assert "retry refused" in floor.event_words(run_id)


def test_permanent_failures_alone_are_refused_by_name_with_their_count(floor, provider):
    run_id = sick(floor, provider, 4, gone=4)
    answer = asked(floor, previewed(floor, run_id))

    assert answer.refusal == Refusal.ONLY_PERMANENT
    assert "4 of 4" in answer.detail
    assert len(floor.views()) == 1


@pytest.mark.parametrize(
    "selection",
    [
        Selection(codes=frozenset({"no_such_code"})),
        Selection(seqs=frozenset({99})),
        Selection(states=frozenset({RecordState.DELIVERED})),
    ],
)
def test_an_empty_cohort_is_refused(floor, provider, selection):
    run_id = sick(floor, provider, 3)
    answer = asked(floor, previewed(floor, run_id, selection))

    assert answer.refusal == Refusal.EMPTY_COHORT
    assert len(floor.views()) == 1


def test_records_that_did_not_fail_are_left_alone_though_they_are_named(
    floor, provider
):
    provider.replies = {"c00002": [BUSY]}
    run_id = floor.launched(webhook(provider.url, retry=ONCE), ids(2))
    floor.carried_out()
    counts = previewed(floor, run_id, Selection(seqs=frozenset({1, 2}))).counts

    assert (counts.selected, counts.retried, counts.other) == (2, 1, 1)


def test_a_cohort_that_changed_since_it_was_shown_is_refused_with_the_new_figures(
    floor, provider
):
    run_id = sick(floor, provider, 5)
    shown = previewed(floor, run_id)
    floor.suppressed("c00002")
    answer = asked(floor, shown)

    assert answer.refusal == Refusal.DRIFTED
    assert "4 to be retried, 1 suppressed" in answer.detail
    assert len(floor.views()) == 1


def test_what_a_younger_run_has_taken_up_is_not_taken_up_again(floor, provider):
    run_id = sick(floor, provider, 6)
    shown = previewed(floor, run_id)
    some = Selection(seqs=frozenset({1, 2}))
    child = retried(floor, run_id, some)
    raced = asked(floor, shown)
    left = previewed(floor, run_id)

    assert raced.refusal == Refusal.DRIFTED
    assert dict(left.counts.taken) == {child: 2}
    assert left.counts.retried == 4
    floor.carried_out()
    # Ended, and attempted: they stay taken.
    assert dict(previewed(floor, run_id).counts.taken) == {child: 2}
    again = asked(floor, previewed(floor, run_id, some))
    assert again.refusal == Refusal.EMPTY_COHORT
    assert child in again.detail


def test_what_fails_again_is_retried_from_the_younger_run(floor, provider):
    run_id = sick(floor, provider, 3)
    provider.replies = {"c00002": [BUSY, FINE]}
    child = retried(floor, run_id)
    floor.carried_out()
    grandchild = retried(floor, child)
    floor.carried_out()

    assert floor.books(child).failed == 1
    assert floor.assert_books_hold(grandchild).delivered == 1
    keys = {one.key for one in provider.arrivals if one.contact == "c00002"}
    assert len(keys) == 1


def test_a_run_that_ended_before_it_attempted_them_lets_go_of_its_records(
    floor, provider
):
    run_id = sick(floor, provider, 4)
    child = retried(floor, run_id)
    floor.steered(Verb.CANCEL, child)

    assert floor.view(child).lifecycle.phase is Phase.ENDED
    assert previewed(floor, run_id).counts.retried == 4
    again = retried(floor, run_id)
    floor.carried_out()
    assert floor.assert_books_hold(again).delivered == 4


def test_what_a_retry_dropped_in_doubt_is_taken_up_from_there_and_not_twice(
    floor, provider
):
    lists = floor.layout.root / "suppression"
    lists.mkdir()
    (lists / "global.csv").write_text("id\nnobody\n", encoding="utf-8")
    provider.otherwise = DROPPED
    text = webhook(
        provider.url,
        'delivery = "at_most_once"',
        retry=ONCE,
        rest=QUIET,
        audience='suppression = ["suppression/global.csv"]',
    )
    run_id = floor.launched(text, ids(20))
    floor.carried_out()
    provider.otherwise = BUSY
    child = retried(floor, run_id, with_unknown=True)
    with floor.engine():
        until(lambda: floor.view(child).lifecycle.gate is Gate.PAUSED)
    held = floor.records(child, RecordState.PENDING)
    assert len(held) == 5
    listed = "".join(f"{one.contact}\n" for one in held)
    (lists / "global.csv").write_text(f"id\n{listed}", encoding="utf-8")
    floor.steered(Verb.RESUME, child)
    floor.carried_out()
    (lists / "global.csv").write_text("id\nnobody\n", encoding="utf-8")
    provider.otherwise = FINE
    provider.arrivals.clear()

    meant = Selection(seqs=frozenset(one.seq for one in held))
    assert previewed(floor, run_id, with_unknown=True).counts.retried == 0
    assert previewed(floor, child, meant, with_unknown=True).counts.retried == 5
    again = retried(floor, child, meant, with_unknown=True)
    floor.carried_out()

    assert floor.assert_books_hold(again).delivered == 5
    assert previewed(floor, run_id, with_unknown=True).counts.retried == 0
    assert sorted(provider.contacts) == sorted(one.contact for one in held)


def test_unknown_records_are_taken_up_only_by_their_name_and_keep_their_keys(
    floor, provider
):
    provider.otherwise = DROPPED
    text = webhook(provider.url, 'delivery = "at_most_once"', retry=ONCE, rest=QUIET)
    run_id = floor.launched(text, ids(3))
    floor.carried_out()
    provider.otherwise = FINE
    assert floor.books(run_id).unknown == 3
    without = previewed(floor, run_id)
    meant = previewed(floor, run_id, with_unknown=True)

    assert asked(floor, without).refusal == Refusal.EMPTY_COHORT
    assert without.counts.unknown == 3
    assert (meant.counts.retried, meant.counts.may_repeat) == (3, 3)
    assert meant.typed(canary=True) == "resend"
    child = asked(floor, meant).run_id
    floor.carried_out()
    assert floor.assert_books_hold(child).delivered == 3
    assert len(provider.arrivals) == 6
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    assert len(provider.bodies_by_key) == 3


def test_what_may_have_been_delivered_stays_in_doubt(floor, provider):
    provider.otherwise = DROPPED
    text = webhook(provider.url, 'delivery = "at_most_once"', retry=ONCE, rest=QUIET)
    run_id = floor.launched(text, ids(2))
    floor.carried_out()
    provider.otherwise = BUSY
    child = retried(floor, run_id, with_unknown=True)
    floor.carried_out()

    # A definite failure now says nothing about the attempt before.
    assert floor.assert_books_hold(child).unknown == 2


def test_whoever_opted_out_after_the_freezing_is_not_taken_up(floor, provider):
    run_id = sick(floor, provider, 5)
    provider.arrivals.clear()
    child = retried(floor, run_id)
    floor.suppressed("c00003")
    floor.carried_out()

    books = floor.assert_books_hold(child)
    assert (books.extracted, books.suppressed, books.delivered) == (5, 1, 4)
    assert "c00003" not in provider.contacts


def test_what_was_resolved_after_the_freezing_is_not_taken_up(floor, provider):
    run_id = sick(floor, provider, 3)
    provider.arrivals.clear()
    child = retried(floor, run_id)
    # As a person's word would change it.
    with contextlib.closing(sqlite3.connect(floor.layout.state)) as store, store:
        store.execute(
            "UPDATE record SET state = ? WHERE run_no = 1 AND seq = 2",
            (int(RecordState.DELIVERED),),
        )
    floor.carried_out()

    books = floor.assert_books_hold(child)
    assert (books.extracted, books.duplicate, books.delivered) == (3, 1, 2)
    assert "c00002" not in provider.contacts


def reported(floor, run_id, seq, kind):
    """Let a provider report something of a record, by its key."""
    event = {
        "event_id": f"e-{seq}-{kind}",
        "kind": kind,
        "at": "2026-11-01T10:00:00+00:00",
        "key": floor.journey(run_id, seq).key,
    }
    answer = floor.ordered("results", events=[event], source="test")
    assert answer.state == "settled", answer


def test_whoever_was_reached_as_the_provider_reported_later_is_left_out(
    floor, provider
):
    run_id = sick(floor, provider, 5)
    provider.arrivals.clear()
    reported(floor, run_id, 1, "delivered")
    reported(floor, run_id, 2, "busy")
    counts = previewed(floor, run_id).counts
    assert (counts.retried, counts.reached) == (4, 1)

    child = retried(floor, run_id)
    reported(floor, run_id, 3, "opened")
    floor.carried_out()
    books = floor.assert_books_hold(child)
    assert (books.delivered, books.duplicate) == (3, 1)
    assert sorted(provider.contacts) == ["c00002", "c00004", "c00005"]


def test_a_retry_begins_at_the_step_that_failed_and_repeats_no_earlier_one(
    floor, provider
):
    steps = posting_step(provider.url, name="text", retry=ONCE)
    text = webhook(provider.url, retry=ONCE, steps=steps, rest=QUIET)
    provider.replies = {"c00001": [FINE, BUSY, FINE], "c00002": [BUSY, BUSY, FINE]}
    run_id = floor.launched(text, ids(2))
    floor.carried_out()
    before = [one.key for one in provider.arrivals]
    child = retried(floor, run_id)
    floor.carried_out()
    after = [one.key for one in provider.arrivals[len(before) :]]

    assert floor.books(run_id).failed == 2
    assert floor.assert_books_hold(child).delivered == 2
    assert sorted(after) == sorted(before[-2:])
    assert {one.step for one in floor.records(child)} == {"text"}


@pytest.mark.parametrize(
    ("asks", "mails"),
    [
        ('call.class = "delivered"', 1),
        ('call.class != "delivered"', 0),
        ('call.code = "http_200" and call.attempts = 1', 1),
        ('text.class = "delivered" and text.attempts = 3', 1),
    ],
)
def test_a_later_step_of_a_retry_knows_how_the_steps_before_it_ended(
    floor, provider, asks, mails
):
    text = posting_step(provider.url, name="text", retry=ONCE)
    mail = posting_step(
        provider.url,
        name="mail",
        when=f'text.class = "delivered" and ({asks})',
        retry=ONCE,
    )
    told = webhook(provider.url, retry=ONCE, steps=text + mail, rest=QUIET)
    provider.replies = {"c00001": [FINE, BUSY, BUSY, FINE, FINE]}
    run_id = floor.launched(told, ids(1))
    floor.carried_out()
    once = retried(floor, run_id)
    floor.carried_out()
    again = retried(floor, once)
    floor.carried_out()

    assert floor.assert_books_hold(again).delivered == 1
    assert len(provider.arrivals) == 4 + mails


def test_a_retry_counts_in_the_plan_and_gives_back_what_it_does_not_use(
    floor, provider
):
    floor.configure("[plan]\nmonthly_records = 9")
    run_id = sick(floor, provider, 5)
    declined = previewed(floor, run_id)
    assert declined.refusal is Refusal.PLAN_LIMIT
    assert asked(floor, declined).refusal == Refusal.PLAN_LIMIT
    assert month(floor).records == 5

    child = retried(floor, run_id, Selection(seqs=frozenset({1, 2, 3})))
    assert (month(floor).runs, month(floor).records) == (2, 8)
    floor.suppressed("c00001")
    floor.carried_out()
    assert floor.books(child).records == 2
    assert month(floor).records == 7


def test_beyond_the_retry_budget_nothing_is_retried(floor, provider):
    floor.configure("[retry]\nmost = 3\nmost_per_record = 2")
    run_id = sick(floor, provider, 3)
    provider.otherwise = BUSY
    first = retried(floor, run_id, Selection(seqs=frozenset({1})))
    floor.carried_out()
    second = retried(floor, first)
    floor.carried_out()
    too_often = asked(floor, previewed(floor, second))
    retried(floor, run_id, Selection(seqs=frozenset({2})))
    floor.carried_out()
    too_many = asked(floor, previewed(floor, run_id))

    assert too_often.refusal == too_many.refusal == Refusal.RETRY_LIMIT
    assert "taken up 2 times of 2" in too_often.detail
    assert "the family has had 3 retries of 3" in too_many.detail


def test_a_purged_family_is_not_retried_and_nobody_is_purged_while_being_taken_up(
    floor, provider
):
    run_id = sick(floor, provider, 3)
    child = retried(floor, run_id)
    refused = floor.ordered("purge", run_id)
    floor.carried_out()
    purged = floor.ordered("purge", run_id)
    floor.carried_out()

    assert refused.state == "refused"
    assert child in refused.detail
    assert purged.state == "settled"
    assert asked(floor, previewed(floor, child)).refusal == Refusal.PURGED


def test_the_same_launch_is_a_twin_of_a_live_retry(floor, provider):
    text = webhook(provider.url, retry=ONCE, rest=QUIET)
    run_id = sick(floor, provider, 3, text=text)
    floor.clock.ahead_s += 2 * 86_400
    child = retried(floor, run_id)
    launch = floor.prepared(text, ids(3))

    answer = floor.asked(launch.command)
    assert answer.refusal == Refusal.DUPLICATE_RUN
    assert child in answer.detail


def test_a_retry_obeys_limits_that_were_lowered_on_its_parent(floor, provider):
    provider.otherwise = BUSY
    text = webhook(provider.url, retry=ONCE, rest=QUIET, permits=8)
    run_id = floor.launched(text, ids(3))
    floor.ordered("limit", run_id, scope="run", permits=2, rate_per_s=50.0)
    floor.carried_out()
    child = floor.view(retried(floor, run_id))

    assert (child.permits, child.rate_per_s) == (2, 50.0)


def test_the_journey_of_a_retried_record_names_the_record_it_was(floor, provider):
    run_id = sick(floor, provider, 3, gone=1)
    child = retried(floor, run_id)
    floor.carried_out()
    entries = floor.journey(child, 1).entries

    assert entries[0].detail == f"record 2 of run {run_id}, taken up again"


def test_a_retry_of_many_is_taken_up_in_batches_and_in_order(
    floor, provider, monkeypatch
):
    monkeypatch.setattr(seeding, "BATCH_ROWS", 200)
    run_id = sick(floor, provider, 450)
    provider.arrivals.clear()
    child = retried(floor, run_id, canary=False)
    floor.carried_out()

    assert floor.assert_books_hold(child).delivered == 450
    assert sorted(provider.contacts) == ids(450)


def test_nonsense_is_no_retry(floor, provider):
    run_id = sick(floor, provider, 2)
    for nonsense in (
        {},
        {"parent_id": run_id},
        {"parent_id": "no-such-run", "selection": {}, "digest": ""},
        {"parent_id": run_id, "selection": {"states": ["odd"]}},
        {"parent_id": run_id, "selection": {}, "canary": 1, "with_unknown": False},
    ):
        whole = {"canary": True, "with_unknown": False, **nonsense}
        answer = floor.ordered("retry", "child", **whole)
        assert (answer.state, answer.refusal) == ("refused", "UNUSABLE")
    assert len(floor.views()) == 1
