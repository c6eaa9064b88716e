from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.support.floor import ids, webhook
from tests.support.pacing import assert_paced
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.regions import Gate, Verb
from watchfloor.store.tables import attempt

SHARED = pytest.mark.parametrize("scope", ["channel:webhook", "workspace"])


@pytest.fixture
def slow():
    """A provider that takes its time, so that permits are what holds a run back."""
    with Provider(Reply(after_s=0.01)) as serving:
        yield serving


def limited(floor, run_id="", **payload):
    answer = floor.ordered("limit", run_id, **payload)
    assert answer.state == "settled", answer
    return answer


def test_fewer_permits_hold_from_the_moment_they_are_in_use(floor, slow):
    slow.hold()
    run_id = floor.launched(webhook(slow.url, permits=20), ids(400))
    with floor.engine():
        until(lambda: slow.at_once == 20)
        told = limited(floor, run_id, permits=3)
        # Nothing in flight is cut: what is too much ends by itself.
        assert slow.at_once == 20
        slow.let_go()
        until(lambda: slow.at_once <= 3)
        slow.most_at_once = 0
        floor.until_ended(run_id)

    assert told.detail == "20 permits, no pacing -> 3 permits, no pacing"
    assert 0 < slow.most_at_once <= 3
    assert sorted(slow.contacts) == ids(400)
    assert floor.view(run_id).permits == 3
    assert floor.assert_books_hold(run_id).delivered == 400


def test_more_permits_are_used_at_once(floor, provider):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=2), ids(40))
    with floor.engine():
        until(lambda: provider.at_once == 2)
        limited(floor, run_id, permits=9)
        until(lambda: provider.at_once == 9)
        provider.let_go()
        floor.until_ended(run_id)

    assert provider.most_at_once == 9


def test_permits_that_go_down_and_up_again_are_all_there(floor, provider):
    run_id = floor.launched(webhook(provider.url, permits=8), ids(400))
    provider.hold()
    with floor.engine():
        until(lambda: provider.at_once == 8)
        for permits in (1, 5, 2, 8):
            limited(floor, run_id, permits=permits)
        provider.let_go()
        provider.hold()
        until(lambda: provider.at_once == 8)
        floor.rounds(run_id)
        assert provider.most_at_once == 8
        provider.let_go()
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(400)


def test_a_pace_may_be_set_changed_and_taken_away_while_a_run_runs(floor, provider):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=4), ids(120))
    with floor.engine():
        until(lambda: provider.at_once == 4)
        limited(floor, run_id, rate_per_s=80)
        until(lambda: floor.view(run_id).rate_per_s == 80)
        since_ms = floor.clock.now_ms()
        provider.let_go()
        until(lambda: len(provider.arrivals) > 40)
        until_ms = floor.clock.now_ms()
        limited(floor, run_id, rate_per_s=None)
        floor.until_ended(run_id)

    query = select(attempt.c.started_at_ms)
    starts = floor.read(lambda connection: list(connection.scalars(query)))
    paced = [one for one in starts if since_ms <= one < until_ms]
    assert len(paced) > 20
    assert_paced(paced, 80)
    assert floor.assert_books_hold(run_id).delivered == 120


def test_a_pace_too_slow_to_wait_for_is_lifted_by_a_command(floor, provider):
    run_id = floor.launched(webhook(provider.url, rate="1/h"), ids(30))
    with floor.engine():
        until(lambda: len(provider.arrivals) == 1)
        floor.rounds(run_id)
        assert len(provider.arrivals) == 1
        limited(floor, run_id, rate_per_s=1_000)
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(30)


@SHARED
def test_shared_permits_hold_for_all_runs_together_and_are_shared(
    floor, provider, scope
):
    provider.hold()
    runs = [
        floor.launched(webhook(provider.url, permits=10, name=name), ids(30, name[0]))
        for name in ("first", "second")
    ]
    with floor.engine():
        until(lambda: provider.at_once == 20)
        told = limited(floor, scope=scope, permits=4)
        provider.let_go()
        until(lambda: provider.at_once <= 4)
        provider.most_at_once = 0
        provider.hold()
        until(lambda: provider.at_once == 4)
        for run_id in runs:
            floor.rounds(run_id)
        both = {one.contact[0] for one in provider.arrivals[-4:]}
        assert provider.at_once == 4

        limited(floor, scope=scope, clear=True)
        until(lambda: provider.at_once > 4)
        provider.let_go()
        for run_id in runs:
            floor.until_ended(run_id)

    assert told.detail == "4 permits, no pacing"
    assert both == {"f", "s"}
    for run_id in runs:
        assert floor.assert_books_hold(run_id).delivered == 30


