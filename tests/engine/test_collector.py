from __future__ import annotations

import random

import pytest
from sqlalchemy import select
from tests.support.floor import campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.identity import contact_digest, dedupe_key
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Results, RunOutcome, Verb
from watchfloor.domain.results import ResultEvent, ResultKind
from watchfloor.engine import collector, jobs
from watchfloor.engine.collector import (
    MatchParked,
    Summary,
    TakeResults,
    close_results_command,
    take_results_command,
)
from watchfloor.store.inbox import Command
from watchfloor.store.reads import results as reads
from watchfloor.store.reads.runs import run_number
from watchfloor.store.reads.suppression import find
from watchfloor.store.tables import result

DAY_S = 86_400
ONCE = 'delivery = "at_most_once"'


def digest(contact):
    return contact_digest("id", contact)


def key(run_id, contact):
    return dedupe_key(run_id, "call", digest(contact), 0)


def event(event_id, kind=ResultKind.DELIVERED, **values):
    given = {"key": "", "at_ms": 1_795_000_000_000}
    return ResultEvent(event_id=event_id, kind=kind, **{**given, **values})


def about(run_id, contact, kind=ResultKind.DELIVERED, event_id="", **values):
    name = event_id or f"{contact}-{kind}"
    return event(name, kind, key=key(run_id, contact), **values)


def counts(floor, run_id):
    def asked(connection):
        return reads.result_counts(connection, run_number(connection, run_id))

    return floor.read(asked)


def results_of(floor, run_id, seq):
    def asked(connection):
        return reads.results_of(connection, run_number(connection, run_id), seq)

    return floor.read(asked)


def parked(floor):
    return floor.read(reads.parked).events


def reason(floor, contact):
    return floor.read(lambda connection: find(connection, digest(contact)))


@pytest.fixture
def ended(floor):
    """An ended run over c00001 to c00005, all delivered."""
    run_id = floor.launched(campaign(), ids(5))
    floor.carried_out()
    return run_id


def test_events_of_any_order_give_the_same_counts_and_the_same_word(floor, ended):
    kinds = [ResultKind.DELIVERED, ResultKind.OPENED, ResultKind.CLICKED]
    events = [about(ended, contact, kind) for contact in ids(3) for kind in kinds]
    random.Random(3).shuffle(events)  # noqa: S311 - replayable

    with floor.engine() as engine:
        first = engine.do(TakeResults(events[:4], "the receiver"))
        second = engine.do(TakeResults(events[4:], "the receiver"))

    assert first.plus(second) == Summary(applied=9)
    assert counts(floor, ended) == dict.fromkeys(sorted(kinds), 3)
    numbers = floor.read(
        lambda connection: reads.speaking_kinds(
            connection, run_number(connection, ended), range(1, 6)
        )
    )
    assert numbers == dict.fromkeys((1, 2, 3), ResultKind.CLICKED)


def test_an_event_that_comes_again_changes_nothing(floor, ended):
    one = about(ended, "c00001", ResultKind.OPENED)
    other = about(ended, "c00001", ResultKind.OPENED, event_id="another-opening")

    with floor.engine() as engine:
        first = engine.do(TakeResults([one, one, one], "s"))
        again = engine.do(TakeResults([one, other], "s"))

    assert first == Summary(applied=1, repeated=2)
    assert again == Summary(applied=1, repeated=1)
    assert counts(floor, ended) == {ResultKind.OPENED: 1}
    assert len(results_of(floor, ended, 1)) == 2


def test_an_unknown_event_is_parked_and_stays_so(floor, ended):
    unknown = [event("u1", key="ab" * 16), event("u2", provider_id="elsewhere")]

    with floor.engine() as engine:
        taken = engine.do(TakeResults(unknown, "s"))
        again = engine.do(TakeResults(unknown, "s"))
        matched = engine.do(MatchParked())

    assert taken == matched == Summary(parked=2)
    assert again == Summary(repeated=2)
    assert parked(floor) == 2
    assert counts(floor, ended) == {}


