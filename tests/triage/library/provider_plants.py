"""Sicknesses of the provider: it hangs, refuses, fails, knows us not, is not there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.floor import ids, webhook
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Reply
from tests.triage.library.bed import (
    EAGER,
    MINUTE_S,
    NO_BREAKER,
    PATIENT,
    Bed,
    Patient,
    many,
    numbers,
    phones,
)

from watchfloor.domain.regions import Gate

DOWN = Reply(status=503)
BUSY = Reply(body={"outcome": "transient", "code": "busy"})
ONCE = 'delivery = "at_most_once"'


@contextmanager
def provider_hangs(bed: Bed) -> Iterator[Patient]:
    """Hold every answer back for five minutes: all permits are in use."""
    told = webhook(bed.provider.url, 'timeout = "20m"', permits=4)
    run_id = bed.floor.launched(told, ids(60))
    for contact in ids(20):
        bed.provider.replies[contact] = [Reply()]
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).delivered >= 8)
        bed.provider.hold()
        until(lambda: bed.provider.at_once == 4)
        until(lambda: bed.floor.books(run_id).attempting > 4)
        bed.later(engine, 5 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def provider_says_too_many(bed: Bed) -> Iterator[Patient]:
    """Answer 429 with a wish to wait for ten minutes, to everybody but the first."""
    wait = Reply(status=429, headers={"Retry-After": "600"})
    bed.provider.otherwise = wait
    for contact in ids(10):
        bed.provider.replies[contact] = [Reply()]
    told = webhook(bed.provider.url, permits=4, retry=PATIENT, rest=NO_BREAKER)
    run_id = bed.floor.launched(told, ids(60))
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).retry == 50)
        bed.later(engine, MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def provider_fails_most(bed: Bed) -> Iterator[Patient]:
    """Answer 503 to three of four, while the others are delivered."""
    every = ids(80)
    for number, contact in enumerate(every):
        bed.provider.replies[contact] = [Reply() if number % 4 == 0 else DOWN]
    told = webhook(bed.provider.url, permits=4, retry=PATIENT, rest=NO_BREAKER)
    run_id = bed.floor.launched(told, every)
    with bed.engine() as engine:
        until(lambda: bed.floor.books(run_id).retry == 60)
        bed.later(engine, MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def provider_as_sick_as_before(bed: Bed) -> Iterator[Patient]:
    """Answer 503 to three of four, as in the campaign's earlier run."""
    told = webhook(bed.provider.url, permits=4, retry="attempts = 1", rest=NO_BREAKER)
    every = [*ids(80, "e"), *ids(400)]
    for number, contact in enumerate(every):
        bed.provider.replies[contact] = [Reply() if number % 4 == 0 else DOWN]
    with bed.engine() as engine:
        earlier = bed.floor.launched(told, every[:80])
        bed.floor.until_ended(earlier)
        bed.provider.otherwise = Reply(after_s=0.01)
        paced = told.replace("attempts = 1", PATIENT)
        run_id = bed.floor.launched(paced, every[80:])
        until(lambda: bed.floor.books(run_id).retry == 300)
        bed.later(engine, MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def provider_refuses_connections(bed: Bed) -> Iterator[Patient]:
    """Send to a port where nobody listens, until the breaker pauses the run."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/calls"
        told = webhook(url, permits=4, retry=EAGER, rest="[guard]\nbreaker_after = 20")
        run_id = bed.floor.launched(told, ids(60))
        with bed.engine() as engine:
            _until_paused(bed, run_id)
            bed.later(engine, 10 * MINUTE_S)
            yield bed.watched(run_id, engine)


@contextmanager
def provider_goes_down(bed: Bed) -> Iterator[Patient]:
    """Answer 503 to everybody after a good start, until the breaker pauses the run."""
    bed.provider.otherwise = DOWN
    for contact in ids(20):
        bed.provider.replies[contact] = [Reply()]
    rest = "[guard]\nbreaker_after = 20"
    told = webhook(bed.provider.url, permits=4, retry=EAGER, rest=rest)
    run_id = bed.floor.launched(told, ids(60))
    with bed.engine() as engine:
        _until_paused(bed, run_id)
        bed.later(engine, 10 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def credentials_refused(bed: Bed) -> Iterator[Patient]:
    """Answer 401 to everybody: a fault of the run, which pauses itself."""
    bed.provider.otherwise = Reply(status=401)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), ids(60))
    with bed.engine() as engine:
        _until_paused(bed, run_id)
        bed.later(engine, 10 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def guard_paused(bed: Bed) -> Iterator[Patient]:
    """Let a campaign's guard pause the run: too many fail for good."""
    bed.provider.otherwise = Reply(status=404)
    when = 'class = "permanent", share = 0.2, over = "5m", at_least = 20'
    rest = f"{NO_BREAKER}\npause_when = {{ {when} }}"
    told = webhook(bed.provider.url, permits=2, rest=rest)
    run_id = bed.floor.launched(told, ids(200))
    with bed.engine() as engine:
        _until_paused(bed, run_id)
        bed.later(engine, 10 * MINUTE_S)
        yield bed.watched(run_id, engine)


@contextmanager
def numbers_of_one_prefix_fail(bed: Bed) -> Iterator[Patient]:
    """Refuse every number of one country for good, while the others are delivered."""
    bad = numbers(30, "+4930123", 5)
    for contact in bad:
        refusal = {"outcome": "permanent", "code": "unallocated_number"}
        bed.provider.replies[contact] = [Reply(body=refusal)]
    told = phones(webhook(bed.provider.url, permits=4))
    run_id = bed.floor.launched(told, [*numbers(60), *bad])
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        yield bed.watched(run_id, engine)


@contextmanager
def everybody_fails_for_good(bed: Bed) -> Iterator[Patient]:
    """Answer 404 to most of a list, of no one origin."""
    every = ids(60)
    for number, contact in enumerate(every):
        bed.provider.replies[contact] = [Reply(status=200 if number % 5 == 0 else 404)]
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), every)
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        yield bed.watched(run_id, engine)


