"""Runs that are well: triage has nothing to say of them that anybody must act upon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.floor import Running, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.triage.library.bed import MINUTE_S, NO_BREAKER, UNHURRIED, Bed, Patient, many

from watchfloor.domain.regions import Intake, Phase, RunOutcome, Verb
from watchfloor.engine import jobs

BUSY = Reply(status=503)
NOON = "2030-01-07T12:00:00+00:00"


@contextmanager
def queued_a_moment_ago(bed: Bed) -> Iterator[Patient]:
    """Launch behind another run whose large upload is being read just now."""
    bed.floor.launched(campaign(name="large"), ids(60_000, "l"))
    with bed.engine():
        run_id = bed.floor.launched(webhook(bed.provider.url), ids(30))
        assert bed.floor.view(run_id).lifecycle.intake is Intake.PENDING
        yield Patient(run_id)


@contextmanager
def extracting(bed: Bed) -> Iterator[Patient]:
    """Read a large upload."""
    run_id = bed.floor.launched(campaign(), ids(60_000))
    with bed.engine():
        until(lambda: bed.floor.books(run_id).extracted > 1_000)

        def go_on() -> None:
            read = bed.floor.books(run_id).extracted
            until(lambda: bed.floor.books(run_id).extracted > read)

        yield Patient(run_id, go_on)


@contextmanager
def running_fast(bed: Bed) -> Iterator[Patient]:
    """Run with four permits that are all in use, one record after the other."""
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 100)
        yield _going_on(bed, run_id, engine)


@contextmanager
def running_paced(bed: Bed) -> Iterator[Patient]:
    """Run at the thirty attempts per second that the campaign asks for."""
    told = webhook(bed.provider.url, rate="30/s", permits=4)
    run_id = bed.floor.launched(told, ids(600))
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 10)
        yield _going_on(bed, run_id, engine)


@contextmanager
def paced_by_the_hour(bed: Bed) -> Iterator[Patient]:
    """Run at six attempts per hour, as meant, and look eight minutes after the first.

    The next one is taken up already: it waits for its turn, and nothing is wrong.
    """
    run_id = bed.floor.launched(webhook(bed.provider.url, rate="6/h"), ids(40))
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered == 1)
        until(lambda: bed.floor.books(run_id).attempting == 1)
        bed.later(engine, 8 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def few_transient_failures(bed: Bed) -> Iterator[Patient]:
    """Retry one of thirty, and it is delivered then."""
    bed.provider.otherwise = Reply(after_s=0.01)
    every = many()
    for contact in every[::30]:
        bed.provider.replies[contact] = [BUSY, Reply()]
    told = webhook(bed.provider.url, permits=4, rest=NO_BREAKER)
    run_id = bed.floor.launched(told, every)
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 200)
        yield _going_on(bed, run_id, engine)


@contextmanager
def paused_a_minute_ago(bed: Bed) -> Iterator[Patient]:
    """Pause with a reason, and look after a minute."""
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 20)
        bed.floor.steered(Verb.PAUSE, run_id, "asked by the customer, until 14:00")
        bed.later(engine, MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def inside_window_few_held(bed: Bed) -> Iterator[Patient]:
    """Run at noon; one of forty lives where it is night."""
    bed.floor.clock.move_to(NOON)
    bed.provider.otherwise = Reply(after_s=0.01)
    rows = [
        f"{one},name,{'UTC' if number % 40 else 'Asia/Tokyo'}"
        for number, one in enumerate(many())
    ]
    rest = '[window]\nzone = "recipient"\nopen = "09:00"\nclose = "17:00"'
    told = webhook(
        bed.provider.url, permits=4, rest=rest, audience='zone_column = "zone"'
    )
    run_id = bed.floor.launched(told, bed.upload("id,first_name,zone", rows))
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 100)
        assert bed.floor.view(run_id).held
        yield _going_on(bed, run_id, engine)


@contextmanager
def callbacks_soon_due(bed: Bed) -> Iterator[Patient]:
    """Have nothing left but promises; the first is due in ten minutes."""
    bed.floor.clock.move_to(NOON)
    later = Reply(body={"outcome": "callback", "due_at": "2030-01-07T12:10:00+00:00"})
    for contact in ids(4):
        bed.provider.replies[contact] = [later]
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), ids(40))
    with bed.engine() as engine:
        bed.floor.until_phase(run_id, Phase.CALLBACK)
        yield bed.watched(run_id, engine)


@contextmanager
def completed_clean(bed: Bed) -> Iterator[Patient]:
    """Deliver everybody."""
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), ids(60))
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        yield bed.watched(run_id, engine)


@contextmanager
def completed_with_few_failures(bed: Bed) -> Iterator[Patient]:
    """Deliver all but two of a hundred, who cannot be reached at all."""
    for contact in ids(100)[::50]:
        bed.provider.replies[contact] = [Reply(status=404)]
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), ids(100))
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        assert bed.floor.books(run_id).failed == 2
        yield bed.watched(run_id, engine)


@contextmanager
def stopped_by_a_person(bed: Bed) -> Iterator[Patient]:
    """Stop a run in the middle, with a reason."""
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 20)
        bed.floor.steered(Verb.STOP, run_id, "the offer is over")
        ended = bed.floor.until_ended(run_id)
        assert ended.lifecycle.outcome is RunOutcome.STOPPED
        yield bed.watched(run_id, engine)


@contextmanager
def cancelled_before_launch(bed: Bed) -> Iterator[Patient]:
    """Cancel before anybody was contacted."""
    run_id = bed.floor.launched(webhook(bed.provider.url), ids(30))
    bed.floor.steered(Verb.CANCEL, run_id, "wrong list")
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        assert bed.provider.arrivals == []
        yield bed.watched(run_id, engine)


@contextmanager
def just_started(bed: Bed) -> Iterator[Patient]:
    """Look at a small run whose first attempts are in flight: it has no rate yet."""
    bed.provider.hold()
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=10), ids(8))
    with bed.engine():
        until(lambda: bed.provider.at_once == 8)
        yield Patient(run_id)


@contextmanager
def just_resumed(bed: Bed) -> Iterator[Patient]:
    """Resume after a pause of two hours, and look at once."""
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 20)
        bed.floor.steered(Verb.PAUSE, run_id, "lunch")
        bed.later(engine, 120 * MINUTE_S)
        before = bed.floor.books(run_id).delivered
        bed.floor.steered(Verb.RESUME, run_id)
        until(lambda: bed.floor.books(run_id).delivered > before)
        yield _going_on(bed, run_id, engine)


@contextmanager
def faster_than_the_earlier_run(bed: Bed) -> Iterator[Patient]:
    """Run twice as fast as the campaign's earlier run."""
    # None is answered before its time is counted.
    bed.provider.hold()
    with bed.engine() as engine:
        told = webhook(bed.provider.url, UNHURRIED, permits=4)
        earlier = bed.floor.launched(told, ids(60, "e"))
        bed.worked(earlier, engine, 60, 2.0)
        bed.floor.until_ended(earlier)
        run_id = bed.floor.launched(told, many())
        bed.worked(run_id, engine, 100, 1.0)
        yield bed.watched_at_work(run_id, engine, 1.0)


@contextmanager
def as_fast_as_the_earlier_run(bed: Bed) -> Iterator[Patient]:
    """Run as the campaign's earlier run did, under another text of the same length."""
    # None is answered before its time is counted.
    bed.provider.hold()
    with bed.engine() as engine:
        told = webhook(bed.provider.url, UNHURRIED, permits=4)
        earlier = bed.floor.launched(told, ids(60, "e"))
        bed.worked(earlier, engine, 60, 1.0)
        bed.floor.until_ended(earlier)
        run_id = bed.floor.launched(told.replace("${first_name}", "you"), many())
        bed.worked(run_id, engine, 100, 1.0)
        yield bed.watched_at_work(run_id, engine, 1.0)


def _going_on(bed: Bed, run_id: str, engine: Running) -> Patient:
    """Return a run of which some more records are done between the two readings."""

    def go_on() -> None:
        done = bed.floor.books(run_id).done
        until(lambda: bed.floor.books(run_id).done >= done + 3)
        engine.do(jobs.beat)

    return Patient(run_id, go_on)
