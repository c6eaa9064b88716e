from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.books import Books
from watchfloor.domain.progress import (
    LATE_FACTOR,
    SAMPLE_MS,
    Gain,
    Sample,
    eta_ms,
    expected_ms,
    gain_of,
    is_late,
    late_runs,
    netted,
    span_at,
    width_ms,
)
from watchfloor.domain.regions import Lifecycle, Phase, RunOutcome
from watchfloor.domain.views import RunView

MINUTE_MS = 60_000
LIVE = Lifecycle(phase=Phase.RUNNING, launched=True)
COMPLETED = Lifecycle(phase=Phase.ENDED, launched=True, outcome=RunOutcome.COMPLETED)
RUN = RunView(
    run_id="now",
    campaign_id="c",
    campaign_name="C",
    upload_id="u",
    upload_name="u.csv",
    lifecycle=LIVE,
    books=Books(records=100, pending=40, callback=10, delivered=50),
    version=1,
    created_at_ms=0,
    started_at_ms=1,
)


def earlier(run_id, minutes, records=100, **values):
    """Return a completed run of the same campaign."""
    return replace(
        RUN,
        run_id=run_id,
        lifecycle=values.pop("lifecycle", COMPLETED),
        books=Books(records=records, delivered=records),
        spent_ms={"active": minutes * MINUTE_MS, "paused": 99 * MINUTE_MS},
        **values,
    )


def active(minutes):
    return replace(RUN, spent_ms={"active": round(minutes * MINUTE_MS)})


def test_the_eta_is_what_remains_at_this_rate_callbacks_included():
    assert eta_ms(RUN, 2.0) == 25_000
    assert eta_ms(RUN, 0.1) == 500_000


@pytest.mark.parametrize("rate", [0.0, -1.0])
def test_a_run_that_does_not_move_has_no_eta(rate):
    assert eta_ms(RUN, rate) is None


def test_a_run_with_nothing_left_or_an_end_has_no_eta():
    done = replace(RUN, books=Books(records=1, delivered=1))

    assert eta_ms(done, 5.0) is None
    assert eta_ms(replace(RUN, lifecycle=COMPLETED), 5.0) is None


def test_a_run_should_take_as_long_as_the_median_record_of_earlier_runs():
    runs = [
        earlier("a", 1),
        earlier("b", 40, records=200),
        earlier("c", 500),
        earlier("other campaign", 1, campaign_id="d"),
        earlier("stopped", 1, lifecycle=replace(COMPLETED, outcome=RunOutcome.STOPPED)),
        earlier("empty", 1, records=0),
        earlier("never seen", 0),
        earlier("now", 1),
    ]

    assert expected_ms(RUN, runs) == 20 * MINUTE_MS


def test_where_no_earlier_run_tells_nothing_is_expected():
    assert expected_ms(RUN, []) is None
    assert expected_ms(replace(RUN, books=Books()), [earlier("a", 1)]) is None
    assert not is_late(active(10_000), [])


def test_a_run_is_late_by_half_as_much_again_of_its_own_time():
    runs = [earlier("a", 20)]

    assert not is_late(active(20 * LATE_FACTOR), runs)
    assert is_late(active(20 * LATE_FACTOR + 0.01), runs)


def test_a_short_run_is_not_late_for_less_than_a_minute():
    runs = [earlier("a", 0.1)]

    assert not is_late(active(1.1), runs)
    assert is_late(active(1.2), runs)


def test_a_run_that_has_not_started_or_has_ended_is_not_late():
    runs = [earlier("a", 1)]

    assert not is_late(replace(active(99), started_at_ms=None), runs)
    assert not is_late(replace(active(99), lifecycle=COMPLETED), runs)


def test_late_runs_are_told_with_what_they_should_have_taken():
    runs = [active(99), replace(active(2), run_id="in time"), earlier("a", 3)]

    assert late_runs(runs) == {"now": 3 * MINUTE_MS}


def test_attempts_in_flight_and_dropped_records_are_no_gain():
    books = Books(
        records=26,
        attempting=4,
        delivered=1,
        failed=2,
        unknown=3,
        expired=5,
        not_attempted=6,
        abandoned=7,
        attempts=20,
    )

    assert gain_of(books) == Gain(16, 11, 1, 2, 3)
    assert gain_of(books).since(Gain(10, 12)) == Gain(6, -1, 1, 2, 3)


def test_a_span_begins_at_round_tens_of_seconds():
    assert span_at(1_700_000_000_000) == 1_700_000_000_000
    assert span_at(1_700_000_009_999) == 1_700_000_000_000
    assert span_at(1_700_000_010_000) == 1_700_000_010_000


@given(
    st.integers(0, 4 * 10**12),
    st.integers(0, 4 * 10**12),
    st.integers(2, 500),
)
def test_no_more_spans_than_are_asked_for_reach_from_first_to_last(first, long, most):
    last = min(first + long, 4 * 10**12)

    width = width_ms(first, last, most)

    assert last // width - first // width + 1 <= most
    assert width % SAMPLE_MS == 0


def test_the_width_is_the_least_round_one():
    assert width_ms(0, 239 * SAMPLE_MS, 240) == SAMPLE_MS
    assert width_ms(0, 240 * SAMPLE_MS, 240) == 2 * SAMPLE_MS
    assert width_ms(0, 24 * 60 * MINUTE_MS, 240) == 10 * MINUTE_MS
    assert width_ms(0, 10**15, 2) == 36_500 * 24 * 60 * MINUTE_MS


def sample(at, *gained):
    return Sample(at, SAMPLE_MS, *gained)


def test_what_is_taken_back_is_taken_from_where_it_was_counted():
    before = [sample(0, 5, 4, 4), sample(1, 5, 3, 2, 1), sample(2, 5, -5, -4, -1)]

    assert netted(before) == (sample(0, 5, 2, 2), sample(1, 5, 0), sample(2, 5, 0))


def test_samples_that_only_grow_stay_as_they_are():
    grown = (sample(0, 5, 4, 4), sample(1, 0, 0, 0))

    assert netted(grown) == grown
    assert netted(()) == ()


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 5), max_size=30))
def test_no_figure_is_below_nothing_and_every_sum_stays(books):
    # A run's books at one moment after the other; the samples are the differences.
    steps = zip([Gain(), *map(Gain._make, books)], map(Gain._make, books), strict=False)
    samples = [sample(at, *now.since(then)) for at, (then, now) in enumerate(steps)]

    found = netted(samples)

    assert [one.at_ms for one in found] == [one.at_ms for one in samples]
    for place in range(2, 7):
        figures = [one[place] for one in found]
        assert min(figures, default=0) >= 0
        sums = list(accumulate(one[place] for one in samples))
        assert sum(figures) == (sums[-1] if sums else 0)
        # At no moment more is told than was ever counted up to then.
        assert all(
            told <= kept for told, kept in zip(accumulate(figures), sums, strict=True)
        )
