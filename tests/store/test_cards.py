from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.books import added
from watchfloor.domain.live import Cards
from watchfloor.domain.progress import SAMPLE_MS, Gain
from watchfloor.domain.regions import Phase
from watchfloor.store.reads.cards import cards
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.reads.runs import run_page
from watchfloor.store.tables import books, lease
from watchfloor.store.writes.progress import add_gains

KEYS = ("failed", "callback", "unknown", "attempting", "attempts")
PHASES = ("queued", "running", "callback", "stopping", "ended", "stopped_callback")


@pytest.fixture
def many(stored):
    """Thirty runs in every phase, some hidden, some that wait for a word."""
    with stored.writer.begin():
        stored.writer.execute(update(lease).values(started_at_ms=1))
        for number in range(2, 32):
            phase = PHASES[number % len(PHASES)]
            run_no = add_a_run(
                stored.writer,
                f"run-{number}",
                phase=phase,
                permits=number,
                hidden=int(number % 7 == 0),
                approve_after=(None, 40, 400)[number % 3],
                approved_at_ms=(None, None, None, 5)[number % 4],
                started_at_ms=None if phase == "queued" else 1,
            )
            counts = {key: number * place for place, key in enumerate(KEYS, start=1)}
            counted = update(books).where(books.c.run_no == run_no)
            stored.writer.execute(counted.values(**counts))
            gain = {run_no: Gain(number, 1)}
            add_gains(stored.writer, NOW_MS - SAMPLE_MS, gain)
    return stored


def summed(connection, size):
    """Return the same from the runs as they are listed."""
    runs = run_page(connection, size=size)
    live = [one for one in runs if not one.lifecycle.is_ended]
    active = [one for one in live if one.lifecycle.phase is not Phase.QUEUED]
    account = added(*(one.books for one in runs))
    rates = recent_rates(connection, NOW_MS)
    return Cards(
        asking=sum(one.awaits_approval for one in runs),
        active=len(active),
        queued=len(live) - len(active),
        failed=account.failed,
        callback=account.callback,
        unknown=account.unknown,
        attempting=sum(min(one.books.attempting, one.permits) for one in runs),
        permits=sum(one.permits for one in active),
        per_s=sum(rates[one.run_id][0] for one in active if one.run_id in rates),
    )


@pytest.mark.parametrize("size", [1, 5, 17, 200])
def test_the_cards_are_the_sums_of_the_runs_that_are_listed(many, size):
    with many.writer.begin():
        found, wanted = cards(many.writer, NOW_MS, size), summed(many.writer, size)

    assert found == wanted
    if size == 200:
        assert min(found.asking, found.active, found.queued, found.per_s) > 0


def test_no_more_is_in_flight_than_a_run_has_permits(many):
    with many.writer.begin():
        kept = {"attempting": 1_000}
        many.writer.execute(update(books).values(**kept))
        found = cards(many.writer, NOW_MS)
        permits = sum(one.permits for one in run_page(many.writer))

    assert found.attempting == permits


def test_a_workspace_without_runs_has_empty_cards(writer):
    with writer.begin():
        assert cards(writer, NOW_MS) == Cards()
