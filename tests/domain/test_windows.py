from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.domain.windows import (
    HORIZON_DAYS,
    Opening,
    Window,
    open_ms_between,
    opening,
)

EVERY_DAY = frozenset(range(7))
WORKDAYS = frozenset(range(5))
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

NEW_YORK = ZoneInfo("America/New_York")
PHOENIX = ZoneInfo("America/Phoenix")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
MARQUESAS = timezone(timedelta(hours=-9, minutes=-30))
APIA = ZoneInfo("Pacific/Apia")
GUAM = ZoneInfo("Pacific/Guam")
BERLIN = ZoneInfo("Europe/Berlin")


def hours(opens, closes, days=EVERY_DAY):
    """Return a window from such texts as 09:00."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (opens, closes)]
    return Window(
        zone="recipient", days=days, open_minute=minutes[0], close_minute=minutes[1]
    )


def utc(text):
    """Return milliseconds of such a text as 2026-11-23 09:00."""
    return round(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1000)


def text_of(at_ms):
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(" ")[:-6]


def spans(window, zones, from_text, to_text):
    """Return what is open between two moments, as texts, walked by the answers."""
    found, at_ms, end_ms = [], utc(from_text), utc(to_text)
    while at_ms < end_ms:
        is_open, until_ms = opening(window, zones, at_ms)
        assert until_ms is None or until_ms > at_ms
        until_ms = end_ms if until_ms is None else min(until_ms, end_ms)
        if is_open:
            found.append((text_of(at_ms)[:16], text_of(until_ms)[:16]))
        at_ms = until_ms
    return found


# The form of a window


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"open_minute": 1260, "close_minute": 300}, "21:00 and closes at 05:00: it"),
        ({"open_minute": 540, "close_minute": 540}, "opens and closes at 09:00"),
        ({"open_minute": -1}, "not between 00:00 and 24:00"),
        ({"close_minute": 1441}, "not between 00:00 and 24:00"),
        ({"days": frozenset()}, "name at least one weekday"),
        ({"days": frozenset({7})}, "name at least one weekday"),
        ({"zone": ""}, "write recipient or a zone name"),
    ],
)
def test_hours_that_are_no_window_are_refused_with_what_would_be(fields, sentence):
    right = {"zone": "UTC", "days": WORKDAYS, "open_minute": 540, "close_minute": 1200}

    with pytest.raises(ValueError, match=sentence):
        Window(**{**right, **fields})


def test_a_window_over_midnight_is_told_what_to_do_instead():
    with pytest.raises(ValueError, match=r"close it at 24:00 at the latest, and give"):
        hours("21:00", "05:00")


# One zone


def test_a_window_is_open_from_its_first_minute_and_no_longer_at_its_last():
    window = hours("09:00", "20:00")
    opens, closes = utc("2026-11-23 09:00"), utc("2026-11-23 20:00")

    assert opening(window, [UTC], opens - 1) == Opening(False, opens)
    assert opening(window, [UTC], opens) == Opening(True, closes)
    assert opening(window, [UTC], closes - 1) == Opening(True, closes)
    assert opening(window, [UTC], closes) == Opening(False, opens + DAY_MS)


def test_a_weekend_is_closed_until_monday():
    window = hours("09:00", "20:00", WORKDAYS)
    friday_evening = utc("2026-11-20 20:00")

    assert opening(window, [UTC], friday_evening).until_ms == utc("2026-11-23 09:00")


def test_days_of_24_hours_are_open_in_one_piece():
    window = hours("00:00", "24:00", WORKDAYS)

    assert spans(window, [KATHMANDU], "2026-11-21 00:00", "2026-11-29 12:00") == [
        ("2026-11-22 18:15", "2026-11-27 18:15")
    ]


def test_a_window_of_the_whole_week_never_closes():
    always = hours("00:00", "24:00")

    assert always.is_always
    assert opening(always, [NEW_YORK, GUAM], 0) == Opening(True, None)
    assert not hours("00:00", "24:00", WORKDAYS).is_always
    assert not hours("00:00", "23:59").is_always


@pytest.mark.parametrize("window", [hours("09:00", "20:00"), hours("00:00", "24:00")])
def test_whose_zone_is_unknown_is_never_contacted(window):
    assert opening(window, [], 0) == Opening(False, None)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (KATHMANDU, ("2026-06-02 03:15", "2026-06-02 14:15")),
        (MARQUESAS, ("2026-06-02 18:30", "2026-06-03 05:30")),
    ],
)
def test_odd_offsets_are_exact(zone, expected):
    tuesday = hours("09:00", "20:00", frozenset({1}))

    assert spans(tuesday, [zone], "2026-06-01 00:00", "2026-06-05 00:00") == [expected]


# Clocks that are changed


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        # 02:00 to 03:00 does not exist in New York; the change is at 07:00 UTC.
        ("02:30", "09:00", [("2026-03-08 07:00", "2026-03-08 13:00")]),
        ("01:00", "02:30", [("2026-03-08 06:00", "2026-03-08 07:00")]),
        ("02:10", "02:50", []),
        ("02:00", "03:00", []),
        ("01:30", "03:30", [("2026-03-08 06:30", "2026-03-08 07:30")]),
    ],
)
def test_an_hour_left_out_opens_and_closes_at_the_change(opens, closes, expected):
    window = hours(opens, closes, frozenset({6}))

    assert spans(window, [NEW_YORK], "2026-03-07 12:00", "2026-03-09 12:00") == expected


@pytest.mark.parametrize(
    ("opens", "closes", "expected"),
    [
        # 01:00 to 02:00 comes twice in New York: from 05:00 and from 06:00 UTC.
        ("00:30", "01:30", [("2026-11-01 04:30", "2026-11-01 05:30")]),
        ("01:15", "01:45", [("2026-11-01 05:15", "2026-11-01 05:45")]),
        ("01:00", "02:00", [("2026-11-01 05:00", "2026-11-01 07:00")]),
        ("00:00", "03:00", [("2026-11-01 04:00", "2026-11-01 08:00")]),
        # Put back to 01:00, the clock stands before 01:30 once more.
        (
            "01:30",
            "03:00",
            [
                ("2026-11-01 05:30", "2026-11-01 06:00"),
                ("2026-11-01 06:30", "2026-11-01 08:00"),
            ],
        ),
    ],
)
def test_an_hour_that_comes_twice_closes_once_and_is_never_outside(
    opens, closes, expected
):
    window = hours(opens, closes, frozenset({6}))

    assert spans(window, [NEW_YORK], "2026-10-31 12:00", "2026-11-02 12:00") == expected


def test_half_an_hour_of_daylight_saving_is_half_an_hour():
    window = hours("09:00", "20:00")

    assert spans(window, [LORD_HOWE], "2026-10-02 12:00", "2026-10-04 12:00") == [
        ("2026-10-02 22:30", "2026-10-03 09:30"),
        ("2026-10-03 22:00", "2026-10-04 09:00"),
    ]


def test_a_date_that_an_island_skipped_has_no_window():
    window = hours("09:00", "20:00", frozenset({4}))

    assert spans(window, [APIA], "2011-12-22 00:00", "2012-01-07 12:00") == [
        ("2011-12-23 19:00", "2011-12-24 06:00"),
        ("2012-01-05 19:00", "2012-01-06 06:00"),
    ]


def test_a_date_that_an_island_skipped_joins_the_dates_around_it():
    window = hours("00:00", "24:00", frozenset({3, 5}))

    assert spans(window, [APIA], "2011-12-29 00:00", "2012-01-02 00:00") == [
        ("2011-12-29 10:00", "2011-12-31 10:00")
    ]


# More than one zone


def test_every_candidate_zone_must_be_inside():
    window = hours("09:00", "20:00")

    assert spans(
        window, [BERLIN, NEW_YORK], "2026-01-12 00:00", "2026-01-13 00:00"
    ) == [("2026-01-12 14:00", "2026-01-12 19:00")]


def test_zones_may_have_common_hours_in_one_half_of_the_year_only():
    window = hours("09:00", "10:00")
    zones = [PHOENIX, ZoneInfo("America/Los_Angeles")]
    november = utc("2026-11-10 00:00")

    assert opening(window, zones, november) == Opening(False, utc("2027-03-14 16:00"))
    assert opening(window, zones, utc("2026-10-31 17:00")).until_ms == utc(
        "2027-03-14 16:00"
    )


def test_zones_without_common_hours_never_open():
    window = hours("09:00", "20:00", WORKDAYS)
    zones = [NEW_YORK, BERLIN, ZoneInfo("Pacific/Honolulu")]

    assert opening(window, zones, utc("2026-11-10 00:00")) == Opening(False, None)
    assert open_ms_between(window, zones, 0, 9 * DAY_MS) == 0


def test_the_order_and_number_of_zones_do_not_matter():
    window = hours("09:00", "20:00", WORKDAYS)
    zones = [NEW_YORK, PHOENIX, BERLIN]
    at_ms = utc("2026-11-10 17:00")

    answers = {opening(window, many, at_ms) for many in (zones, zones[::-1], zones * 3)}

    assert answers == {Opening(True, utc("2026-11-10 19:00"))}


def test_open_time_is_counted_to_the_millisecond():
    window = hours("09:00", "20:00")
    opens, closes = utc("2026-11-23 09:00"), utc("2026-11-23 20:00")

    assert open_ms_between(window, [UTC], opens - 5, opens + 7) == 7
    assert open_ms_between(window, [UTC], closes - 7, closes + 5) == 7
    assert open_ms_between(window, [UTC], opens, opens) == 0
    assert open_ms_between(window, [UTC], closes, opens) == 0
    assert open_ms_between(window, [UTC], opens, opens + 7 * DAY_MS) == 77 * HOUR_MS


def test_open_time_of_a_window_that_never_closes_is_all_the_time():
    assert open_ms_between(hours("00:00", "24:00"), [UTC], 5, 9 * DAY_MS) == (
        9 * DAY_MS - 5
    )


# Against somebody who looks at the clock every minute


class Place(NamedTuple):
    """A zone and a date on which its clock is changed, or an ordinary one."""

    zone: str
    on: date


PLACES = [
    Place("America/New_York", date(2026, 3, 8)),
    Place("America/New_York", date(2026, 11, 1)),
    Place("America/Havana", date(2026, 3, 8)),  # midnight is left out
    Place("America/Havana", date(2026, 11, 1)),  # midnight comes twice
    Place("America/St_Johns", date(2010, 11, 7)),  # from 00:01 back to yesterday
    Place("Africa/Cairo", date(2026, 10, 30)),  # from midnight back to yesterday
    Place("Antarctica/Troll", date(2026, 10, 25)),  # two hours at once
    Place("Antarctica/Troll", date(2026, 3, 29)),
    Place("Australia/Lord_Howe", date(2026, 4, 5)),
    Place("Australia/Lord_Howe", date(2026, 10, 4)),
    Place("Pacific/Apia", date(2011, 12, 30)),  # a date left out
    Place("Asia/Kathmandu", date(2026, 5, 5)),
]
ZONES = sorted({place.zone for place in PLACES})
STEPS = 3 * 24 * 60  # from a day before to a day after


@cache
def clock(zone, begins_ms):
    """Return what the wall clock shows every minute, without its zone."""
    tz = ZoneInfo(zone)
    return [
        datetime.fromtimestamp(begins_ms // 1000 + minute * 60, tz).replace(tzinfo=None)
        for minute in range(STEPS)
    ]


def watched(window, zone, begins_ms):
    """Return minute by minute whether one zone's window is open."""
    seen, latest = [], datetime.min  # noqa: DTZ901 - a wall clock's time has no zone
    opens, closes = (
        timedelta(minutes=minute)
        for minute in (window.open_minute, window.close_minute)
    )
    for wall in clock(zone, begins_ms):
        latest = max(latest, wall)
        midnight = wall.replace(hour=0, minute=0)
        inside = midnight + opens <= wall < midnight + closes
        over = latest >= midnight + closes
        seen.append(wall.weekday() in window.days and inside and not over)
    return seen