@contextmanager
def nobody_of_a_few_reached(bed: Bed) -> Iterator[Patient]:
    """Answer 404 to a dozen, of no one origin: too few for shares to tell."""
    bed.provider.otherwise = Reply(status=404)
    run_id = bed.floor.launched(webhook(bed.provider.url, permits=4), ids(12))
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        yield bed.watched(run_id, engine)


@contextmanager
def unknown_pile_after_a_crash(bed: Bed) -> Iterator[Patient]:
    """Kill an engine that sends at most once, twelve requests in flight; start anew."""
    bed.provider.hold()
    told = webhook(bed.provider.url, ONCE, permits=12)
    run_id = bed.floor.launched(told, ids(40))
    with EngineProcess(bed.floor.layout) as process:
        until(lambda: bed.provider.at_once == 12)
        assert process.kill()
    bed.provider.let_go()
    with bed.engine() as engine:
        bed.floor.until_ended(run_id)
        assert bed.floor.books(run_id).unknown == 12
        yield bed.watched(run_id, engine)


@contextmanager
def retry_storm(bed: Bed) -> Iterator[Patient]:
    """Call two of three, who are engaged, again and again at once, before others."""
    every = many()
    for number, contact in enumerate(every):
        if number % 3:
            bed.provider.replies[contact] = [BUSY]
    bed.provider.otherwise = Reply(after_s=0.005)
    codes = 'codes = { busy = "transient" }'
    told = webhook(
        bed.provider.url,
        codes,
        permits=8,
        retry=EAGER,
        retry_share=0.9,
        rest=NO_BREAKER,
    )
    run_id = bed.floor.launched(told, every)
    with bed.engine() as engine:

        def storms() -> bool:
            books = bed.floor.books(run_id)
            tried = books.delivered + books.retry
            return books.attempts > 4 * tried and books.attempts > 600

        until(storms)
        yield bed.watched(run_id, engine)


def _until_paused(bed: Bed, run_id: str) -> None:
    until(lambda: bed.floor.view(run_id).lifecycle.gate is Gate.PAUSED)