def test_an_event_may_come_before_our_own_outcome(floor, provider):
    provider.otherwise = Reply(body={"id": "p-1"})
    provider.hold()
    run_id = floor.launched(webhook(provider.url), ids(1))
    match = MatchParked()
    with floor.engine() as engine:
        [known] = until(lambda: provider.keys)
        early = [
            event("by-key", ResultKind.ANSWERED, key=known),
            event("by-id", ResultKind.DELIVERED, provider_id="p-1"),
        ]
        taken = engine.do(TakeResults(early, "s"))
        still = engine.do(match)
        provider.let_go()
        floor.until_ended(run_id)
        later = engine.do(match)

    assert taken == Summary(applied=1, parked=1)
    assert still == Summary(parked=1)
    assert later == Summary(applied=1)
    assert parked(floor) == 0
    assert counts(floor, run_id) == {ResultKind.ANSWERED: 1, ResultKind.DELIVERED: 1}


def test_events_that_never_match_take_no_turn_from_others(floor, provider, monkeypatch):
    monkeypatch.setattr(collector, "PARKED_AT_ONCE", 2)
    provider.otherwise = Reply(body={"id": "p-1"})
    run_id = floor.launched(webhook(provider.url), ids(1))
    lost = [event(f"lost-{number}", key="ab" * 16) for number in range(5)]
    with floor.engine() as engine:
        engine.do(TakeResults(lost, "s"))
        engine.do(TakeResults([event("good", provider_id="p-2")], "s"))
        floor.until_ended(run_id)
        match = MatchParked()
        provider.otherwise = Reply(body={"id": "p-2"})
        second = floor.launched(webhook(provider.url), ids(1))
        floor.until_ended(second)
        turns = [engine.do(match) for _ in range(3)]

    assert [one.parked for one in turns] == [2, 2, 1]
    assert [one.applied for one in turns] == [0, 0, 1]
    assert parked(floor) == 5


def test_a_parked_event_is_looked_for_again_for_two_days(floor, ended):
    with floor.engine() as engine:
        engine.do(TakeResults([event("lost", key="ab" * 16)], "s"))
        match = MatchParked()
        assert engine.do(match).parked == 1
        assert engine.do(match).parked == 1
        floor.clock.ahead_s += 2 * DAY_S + 60
        assert engine.do(match).parked == 0

    assert parked(floor) == 1


def told_of_parked(floor):
    """Return what is stored of each parked event that may tell whom it is about."""
    table = result.c
    columns = (table.event_id, table.key, table.provider_id, table.detail)
    return floor.read(
        lambda c: c.execute(select(*columns).where(table.state == "parked")).all()
    )


def test_whom_an_event_is_about_that_is_looked_for_no_more_is_forgotten(
    floor, ended, monkeypatch
):
    monkeypatch.setattr(collector, "PARKED_AT_ONCE", 2)
    lost = [
        event(f"e{number}", key="ab" * 16, provider_id="p", detail="to ada@example.org")
        for number in range(5)
    ]
    with floor.engine() as engine:
        engine.do(TakeResults(lost, "s"))
        match = MatchParked()
        engine.do(match)
        assert {whom.detail for whom in told_of_parked(floor)} == {lost[0].detail}
        floor.clock.ahead_s += 2 * DAY_S + 60
        engine.do(TakeResults([event("new", provider_id="q")], "s"))
        for _ in range(4):
            engine.do(match)
        kept = told_of_parked(floor)
        for one in (match, MatchParked()):
            engine.do(one)

    assert [whom for whom in kept if whom.event_id == "new"] == [("new", "", "q", "")]
    forgotten = [whom for whom in kept if whom.event_id != "new"]
    assert len(forgotten) == 5
    for event_id, *whom in forgotten:
        assert event_id.startswith("forgotten-")
        assert whom == ["", "", ""]
    # Once is enough, whoever comes by again.
    assert told_of_parked(floor) == kept


def test_an_event_after_the_close_is_kept_not_counted_and_its_opt_out_holds(
    floor, ended
):
    noted: list[bytes] = []
    with floor.engine() as engine:
        engine.do(TakeResults([about(ended, "c00001", ResultKind.OPENED)], "s"))
        floor.clock.ahead_s += 31 * DAY_S
        engine.do(jobs.close_results)
        late = [
            about(ended, "c00001", ResultKind.CLICKED),
            about(ended, "c00001", ResultKind.OPTED_OUT),
        ]
        taken = engine.do(TakeResults(late, "s", noted.extend))

    assert taken == Summary(late=2, suppressed=((digest("c00001"), "opted_out"),))
    assert noted == [digest("c00001")]
    assert counts(floor, ended) == {ResultKind.OPENED: 1}
    assert [one.state for one in results_of(floor, ended, 1)].count("late") == 2
    assert reason(floor, "c00001") == "opted_out"


