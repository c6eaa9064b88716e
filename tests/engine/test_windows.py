from __future__ import annotations

import pytest
from sqlalchemy import select
from tests.support.floor import ids, posting_step, webhook
from tests.support.pacing import assert_paced
from tests.support.patience import until
from tests.support.provider import Reply

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase, RunOutcome, Verb
from watchfloor.engine import jobs
from watchfloor.engine.live_ops import live_run
from watchfloor.store.tables import attempt

#: A Monday. In winter Berlin is an hour ahead of UTC, New York five behind.
DAY = "2030-01-07"
NEXT_DAY = "2030-01-08"

FIXED = '[window]\nzone = "UTC"\nopen = "09:00"\nclose = "17:00"'
RECIPIENT = '[window]\nzone = "recipient"\nopen = "09:00"\nclose = "17:00"'
ZONES = 'zone_column = "zone"'

#: One window for all, and a window for each whose zones are all UTC.
BOTH = pytest.mark.parametrize("by_recipient", [False, True], ids=["fixed", "own"])


def at(hour, day=DAY):
    return f"{day}T{hour}:00+00:00"


def ms(hour, day=DAY):
    hours, minutes = hour.split(":")
    midnight_s = 1_893_974_400 + (86_400 if day == NEXT_DAY else 0)
    return (midnight_s + int(hours) * 3_600 + int(minutes) * 60) * 1_000


@pytest.fixture
def launched(floor, provider):
    """Launch over contacts with the zone of each."""

    def launch(zones, by_recipient=True, **options):
        upload = floor.root / "zones.csv"
        rows = "".join(
            f"{one},name of {one},{zone}\n"
            for one, zone in zip(ids(len(zones)), zones, strict=True)
        )
        upload.write_text(f"id,first_name,zone\n{rows}", encoding="utf-8")
        options.setdefault("rest", RECIPIENT if by_recipient else FIXED)
        options.setdefault("audience", ZONES)
        return floor.launched(webhook(provider.url, **options), upload)

    return launch


def wait_until_shut(floor, run_id, records):
    """Wait until the engine has put everybody aside, one way or the other."""

    def is_shut():
        run = floor.view(run_id)
        return run.shut_until_ms is not None or run.held == records

    until(is_shut, "the window to be found closed")


@BOTH
def test_while_the_window_is_closed_nobody_is_sent_to_and_all_are_when_it_opens(
    floor, provider, launched, by_recipient
):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 12, by_recipient)
    with floor.engine():
        wait_until_shut(floor, run_id, 12)
        floor.rounds(run_id)
        closed = floor.view(run_id)
        live = floor.read(lambda read: live_run(read, run_id, ms("08:00")))
        floor.clock.move_to(at("08:59"))
        floor.rounds(run_id)
        still = floor.assert_books_hold(run_id)

        floor.clock.move_to(at("09:00"))
        floor.until_ended(run_id)

    assert (closed.books.pending, closed.books.attempts) == (12, 0)
    assert closed.lifecycle.phase is Phase.RUNNING
    if by_recipient:
        assert (closed.held, closed.shut_until_ms) == (12, None)
        assert live.opens_at_ms == ms("09:00")
    else:
        assert (closed.held, closed.shut_until_ms) == (0, ms("09:00"))
    assert (still.pending, still.attempts) == (12, 0)
    assert sorted(provider.contacts) == ids(12)
    ended = floor.view(run_id)
    assert (ended.held, ended.shut_until_ms) == (0, None)
    assert floor.assert_books_hold(run_id).delivered == 12


def test_a_window_of_another_zone_opens_by_that_zone_s_clock(floor, provider, launched):
    floor.clock.move_to(at("12:00"))
    told = FIXED.replace("UTC", "America/New_York")
    run_id = launched(["Europe/Berlin"] * 3, rest=told)
    with floor.engine():
        wait_until_shut(floor, run_id, 3)
        assert floor.view(run_id).shut_until_ms == ms("14:00")
        assert provider.arrivals == []
        floor.clock.move_to(at("14:00"))
        floor.until_ended(run_id)

    assert len(provider.arrivals) == 3


