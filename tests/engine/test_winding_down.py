from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from contextlib import closing

import pytest
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import DEADLINE_S, until
from tests.support.provider import Reply

from watchfloor.domain.errors import OwnedError, WatchfloorError
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.engine import jobs, purging
from watchfloor.engine.commit_thread import CommitThread
from watchfloor.engine.door import Door
from watchfloor.engine.running import EngineThread
from watchfloor.engine.supervisor import Supervisor
from watchfloor.engine.tenure import tenure
from watchfloor.store.reads.history import people_left

HANG = 'timeout = "20m"\nscript = { c00001 = ["hang", "delivered"] }'


def test_an_engine_until_idle_ends_at_once_where_nothing_is_to_do(floor):
    with floor.engine(until_idle=True) as engine:
        assert engine.ended() is True

    assert floor.pulse().released


def test_an_engine_until_idle_waits_for_retries_and_callbacks(floor, provider):
    provider.replies["c00001"] = [
        Reply(status=503),
        Reply(body={"outcome": "callback", "due_at": "2001-01-01T00:00:00+00:00"}),
        Reply(),
    ]
    run_id = floor.launched(webhook(provider.url), ids(1))

    floor.carried_out()

    assert floor.books(run_id).delivered == 1
    assert len(provider.arrivals) == 3


def test_an_engine_until_idle_does_not_wait_for_a_person(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.steered(Verb.PAUSE, run_id)

    floor.carried_out()

    assert floor.view(run_id).label == "Queued + paused"
    assert floor.books(run_id).records == 3


def test_an_engine_until_idle_takes_what_was_asked_before_it_started(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.steered(Verb.PAUSE, run_id)
    with floor.engine() as engine:
        until(lambda: floor.view(run_id).label == "Queued + paused")
        assert engine.is_running
        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert floor.books(run_id).delivered == 3


def test_no_attempt_starts_after_a_stop_of_the_engine_whatever_its_duties_still_do(
    floor, provider, monkeypatch
):
    searches, goes_on = threading.Event(), threading.Event()

    def searched_for_long(connection, run_no):
        searches.set()
        goes_on.wait(DEADLINE_S)
        return people_left(connection, run_no)

    monkeypatch.setattr(purging, "people_left", searched_for_long)
    gone = floor.launched(campaign(name="gone"), ids(3))
    floor.carried_out()
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=2), ids(50))
    with floor.engine() as engine:
        until(lambda: provider.at_once == 2)
        floor.ordered("purge", gone)
        until(searches.is_set)
        engine.stop()
        until(engine.supervisor._draining.begun.is_set)
        provider.let_go()
        until(lambda: floor.books(run_id).delivered >= 2)
        goes_on.set()
        assert engine.ended() is True

    assert len(provider.arrivals) == 2


def test_a_stop_of_the_engine_lets_what_is_in_flight_end(floor, provider):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=5), ids(50))
    with floor.engine() as engine:
        until(lambda: provider.at_once == 5)
        engine.stop()
        until(lambda: floor.books(run_id).attempting == 5, "intents to be given back")
        provider.let_go()

        assert engine.ended() is True

    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.pending, books.attempting) == (5, 45, 0)
    assert len(provider.arrivals) == 5
    assert floor.pulse().released


@pytest.mark.parametrize(
    ("delivery", "state"), [("idempotent", "retry"), ("at_most_once", "unknown")]
)
def test_a_second_stop_cuts_what_is_in_flight_and_guesses_nothing(
    floor, provider, delivery, state
):
    provider.hold()
    told = f'delivery = "{delivery}"'
    run_id = floor.launched(webhook(provider.url, told, permits=5), ids(50))
    with floor.engine() as engine:
        until(lambda: provider.at_once == 5)
        engine.stop()
        until(lambda: floor.books(run_id).attempting == 5, "intents to be given back")
        engine.stop()

        assert engine.ended() is False  # cut off, not drained

    books = floor.assert_books_hold(run_id).as_dict()
    assert (books[state], books["pending"], books["attempting"]) == (5, 45, 0)
    provider.let_go()
    floor.carried_out()
    ended = floor.assert_books_hold(run_id)
    assert ended.delivered + ended.unknown == 50
    assert len(set(provider.keys)) == 50


