"""A resolution that cannot go on is answered, and takes nothing else with it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from tests.support.floor import ASKER, ids, webhook
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.domain.cohorts import Selection, to_payload
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine import resolving
from watchfloor.engine.commands import TakeCommand
from watchfloor.engine.desk_reads import resolve_preview_of
from watchfloor.engine.giving_up import GiveUp
from watchfloor.engine.operations import order, resolve_command
from watchfloor.engine.resolving import ResolveSlice
from watchfloor.engine.tenure import tenure
from watchfloor.store.reads.resolutions import open_resolutions

#: More than one question to the store can hold.
WIDE = Selection(origins=frozenset(f"{place}.example" for place in range(1_100)))


@pytest.fixture
def provider():
    with Provider() as found:
        yield found


@pytest.fixture
def unknowns(floor, provider, monkeypatch):
    """Return an ended run of three unknown records, as large as one that is sliced."""
    monkeypatch.setattr(resolving, "MOST_AT_ONCE", 0)
    provider.otherwise = Reply(drop=True)
    text = webhook(provider.url, 'delivery = "at_most_once"')
    run_id = floor.launched(text, ids(3))
    floor.carried_out()
    assert floor.books(run_id).unknown == 3
    return run_id


def begun(floor, run_id):
    """Begin to resolve all of a run; return the command's id."""
    way = ResolveAs.DELIVERED
    seen = floor.read(lambda c: resolve_preview_of(c, run_id, Selection(), way))
    command = resolve_command(seen, ASKER, "the log", floor.around)
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as committer:
        committer.submit(TakeCommand(command))
        committer.round()
    assert floor.receipt(command.command_id).state == "acknowledged"
    return command.command_id


def stuck(floor, run_id):
    """Begin a resolution whose stored selection cannot be evaluated."""
    command_id = begun(floor, run_id)
    with closing(sqlite3.connect(floor.layout.state)) as store, store:
        wide = json.dumps(to_payload(WIDE))
        store.execute("UPDATE resolution SET selection_json = ?", (wide,))
    return command_id


def assert_refused(floor, run_id, command_id):
    answer = floor.receipt(command_id)
    assert (answer.state, answer.refusal) == ("refused", "UNUSABLE")
    # What the store was asked, with its words, is nobody's business.
    assert answer.detail.startswith("the command cannot be used: Expression tree is")
    assert "SQL" not in answer.detail
    assert floor.event_words(run_id).count("resolve refused") == 1
    assert not floor.read(open_resolutions)
    assert floor.assert_books_hold(run_id).unknown == 3


def test_an_engine_refuses_what_it_cannot_evaluate_and_goes_on(floor, unknowns):
    command_id = stuck(floor, unknowns)
    with floor.engine() as engine:
        until(lambda: not floor.read(open_resolutions))
        assert engine.is_running

        assert floor.ordered("hide", unknowns).state == "settled"
    assert_refused(floor, unknowns, command_id)


def test_without_an_engine_the_next_command_refuses_it_and_is_applied(floor, unknowns):
    command_id = stuck(floor, unknowns)

    assert floor.ordered("hide", unknowns).state == "settled"
    assert floor.ordered("unhide", unknowns).state == "settled"
    assert_refused(floor, unknowns, command_id)


def test_too_wide_a_selection_is_refused_before_anything_begins(floor, unknowns):
    payload = {"selection": to_payload(WIDE), "as": "delivered", "expected": 3}
    command = order(
        "resolve", unknowns, ASKER, floor.around, why="log", payload=payload
    )
    answer = floor.asked(command)

    assert (answer.state, answer.refusal) == ("refused", "UNUSABLE")
    assert "a selection names at most 100 origins, not 1,100" in answer.detail
    assert not floor.read(open_resolutions)


def test_what_was_resolved_before_it_got_stuck_stays_so(floor, unknowns, monkeypatch):
    command_id = begun(floor, unknowns)
    [one] = floor.read(open_resolutions)
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as committer:

        def done(job):
            answer = committer.submit(job)
            committer.round()
            return answer.result()

        while floor.read(open_resolutions)[0].state == "freezing":
            done(ResolveSlice(one.number))
        monkeypatch.setattr(resolving, "SLICE_ROWS", 1)
        done(ResolveSlice(one.number))
        done(GiveUp(one.number, ConfigError("the campaign cannot be read")))
        done(GiveUp(one.number, ConfigError("the campaign cannot be read")))
        while done(ResolveSlice(one.number)):
            pass

    answer = floor.receipt(command_id)
    assert answer.state == "settled"
    assert answer.detail == (
        "1 of 3 unknown records resolved, the others left unknown: "
        "the campaign cannot be read"
    )
    assert floor.event_words(unknowns).count("resolved as delivered") == 1
    books = floor.assert_books_hold(unknowns)
    assert (books.delivered, books.unknown) == (1, 2)
