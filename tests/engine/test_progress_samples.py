from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from tests.support.floor import campaign, ids, posting_step, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Provider, Reply

from watchfloor.domain.errors import StoreError
from watchfloor.domain.progress import SAMPLE_MS, Gain, gain_of
from watchfloor.domain.regions import Verb
from watchfloor.engine import jobs
from watchfloor.engine.live_ops import live_run
from watchfloor.store.reads.progress import samples
from watchfloor.store.reads.runs import run_number

BUSY = Reply(body={"outcome": "transient", "code": "busy"})
NO_ANSWER = Reply(body={"outcome": "permanent", "code": "no_answer"})


@pytest.fixture
def texts():
    """The provider of the second step."""
    with Provider() as serving:
        yield serving


def has_attempted(floor, run_id, least):
    return floor.books(run_id).attempts > least


def has_delivered(floor, run_id, least):
    return floor.books(run_id).delivered > least


def samples_of(floor, run_id):
    return floor.read(lambda c: samples(c, run_number(c, run_id)))


def sampled(floor, run_id):
    found = samples_of(floor, run_id)
    return Gain(*(sum(one[place] for one in found) for place in range(2, 7)))


def assert_samples_hold(floor, run_id):
    """Check that a run's samples come to its books; return what they come to."""
    books = floor.assert_books_hold(run_id)
    found = sampled(floor, run_id)
    assert found == gain_of(books)
    assert found.attempts == books.attempts - books.attempting
    return found


def test_a_run_that_is_over_in_a_moment_has_all_its_samples(floor):
    settings = "shares = { transient = 0.2, permanent = 0.2, ambiguous = 0.2 }"
    run_ids = [floor.launched(campaign(settings, name=one), ids(40)) for one in "abc"]

    floor.carried_out()

    for run_id in run_ids:
        found = assert_samples_hold(floor, run_id)
        assert found.done == 40
        assert min(found.delivered, found.failed, found.unknown) > 0


def test_the_samples_hold_after_kills_in_the_middle_of_a_run_of_two_steps(
    floor, provider, texts
):
    for number, contact in enumerate(ids(120)):
        replies = [[Reply()], [BUSY, Reply()], [NO_ANSWER], [Reply(drop=True), Reply()]]
        provider.replies[contact] = replies[number % 4]
        texts.replies[contact] = replies[number % 3]
    provider.otherwise = texts.otherwise = Reply(after_s=0.005)
    then = posting_step(texts.url, when='call.class in ("delivered", "permanent")')
    run_id = floor.launched(
        webhook(provider.url, 'delivery = "at_most_once"', permits=4, steps=then),
        ids(120),
    )
    for attempts in (30, 90):
        with EngineProcess(floor.layout) as engine:
            until(partial(has_attempted, floor, run_id, attempts))
            assert engine.kill()

    floor.carried_out()

    found = assert_samples_hold(floor, run_id)
    assert found.done == 120
    # What a crash cut off ended too.
    assert found.attempts > 120
    assert found.unknown > 0


def test_what_a_crash_kept_from_being_sampled_is_in_the_first_span_after(
    floor, provider
):
    provider.otherwise = Reply(after_s=0.005)
    run_id = floor.launched(webhook(provider.url, permits=3), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 20)
        floor.steered(Verb.PAUSE, run_id)
    before = assert_samples_hold(floor, run_id)
    # As if the last owner had been killed before it sampled anything.
    with floor.engine() as engine:
        engine.do(forget_samples)
        floor.clock.ahead_s += 3 * SAMPLE_MS / 1000

    [first] = samples_of(floor, run_id)
    assert first[2:] == before
    assert_samples_hold(floor, run_id)


def forget_samples(tx):
    tx.connection.exec_driver_sql("DELETE FROM progress")
    for ledger in tx.ledgers.values():
        ledger.sampled = None


def test_a_paused_run_is_sampled_by_the_beat_or_when_its_engine_lets_go(
    floor, provider
):
    provider.otherwise = Reply(after_s=0.005)
    run_id = floor.launched(webhook(provider.url, permits=3), ids(200))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 20)
        floor.steered(Verb.PAUSE, run_id)

    found = assert_samples_hold(floor, run_id)
    assert found.delivered > 20


def test_a_run_that_is_stopped_while_no_engine_runs_keeps_its_sums(floor, provider):
    provider.hold()
    run_id = floor.launched(
        webhook(provider.url, 'delivery = "at_most_once"', permits=3), ids(30)
    )
    with EngineProcess(floor.layout) as engine:
        until(lambda: provider.at_once == 3)
        assert engine.kill()
    provider.let_go()

    assert floor.steered(Verb.STOP, run_id).state == "settled"

    # Dropped records are not done; what the crash cut off is.
    assert assert_samples_hold(floor, run_id) == Gain(3, 3, 0, 0, 3)


def test_samples_of_different_moments_stand_in_different_spans(floor, provider):
    provider.otherwise = Reply(after_s=0.005)
    run_id = floor.launched(webhook(provider.url, permits=3), ids(150))
    with floor.engine() as engine:
        for least in (20, 60, 100):
            until(partial(has_delivered, floor, run_id, least))
            engine.do(jobs.beat)
            floor.clock.ahead_s += SAMPLE_MS / 1000
        floor.until_ended(run_id)

    found = samples_of(floor, run_id)
    assert len(found) >= 4
    assert all(one.at_ms % SAMPLE_MS == 0 for one in found)
    assert assert_samples_hold(floor, run_id).delivered == 150


def test_a_round_that_is_undone_leaves_the_sums_as_they_are(floor, provider):
    provider.otherwise = Reply(after_s=0.005)
    run_id = floor.launched(webhook(provider.url, permits=3), ids(100))
    with floor.engine() as engine:
        for least in (10, 40, 70):
            until(partial(has_delivered, floor, run_id, least))
            with suppress(StoreError, ZeroDivisionError):
                engine.do(sample_and_fail)
        floor.until_ended(run_id)

    assert assert_samples_hold(floor, run_id).delivered == 100


def sample_and_fail(tx):
    jobs.beat(tx)
    raise ZeroDivisionError


def test_an_ended_run_without_samples_is_given_none_when_its_results_close(floor):
    run_id = floor.launched(campaign(), ids(5))
    with floor.engine() as engine:
        floor.until_ended(run_id)
        engine.do(forget_samples)
        floor.clock.ahead_s += 31 * 24 * 3_600
        engine.do(close_and_sample)
        assert floor.view(run_id).lifecycle.results == "closed"

    assert samples_of(floor, run_id) == ()


def close_and_sample(tx):
    jobs.close_results(tx)
    jobs.beat(tx)


def test_a_live_run_is_told_at_its_rate_and_an_ended_one_at_none(floor, provider):
    provider.otherwise = Reply(after_s=0.005)
    run_id = floor.launched(webhook(provider.url, permits=3), ids(150))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 30)
        engine.do(jobs.beat)
        floor.clock.ahead_s += 3 * SAMPLE_MS / 1000
        live = floor.read(lambda c: live_run(c, run_id, floor.clock.now_ms()))
        floor.until_ended(run_id)
    ended = floor.read(lambda c: live_run(c, run_id, floor.clock.now_ms()))

    assert 0 < live.done_per_s <= live.attempts_per_s
    assert (ended.attempts_per_s, ended.done_per_s) == (0.0, 0.0)
