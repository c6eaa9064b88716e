from __future__ import annotations

import pytest
from tests.console.paper_runs import NOON_MS

from watchfloor.console import figures


def test_times_are_utc_to_the_millisecond_where_it_matters():
    assert figures.clock_time(NOON_MS) == "14:02:11"
    assert figures.exact_time(NOON_MS + 7) == "14:02:11.007"
    assert figures.full_time(NOON_MS) == "2026-11-22 14:02:11 UTC"
    assert figures.clock_time(None) == figures.exact_time(None) == "-"


def test_a_time_of_another_day_shows_the_day():
    assert figures.near_time(NOON_MS, NOON_MS) == "14:02:11"
    assert figures.near_time(NOON_MS + 86_400_000, NOON_MS) == "11-23 14:02"


@pytest.mark.parametrize(
    ("span_ms", "words"),
    [(None, "-"), (-5, "0:00:00"), (2_470_000, "0:41:10"), (272_400_000, "3d 03:40")],
)
def test_a_length_of_time_is_as_short_as_it_can_be(span_ms, words):
    assert figures.length(span_ms) == words


def test_a_hundred_percent_means_that_nothing_is_left():
    assert figures.percent(0.999) == "99%"
    assert figures.percent(1.0) == "100%"
    assert figures.bar(0.999, 8).endswith("·")
    assert "·" not in figures.bar(1.0, 8)


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 B"), (2_048, "2.0 KiB"), (48_000_000, "45.8 MiB"), (10**12, "931.3 GiB")],
)
def test_sizes_have_the_unit_a_person_would_use(number, words):
    assert figures.size(number) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (99_999, "99,999"),
        (100_000, "100k"),
        (999_999, "999k"),
        (1_000_000, "1.0M"),
        (1_250_000, "1.2M"),
        (12_399_999, "12.3M"),
        (123_456_789, "123M"),
        (9_999_999_999, "9.9G"),
        (10**13, "many"),
    ],
)
def test_a_count_in_short_has_six_cells_and_never_says_more_than_there_are(
    count, words
):
    assert figures.short_count(count) == words
    assert len(words) <= 6


def test_a_count_is_written_out_where_there_is_room():
    assert figures.short_count(9_999, 5) == "9,999"
    assert figures.short_count(12_345, 5) == "12.3k"
    assert figures.short_count(1_234_567, 9) == "1,234,567"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (None, "-"),
        (0, "<1m"),
        (12, "12m"),
        (125, "2h 05m"),
        (60 * 23 + 59, "23h 59m"),
        (60 * 24 * 12 + 60, "12d 01h"),
        (60 * 24 * 200, "200d"),
        (60 * 24 * 200_000, "200kd"),
    ],
)
def test_a_wait_in_short_fits_its_column(minutes, words):
    span_ms = None if minutes is None else minutes * 60_000

    assert figures.wait_in_short(span_ms) == words
    assert len(words) <= 7
