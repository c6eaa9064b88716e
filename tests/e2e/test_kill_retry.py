"""A retry whose engine is killed with SIGKILL: taken up, in a stage, at the verdict.

The provider does not know a key again, so that whoever is asked twice is contacted
twice: nobody may be.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from tests.support.floor import webhook
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Provider, Reply
from tests.support.retries import ONCE, QUIET, canary_of, previewed, retried, sick

from watchfloor.domain.canary import StageState
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Intake, RunOutcome, Verb

PERMITS = 4
SEED = 20_261_128


def parent_of(floor, provider, count, delivery="at_most_once", permits=PERMITS):
    """Return a run of which everybody failed for now, and what each was sent."""
    text = webhook(
        provider.url,
        f'delivery = "{delivery}"',
        permits=permits,
        retry=ONCE,
        rest=QUIET,
    )
    run_id = sick(floor, provider, count, text=text)
    sent = {one.contact: (one.key, one.body) for one in provider.arrivals}
    assert len(sent) == len(provider.arrivals) == count
    provider.arrivals.clear()
    return run_id, sent


def until_taking_up(floor, child):
    """Wait until more of the cohort is taken up, or all of it."""
    before = floor.books(child).extracted
    until(
        lambda: (
            floor.books(child).extracted > before
            or floor.view(child).lifecycle.intake is Intake.DONE
        )
    )


def until_next_arrival(provider):
    """Wait until somebody is asked."""
    before = len(provider.arrivals)
    until(lambda: len(provider.arrivals) > before)


def until_passed(floor, child, stage):
    """Wait until a stage, numbered from 0 on, has passed."""
    until(lambda: canary_of(floor, child).stages[stage].state is StageState.PASSED)


def assert_once_each_with_the_keys_of_the_parent(provider, sent):
    """Check that nobody was asked twice, and each with the very same key and body."""
    assert max(Counter(provider.keys).values()) == 1
    assert {one.contact: (one.key, one.body) for one in provider.arrivals} == {
        contact: sent[contact] for contact in provider.contacts
    }


def assert_nobody_is_lost(floor, child, provider):
    """Check that everybody was reached, or stands as unknown."""
    floor.assert_books_hold(child)
    reached = {one.contact for one in floor.records(child, RecordState.DELIVERED)}
    doubted = {one.contact for one in floor.records(child, RecordState.UNKNOWN)}
    seen = set(provider.contacts)
    assert reached <= seen <= reached | doubted
    assert len(reached | doubted) == floor.books(child).records


def test_a_kill_while_the_cohort_is_taken_up_neither_loses_nor_repeats_anybody(
    floor, provider
):
    run_id, sent = parent_of(floor, provider, 4_500, permits=32)
    child = retried(floor, run_id, canary=False)
    part_way = 0
    for _ in range(4):
        with EngineProcess(floor.layout) as engine:
            until_taking_up(floor, child)
            engine.kill()
        books = floor.assert_books_hold(child)
        part_way += 0 < books.extracted < 4_500
        if floor.view(child).lifecycle.intake is Intake.DONE:
            break
    with EngineProcess(floor.layout, "--until-idle") as engine:
        assert engine.ended() == 0

    assert part_way, "no kill came while the cohort was being taken up"
    assert floor.books(child).records == 4_500
    assert_once_each_with_the_keys_of_the_parent(provider, sent)
    assert_nobody_is_lost(floor, child, provider)


@pytest.mark.parametrize("delivery", ["at_most_once", "idempotent"])
def test_kills_in_the_middle_of_a_stage_release_nobody_past_it(floor, delivery):
    lot = random.Random(SEED)  # noqa: S311 - replayable
    with Provider() as provider:
        run_id, sent = parent_of(floor, provider, 30, delivery)
        provider.otherwise = Reply(after_s=0.1)
        child = retried(floor, run_id)
        kills = 0
        for _ in range(3):
            with EngineProcess(floor.layout) as engine:
                until_next_arrival(provider)
                time.sleep(lot.uniform(0.0, 0.1))
                kills += engine.kill()
            floor.assert_books_hold(child)
            if canary_of(floor, child).stages[0].state is StageState.RUNNING:
                held = {one.contact for one in floor.records(child) if one.seq > 15}
                assert not held & set(provider.contacts)
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0
        if floor.view(child).lifecycle.gate is Gate.PAUSED:
            # The kills cut off too many attempts to judge by: a person decides.
            held = {one.contact for one in floor.records(child) if one.seq > 15}
            assert delivery == "at_most_once"
            assert not held & set(provider.contacts)
            floor.steered(Verb.RESUME, child, "they were kills")
            with EngineProcess(floor.layout, "--until-idle") as engine:
                assert engine.ended() == 0

        assert kills == 3
        assert floor.view(child).lifecycle.outcome is RunOutcome.COMPLETED
        assert {one.contact: (one.key, one.body) for one in provider.arrivals} == sent
        if delivery == "at_most_once":
            assert_once_each_with_the_keys_of_the_parent(provider, sent)
            assert_nobody_is_lost(floor, child, provider)
        else:
            assert floor.assert_books_hold(child).delivered == 30


def test_a_kill_at_the_verdict_neither_forgets_it_nor_releases_a_stage_twice(floor):
    with Provider() as provider:
        run_id, sent = parent_of(floor, provider, 150)
        child = retried(floor, run_id)
        for stage in (0, 1):
            with EngineProcess(floor.layout) as engine:
                until_passed(floor, child, stage)
                assert engine.kill()
            # Whatever was stored of the verdict, the release was stored with it.
            assert canary_of(floor, child).stages[stage + 1].opened_at_ms
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0

        words = floor.event_words(child)
        assert words.count("canary passed") == 3
        assert words.count("canary released") == 2
        assert_once_each_with_the_keys_of_the_parent(provider, sent)
        assert_nobody_is_lost(floor, child, provider)


def test_a_kill_after_a_stage_stopped_itself_leaves_it_to_a_person(floor):
    with Provider() as provider:
        run_id, sent = parent_of(floor, provider, 60)
        provider.otherwise = Reply(status=503)
        child = retried(floor, run_id)
        with EngineProcess(floor.layout) as engine:
            until(lambda: canary_of(floor, child).is_stopped)
            assert engine.kill()
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0
        assert floor.view(child).lifecycle.gate is Gate.PAUSED
        assert len(provider.arrivals) == 15

        provider.otherwise = Reply()
        floor.steered(Verb.RESUME, child)
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0
        assert floor.event_words(child).count("canary released") == 1
        assert_once_each_with_the_keys_of_the_parent(provider, sent)
        assert len(provider.arrivals) == 60
        # Only those that failed once more are left.
        assert previewed(floor, child).counts.retried == 15