@pytest.mark.parametrize("is_closed", [False, True], ids=["collecting", "closed"])
def test_what_is_reported_of_an_unknown_record_is_kept_and_resolves_nothing(
    floor, provider, is_closed
):
    provider.otherwise = Reply(status=500, body={"id": "p-1"})
    run_id = floor.launched(webhook(provider.url, ONCE), ids(1))
    with floor.engine() as engine:
        floor.until_ended(run_id)
        if is_closed:
            floor.clock.ahead_s += 31 * DAY_S
            engine.do(jobs.close_results)
        before, [record] = floor.assert_books_hold(run_id), floor.records(run_id)
        events = [
            about(run_id, "c00001", ResultKind.DELIVERED),
            event("by-id", ResultKind.OPTED_OUT, provider_id="p-1"),
        ]
        engine.do(TakeResults(events, "the receiver"))

    assert record.state is RecordState.UNKNOWN
    assert floor.assert_books_hold(run_id) == before
    assert floor.records(run_id)[0].state is RecordState.UNKNOWN
    kept = {(one.kind, one.state) for one in results_of(floor, run_id, 1)}
    state = "late" if is_closed else "applied"
    assert kept == {(ResultKind.DELIVERED, state), (ResultKind.OPTED_OUT, state)}
    assert reason(floor, "c00001") == "opted_out"


def test_what_is_reported_of_an_earlier_attempt_changes_nothing_of_the_next_one(
    floor, provider
):
    busy, taken = Reply(status=503, body={"id": "p-1"}), Reply(body={"id": "p-2"})
    provider.replies["c00001"] = [busy, taken]
    hourly = 'backoff = "1h"\nmax_backoff = "1h"'
    run_id = floor.launched(webhook(provider.url, retry=hourly), ids(1))

    def report(name, **which):
        stood = floor.records(run_id)[0], floor.assert_books_hold(run_id)
        told = event(name, ResultKind.BOUNCED, **which)
        assert engine.do(TakeResults([told], "s")) == Summary(applied=1)
        assert (floor.records(run_id)[0], floor.assert_books_hold(run_id)) == stood

    with floor.engine() as engine:
        until(lambda: floor.books(run_id).retry)
        report("waiting", provider_id="p-1")
        provider.hold()
        floor.clock.ahead_s += 2 * 3_600
        until(lambda: provider.at_once)
        report("in flight, by its id", provider_id="p-1")
        report("in flight, by its key", key=provider.keys[0])
        provider.let_go()
        floor.until_ended(run_id)
        report("ended", provider_id="p-1")

    assert provider.keys == [provider.keys[0]] * 2
    assert floor.books(run_id).delivered == 1
    assert counts(floor, run_id) == {ResultKind.BOUNCED: 1}
    assert len(results_of(floor, run_id, 1)) == 4


def test_an_opt_out_is_honoured_for_a_cancelled_run(floor, provider):
    run_id = floor.launched(webhook(provider.url, permits=2, rate="20/s"), ids(400))
    noted: list[bytes] = []
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered)
        floor.steered(Verb.PAUSE, run_id)
        floor.steered(Verb.CANCEL, run_id)
        floor.until_ended(run_id)
        contact = provider.contacts[0]
        opted = about(run_id, contact, ResultKind.OPTED_OUT, detail="STOP")
        taken = engine.do(TakeResults([opted], "s", noted.extend))

    assert floor.view(run_id).lifecycle.outcome is RunOutcome.CANCELLED
    assert taken.applied == 1
    assert noted == [digest(contact)]
    assert reason(floor, contact) == "opted_out"
    assert "opted out" in floor.event_words(run_id)


