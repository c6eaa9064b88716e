"""The engine as operators start it, killed with SIGKILL, over a real HTTP server.

Two runs are in flight at once, one through a provider that honours the key and one at
most once, so that every kill hits both promises. ``tests/kills`` kills by the hundred.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter

from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.preloaded import carried_out
from tests.support.process import EngineProcess
from tests.support.provider import Provider, Reply

from watchfloor.domain.records import RecordState

KILLS = 4
RECORDS = 400
PERMITS = 8
SEED = 20_261_122


def launched(floor, provider, count=RECORDS):
    """Launch both runs; return their ids."""
    idempotent = webhook(provider.url, permits=PERMITS, name="idempotent")
    once = webhook(
        provider.url, 'delivery = "at_most_once"', permits=PERMITS, name="once"
    )
    return (
        floor.launched(idempotent, ids(count, "i")),
        floor.launched(once, ids(count, "o")),
    )


def moment(lot, provider, engine):
    """Wait for the next moment to kill: in the start-up, or while requests fly."""
    if lot.random() < 0.15:
        time.sleep(lot.uniform(0.2, 0.7))
        return
    arrived = len(provider.arrivals)
    until(lambda: len(provider.arrivals) > arrived or not engine.is_running)
    time.sleep(lot.uniform(0.0, 0.15))
    # What is in flight stays there: no answer overtakes the kill.
    provider.hold()
    until(lambda: provider.at_once or not engine.is_running)


def audited(floor, run_id):
    """Ask the command line to count a run's rows anew; return what it says."""
    place = ("--workspace", str(floor.layout.root))
    said = carried_out("books", run_id, "--audit", "--json", *place)
    assert said.returncode == 0, said.stdout + said.stderr
    return json.loads(said.stdout)


def recoveries(floor, runs):
    """Return how often a start found attempts of a run in flight."""
    return sum(floor.event_words(run_id).count("recovered") for run_id in runs)


def assert_nothing_lost(floor, provider, runs, kills):
    """Check every promise of both runs against what the provider saw."""
    idempotent, once = runs
    total = Counter(provider.keys)
    contacts = {one.key: one.contact for one in provider.arrivals}
    bodies = provider.bodies_by_key
    assert all(len(found) == 1 for found in bodies.values())
    assert len(contacts) == len(set(contacts.values()))
    assert all(
        json.loads(body)["reference"] == key
        for key, found in bodies.items()
        for body in found
    )

    books = floor.assert_books_hold(idempotent)
    seen = {contact for contact in contacts.values() if contact[0] == "i"}
    reached = {one.contact for one in floor.records(idempotent, RecordState.DELIVERED)}
    assert books.delivered == books.records
    assert seen == reached == set(ids(books.records, "i"))

    books = floor.assert_books_hold(once)
    sent = {key: n for key, n in total.items() if contacts[key][0] == "o"}
    seen = {contacts[key] for key in sent}
    reached = {one.contact for one in floor.records(once, RecordState.DELIVERED)}
    doubted = {one.contact for one in floor.records(once, RecordState.UNKNOWN)}
    assert set(sent.values()) == {1}
    assert reached <= seen <= reached | doubted
    assert books.delivered + books.unknown == books.records
    assert books.unknown <= kills * PERMITS


def test_nothing_is_lost_and_no_key_is_broken_over_kills_of_the_command_line(floor):
    lot = random.Random(SEED)  # noqa: S311 - replayable
    replies = random.Random(SEED)  # noqa: S311 - replayable
    with Provider(lambda: Reply(after_s=replies.uniform(0.0, 0.08))) as provider:
        runs = launched(floor, provider)
        kills = 0
        for _ in range(KILLS):
            with EngineProcess(floor.layout, "--until-idle") as engine:
                moment(lot, provider, engine)
                kills += engine.kill()
            provider.let_go()
            for run_id in runs:
                floor.assert_books_hold(run_id)
        midway = len(provider.arrivals)
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0

        assert kills == KILLS
        assert midway < 2 * RECORDS, "the kills came too late to mean anything"
        assert recoveries(floor, runs) >= KILLS, "too few kills hit anything in flight"
        assert_nothing_lost(floor, provider, runs, kills)
    for run_id in runs:
        assert floor.view(run_id).label == "Completed + collecting"
        told = audited(floor, run_id)
        assert told["audited"]
        assert told["differences"] == []
        assert told["books"]["records"] == RECORDS
