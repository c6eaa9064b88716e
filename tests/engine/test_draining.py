"""An engine that drains: it beats, it answers, and it tells everybody how far it is."""

from __future__ import annotations

import json
import re
from contextlib import suppress

import pytest
from tests.engine.test_lost_store import locked_by_another, put_back
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until

from watchfloor.domain.errors import OwnedError, StoreError
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.regions import Gate, Verb
from watchfloor.engine import jobs
from watchfloor.engine.draining import CLOSING_S
from watchfloor.engine.ownership import REACHED
from watchfloor.engine.tenure import tenure
from watchfloor.engine.waiting import what_it_is_at
from watchfloor.store.lock_text import fresh_text
from watchfloor.store.owner_sign import OwnerSign, owner_sign
from watchfloor.store.reads.engine import seen_engine
from watchfloor.store.sqlite import HURRIED_BUSY_MS


def sign_of(floor) -> OwnerSign:
    return owner_sign(floor.layout, floor.pulse(), floor.around.now_ms())


def begins_to_drain(floor, engine):
    """Ask an engine to drain; return what it tells of that."""
    engine.stop()
    return begun_drain(floor)


def begun_drain(floor):
    return until(lambda: sign_of(floor).drain, "the drain to be told")


@pytest.fixture
def flying(floor, provider):
    """The id of a run with five of fifty attempts in flight, once an engine runs."""
    provider.hold()
    return floor.launched(webhook(provider.url, permits=5), ids(50))


def test_an_engine_that_drains_beats_on_and_tells_how_far_it_is(
    floor, provider, flying
):
    with floor.engine(grace_s=20.0) as engine:
        until(lambda: provider.at_once == 5)
        assert sign_of(floor) == OwnerSign()
        drain = begins_to_drain(floor, engine)
        asked_ms = floor.around.now_ms()
        until(lambda: floor.pulse().heartbeat_at_ms > asked_ms, "a heartbeat")

        assert sign_of(floor) == OwnerSign(drain=drain)
        seen = floor.read(lambda one: seen_engine(one, asked_ms, floor.layout))
        assert (seen.is_alive(asked_ms), seen.drain, seen.hangs) == (True, drain, False)
        assert (drain.in_flight, drain.since_ms <= asked_ms) == (5, True)
        assert drain.until_ms - drain.since_ms == (20.0 + CLOSING_S) * 1_000
        # Who promised when it ends waits for no lock for long.
        patience = engine.do(
            lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        )
        assert patience == HURRIED_BUSY_MS
        provider.let_go()
        assert engine.ended() is True

    assert sign_of(floor) == OwnerSign()
    assert floor.assert_books_hold(flying).delivered == 5


def test_an_engine_that_drains_answers_what_is_asked_of_it(floor, provider, flying):
    with floor.engine() as engine:
        until(lambda: provider.at_once == 5)
        begins_to_drain(floor, engine)

        assert floor.steered(Verb.PAUSE, flying, state="applied").state == "applied"
        assert floor.view(flying).lifecycle.gate is Gate.PAUSING
        queued = floor.launched(campaign(name="later"), ids(2))
        epoch, ends_ms = floor.pulse().epoch, floor.around.now_ms() + 60_000
        over = floor.ordered("take_over", epoch=epoch, until_ms=ends_ms)
        assert (over.state, over.detail) == ("settled", "drains and lets go")
        assert engine.is_running
        provider.let_go()
        assert engine.ended() is True

    assert floor.view(flying).lifecycle.gate is Gate.PAUSED
    assert floor.assert_books_hold(flying).delivered == 5
    assert floor.view(queued).label.startswith("Queued")
    assert floor.pulse().left == Leaving.SIGNAL


def test_a_take_over_that_comes_too_late_is_refused_in_words_of_engines(floor, flying):
    with floor.engine() as engine:
        epoch, over_ms = floor.pulse().epoch, floor.around.now_ms() - 1
        late = floor.ordered("take_over", epoch=epoch, until_ms=over_ms)
        assert engine.is_running

    assert late.refusal == "NOT_YET"
    assert "who asked for it waits no more; the engine goes on" in late.detail
    assert "the run is" not in late.detail


def test_a_second_engine_is_told_until_when_the_first_drains(floor, provider, flying):
    with floor.engine() as engine:
        until(lambda: provider.at_once == 5)
        begins_to_drain(floor, engine)
        told = (
            r"is owned by .*; nothing was changed\. It drains, 5 in flight, since "
            r"\S+; ends by \S+ at the latest\. To go on after it: "
            r"watchfloor --workspace \S+ engine --wait \d+$"
        )
        with pytest.raises(OwnedError, match=told), floor.engine(name="another"):
            pass
        provider.let_go()
        assert engine.ended() is True