def test_only_the_first_opt_out_of_a_contact_is_written_in_the_journal(floor, ended):
    noted: list[bytes] = []
    opted = [
        about(ended, "c00001", ResultKind.COMPLAINED),
        about(ended, "c00001", ResultKind.OPTED_OUT),
        about(ended, "c00002", ResultKind.OPTED_OUT, event_id="two"),
        about(ended, "c00003", ResultKind.BOUNCED, detail="soft"),
        about(ended, "c00004", ResultKind.BOUNCED, detail="550 5.1.1 unknown"),
    ]
    with floor.engine() as engine:
        taken = engine.do(TakeResults(opted, "the \x1breceiver", noted.extend))
        engine.do(TakeResults([about(ended, "c00002", ResultKind.COMPLAINED)], "s"))

    assert [reason for _, reason in taken.suppressed] == [
        "complained",
        "opted_out",
        "bounced",
    ]
    assert set(noted) == {digest(c) for c in ("c00001", "c00002", "c00004")}
    assert reason(floor, "c00001") == "complained"
    assert reason(floor, "c00003") is None
    entries = [one for one in floor.events(ended) if one.event == "opted out"]
    assert len(entries) == 3
    assert entries[0].detail == (
        "record 1, complained by the ␛receiver; no run contacts this contact any more"
    )
    assert not any("c0000" in one.detail for one in entries)


def test_an_opt_out_that_was_parked_is_obeyed_once_its_record_is_known(floor, provider):
    provider.otherwise = Reply(body={"id": "p-1"})
    noted: list[bytes] = []
    with floor.engine() as engine:
        opted = event("o", ResultKind.OPTED_OUT, provider_id="p-1")
        engine.do(TakeResults([opted], "the receiver", noted.extend))
        run_id = floor.launched(webhook(provider.url), ids(1))
        floor.until_ended(run_id)
        matched = engine.do(MatchParked(noted.extend))

    assert matched.suppressed == ((digest("c00001"), "opted_out"),)
    assert noted == [digest("c00001")]
    assert reason(floor, "c00001") == "opted_out"


def test_ten_thousand_events_in_one_go_are_all_counted(floor):
    contacts = ids(2_500)
    run_id = floor.launched(campaign(permits=200), contacts)
    floor.carried_out()
    kinds = [
        ResultKind.DELIVERED,
        ResultKind.OPENED,
        ResultKind.CLICKED,
        ResultKind.ANSWERED,
    ]
    events = [about(run_id, contact, kind) for kind in kinds for contact in contacts]

    with floor.engine() as engine:
        taken = engine.do(TakeResults(events, "s"))
        again = engine.do(TakeResults(events, "s"))

    assert taken == Summary(applied=10_000)
    assert again == Summary(repeated=10_000)
    assert counts(floor, run_id) == dict.fromkeys(sorted(kinds), 2_500)


def test_a_command_takes_what_can_be_used_and_names_the_rest(floor, ended):
    good = about(ended, "c00001").as_dict()
    payload = {"events": [{}, good, {**good, "event_id": "x", "kind": "open"}, 7]}

    with floor.engine() as engine:
        told = engine.do(lambda tx: take_results_command(tx, payload))

    assert told["applied"] == 1
    assert [place for place, _ in told["mistakes"]] == [1, 3, 4]
    assert results_of(floor, ended, 1)[0].source == "a command"


@pytest.mark.parametrize(
    "payload", [{}, {"events": "e"}, {"events": {}}, {"events": [{}] * 1_001}]
)
def test_a_command_without_a_fit_list_takes_nothing(floor, payload):
    with floor.engine() as engine, pytest.raises(ValueError, match="no result was"):
        engine.do(lambda tx: take_results_command(tx, payload))

    assert parked(floor) == 0


def closing(run_id, why=""):
    command = Command(
        command_id="c-1",
        at_ms=1,
        verb="close_results",
        run_id=run_id,
        by="nora",
        why=why,
    )
    return lambda tx: close_results_command(tx, command)


def test_results_are_closed_by_hand_once(floor, ended):
    with floor.engine() as engine:
        engine.do(closing(ended, "the client asked"))
        with pytest.raises(ConfigError, match="are closed already; nothing was"):
            engine.do(closing(ended))
        late = engine.do(TakeResults([about(ended, "c00001")], "s"))

    assert floor.view(ended).lifecycle.results is Results.CLOSED
    assert floor.events(ended)[-1].detail == "by nora; the client asked"
    assert late == Summary(late=1)


def test_results_of_a_run_that_has_not_ended_are_not_closed(floor):
    run_id = floor.launched(campaign(), ids(1))
    floor.steered(Verb.PAUSE, run_id)

    with floor.engine() as engine:
        with pytest.raises(ConfigError, match="are collected after its end"):
            engine.do(closing(run_id))
        with pytest.raises(ValueError, match="no run is called 'nothing'"):
            engine.do(closing("nothing"))

    assert floor.view(run_id).lifecycle.results is Results.NONE
