"""The real engine killed in the middle of resolving: one command, one effect."""

from __future__ import annotations

from tests.engine.test_look_ups import DELIVERED
from tests.engine.test_resolving import LOST, ONCE, previewed
from tests.support.floor import ASKER, campaign, ids, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Provider

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.records import RecordState
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine.operations import order, resolve_command
from watchfloor.store.inbox import ask
from watchfloor.store.reads.resolutions import open_resolutions, resolutions_of
from watchfloor.store.tables import resolved

RECORDS = 8_000
LOOKED_UP = 150
#: Nothing pauses a run of which nobody knows anything.
BLIND = "[guard]\nbreaker_after = 0"


def test_a_cohort_resolved_over_kills_is_resolved_once_and_wholly(floor):
    text = campaign(
        'shares = { ambiguous = 1.0 }\ndelivery = "at_most_once"',
        permits=500,
        rest=BLIND,
    )
    run_id = floor.launched(text, ids(RECORDS))
    floor.carried_out()
    assert floor.books(run_id).unknown == RECORDS
    seen = previewed(floor, run_id, ResolveAs.NOT_DELIVERED)
    command = resolve_command(seen, ASKER, "the log was lost", floor.around)
    ask(floor.layout, command)

    kills = 0
    while not is_settled(floor, command):
        with EngineProcess(floor.layout) as engine:
            before = progress(floor, run_id)
            until(lambda: moved_on(floor, command, before))  # noqa: B023 - at once
            kills += engine.kill()
        books = floor.assert_books_hold(run_id)
        assert books.unknown + books.failed == RECORDS

    assert kills >= 3, "the kills came too late to mean anything"
    books = floor.assert_books_hold(run_id)
    assert (books.failed, books.unknown) == (RECORDS, 0)
    answer = floor.receipt(command.command_id)
    assert answer.detail == f"{RECORDS:,} unknown records resolved"
    assert floor.event_words(run_id).count("resolved as not-delivered") == 1
    (said,) = floor.read(lambda connection: resolutions_of(connection, run_id))
    assert (said.records, said.done, said.state) == (RECORDS, RECORDS, "done")
    rows = floor.read(lambda c: c.execute(resolved.select()).fetchall())
    assert len(rows) == RECORDS


def test_a_look_up_over_kills_asks_on_and_settles_only_what_was_said(floor):
    with Provider(LOST) as provider:
        settings = f"{ONCE}\n{provider.look_up_setting}"
        run_id = floor.launched(
            webhook(provider.url, settings, rest=BLIND), ids(LOOKED_UP)
        )
        floor.carried_out()
        assert floor.books(run_id).unknown == LOOKED_UP
        known = set(ids(LOOKED_UP)[::2])
        provider.look_ups = dict.fromkeys(known, DELIVERED)
        asked = order("look_up", run_id, ASKER, floor.around, why="after the outage")
        ask(floor.layout, asked)

        kills = 0
        for stop in (20, 90):
            with EngineProcess(floor.layout) as engine:
                least = stop
                until(lambda: len(provider.questions) > least)  # noqa: B023 - at once
                kills += engine.kill()
            floor.assert_books_hold(run_id)
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0

        assert kills == 2
        assert len(provider.arrivals) == LOOKED_UP, "a look-up contacted somebody"
        assert set(provider.questions) == set(provider.keys)
    books = floor.assert_books_hold(run_id)
    assert books.delivered == books.unknown == LOOKED_UP // 2
    reached = {one.contact for one in floor.records(run_id, RecordState.DELIVERED)}
    assert reached == known
    assert floor.event_words(run_id).count("looked up") == 1
    assert floor.read(open_resolutions) == []
    told = floor.receipt(asked.command_id).detail
    assert told.startswith(f"asked about {LOOKED_UP} records: 75 delivered")


def progress(floor, run_id):
    """Return how far what was said of a run is; None before anything was."""
    said = floor.read(lambda connection: resolutions_of(connection, run_id))
    return (said[0].state, said[0].records, said[0].done) if said else None


def moved_on(floor, command, before):
    """Whether another slice is done, or all of them are."""
    return progress(floor, command.run_id) != before or is_settled(floor, command)


def is_settled(floor, command):
    found = floor.receipt(command.command_id)
    return found is not None and found.state == "settled"


def test_the_unknown_leave_only_by_a_word_and_every_word_is_kept(floor):
    """Invariant: of every record that was unknown there is somebody who said so."""
    with Provider(LOST) as provider:
        settings = f"{ONCE}\n{provider.look_up_setting}"
        run_id = floor.launched(webhook(provider.url, settings), ids(12))
        floor.carried_out()
        provider.look_ups = {"c00005": DELIVERED}
        for seqs, word in (((1, 2), "delivered"), ((3,), "not-delivered")):
            chosen = Selection(seqs=frozenset(seqs))
            seen = previewed(floor, run_id, ResolveAs(word), chosen)
            floor.asked(resolve_command(seen, ASKER, "their log", floor.around))
        floor.ordered_begun("look_up", run_id)
        with EngineProcess(floor.layout, "--until-idle") as engine:
            assert engine.ended() == 0
    left = {one.seq for one in floor.records(run_id, RecordState.UNKNOWN)}
    assert left == set(range(1, 13)) - {1, 2, 3, 5}
    for seq in range(1, 13):
        events = [one.event for one in floor.journey(run_id, seq).entries]
        is_said = bool({"resolved", "looked up"} & set(events))
        assert is_said == (seq not in left), (seq, events)