def test_a_store_that_is_locked_lengthens_no_grace_and_what_is_not_stored_is_listed(
    floor, provider, flying, caplog
):
    with floor.engine(grace_s=0.5) as engine:
        until(lambda: provider.at_once == 5)
        until(lambda: floor.books(flying).attempting == 10, "the window to be full")
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with locked_by_another(floor.layout.state) as pid:
            begins_to_drain(floor, engine)
            provider.let_go()
            assert engine.ended() is False

    [said] = [one for one in caplog.messages if "could not be stored" in one]
    file = floor.layout.unstored
    of = f"5 outcomes could not be stored: 5 delivered of run {flying}, for the store"
    holder = rf"takes no writes: .*locked by \S+ \(pid {pid}\).*"
    after = "the next engine accounts for each of them by its channel's mode"
    assert re.fullmatch(rf"{of} {holder}\. Each is listed in {file}; {after}", said)
    assert "5 intents of which nothing was sent could not be taken back" in caplog.text
    assert not any("with attempts in flight" in one for one in caplog.messages)
    listed = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted(one["seq"] for one in listed) == [1, 2, 3, 4, 5]
    assert {(one["run"], one["class"]) for one in listed} == {(flying, "delivered")}
    assert file.stat().st_mode & 0o777 == 0o600
    assert "c0000" not in file.read_text()
    assert floor.assert_books_hold(flying).attempting == 10

    floor.carried_out()
    assert floor.assert_books_hold(flying).delivered == 50
    assert sorted(set(provider.contacts)) == ids(50)


def test_a_store_that_is_let_go_of_in_time_gets_every_outcome_and_the_end(
    floor, provider, flying, caplog
):
    with floor.engine(grace_s=20.0) as engine:
        until(lambda: provider.at_once == 5)
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with locked_by_another(floor.layout.state) as pid:
            begins_to_drain(floor, engine)
            provider.let_go()
            until(lambda: f"(pid {pid})" in sign_of(floor).fault, "the fault")
            assert sign_of(floor).drain is not None
        assert engine.ended() is True

    assert floor.assert_books_hold(flying).delivered == 5
    ended = [one.detail for one in floor.events("") if one.event == "engine ended"]
    assert ended[-1:] == ["in good order: signal"]
    assert not floor.layout.unstored.exists()
    assert not any("could not be stored" in one for one in caplog.messages)


def test_a_second_stop_cuts_off_nothing_where_outcomes_only_wait_to_be_stored(
    floor, provider, flying, caplog
):
    with floor.engine(grace_s=20.0) as engine:
        until(lambda: provider.at_once == 5)
        engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with locked_by_another(floor.layout.state):
            drain = begins_to_drain(floor, engine)
            provider.let_go()
            until(lambda: not engine.supervisor._lanes.in_flight, "every outcome")
            engine.stop()
            until(lambda: begun_drain(floor).until_ms < drain.until_ms)
        assert engine.ended() is True

    assert floor.assert_books_hold(flying).delivered == 5
    ended = [one.detail for one in floor.events("") if one.event == "engine ended"]
    assert ended[-1:] == ["in good order: signal"]
    assert "cut off" not in caplog.text


def test_a_store_that_is_deleted_while_attempts_fly_out_is_rescued(
    floor, provider, flying
):
    with suppress(StoreError), floor.engine() as engine:
        until(lambda: provider.at_once == 5)
        begins_to_drain(floor, engine)
        floor.layout.state.unlink()
        provider.let_go()
        until(lambda: not engine.is_running, "the engine to end")

    told = str(engine.error)
    assert "was deleted while the engine ran. Sending stopped at once" in told
    floor.close()
    put_back(floor.layout, told)
    stood = floor.assert_books_hold(flying)
    assert (stood.delivered, stood.attempting) == (5, 0)
    assert floor.pulse().left == Leaving.STORE_GONE


def test_who_has_let_go_of_the_store_and_not_yet_of_the_lock_is_said_to_close(floor):
    with tenure(floor.layout, floor.around, floor.owner, dispatches=True) as committer:
        committer.submit(jobs.End(Leaving.SIGNAL, drained=True))
        committer.round()

        told = "It has ended its work and is closing; to go on after it: watchfloor"
        with pytest.raises(OwnedError, match=told), floor.engine(name="another"):
            pass
        # It is not to be said of whoever came after it.
        floor.layout.lock.write_bytes(fresh_text("engine (pid 1 on here)"))
        assert what_it_is_at(floor.layout, floor.around.now_ms()) == REACHED
