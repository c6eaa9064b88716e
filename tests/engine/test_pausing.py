from __future__ import annotations

import asyncio
import sys
import threading
from functools import partial
from itertools import count
from types import ModuleType

import pytest
from tests.support.floor import NORA, campaign, ids, webhook
from tests.support.patience import DEADLINE_S, until
from tests.support.provider import Provider, Reply

from watchfloor.domain.regions import Gate, Phase, Verb

BOTH = pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])


def posting(provider, delivery="idempotent", **options):
    return webhook(provider.url, f'delivery = "{delivery}"', **options)


def has_arrived(provider, count):
    return len(provider.arrivals) >= count


def rounds_go_by(floor, run_id):
    """Wait until the engine has gone through its duties again, and again."""
    for _ in range(2):
        assert floor.steered(Verb.PAUSE, run_id).refusal == "ALREADY_PAUSED"


@BOTH
def test_a_pause_shows_what_is_in_flight_and_settles_when_it_has_ended(
    floor, provider, delivery
):
    provider.hold()
    run_id = floor.launched(posting(provider, delivery, permits=5), ids(30))
    with floor.engine():
        until(lambda: provider.at_once == 5)

        asked = floor.steered(Verb.PAUSE, run_id, "lunch", state="applied")
        until(lambda: floor.books(run_id).attempting == 5, "intents to be given back")
        pausing = floor.view(run_id)
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)

        assert pausing.label == "Running + pausing"
        assert (pausing.gate_asked.by, pausing.gate_asked.why) == (NORA, "lunch")
        assert floor.receipt(asked.command_id).state == "settled"
        assert floor.books(run_id).attempting == 0
        assert floor.assert_books_hold(run_id).delivered == 5


@BOTH
def test_no_request_arrives_once_paused_and_resuming_finishes_the_rest_once(
    floor, provider, delivery
):
    provider.otherwise = Reply(after_s=0.02)
    contacts = ids(400)
    run_id = floor.launched(posting(provider, delivery, permits=8), contacts)
    with floor.engine():
        for cycle in range(3):
            seen = 100 * (cycle + 1)
            until(partial(has_arrived, provider, seen))
            floor.steered(Verb.PAUSE, run_id)
            assert floor.view(run_id).lifecycle.gate is Gate.PAUSED
            arrived = len(provider.arrivals)
            rounds_go_by(floor, run_id)
            assert len(provider.arrivals) == arrived
            assert floor.assert_books_hold(run_id).delivered == arrived
            floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == contacts
    assert len(set(provider.keys)) == len(contacts)
    assert floor.assert_books_hold(run_id).delivered == len(contacts)


def test_a_paused_run_stays_paused_over_a_restart_and_sends_nothing(floor, provider):
    provider.otherwise = Reply(after_s=0.02)
    run_id = floor.launched(posting(provider), ids(300))
    with floor.engine():
        until(lambda: len(provider.arrivals) > 20)
        floor.steered(Verb.PAUSE, run_id, "over night")
    arrived = len(provider.arrivals)

    floor.carried_out()

    run = floor.view(run_id)
    assert run.label == "Running + paused"
    assert run.gate_asked.why == "over night"
    assert len(provider.arrivals) == arrived


def test_a_run_paused_before_its_launch_is_extracted_and_not_launched(floor, provider):
    run_id = floor.launched(posting(provider), ids(20))
    floor.steered(Verb.PAUSE, run_id)
    with floor.engine():
        until(lambda: floor.books(run_id).records == 20)
        until(lambda: floor.view(run_id).label == "Queued + paused")
        rounds_go_by(floor, run_id)
        assert floor.view(run_id).launch_id is None
        assert provider.arrivals == []

        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert len(provider.arrivals) == 20


@BOTH
def test_a_pause_does_not_wait_for_the_pace(floor, provider, delivery):
    run_id = floor.launched(posting(provider, delivery, permits=4, rate="6/h"), ids(20))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 1)

        answer = floor.steered(Verb.PAUSE, run_id)

        assert answer.state == "settled"
        assert floor.view(run_id).lifecycle.gate is Gate.PAUSED
    assert len(provider.arrivals) == 1


