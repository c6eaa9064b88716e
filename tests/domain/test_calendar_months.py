from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.domain.calendar_months import month_of, next_month_ms

DAY_MS = 86_400_000
ZONES = [
    "Africa/Cairo",
    "America/Havana",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "UTC",
]


def utc(text):
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "at", "month", "next_begins"),
    [
        ("UTC", "2026-11-23 09:00", "2026-11", "2026-12-01 00:00"),
        ("UTC", "2026-12-31 23:59", "2026-12", "2027-01-01 00:00"),
        ("UTC", "2027-01-01 00:00", "2027-01", "2027-02-01 00:00"),
        ("UTC", "2028-02-28 12:00", "2028-02", "2028-03-01 00:00"),
        ("America/New_York", "2026-12-01 04:59", "2026-11", "2026-12-01 05:00"),
        ("America/New_York", "2026-10-31 12:00", "2026-10", "2026-11-01 04:00"),
        ("Asia/Kathmandu", "2026-11-30 18:15", "2026-12", "2026-12-31 18:15"),
        # Midnight comes twice in Havana: the month begins with the first.
        ("America/Havana", "2026-10-31 12:00", "2026-10", "2026-11-01 04:00"),
        ("America/Havana", "2026-11-01 05:00", "2026-11", "2026-12-01 05:00"),
    ],
)
def test_a_month_is_that_of_the_zones_calendar(zone, at, month, next_begins):
    known = ZoneInfo(zone)

    assert month_of(utc(at), known) == month
    assert next_month_ms(utc(at), known) == utc(next_begins)


def test_a_clock_put_back_into_the_old_month_begins_the_new_one_twice():
    newfoundland = ZoneInfo("America/St_Johns")
    changed = utc("2009-11-01 02:31")  # 00:01 becomes 23:01 of the day before

    assert month_of(changed - 1, newfoundland) == "2009-11"
    assert month_of(changed, newfoundland) == "2009-10"
    assert next_month_ms(changed - 120_000, newfoundland) == utc("2009-11-01 02:30")
    assert next_month_ms(changed, newfoundland) == utc("2009-11-01 03:30")


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES), at_ms=st.integers(1_104_537_600_000, 4_102_444_800_000)
)
def test_the_next_month_begins_within_31_days_and_follows_this_one(zone, at_ms):
    known = ZoneInfo(zone)
    begins_ms = next_month_ms(at_ms, known)
    this, following = month_of(at_ms, known), month_of(begins_ms, known)
    first = datetime.strptime(f"{this}-01 +0000", "%Y-%m-%d %z")

    assert at_ms < begins_ms <= at_ms + 31 * DAY_MS + 7_200_000
    assert month_of(begins_ms - 1, known) == this
    assert following == f"{first + timedelta(days=31):%Y-%m}"
    assert datetime.fromtimestamp(begins_ms / 1000, UTC).astimezone(known).day == 1
