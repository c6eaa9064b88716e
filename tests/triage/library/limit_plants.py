"""Sicknesses of limits and of speed: permits, pace, slowdowns, lateness, plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.support.floor import Running, ids, webhook
from tests.support.patience import until
from tests.triage.library.bed import MINUTE_S, UNHURRIED, Bed, Patient, many

from watchfloor.domain.regions import RunOutcome

#: What one request costs of the floor's time with all four permits in use.
USUAL_S = 1.0


@contextmanager
def permits_held_by_another_run(bed: Bed) -> Iterator[Patient]:
    """Let another run hold all permits of the channel that both go through."""
    bed.floor.ordered("limit", scope="channel:webhook", permits=4)
    bed.provider.hold()
    other = webhook(bed.provider.url, UNHURRIED, permits=10, name="greedy")
    bed.floor.launched(other, ids(30, "g"))
    with bed.engine() as engine:
        until(lambda: bed.provider.at_once == 4)
        told = webhook(bed.provider.url, UNHURRIED, permits=10)
        run_id = bed.floor.launched(told, ids(30))
        until(lambda: bed.floor.books(run_id).attempting > 0)
        bed.later(engine, 5 * MINUTE_S)
        assert {one.contact[0] for one in bed.provider.arrivals} == {"g"}
        yield bed.watched(run_id, engine)


@contextmanager
def pace_too_low(bed: Bed) -> Iterator[Patient]:
    """Launch with one attempt per hour, where one per second was meant."""
    run_id = bed.floor.launched(webhook(bed.provider.url, rate="1/h"), ids(3_000))
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered == 1)
        bed.later(engine, 10 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def template_slows(bed: Bed) -> Iterator[Patient]:
    """Send a longer letter than the earlier run did; each takes six times as long.

    Requests are real and cost the floor's time; the earlier run really ran before.
    """
    with bed.engine() as engine:
        _earlier_run(bed, engine)
        told = webhook(bed.provider.url, UNHURRIED, permits=4)
        longer = told.replace(
            'to = "${contact}"', 'to = "${contact}"\nletter = "Dear ${first_name}, ..."'
        )
        run_id = bed.floor.launched(longer, many())
        bed.worked(run_id, engine, 30, 6 * USUAL_S)
        yield bed.watched_at_work(run_id, engine, 6 * USUAL_S)


@contextmanager
def limits_lowered(bed: Bed) -> Iterator[Patient]:
    """Lower the permits from four to one in the middle: each request costs as before.

    One permit means that the floor's time goes by four times as long for each.
    """
    with bed.engine() as engine:
        _earlier_run(bed, engine)
        run_id = bed.floor.launched(
            webhook(bed.provider.url, UNHURRIED, permits=4), many()
        )
        bed.worked(run_id, engine, 50, USUAL_S)
        bed.floor.ordered("limit", run_id, why="the provider asked", permits=1)
        bed.worked(run_id, engine, 80, 4 * USUAL_S)
        yield bed.watched_at_work(run_id, engine, 4 * USUAL_S)


@contextmanager
def provider_slower_than_ever(bed: Bed) -> Iterator[Patient]:
    """Let every answer take six times as long as before, and change nothing."""
    with bed.engine() as engine:
        _earlier_run(bed, engine)
        run_id = bed.floor.launched(
            webhook(bed.provider.url, UNHURRIED, permits=4), many()
        )
        bed.worked(run_id, engine, 30, 6 * USUAL_S)
        yield bed.watched_at_work(run_id, engine, 6 * USUAL_S)


@contextmanager
def permits_fewer_than_before(bed: Bed) -> Iterator[Patient]:
    """Launch with one permit what ran with four: it goes at less than a quarter."""
    with bed.engine() as engine:
        _earlier_run(bed, engine)
        run_id = bed.floor.launched(
            webhook(bed.provider.url, UNHURRIED, permits=1), many()
        )
        bed.worked(run_id, engine, 30, 6 * USUAL_S)
        yield bed.watched_at_work(run_id, engine, 6 * USUAL_S)


@contextmanager
def should_have_ended(bed: Bed) -> Iterator[Patient]:
    """Take four times as long for each as the trial before it did.

    That was a run of eight: too few to compare rates with, enough to expect an end.
    """
    with bed.engine() as engine:
        told = webhook(bed.provider.url, UNHURRIED, permits=1)
        _completed(bed, engine, told, ids(8, "t"))
        run_id = bed.floor.launched(told, ids(150))
        # By the trial it takes 150 seconds; time that no beat saw does not count.
        while (run := bed.floor.view(run_id)).spent_ms.get("active", 0) < 240_000:
            assert not run.lifecycle.is_ended
            bed.worked(run_id, engine, run.books.done + 5, 4 * USUAL_S)
        yield bed.watched_at_work(run_id, engine, 4 * USUAL_S)


@contextmanager
def plan_used_up(bed: Bed) -> Iterator[Patient]:
    """Launch more records than the month has left, counted too low by the asker."""
    bed.floor.clock.move_to("2030-01-15T12:00:00+00:00")
    bed.floor.configure("[plan]\nmonthly_records = 10")
    launch = bed.floor.prepared(webhook(bed.provider.url), ids(12))
    # What counts is what the engine reads.
    too_few = {**launch.command.payload, "records": 2}
    answer = bed.floor.asked(replace(launch.command, payload=too_few))
    assert answer.state == "settled"
    with bed.engine() as engine:
        bed.floor.until_ended(launch.run_id)
        run = bed.floor.view(launch.run_id)
        assert run.lifecycle.outcome is RunOutcome.FAILED
        yield bed.watched(launch.run_id, engine)


def _earlier_run(bed: Bed, engine: Running) -> None:
    """Complete a run of 100 records, one per second of the floor's time."""
    told = webhook(bed.provider.url, UNHURRIED, permits=4)
    _completed(bed, engine, told, ids(100, "e"))


def _completed(bed: Bed, engine: Running, campaign: str, contacts: list[str]) -> None:
    """Complete a run, one record per second of the floor's time and nothing besides.

    How long this machine takes to launch and to end it would count with its own time,
    and whoever is answered before the floor's time goes on would cost none of it.
    """
    bed.provider.hold()
    with bed.floor.clock.still():
        run_id = bed.floor.launched(campaign, contacts)
        bed.worked(run_id, engine, len(contacts), USUAL_S)
        bed.floor.until_ended(run_id)