@st.composite
def windows(draw):
    # Near midnight and the small hours is where clocks are changed.
    minute = st.one_of(
        st.integers(0, 1440), st.integers(0, 200), st.integers(1370, 1440)
    )
    opens, closes = sorted(draw(st.lists(minute, min_size=2, max_size=2, unique=True)))
    days = draw(
        st.one_of(st.just(EVERY_DAY), st.frozensets(st.integers(0, 6), min_size=1))
    )
    return Window(zone="recipient", days=days, open_minute=opens, close_minute=closes)


@settings(max_examples=80, deadline=None)
@given(
    window=windows(),
    place=st.sampled_from(PLACES),
    others=st.lists(st.sampled_from(ZONES), max_size=1),
    minute=st.integers(1440, STEPS - 1),
)
def test_the_answers_are_those_of_a_watch_kept_every_minute(
    window, place, others, minute
):
    midnight = datetime(place.on.year, place.on.month, place.on.day, tzinfo=UTC)
    begins_ms = round(midnight.timestamp() * 1000) - DAY_MS
    zones = [place.zone, *others]
    each = [watched(window, zone, begins_ms) for zone in zones]
    truth = [all(flags) for flags in zip(*each, strict=True)]
    known = [ZoneInfo(zone) for zone in zones]
    at_ms, end_ms = begins_ms + minute * MINUTE_MS, begins_ms + STEPS * MINUTE_MS

    is_open, until_ms = opening(window, known, at_ms)
    turns = (later for later in range(minute, STEPS) if truth[later] != truth[minute])
    turn = next(turns, None)

    if window.is_always:  # even where the clock shows a date twice
        assert (is_open, until_ms) == (True, None)
        return
    assert is_open == truth[minute]
    if turn is None:
        assert until_ms is None or until_ms >= end_ms
    else:
        assert until_ms == begins_ms + turn * MINUTE_MS
    open_ms = open_ms_between(window, known, at_ms, end_ms)
    assert open_ms == sum(truth[minute:]) * MINUTE_MS


@settings(max_examples=40, deadline=None)
@given(
    window=windows(),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3),
    at_ms=st.integers(1_262_304_000_000, 1_893_456_000_000),
)
def test_an_answer_holds_exactly_until_the_moment_it_names(window, zones, at_ms):
    known = [ZoneInfo(zone) for zone in zones]

    is_open, until_ms = opening(window, known, at_ms)

    if until_ms is None:
        later = range(at_ms, at_ms + HORIZON_DAYS * DAY_MS, 60 * DAY_MS)
        assert all(opening(window, known, at).is_open == is_open for at in later)
    else:
        assert at_ms < until_ms
        assert opening(window, known, until_ms - 1) == Opening(is_open, until_ms)
        assert opening(window, known, until_ms).is_open != is_open
