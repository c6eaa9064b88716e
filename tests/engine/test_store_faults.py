from __future__ import annotations

from contextlib import suppress

import pytest
from tests.support.floor import ASKER, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.regions import Gate, Verb
from watchfloor.engine.operations import order
from watchfloor.engine.preparing import prepared_launch
from watchfloor.store.handle import DriverError
from watchfloor.store.inbox import ask
from watchfloor.store.reads.situations import situation
from watchfloor.store.sqlite import writing_engine


def fill_the_disk(tx):
    """Leave the writer no room for another page, as a full disk does."""
    pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def make_room(engine):
    writer = engine.supervisor._committer._connection
    writer.connection.dbapi_connection.execute("PRAGMA max_page_count = 1000000000")


def until_paused(floor, run_id):
    """Wait until the engine has paused a run itself; return it."""

    def found():
        view = floor.view(run_id)
        is_paused = view.lifecycle.gate is Gate.PAUSED
        return view if is_paused and view.gate_asked.by == "engine" else None

    return until(found, "the run to be paused by the engine")


def resume(floor, run_id):
    """Resume as a person does who has made room."""
    answer = floor.steered(Verb.RESUME, run_id)
    assert answer.state == "settled", answer


def fault(engine):
    return engine.supervisor._committer.store_fault


def has_landed(engine, run_id):
    """Whether nothing is in flight, nor stored and still to be sent."""
    lane = engine.supervisor._lanes._lanes[run_id].dispatcher
    return not (lane._flights or lane._ready or lane._in_hand)


@pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])
def test_no_outcome_is_lost_while_the_disk_is_full(floor, provider, delivery, caplog):
    provider.otherwise = Reply(after_s=0.01, body={"detail": "x" * 400})
    told = f'delivery = "{delivery}"'
    run_id = floor.launched(webhook(provider.url, told, permits=5), ids(300))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        # The disk may be full for this very round.
        with suppress(StoreError):
            engine.do(fill_the_disk)
        until(lambda: fault(engine), "the store to fail")
        full = floor.assert_books_hold(run_id)
        # What is in flight ends, and nothing new begins.
        until(lambda: has_landed(engine, run_id))
        sent = len(provider.arrivals)
        assert len(set(provider.keys)) <= full.delivered + full.attempting
        assert "full" in fault(engine)

        make_room(engine)
        paused = until_paused(floor, run_id)
        assert paused.books.attempting == 0
        assert "full" in paused.gate_asked.why
        assert len(provider.arrivals) == sent
        resume(floor, run_id)
        floor.until_ended(run_id)

    books = floor.assert_books_hold(run_id)
    assert books.delivered == books.attempts == 300
    assert sorted(provider.contacts) == ids(300)
    assert sent < 300


def test_a_command_waits_while_the_disk_is_full_and_is_taken_afterwards(
    floor, provider
):
    provider.otherwise = Reply(after_s=0.01, body={"detail": "x" * 400})
    run_id = floor.launched(webhook(provider.url, permits=5), ids(300))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        # The disk may be full for this very round.
        with suppress(StoreError):
            engine.do(fill_the_disk)
        until(lambda: fault(engine))
        payload = {"scope": "run", "permits": 2}
        limit = order("limit", run_id, ASKER, floor.around, payload=payload)
        ask(floor.layout, limit)
        until(lambda: provider.at_once == 0)
        make_room(engine)
        answer = until(lambda: floor.receipt(limit.command_id))

    assert answer.state == "settled"
    assert floor.view(run_id).permits == 2
    books = floor.assert_books_hold(run_id)
    assert books.delivered == len(provider.arrivals) < 300


def test_whoever_asks_why_is_told_that_the_store_takes_no_writes(floor, provider):
    provider.otherwise = Reply(after_s=0.01, body={"detail": "x" * 400})
    run_id = floor.launched(webhook(provider.url, permits=5), ids(300))

    def held_by():
        now_ms = floor.around.now_ms()
        found = floor.read(
            lambda connection: situation(
                connection, run_id, now_ms, layout=floor.layout
            )
        )
        return {one.reason: one.detail for one in blocked_by(found)}

    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 10)
        # The disk may be full for this very round.
        with suppress(StoreError):
            engine.do(fill_the_disk)
        until(lambda: Reason.STORE_NOT_WRITABLE in held_by())
        make_room(engine)
        until(lambda: Reason.STORE_NOT_WRITABLE not in held_by())
        until_paused(floor, run_id)


def test_an_intake_goes_on_when_the_disk_has_room_again(floor):
    run_id = floor.launched(campaign(), ids(8_000))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).records > 0)
        # The disk may be full for this very round.
        with suppress(StoreError):
            engine.do(fill_the_disk)
        until(lambda: fault(engine))
        partly = floor.assert_books_hold(run_id)
        make_room(engine)
        until_paused(floor, run_id)
        resume(floor, run_id)
        floor.until_ended(run_id)

    assert partly.records < 8_000
    assert floor.assert_books_hold(run_id).delivered == 8_000


def test_a_round_that_fails_sets_the_mind_right_by_the_rows(floor):
    run_id = floor.launched(campaign(), ids(20))

    def spoil(tx):
        """Change what is in mind and in the rows, then fail as a driver does."""
        tx.ledgers[run_id].tally["delivered"] += 7
        tx.connection.exec_driver_sql("UPDATE books SET delivered = 7")
        tx.connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    with floor.engine() as engine:
        with pytest.raises(DriverError, match="nowhere"):
            engine.do(spoil)
        floor.until_ended(run_id)

    assert floor.assert_books_hold(run_id).delivered == 20


def test_a_store_that_is_locked_by_a_stranger_loses_nothing(floor, provider):
    provider.otherwise = Reply(after_s=0.02)
    run_id = floor.launched(webhook(provider.url, permits=4), ids(200))
    stranger = writing_engine(floor.layout.state)
    with floor.engine() as engine:
        # The engine waits five seconds for a lock; a test need not.
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        until(lambda: floor.books(run_id).delivered > 10)
        with stranger.begin():
            until(lambda: fault(engine))
            until(lambda: provider.at_once == 0)
            locked = floor.assert_books_hold(run_id)
            assert len(set(provider.keys)) <= locked.delivered + locked.attempting
        stranger.dispose()
        floor.until_ended(run_id)

    assert "locked" not in fault(engine)
    assert sorted(provider.contacts) == ids(200)
    assert floor.assert_books_hold(run_id).attempts == 200


def test_a_launch_over_an_upload_that_cannot_be_kept_leaves_nothing_behind(floor):
    launch = floor.prepared(campaign(), ids(3))
    floor.layout.upload(launch.command.payload["upload_id"]).unlink()
    floor.layout.uploads.rmdir()

    with pytest.raises(ConfigError):
        prepared_launch(
            floor.layout,
            floor.root / "campaign.toml",
            floor.root / "upload.csv",
            ASKER,
            floor.around,
        )

    assert floor.views() == ()
