"""Runs that wait: for a window, a time, a person; and those that nobody remembers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.triage.library.bed import HOUR_S, Bed, Patient, many

from watchfloor.domain.regions import Gate, Phase, Verb

#: A Monday evening in winter: in Berlin it is 21:00, in New York 15:00.
EVENING = "2030-01-07T20:00:00+00:00"
FIXED = '[window]\nzone = "UTC"\nopen = "09:00"\nclose = "17:00"'
RECIPIENT = '[window]\nzone = "recipient"\nopen = "09:00"\nclose = "17:00"'


@contextmanager
def window_closed(bed: Bed) -> Iterator[Patient]:
    """Run in the evening what may contact people by day."""
    bed.floor.clock.move_to(EVENING)
    run_id = bed.floor.launched(webhook(bed.provider.url, rest=FIXED), ids(30))
    with bed.engine() as engine:
        until(lambda: bed.floor.view(run_id).shut_until_ms is not None)
        yield bed.watched(run_id, engine)


@contextmanager
def windows_of_others_closed(bed: Bed) -> Iterator[Patient]:
    """Run in the evening for people of whom most live where it is night."""
    bed.floor.clock.move_to(EVENING)
    every = ids(40)
    rows = [
        f"{one},name,{'Asia/Kolkata' if number % 4 else 'America/New_York'}"
        for number, one in enumerate(every)
    ]
    told = webhook(bed.provider.url, rest=RECIPIENT, audience='zone_column = "zone"')
    run_id = bed.floor.launched(told, bed.upload("id,first_name,zone", rows))
    with bed.engine() as engine:
        until(lambda: bed.floor.view(run_id).held == 30)
        until(lambda: bed.floor.books(run_id).delivered == 10)
        yield bed.watched(run_id, engine)


@contextmanager
def approval_forgotten(bed: Bed) -> Iterator[Patient]:
    """Wait since three hours for the word of a person after the first five."""
    rest = "[approval]\nafter = 5"
    run_id = bed.floor.launched(webhook(bed.provider.url, rest=rest), ids(30))
    with bed.engine() as engine:
        until(lambda: bed.floor.view(run_id).label == "Waiting (external)")
        bed.later(engine, 3 * HOUR_S)
        yield bed.watched(run_id, engine)


@contextmanager
def callbacks_far_away(bed: Bed) -> Iterator[Patient]:
    """Have nothing left but promises that are due in half a year."""
    with bed.engine() as engine:
        run_id = _promised(bed, "2030-07-01T09:00:00+00:00")
        bed.later(engine, HOUR_S)
        yield bed.watched(run_id, engine)


@contextmanager
def callbacks_only_and_paused(bed: Bed) -> Iterator[Patient]:
    """Pause a run that has only promises left, and let their time go by."""
    with bed.engine() as engine:
        run_id = _promised(bed, "2030-01-07T21:00:00+00:00")
        bed.floor.steered(Verb.PAUSE, run_id, "lunch")
        bed.later(engine, 5 * HOUR_S)
        yield bed.watched(run_id, engine)


@contextmanager
def stop_whose_promises_wait(bed: Bed) -> Iterator[Patient]:
    """Stop a run that promised to call back: it lives until the promises are kept."""
    with bed.engine() as engine:
        run_id = _promised(bed, "2030-07-01T09:00:00+00:00", more=400)
        bed.floor.steered(Verb.STOP, run_id, "wrong list")
        bed.floor.until_phase(run_id, Phase.STOPPED_CALLBACK)
        bed.later(engine, 5 * HOUR_S)
        yield bed.watched(run_id, engine)


@contextmanager
def paused_and_forgotten(bed: Bed) -> Iterator[Patient]:
    """Pause a run in the middle, without a reason, and go home for two days."""
    bed.provider.otherwise = Reply(after_s=0.01)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), many())
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered > 20)
        bed.floor.steered(Verb.PAUSE, run_id)
        bed.later(engine, 48 * HOUR_S)
        yield bed.watched(run_id, engine)


@contextmanager
def pause_that_never_settles(bed: Bed) -> Iterator[Patient]:
    """Pause while a provider hangs: the pause waits for what is in flight."""
    bed.provider.hold()
    told = webhook(bed.provider.url, 'timeout = "20m"', permits=4)
    run_id = bed.floor.launched(told, ids(30))
    with bed.engine() as engine:
        until(lambda: bed.provider.at_once == 4)
        bed.floor.steered(Verb.PAUSE, run_id, "looks odd", state="applied")
        until(lambda: bed.floor.view(run_id).lifecycle.gate is Gate.PAUSING)
        bed.later(engine, HOUR_S / 2)
        yield bed.watched(run_id, engine)


def _promised(bed: Bed, due_at: str, more: int = 0) -> str:
    """Launch; return the run once it has only promises left (and *more* pending)."""
    bed.floor.clock.move_to(EVENING)
    later = Reply(body={"outcome": "callback", "due_at": due_at})
    every = ids(20 + more)
    for number, contact in enumerate(every[:20]):
        bed.provider.replies[contact] = [later if number % 2 else Reply(), Reply()]
    bed.provider.otherwise = Reply(after_s=0.02)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), every)
    until(lambda: bed.floor.books(run_id).callback == 10)
    until(lambda: bed.floor.books(run_id).delivered >= 10)
    if not more:
        bed.floor.until_phase(run_id, Phase.CALLBACK)
    return run_id