@BOTH
def test_a_pause_and_a_resume_in_one_breath_lose_nothing(floor, delivery):
    numbers = count()
    with Provider(lambda: Reply(after_s=0.001 * (next(numbers) % 5))) as provider:
        run_id = floor.launched(posting(provider, delivery, permits=6), ids(300))
        with floor.engine():
            floor.until_phase(run_id, Phase.RUNNING)
            for _ in range(5):
                floor.steered(Verb.PAUSE, run_id, state="applied")
                floor.steered(Verb.RESUME, run_id, state="applied")
            floor.until_ended(run_id)

        assert sorted(provider.contacts) == ids(300)


def test_the_simulator_pauses_as_a_provider_does(floor):
    # Long enough to be still under way when the pause comes, however busy the machine.
    settings = 'latency = "100ms"'
    run_id = floor.launched(campaign(settings), ids(400))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 20)
        floor.steered(Verb.PAUSE, run_id)
        paused = floor.assert_books_hold(run_id)
        rounds_go_by(floor, run_id)
        assert floor.books(run_id) == paused
        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).attempts == 400


def test_a_pause_is_heard_while_functions_fill_the_threads_of_the_loop(
    floor, monkeypatch
):
    entered, released = [], threading.Event()

    async def contact(record):
        entered.append(record.contact)
        await asyncio.to_thread(released.wait, DEADLINE_S)
        return "delivered"

    brought = ModuleType("brought_to_the_floor")
    vars(brought)["contact"] = contact
    monkeypatch.setitem(sys.modules, brought.__name__, brought)
    settings = 'call = "brought_to_the_floor:contact"\ntimeout = "10m"'
    # More than a loop ever has threads.
    told = campaign(settings, channel="python", permits=40)
    run_id = floor.launched(told, ids(80))
    with floor.engine():
        until(lambda: len(entered) == 40)

        asked = floor.steered(Verb.PAUSE, run_id, state="applied")
        released.set()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)

    assert asked.state == "applied"
    assert len(entered) == 40


def through(monkeypatch, contact, delivery):
    """Return a campaign whose channel is a function of this test."""
    brought = ModuleType("brought_to_the_floor")
    vars(brought)["contact"] = contact
    monkeypatch.setitem(sys.modules, brought.__name__, brought)
    settings = f'call = "brought_to_the_floor:contact"\ndelivery = "{delivery}"'
    return campaign(settings, channel="python", permits=1)


def of_event(floor, run_id, event):
    return [one.detail for one in floor.events(run_id) if one.event == event]


@BOTH
def test_a_pause_settles_although_a_channel_does_not_let_go(
    floor, monkeypatch, delivery, caplog
):
    entered, cut = [], []
    released, ending = threading.Event(), threading.Event()
    goes_on = {"c00001": released, "c00003": ending}

    async def contact(record):
        entered.append(record.contact)
        while not (record.contact == "c00002" or goes_on[record.contact].is_set()):
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                cut.append(record.contact)
        return "delivered"

    told = through(monkeypatch, contact, delivery)
    run_id = floor.launched(told, ids(3))
    with floor.engine():
        until(lambda: entered)
        asked = floor.command(Verb.PAUSE, run_id)
        assert floor.asked(asked, "applied").state == "applied"
        # Past its deadline it is cut, and a while later given up.
        floor.clock.jump(0.0, 60.0)
        until(lambda: cut)
        assert floor.view(run_id).lifecycle.gate is Gate.PAUSING
        floor.clock.jump(0.0, 60.0)
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        assert floor.assert_books_hold(run_id).unknown == 1

        # Its permit is free, and what it says later changes nothing.
        floor.steered(Verb.RESUME, run_id)
        until(lambda: entered == ids(3))
        released.set()
        [told] = until(lambda: of_event(floor, run_id, "let go late"))
        assert floor.assert_books_hold(run_id).unknown == 1
        ending.set()
        floor.until_ended(run_id)

    said = "attempt 1 of record 1 was let go after all: delivered, code delivered."
    assert told.startswith(said)
    books = floor.assert_books_hold(run_id)
    assert (books.unknown, books.delivered, entered) == (1, 2, ids(3))
    [kept] = [one for one in floor.records(run_id) if one.code == "not_let_go"]
    words = [one.detail for one in floor.journey(run_id, kept.seq).entries]
    assert any("channel python of step call does not let go" in one for one in words)
    [told] = of_event(floor, run_id, "not let go")
    assert told.startswith("record 1 is unknown: channel python of step call does not")
    assert "channel python of step call does not let go" in caplog.text
