from __future__ import annotations

from collections.abc import Iterable
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
    done_share,
    ends_later,
    eta_ms,
    expected_by,
    gain_of,
    in_flight,
    is_beyond,
    is_rated,
    late_runs,
    netted,
    paces,
    rated_since_ms,
    span_at,
    taken_up,
    width_ms,
)
from watchfloor.domain.regions import Gate, Lifecycle, Phase, RunOutcome
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


def expected_ms(run: RunView, earlier: Iterable[RunView]) -> int | None:
    return expected_by(run, paces(earlier))


def is_late(run: RunView, earlier: Iterable[RunView]) -> bool:
    return is_beyond(run, expected_ms(run, earlier))


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


def test_the_eta_is_what_can_be_done_now_at_this_rate():
    assert eta_ms(RUN, 2.0) == 20_000
    assert eta_ms(RUN, 0.1) == 400_000
    flying = replace(RUN, books=Books(records=9, pending=5, retry=1, attempting=3))
    assert eta_ms(flying, 1.0) == 9_000
    assert not ends_later(flying)


@pytest.mark.parametrize(
    ("counts", "held"),
    [({"callback": 990}, 0), ({"waiting": 990}, 0), ({"retry": 990}, 990)],
)
def test_what_waits_for_a_time_of_its_own_is_in_no_eta_and_ends_the_run_later(
    counts, held
):
    books = Books(records=1_000, pending=10, **counts)
    run = replace(RUN, books=books, held=held)

    assert eta_ms(run, 10.0) == 1_000
    assert ends_later(run)
    alone = replace(run, books=replace(books, records=990, pending=0))
    assert eta_ms(alone, 10.0) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"lifecycle": replace(LIVE, gate=Gate.PAUSED)},
        {"lifecycle": replace(LIVE, gate=Gate.PAUSING)},
        {"lifecycle": replace(LIVE, phase=Phase.STOPPING)},
        {"lifecycle": replace(LIVE, phase=Phase.CALLBACK)},
        {"approve_after": 0},
        {"shut_until_ms": 1},
    ],
)
def test_a_run_of_which_no_attempt_may_start_has_no_eta(changes):
    assert eta_ms(replace(RUN, **changes), 5.0) is None


def test_no_more_is_in_flight_than_there_are_permits():
    run = replace(RUN, permits=10, books=Books(records=20, attempting=20))

    assert (in_flight(run), taken_up(run)) == (10, 10)
    assert in_flight(replace(run, permits=30)) == 20
    # Where no permits are known nothing is above them.
    assert (in_flight(replace(run, permits=0)), taken_up(run)) == (20, 10)


@pytest.mark.parametrize(
    ("done", "records", "said"),
    [
        (0, 0, "0%"),
        (29, 100, "29%"),
        (348, 1_000, "34%"),
        (999_999, 1_000_000, "99%"),
        (7, 7, "100%"),
    ],
)
def test_the_share_that_is_done_is_cut_and_100_only_when_nothing_is_left(
    done, records, said
):
    books = Books(records=records, delivered=done, pending=records - done)

    assert done_share(books) == said


@pytest.mark.parametrize(
    ("started_ms", "engine_ms", "since_ms", "rated"),
    [
        (0, 0, 100_000, True),
        (130_500, 90_000, 130_500, True),
        (150_001, 90_000, 150_001, False),
        (0, 140_001, 150_000, True),
        (0, 150_001, 160_000, False),
        (None, 150_000, 150_000, True),
        # A run that began under this engine has nothing of another's.
        (140_001, 140_001, 140_001, True),
    ],
)
def test_a_rate_is_counted_in_whole_spans_in_which_work_could_be_done(
    started_ms, engine_ms, since_ms, rated
):
    assert rated_since_ms(started_ms, engine_ms, 160_004) == since_ms
    assert is_rated(started_ms, engine_ms, 160_004) is rated


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
