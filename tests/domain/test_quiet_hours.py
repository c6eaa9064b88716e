from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from watchfloor.domain.quiet_hours import QuietHours, quiet_until_ms

BERLIN = ZoneInfo("Europe/Berlin")
HAVANA = ZoneInfo("America/Havana")
NIGHT = QuietHours(from_minute=22 * 60, to_minute=7 * 60)
MINUTE_MS = 60_000


def at(text, zone=UTC):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def until(quiet, text, zone=UTC):
    return quiet_until_ms(quiet, zone, at(text, zone))


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        ("2026-11-28T21:59:59.999", None),
        ("2026-11-28T22:00:00", "2026-11-29T07:00:00"),
        ("2026-11-28T23:59:59.999", "2026-11-29T07:00:00"),
        ("2026-11-29T00:00:00", "2026-11-29T07:00:00"),
        ("2026-11-29T06:59:59.999", "2026-11-29T07:00:00"),
        ("2026-11-29T07:00:00", None),
        ("2026-11-29T12:00:00", None),
    ],
)
def test_a_night_is_half_open_and_crosses_midnight(moment, ends):
    assert until(NIGHT, moment) == (ends and at(ends))


def test_hours_of_one_day_end_on_it():
    noon = QuietHours(from_minute=12 * 60, to_minute=13 * 60)

    assert until(noon, "2026-11-28T12:00:00") == at("2026-11-28T13:00:00")
    assert until(noon, "2026-11-28T11:59:59") is None
    assert until(noon, "2026-11-28T13:00:00") is None


def test_days_are_those_on_which_a_night_begins():
    weekend = QuietHours(from_minute=1320, to_minute=420, days=frozenset({4, 5}))

    # 2026-11-27 is a Friday.
    assert until(weekend, "2026-11-27T23:00:00") == at("2026-11-28T07:00:00")
    assert until(weekend, "2026-11-29T06:00:00") == at("2026-11-29T07:00:00")
    assert until(weekend, "2026-11-29T23:00:00") is None
    assert until(weekend, "2026-11-27T06:00:00") is None


def test_whole_quiet_days_join_until_the_first_loud_one():
    weekend = QuietHours(from_minute=0, to_minute=1440, days=frozenset({5, 6}))

    assert until(weekend, "2026-11-28T00:00:00") == at("2026-11-30T00:00:00")


def test_an_evening_that_ends_at_midnight_has_no_morning():
    evening = QuietHours(from_minute=1320, to_minute=0)

    assert until(evening, "2026-11-28T23:59:59") == at("2026-11-29T00:00:00")
    assert until(evening, "2026-11-29T00:00:00") is None


@pytest.mark.parametrize(
    ("evening", "hours"), [("2026-03-28T22:00", 8), ("2026-10-24T22:00", 10)]
)
def test_a_night_with_a_clock_change_is_as_long_as_the_clock_says(evening, hours):
    begins = at(evening, BERLIN)

    assert quiet_until_ms(NIGHT, BERLIN, begins) == begins + hours * 3_600_000


def test_hours_that_the_clock_leaves_out_are_not_quiet():
    gap = QuietHours(from_minute=2 * 60, to_minute=3 * 60)
    day = at("2026-03-29T00:00", BERLIN)

    assert not any(
        quiet_until_ms(gap, BERLIN, day + minute * MINUTE_MS)
        for minute in range(24 * 60)
    )


def test_quiet_begins_when_the_clock_jumps_over_its_beginning():
    quiet = QuietHours(from_minute=2 * 60 + 30, to_minute=6 * 60)
    jump = at("2026-03-29T01:00:00")

    assert quiet_until_ms(quiet, BERLIN, jump - 1) is None
    assert quiet_until_ms(quiet, BERLIN, jump) == at("2026-03-29T06:00", BERLIN)


@pytest.mark.parametrize("zone", [BERLIN, HAVANA], ids=str)
@pytest.mark.parametrize("month", [3, 10, 11])
def test_through_a_month_of_changes_it_is_quiet_just_within_the_hours(zone, month):
    moment = datetime(2026, month, 1, tzinfo=UTC)
    for _ in range(31 * 48):
        at_ms = int(moment.timestamp() * 1000)
        local = moment.astimezone(zone)
        quiet = quiet_until_ms(NIGHT, zone, at_ms)
        assert (quiet is not None) == (local.hour >= 22 or local.hour < 7), local
        if quiet is not None:
            end = datetime.fromtimestamp(quiet / 1000, zone)
            assert (end.hour, end.minute) == (7, 0)
        moment += timedelta(minutes=30)


@pytest.mark.parametrize(
    ("begins", "ends", "why"), [(60, 60, "same time"), (0, 1440, "never end")]
)
def test_hours_that_are_none_or_never_end_are_refused(begins, ends, why):
    with pytest.raises(ValueError, match=why):
        QuietHours(from_minute=begins, to_minute=ends)


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((540, 540), "begin and end at the same time; give them some hours"),
        ((0, 1_440), "never end; nobody would ever be told"),
    ],
)
def test_hours_that_are_none_or_never_end_are_refused_in_a_sentence(hours, said):
    with pytest.raises(ValueError, match=r".") as caught:
        QuietHours(from_minute=hours[0], to_minute=hours[1])

    assert str(caught.value) == said
