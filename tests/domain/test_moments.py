from __future__ import annotations

import pytest

from watchfloor.domain.moments import age_text, at_minute, counted, pace_text, span_text

NOON_MS = 1_763_820_131_000  # 2025-11-22 14:02:11 UTC
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("at_ms", "told"),
    [
        (NOON_MS, "14:02"),
        (NOON_MS + 35_869_000 - 1, "23:59"),
        (NOON_MS + 35_869_000, "11-23 00:00"),
        (NOON_MS - DAY_MS, "11-21 14:02"),
    ],
)
def test_a_time_of_another_day_is_told_with_its_day(at_ms, told):
    assert at_minute(at_ms, NOON_MS) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (90, "1 min 30 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 00 min"),
        (90_061, "25 h 01 min"),
    ],
)
def test_a_wait_is_told_as_people_say_it(seconds, told):
    assert span_text(seconds) == told
    assert age_text(NOON_MS, NOON_MS + round(seconds * 1_000)) == told


@pytest.mark.parametrize(
    ("per_s", "told"),
    [
        (12_345.6, "12,346/s"),
        (10, "10/s"),
        (9.96, "10/s"),
        (3.14, "3.1/s"),
        (1, "1/s"),
        (0.999, "60/min"),
        (1 / 60, "1/min"),
        (0.016, "58/h"),
        (1 / 3_600, "1/h"),
        (0.0001, "0.4/h"),
        (0, "0/s"),
        (-1, "0/s"),
    ],
)
def test_a_pace_is_told_by_the_unit_in_which_it_is_at_least_one(per_s, told):
    assert pace_text(per_s) == told


def test_one_is_one_and_thousands_are_parted():
    assert counted(1, "record") == "1 record"
    assert counted(0, "record") == "0 records"
    assert counted(1_000, "record") == "1,000 records"