def test_a_drain_that_takes_too_long_ends_undrained_and_the_next_start_accounts_for_it(
    floor, provider
):
    provider.hold()
    told = 'delivery = "at_most_once"'
    run_id = floor.launched(webhook(provider.url, told, permits=3), ids(10))
    with floor.engine(grace_s=0.2) as engine:
        until(lambda: provider.at_once == 3)
        engine.stop()
        assert engine.ended() is False
    assert floor.assert_books_hold(run_id).attempting == 3

    provider.let_go()
    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert (books.unknown, books.delivered) == (3, 7)
    assert len(provider.arrivals) == 10


def test_an_attempt_that_hangs_beyond_its_deadline_is_cut_and_the_rest_goes_on(floor):
    told = f'delivery = "at_most_once"\n{HANG}'
    run_id = floor.launched(campaign(told, permits=3), ids(20))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 19)
        assert floor.books(run_id).attempting == 1

        floor.clock.monotonic_ahead_s = 3_600
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).unknown == 1
    [one] = floor.records(run_id, RecordState.UNKNOWN)
    assert (one.contact, one.code) == ("c00001", "cut_off")


def test_an_attempt_that_hangs_is_tried_again_where_the_key_is_honoured(floor):
    run_id = floor.launched(campaign(HANG, permits=3), ids(20))
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 19)
        floor.clock.monotonic_ahead_s = 3_600
        floor.until_ended(run_id)

    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.attempts) == (20, 21)


def test_a_provider_that_hangs_is_no_stall_of_the_engine(floor, tmp_path):
    control = tmp_path / "control.toml"
    control.write_text('mode = "hang"', encoding="utf-8")
    run_id = floor.launched(campaign(f'control = "{control}"', permits=4), ids(30))
    with floor.engine():
        until(lambda: floor.books(run_id).attempting >= 4)
        asked = floor.steered(Verb.PAUSE, run_id, state="applied")
        assert asked.state == "applied"
        until(lambda: floor.books(run_id).attempting == 4)
        control.write_text('mode = "ok"', encoding="utf-8")
        until(lambda: floor.view(run_id).label == "Running + paused")
        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).delivered == 30


def test_the_engine_beside_a_console_starts_stops_and_says_whether_it_drained(floor):
    engine = EngineThread(floor.layout, floor.around, floor.owner)
    engine.start()
    assert engine.is_running
    run_id = floor.launched(campaign(), ids(3))
    floor.until_ended(run_id)

    engine.stop()

    assert engine.join() is True
    assert not engine.is_running


class PassedOver(CommitThread):
    """Rounds of which the last one finds a newer owner."""

    def stop(self):
        with closing(sqlite3.connect(self._committer._layout.state)) as newer:
            newer.execute("UPDATE lease SET epoch = epoch + 1")
            newer.commit()
        self._committer.submit(jobs.beat)
        super().stop()


def carried_out_alone(floor, **options):
    """Run a supervisor on this thread until it ends; return it, and what ended it."""
    found = []

    async def carried_out(committer):
        one = Supervisor(floor.layout, committer, floor.around, **options)
        found.append(one)
        await one.run(until_idle=True, grace_s=1.0)

    try:
        with tenure(
            floor.layout, floor.around, floor.owner, dispatches=True
        ) as committer:
            asyncio.run(carried_out(committer))
    except WatchfloorError as error:
        return found[0], error
    return found[0], None


def test_what_ends_the_very_last_round_is_raised(floor):
    _, error = carried_out_alone(floor, rounds=PassedOver)

    assert isinstance(error, OwnedError)


def test_an_engine_whose_door_is_taken_meanwhile_leaves_no_thread(floor, monkeypatch):
    monkeypatch.setenv("WATCHFLOOR_RESULTS_TOKEN", "hush")
    with socket.create_server(("127.0.0.1", 0)) as other:
        door = Door("127.0.0.1", other.getsockname()[1])
        engine, error = carried_out_alone(floor, door=door)

    assert "cannot" in str(error)
    assert not engine._thread._thread.is_alive()
    assert not [one for one in engine._inbox._thread._threads if one.is_alive()]