@SHARED
def test_a_shared_limit_holds_for_runs_that_begin_later_and_for_the_next_engine(
    floor, slow, scope
):
    limited(floor, scope=scope, permits=2)
    first = floor.launched(webhook(slow.url, permits=10, name="first"), ids(40))
    with floor.engine():
        until(lambda: len(slow.arrivals) > 5)
    second = floor.launched(webhook(slow.url, permits=10, name="second"), ids(40))

    floor.carried_out()

    assert slow.most_at_once <= 2
    for run_id in (first, second):
        assert floor.assert_books_hold(run_id).delivered == 40


@SHARED
def test_a_shared_pace_holds_for_all_runs_together(floor, provider, scope):
    limited(floor, scope=scope, rate_per_s=60)
    runs = [
        floor.launched(webhook(provider.url, name=name), ids(20))
        for name in ("first", "second")
    ]

    with floor.engine(until_idle=True) as engine:
        engine.ended()

    query = select(attempt.c.started_at_ms)
    starts = floor.read(lambda connection: list(connection.scalars(query)))
    assert len(starts) == 40
    assert_paced(starts, 60)
    for run_id in runs:
        assert floor.assert_books_hold(run_id).delivered == 20


def test_a_channel_s_limit_is_no_business_of_another_channel(floor, provider):
    limited(floor, scope="channel:simulator", permits=1)
    provider.hold()
    floor.launched(webhook(provider.url, permits=6), ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 6)
        provider.let_go()


def test_the_workspace_s_file_says_what_holds_before_anybody_asks(floor, slow):
    floor.configure("[channels.webhook]\npermits = 2")
    run_id = floor.launched(webhook(slow.url, permits=10), ids(40))

    floor.carried_out()

    assert slow.most_at_once <= 2
    assert floor.assert_books_hold(run_id).delivered == 40


@pytest.mark.parametrize(
    "payload",
    [
        {"permits": 0},
        {"permits": -1},
        {"permits": None},
        {"permits": 10_001},
        {"permits": "many"},
        {"permits": 2.5},
        {"rate_per_s": 0},
        {"rate_per_s": -1},
        {"rate_per_s": "fast"},
        {"scope": "channel", "permits": 3},
        {"scope": "everything", "permits": 3},
        {"scope": "workspace", "permits": 0},
        {"scope": "channel:webhook", "rate_per_s": 0},
    ],
    ids=str,
)
def test_a_limit_that_makes_no_sense_is_refused_and_nothing_changes(floor, payload):
    run_id = floor.launched(webhook("http://127.0.0.1:9/", permits=7), ids(1))
    before = floor.view(run_id)

    answer = floor.ordered("limit", run_id, **payload)

    assert (answer.state, answer.refusal) == ("refused", "UNUSABLE")
    assert floor.view(run_id) == before


def test_the_limits_of_a_run_that_has_ended_cannot_change(floor, provider):
    run_id = floor.launched(webhook(provider.url), ids(1))
    floor.carried_out()

    answer = floor.ordered("limit", run_id, permits=3)

    assert answer.state == "refused"
    assert "not live" in answer.detail


def test_a_limit_set_while_a_run_is_paused_holds_from_the_resume(floor, slow):
    run_id = floor.launched(webhook(slow.url, permits=10), ids(100))
    with floor.engine():
        slow.hold()
        until(lambda: slow.at_once == 10)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        slow.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        assert floor.books(run_id).pending > 0
        slow.most_at_once = 0
        limited(floor, run_id, permits=2)
        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert 0 < slow.most_at_once <= 2
    assert floor.assert_books_hold(run_id).delivered == 100