def test_every_recipient_is_contacted_by_the_clock_of_their_own_zone(
    floor, provider, launched
):
    zones = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC"] * 3
    contacts = ids(12)
    where = {
        zone: sorted(
            one for one, own in zip(contacts, zones, strict=True) if own == zone
        )
        for zone in zones
    }
    floor.clock.move_to(at("08:30"))
    run_id = launched(zones)
    with floor.engine():
        until(lambda: floor.books(run_id).delivered == 3)
        until(lambda: floor.view(run_id).held == 9)
        floor.rounds(run_id)
        # 09:30 in Berlin; in Tokyo it is 17:30, too late for today.
        assert sorted(provider.contacts) == where["Europe/Berlin"]

        floor.clock.move_to(at("09:15"))
        until(lambda: floor.books(run_id).delivered == 6)
        until(lambda: floor.view(run_id).held == 6)
        floor.rounds(run_id)
        assert sorted(provider.contacts[3:]) == where["UTC"]

        floor.clock.move_to(at("14:00"))
        until(lambda: floor.books(run_id).delivered == 9)
        floor.rounds(run_id)
        assert sorted(provider.contacts[6:]) == where["America/New_York"]
        assert floor.assert_books_hold(run_id).pending == 3

        floor.clock.move_to(at("00:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert sorted(provider.contacts[9:]) == where["Asia/Tokyo"]
    assert floor.view(run_id).held == 0
    assert floor.assert_books_hold(run_id).delivered == 12


@BOTH
def test_what_is_ready_when_the_window_closes_is_not_sent_any_more(
    floor, provider, launched, by_recipient
):
    floor.clock.move_to(at("16:30"))
    provider.hold()
    run_id = launched(["UTC"] * 40, by_recipient, permits=4)
    with floor.engine():
        # Twice the permits are stored as intents; half of them wait for a worker.
        until(lambda: provider.at_once == 4)
        until(lambda: floor.books(run_id).attempting == 8)
        floor.clock.move_to(at("17:00"))
        provider.let_go()
        until(lambda: floor.books(run_id).delivered == 4)
        wait_until_shut(floor, run_id, 36)
        floor.rounds(run_id)
        closed = floor.assert_books_hold(run_id)
        assert len(provider.arrivals) == 4

        floor.clock.move_to(at("09:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert (closed.pending, closed.attempts) == (36, 4)
    assert sorted(provider.contacts) == ids(40)
    assert floor.assert_books_hold(run_id).delivered == 40
    assert floor.view(run_id).held == 0


@BOTH
def test_an_opening_window_bursts_no_more_than_the_pace_allows(
    floor, provider, launched, by_recipient
):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 60, by_recipient, rate="60/s", permits=20)
    with floor.engine():
        wait_until_shut(floor, run_id, 60)
        # Long enough for a whole minute of pace to be saved up, if it were.
        floor.clock.monotonic_ahead_s += 60
        floor.clock.move_to(at("09:00"))
        floor.until_ended(run_id)

    query = select(attempt.c.started_at_ms)
    starts = floor.read(lambda connection: list(connection.scalars(query)))
    assert len(starts) == 60
    assert_paced(starts, 60)


@BOTH
def test_a_retry_waits_for_the_window_though_its_own_time_has_come(
    floor, provider, launched, by_recipient
):
    provider.replies["c00001"] = [
        Reply(status=503, headers={"Retry-After": "3600"}),
        Reply(),
    ]
    floor.clock.move_to(at("16:30"))
    retry = 'backoff = "1ms"\nmax_backoff = "2h"\nmax_age = "24h"'
    run_id = launched(["UTC"] * 3, by_recipient, retry=retry)
    with floor.engine():
        until(lambda: floor.books(run_id).retry == 1)
        floor.clock.move_to(at("17:45"))
        wait_until_shut(floor, run_id, 1)
        floor.rounds(run_id)
        assert floor.assert_books_hold(run_id).retry == 1
        assert len(provider.arrivals) == 3

        floor.clock.move_to(at("09:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert provider.contacts.count("c00001") == 2
    assert floor.assert_books_hold(run_id).delivered == 3


@BOTH
def test_a_callback_waits_for_the_window_and_keeps_what_was_promised(
    floor, provider, launched, by_recipient
):
    later = Reply(body={"outcome": "callback", "due_at": at("18:00")})
    provider.replies["c00001"] = [later, Reply()]
    floor.clock.move_to(at("16:30"))
    run_id = launched(["UTC"] * 2, by_recipient)
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
        floor.clock.move_to(at("18:30"))
        wait_until_shut(floor, run_id, 1)
        floor.rounds(run_id)
        assert floor.assert_books_hold(run_id).callback == 1
        assert len(provider.arrivals) == 2

        floor.clock.move_to(at("09:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ["c00001", "c00001", "c00002"]
    assert floor.assert_books_hold(run_id).delivered == 2


@BOTH
def test_a_callback_that_expires_behind_a_closed_window_is_not_made(
    floor, provider, launched, by_recipient
):
    later = Reply(body={"outcome": "callback", "due_at": at("18:00")})
    provider.replies["c00001"] = [later, Reply()]
    floor.clock.move_to(at("16:30"))
    rest = (RECIPIENT if by_recipient else FIXED) + '\n[callbacks]\nexpire = "15h"'
    run_id = launched(["UTC"] * 2, by_recipient, rest=rest)
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
        floor.clock.move_to(at("09:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert len(provider.arrivals) == 2
    [late] = floor.records(run_id, RecordState.EXPIRED)
    assert (late.contact, late.code) == ("c00001", "callback_expired")
    assert floor.assert_books_hold(run_id).expired == 1


def test_a_next_step_waits_for_the_window_too(floor, provider, launched):
    provider.hold()
    floor.clock.move_to(at("16:59"))
    then = posting_step(provider.url)
    run_id = launched(["UTC"] * 2, steps=then)
    with floor.engine():
        until(lambda: provider.at_once == 2)
        floor.clock.move_to(at("17:10"))
        provider.let_go()
        until(lambda: floor.view(run_id).held == 2)
        floor.rounds(run_id)
        assert len(provider.arrivals) == 2
        floor.clock.move_to(at("09:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert len(provider.arrivals) == 4
    assert {one.step for one in floor.records(run_id)} == {"text"}
    assert floor.view(run_id).held == 0


def test_a_recipient_whose_window_never_opens_expires_and_holds_nobody_up(
    floor, provider
):
    # A toll-free number may be answered anywhere from Hawaii to Newfoundland.
    upload = floor.root / "phones.csv"
    upload.write_text(
        "id,first_name\n+18005550199,Anywhere\n+12125550123,New York\n",
        encoding="utf-8",
    )
    floor.clock.move_to(at("14:30"))
    rest = '[window]\nzone = "recipient"\nopen = "09:00"\nclose = "10:00"'
    told = webhook(provider.url, rest=rest).replace('kind = "id"', 'kind = "phone"')
    run_id = floor.launched(told, upload)
    with floor.engine():
        floor.until_ended(run_id)

    assert provider.contacts == ["+12125550123"]
    [never] = floor.records(run_id, RecordState.EXPIRED)
    assert (never.contact, never.code) == ("+18005550199", "window_never_opens")
    assert (never.attempts, floor.view(run_id).held) == (0, 0)
    floor.assert_books_hold(run_id)


@BOTH
def test_a_run_that_is_paused_when_its_window_opens_sends_after_the_resume(
    floor, provider, launched, by_recipient
):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 5, by_recipient)
    with floor.engine():
        wait_until_shut(floor, run_id, 5)
        floor.steered(Verb.PAUSE, run_id)
        floor.clock.move_to(at("10:00"))
        floor.rounds(run_id)
        assert floor.assert_books_hold(run_id).attempts == 0

        floor.steered(Verb.RESUME, run_id)
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(5)


@BOTH
def test_a_resume_while_the_window_is_closed_sends_nothing_before_it_opens(
    floor, provider, launched, by_recipient
):
    provider.hold()
    floor.clock.move_to(at("16:30"))
    run_id = launched(["UTC"] * 10, by_recipient, permits=2)
    with floor.engine():
        until(lambda: provider.at_once == 2)
        floor.steered(Verb.PAUSE, run_id, state="applied")
        provider.let_go()
        until(lambda: floor.view(run_id).lifecycle.gate is Gate.PAUSED)
        floor.clock.move_to(at("18:00"))
        floor.steered(Verb.RESUME, run_id)
        wait_until_shut(floor, run_id, 8)
        floor.rounds(run_id)
        assert floor.assert_books_hold(run_id).attempts == 2

        floor.clock.move_to(at("09:00", NEXT_DAY))
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(10)


@BOTH
def test_a_closed_window_is_still_closed_for_the_next_engine(
    floor, provider, launched, by_recipient
):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 5, by_recipient)
    for _ in range(2):
        with floor.engine():
            wait_until_shut(floor, run_id, 5)
            floor.rounds(run_id)
        assert floor.assert_books_hold(run_id).attempts == 0
        assert provider.arrivals == []
    floor.clock.move_to(at("09:00"))

    floor.carried_out()

    assert sorted(provider.contacts) == ids(5)


@BOTH
@pytest.mark.parametrize("verb", [Verb.STOP, Verb.CANCEL])
def test_an_end_does_not_wait_for_the_window(
    floor, provider, launched, by_recipient, verb
):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 5, by_recipient)
    with floor.engine():
        wait_until_shut(floor, run_id, 5)
        if verb is Verb.CANCEL:
            floor.steered(Verb.PAUSE, run_id)
        floor.steered(verb, run_id)
        ended = floor.until_ended(run_id)

    assert ended.lifecycle.outcome in (RunOutcome.STOPPED, RunOutcome.CANCELLED)
    assert floor.assert_books_hold(run_id).not_attempted == 5
    assert floor.view(run_id).held == 0
    assert provider.arrivals == []


def test_a_stop_that_keeps_a_promise_counts_only_what_still_rests(
    floor, provider, launched
):
    later = Reply(body={"outcome": "callback", "due_at": at("16:00")})
    provider.replies["c00001"] = [later, Reply()]
    floor.clock.move_to(at("14:30"))
    run_id = launched(["America/New_York", *["Asia/Tokyo"] * 4])
    with floor.engine():
        until(lambda: floor.books(run_id).callback == 1)
        until(lambda: floor.view(run_id).held == 4)
        floor.steered(Verb.STOP, run_id)
        floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        assert floor.view(run_id).held == 0
        floor.clock.move_to(at("16:00"))
        floor.until_ended(run_id)

    assert floor.view(run_id).held == 0
    books = floor.assert_books_hold(run_id)
    assert (books.delivered, books.not_attempted) == (1, 4)


def test_whoever_is_found_behind_a_closed_window_again_rests_once(
    floor, provider, launched
):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 5)
    with floor.engine():
        wait_until_shut(floor, run_id, 5)
        # The whole of its day went by, as while a laptop sleeps.
        floor.clock.move_to(at("18:00"))
        tomorrow = {ms("09:00", NEXT_DAY)}
        until(lambda: {one.next_at_ms for one in floor.records(run_id)} == tomorrow)
        floor.rounds(run_id)
        again = floor.view(run_id)

    assert (again.held, again.books.pending) == (5, 5)
    assert provider.arrivals == []


def test_a_clock_that_goes_back_closes_the_window_again(floor, provider, launched):
    floor.clock.move_to(at("09:10"))
    provider.otherwise = Reply(after_s=0.01)
    run_id = launched(["UTC"] * 200, permits=2)
    with floor.engine():
        until(lambda: floor.books(run_id).delivered > 2)
        floor.clock.move_to(at("08:00"))
        until(lambda: floor.books(run_id).attempting == 0)
        wait_until_shut(floor, run_id, 200 - floor.books(run_id).delivered)
        sent = len(provider.arrivals)
        floor.rounds(run_id)
        assert len(provider.arrivals) == sent < 200
        floor.clock.move_to(at("09:00"))
        provider.otherwise = Reply()
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ids(200)


def test_a_row_whose_zone_is_none_is_rejected_and_the_others_go_on(
    floor, provider, launched
):
    floor.clock.move_to(at("12:00"))
    run_id = launched(["UTC", "Mars/Olympus", "", "UTC"])
    with floor.engine():
        floor.until_ended(run_id)

    assert sorted(provider.contacts) == ["c00001", "c00004"]
    assert floor.assert_books_hold(run_id).invalid == 2


@BOTH
def test_the_time_behind_a_closed_window_is_told_apart(floor, launched, by_recipient):
    floor.clock.move_to(at("08:00"))
    run_id = launched(["UTC"] * 2, by_recipient)
    with floor.engine() as engine:
        wait_until_shut(floor, run_id, 2)
        engine.do(jobs.beat)
        before = floor.view(run_id).spent_ms
        floor.clock.ahead_s += 3
        engine.do(jobs.beat)
        after = floor.view(run_id).spent_ms

    spent = {what: after[what] - before[what] for what in after}
    assert spent["window"] >= 3_000
    assert spent | {"window": 0} == dict.fromkeys(spent, 0)
