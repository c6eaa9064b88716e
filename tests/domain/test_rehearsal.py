from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from watchfloor.domain.rehearsal import HORIZON_MS, Effort, Forecast, forecast
from watchfloor.domain.windows import Window, open_ms_between

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

#: A Monday: midnight and nine o'clock, UTC.
MONDAY = round(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
NINE = MONDAY + 9 * HOUR_MS

#: Nine to seventeen, eight hours, on workdays.
OFFICE = Window(
    zone="recipient", days=frozenset(range(5)), open_minute=540, close_minute=1020
)
WEST, EAST = timezone(timedelta(hours=-5)), timezone(timedelta(hours=3))

#: One record a second, whatever its channel does.
ONE_A_SECOND = Effort(permits=50, rate_per_s=1.0, seconds_per_attempt=0.0)


def effort(**figures):
    return Effort(**{"permits": 50, "seconds_per_attempt": 0.0, **figures})


@pytest.mark.parametrize(
    "wrong",
    [
        {"permits": 0},
        {"rate_per_s": 0.0},
        {"rate_per_s": float("nan")},
        {"seconds_per_attempt": -1.0},
        {"attempts_per_record": 0.9},
    ],
)
def test_figures_with_which_nothing_can_be_foreseen_are_refused(wrong):
    with pytest.raises(ValueError, match=r"at least 1|give one above|0 seconds"):
        effort(**wrong)


@pytest.mark.parametrize(
    ("figures", "seconds"),
    [
        # 1,000 records, 50 permits, 2 s each: 25 a second.
        ({"seconds_per_attempt": 2.0}, 40.0),
        # The rate is the narrower one.
        ({"seconds_per_attempt": 2.0, "rate_per_s": 20.0}, 50.0),
        ({"seconds_per_attempt": 2.0, "rate_per_s": 100.0}, 40.0),
        ({"seconds_per_attempt": 2.0, "attempts_per_record": 1.5}, 60.0),
        ({"rate_per_s": 1000.0}, 1.0),
        ({}, 0.0),
        # All fit into the permits, and one attempt takes as long as it takes.
        ({"permits": 5000, "seconds_per_attempt": 2.0}, 2.0),
    ],
)
def test_without_a_window_a_run_takes_what_permits_and_pace_allow(figures, seconds):
    foreseen = forecast({(UTC,): 1000}, None, effort(**figures), NINE)

    assert foreseen == Forecast(
        inside=1000, ends_at_ms=NINE + round(seconds * 1000), duration_s=seconds
    )


def test_without_a_window_nobodys_zone_is_looked_at():
    foreseen = forecast({(): 7, (WEST, EAST): 3}, None, ONE_A_SECOND, NINE)

    assert foreseen.inside == 10
    assert foreseen.duration_s == 10.0


def test_nobody_at_all_is_done_at_once():
    nothing = Forecast(ends_at_ms=NINE, duration_s=0.0)

    assert forecast({}, OFFICE, ONE_A_SECOND, NINE) == nothing
    assert forecast({(UTC,): 0}, OFFICE, ONE_A_SECOND, NINE) == nothing


def test_a_run_before_its_window_waits_for_it():
    foreseen = forecast({(UTC,): 60}, OFFICE, ONE_A_SECOND, MONDAY)

    assert foreseen == Forecast(
        outside=60,
        first_opens_at_ms=NINE,
        last_opens_at_ms=NINE,
        ends_at_ms=NINE + 60_000,
        duration_s=9 * 3600 + 60.0,
    )


def test_what_is_left_at_closing_waits_for_the_next_opening():
    # Eight hours take 28,800 of 30,000; the rest takes 20 minutes on Tuesday.
    foreseen = forecast({(UTC,): 30_000}, OFFICE, ONE_A_SECOND, NINE)

    assert foreseen.inside == 30_000
    assert foreseen.ends_at_ms == NINE + DAY_MS + 1_200_000
    assert foreseen.duration_s == 24 * 3600 + 1200.0


def test_a_weekend_is_waited_out():
    friday_at_four = NINE + 4 * DAY_MS + 7 * HOUR_MS

    foreseen = forecast({(UTC,): 3660}, OFFICE, ONE_A_SECOND, friday_at_four)

    assert foreseen.ends_at_ms == NINE + 7 * DAY_MS + 60_000


@pytest.mark.parametrize("days", [1, 3])
def test_windows_that_are_filled_to_the_last_second_leave_nothing_over(days):
    thirteen_a_second = effort(rate_per_s=13.0)
    records = days * 8 * 3600 * 13

    foreseen = forecast({(UTC,): records}, OFFICE, thirteen_a_second, NINE)

    assert foreseen.ends_at_ms == NINE + (days - 1) * DAY_MS + 8 * HOUR_MS


def test_zones_open_one_after_the_other():
    # East opens at 06:00 UTC, UTC at 09:00, West at 14:00.
    audience = {(EAST,): 100, (UTC,): 200, (WEST,): 300}

    foreseen = forecast(audience, OFFICE, ONE_A_SECOND, MONDAY + 7 * HOUR_MS)

    assert foreseen == Forecast(
        inside=100,
        outside=500,
        first_opens_at_ms=NINE,
        last_opens_at_ms=MONDAY + 14 * HOUR_MS,
        ends_at_ms=MONDAY + 14 * HOUR_MS + 300_000,
        duration_s=7 * 3600 + 300.0,
    )


def test_zones_that_are_open_together_share_the_pace_evenly():
    # From 09:00 UTC both are open. Until East closes at 14:00 there are 18,000 seconds
    # for 24,000 records, a quarter of each is left: 3,000 of East until Tuesday, 06:00.
    audience = {(EAST,): 12_000, (UTC,): 12_000}

    foreseen = forecast(audience, OFFICE, ONE_A_SECOND, NINE)

    assert foreseen.inside == 24_000
    assert foreseen.ends_at_ms == MONDAY + 30 * HOUR_MS + 3_000_000


def test_an_attempt_elsewhere_takes_nothing_from_those_who_wait():
    # Until East closes half of it is done. West opens at that moment, has 30,000 for
    # 28,800 seconds, and the rest on Tuesday at 14:00, long after East's other half.
    audience = {(EAST,): 7200, (WEST,): 30_000}

    foreseen = forecast(audience, OFFICE, ONE_A_SECOND, MONDAY + 13 * HOUR_MS)

    assert foreseen.ends_at_ms == MONDAY + 38 * HOUR_MS + 1_200_000


def test_a_record_with_several_zones_waits_until_all_are_open():
    foreseen = forecast({(EAST, UTC): 60}, OFFICE, ONE_A_SECOND, MONDAY)

    assert foreseen.first_opens_at_ms == NINE
    assert foreseen.ends_at_ms == NINE + 60_000


def test_records_that_never_open_are_counted_and_do_not_hold_up_the_end():
    audience = {(EAST, WEST): 5, (UTC,): 60}

    foreseen = forecast(audience, OFFICE, ONE_A_SECOND, NINE)

    assert (foreseen.inside, foreseen.outside, foreseen.never) == (60, 0, 5)
    assert foreseen.ends_at_ms == NINE + 60_000


def test_with_nobody_who_can_be_attempted_no_end_is_in_sight():
    foreseen = forecast({(EAST, WEST): 5, (): 2}, OFFICE, ONE_A_SECOND, NINE)

    assert foreseen == Forecast(never=7)


@pytest.mark.parametrize("window", [None, OFFICE])
def test_work_of_more_than_a_year_has_no_end_in_sight(window):
    ten_million_at_one_a_minute = effort(rate_per_s=1 / 60)

    foreseen = forecast({(UTC,): 10**7}, window, ten_million_at_one_a_minute, NINE)

    assert foreseen == Forecast(inside=10**7)


def test_work_of_exactly_a_year_has_its_end_in_sight():
    foreseen = forecast({(UTC,): HORIZON_MS // 1000}, None, ONE_A_SECOND, NINE)

    assert foreseen.ends_at_ms == NINE + HORIZON_MS


def test_ten_million_records_end_when_so_many_open_seconds_are_over():
    forty_a_second = effort(rate_per_s=40.0)

    foreseen = forecast({(WEST,): 10**7}, OFFICE, forty_a_second, NINE)

    assert foreseen.outside == 10**7
    assert foreseen.ends_at_ms is not None
    worked_ms = open_ms_between(OFFICE, [WEST], NINE, foreseen.ends_at_ms)
    assert worked_ms == 10**7 * 25


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"permits": 0}, "a run without permits never ends; give it at least 1"),
        (
            {"rate_per_s": 0.0},
            "a rate of nothing lets nothing through; give one above 0",
        ),
        ({"seconds_per_attempt": -0.1}, "an attempt takes 0 seconds or more"),
        ({"attempts_per_record": 0.9}, "a record takes at least 1 attempt"),
    ],
)
def test_figures_without_an_end_are_refused_in_a_sentence(figures, said):
    sound: dict[str, Any] = {"permits": 1, "seconds_per_attempt": 0.0}
    assert Effort(**sound).permits == 1

    with pytest.raises(ValueError, match=r".") as caught:
        Effort(**{**sound, **figures})

    assert str(caught.value) == said
