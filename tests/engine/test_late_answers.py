"""What a channel says of an attempt that was given up before."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from contextlib import contextmanager
from types import ModuleType

import pytest
from tests.engine.test_collector import reason
from tests.engine.test_lost_store import locked_by_another
from tests.support.floor import campaign, ids
from tests.support.patience import until

from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.domain.records import RecordState

GONE = Outcome(
    outcome_class=OutcomeClass.PERMANENT, code="gone", suppress="asked to be left alone"
)
OPTED_OUT = (
    "attempt 1 of record 1 was let go after all: permanent, code gone. It came too "
    "late to be counted; where the record is unknown, resolve it by that. It opts out "
    "(asked to be left alone): no run contacts this contact any more"
)


class Clinging:
    """A function that goes on with c00001 although it is told to end.

    Attributes:
        entered: Whom it was asked to contact.
        cut: Whom it was told to let go of.
        let_go: Lets it answer for c00001.
        go_on: Lets it answer for everybody else.
    """

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.cut: list[str] = []
        self.let_go, self.go_on = threading.Event(), threading.Event()

    async def contact(self, record):
        self.entered.append(record.contact)
        is_first = len(self.entered) == 1
        waits_for = self.let_go if is_first else self.go_on
        while not waits_for.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                self.cut.append(record.contact)
        return GONE if is_first else "delivered"


@pytest.fixture
def clinging(monkeypatch):
    found = Clinging()
    brought = ModuleType("brought_to_the_floor")
    vars(brought)["contact"] = found.contact
    monkeypatch.setitem(sys.modules, brought.__name__, brought)
    return found


def launched(floor, count, delivery="at_most_once"):
    settings = f'call = "brought_to_the_floor:contact"\ndelivery = "{delivery}"'
    return floor.launched(campaign(settings, channel="python", permits=1), ids(count))


def given_up(floor, clinging, run_id):
    """Let the first attempt be cut, and a while later be given up."""
    until(lambda: clinging.entered)
    floor.clock.jump(0.0, 60.0)
    until(lambda: clinging.cut)
    floor.clock.jump(0.0, 60.0)
    until(lambda: floor.books(run_id).unknown == 1)


@contextmanager
def said_to_a_locked_store(floor, clinging, caplog, engine):
    """Let the channel say it while nobody can write the store, for the block."""
    engine.do(lambda tx: tx.connection.exec_driver_sql("PRAGMA busy_timeout = 20"))
    with locked_by_another(floor.layout.state):
        clinging.let_go.set()
        until(lambda: "let go too late" in caplog.text)
        yield


def told_late(floor, run_id):
    return [one.detail for one in floor.events(run_id) if one.event == "let go late"]


@pytest.mark.parametrize("delivery", ["idempotent", "at_most_once"])
def test_an_opt_out_that_comes_too_late_to_be_counted_is_honoured(
    floor, clinging, delivery
):
    run_id = launched(floor, 2, delivery)
    with floor.engine():
        given_up(floor, clinging, run_id)
        until(lambda: clinging.entered == ids(2))
        clinging.let_go.set()
        [told] = until(lambda: told_late(floor, run_id))
        assert reason(floor, "c00001") == "asked to be left alone"
        clinging.go_on.set()
        floor.until_ended(run_id)
        # No engine has to start anew to know of it.
        other = launched(floor, 3)
        floor.until_ended(other)

    assert told == OPTED_OUT
    books = floor.assert_books_hold(run_id)
    assert (books.unknown, books.delivered) == (1, 1)
    assert floor.assert_books_hold(other).suppressed == 1
    assert clinging.entered == [*ids(2), "c00002", "c00003"]


def test_what_is_said_after_the_run_has_ended_is_told_and_honoured_too(floor, clinging):
    run_id = launched(floor, 1)
    with floor.engine() as engine:
        given_up(floor, clinging, run_id)
        floor.until_ended(run_id)
        until(lambda: run_id not in engine.supervisor._committer.lanes)
        clinging.let_go.set()
        told = until(lambda: told_late(floor, run_id))

    assert engine.ended() is True
    assert told == [OPTED_OUT]
    assert reason(floor, "c00001") == "asked to be left alone"
    [record] = floor.records(run_id)
    assert (record.state, record.code) == (RecordState.UNKNOWN, "not_let_go")


def test_what_the_journal_does_not_take_is_kept_and_told_once(floor, clinging, caplog):
    run_id = launched(floor, 1)
    with floor.engine() as engine:
        given_up(floor, clinging, run_id)
        floor.until_ended(run_id)
        with said_to_a_locked_store(floor, clinging, caplog, engine):
            until(lambda: engine.supervisor._committer.store_fault)
        until(lambda: told_late(floor, run_id))

    assert engine.ended() is True
    assert told_late(floor, run_id) == [OPTED_OUT]
    assert not floor.layout.unstored.exists()


def test_what_the_journal_does_not_take_by_the_end_is_listed_and_said(
    floor, clinging, caplog
):
    run_id = launched(floor, 1)
    with floor.engine(grace_s=0.1) as engine:
        given_up(floor, clinging, run_id)
        floor.until_ended(run_id)
        with said_to_a_locked_store(floor, clinging, caplog, engine):
            engine.stop()
            assert engine.ended() is False

    [line] = map(json.loads, floor.layout.unstored.read_text().splitlines())
    assert (line["run"], line["seq"], line["attempt"]) == (run_id, 1, 1)
    assert (line["class"], line["late"]) == ("permanent", True)
    assert line["suppress"] == "asked to be left alone"
    [said] = [
        one for one in caplog.messages if "could not be told to the journal" in one
    ]
    assert said.startswith(
        "1 answer that came too late to be counted could not be told"
    )
    assert said.endswith(
        f"Each is listed in {floor.layout.unstored}; 1 contact among them opted out "
        "and can still be contacted: watchfloor suppress CONTACT"
    )
