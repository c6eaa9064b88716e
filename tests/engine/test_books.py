from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.floor import campaign, ids, webhook

from watchfloor.store.reads.audit import counted_books
from watchfloor.store.reads.runs import run_view

SAMPLES = Path(__file__).parents[2] / "sample_data"


def hurried(file):
    """Return a sample campaign that waits for nothing and keeps everything else."""
    text = (SAMPLES / file).read_text(encoding="utf-8")
    text = re.sub(r"(?m)^rate = .*$", "", text)
    text = re.sub(r"(?m)^(latency|callback_after) = .*$", r'\1 = "1ms"', text)
    return re.sub(r"(?m)^(backoff|max_backoff) = .*$", r'\1 = "2ms"', text)


@pytest.mark.parametrize(
    ("file", "upload", "rows"),
    [
        ("reminder.toml", "clean-200.csv", 200),
        ("messy.toml", "messy.csv", None),
        ("messy.toml", "messy-utf16.csv", None),
        ("messy.toml", "messy-latin1.csv", None),
        ("ten-thousand.toml", "ten-thousand.csv", 10_000),
    ],
)
def test_every_sample_ends_with_books_that_balance_and_equal_their_rows(
    floor, file, upload, rows
):
    run_id = floor.launched(hurried(file), SAMPLES / upload)

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert floor.view(run_id).label == "Completed + collecting"
    assert books.remaining == 0
    assert books.records == books.delivered + books.failed + books.unknown
    assert rows is None or books.extracted == rows


def test_counters_equal_their_rows_at_any_moment_of_a_run(floor):
    settings = """
    latency = "2ms"
    shares = { transient = 0.2, permanent = 0.1, callback = 0.1, ambiguous = 0.1 }
    callback_after = "5ms"
    """
    run_id = floor.launched(campaign(settings), ids(200))
    looked = 0

    with floor.engine(until_idle=True) as engine:
        while engine.is_running:
            kept, counted = floor.read(lambda c: both(c, run_id))
            assert kept == counted
            assert kept.imbalance == ""
            looked += 1
            floor.clock.ahead_s += 1

    assert looked > 3
    assert floor.assert_books_hold(run_id).remaining == 0


def both(connection, run_id):
    """Return counters and rows as one transaction sees them."""
    return run_view(connection, run_id).books, counted_books(connection, run_id)


def test_repeated_contacts_become_rejects_with_the_row_that_came_first(floor):
    run_id = floor.launched(campaign(), [*ids(3), "c00002", "c00001"])

    floor.carried_out()

    books = floor.assert_books_hold(run_id)
    assert (books.extracted, books.duplicate, books.delivered) == (5, 2, 3)


def test_a_run_over_rows_that_are_all_unfit_is_completed_and_contacts_nobody(
    floor, provider
):
    run_id = floor.launched(webhook(provider.url), ["\x07", "\x08"])

    floor.carried_out()

    run = floor.view(run_id)
    assert (run.label, run.launch_id) == ("Completed", None)
    assert floor.assert_books_hold(run_id).invalid == 2
    assert provider.arrivals == []
