from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.pacing import Bucket, lead, opened, refilled, reopened, take

#: Far below what a pace promises, above what floats lose.
ROUNDING = 1e-5

rates = st.floats(0.001, 5_000)
pauses = st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("rate_per_s", "burst"),
    [(0.5, 1.0), (9.0, 1.0), (10.0, 1.0), (20.0, 2.0), (1_000.0, 100.0)],
)
def test_a_tenth_of_a_second_may_go_at_once_and_never_less_than_one(rate_per_s, burst):
    assert Bucket(rate_per_s, 0.0, 0.0).burst == burst


def test_a_pace_opens_with_room_for_one_attempt_and_no_burst():
    assert opened(1_000.0, 5.0) == Bucket(rate_per_s=1_000.0, tokens=1.0, at_s=5.0)

    after, wait_s = take(opened(1_000.0, 5.0), 5.0)

    assert wait_s == 0.0
    assert take(after, 5.0)[1] == 0.001


def test_tokens_come_with_time():
    assert refilled(Bucket(20.0, 0.5, 1.0), 1.0625) == Bucket(20.0, 1.75, 1.0625)


def test_a_long_rest_saves_up_no_more_than_the_burst():
    assert refilled(Bucket(20.0, 0.0, 0.0), 3_600.0) == Bucket(20.0, 2.0, 3_600.0)


def test_a_token_that_is_granted_and_not_used_keeps_its_place():
    rested = refilled(Bucket(20.0, 0.0, 0.0), 3_600.0, 1)

    assert rested == Bucket(20.0, 1.0, 3_600.0)
    assert take(Bucket(20.0, 0.0, 0.0), 3_600.0, 2)[1] == 0.05


def test_a_taken_token_is_gone():
    assert take(Bucket(20.0, 1.75, 1.0), 1.0) == (Bucket(20.0, 0.75, 1.0), 0.0)


def test_without_a_token_nothing_is_taken_and_the_wait_is_told():
    assert take(Bucket(4.0, 0.0, 1.0), 1.125) == (Bucket(4.0, 0.5, 1.125), 0.125)


def test_a_whole_token_is_enough():
    assert take(Bucket(4.0, 0.0, 0.0), 0.25) == (Bucket(4.0, 0.0, 0.25), 0.0)


def test_what_rounding_keeps_from_a_whole_token_is_owed_and_not_given():
    nearly = 1.0 - 2**-20

    after, wait_s = take(Bucket(4.0, nearly, 0.0), 0.0)

    assert wait_s == 0.0
    assert after.tokens == nearly - 1.0
    assert take(Bucket(4.0, 1.0 - 2**-19, 0.0), 0.0)[1] == 2**-21
    assert take(Bucket(4.0, 1.0 - 1e-6, 0.0), 0.0)[1] == 0.0


def test_a_clock_that_goes_back_adds_nothing_and_does_not_stop_the_pace():
    back = refilled(Bucket(4.0, 0.5, 100.0), 10.0)

    assert back == Bucket(4.0, 0.5, 10.0)
    assert take(back, 10.125) == (Bucket(4.0, 0.0, 10.125), 0.0)


def started(rate_per_s, waits):
    """When attempts start if one is asked for after each of *waits*."""
    now_s, bucket, times = 0.0, opened(rate_per_s, 0.0), []
    for wait_s in waits:
        now_s += wait_s
        bucket, refused_s = take(bucket, now_s)
        while refused_s == 0.0:
            times.append(now_s)
            bucket, refused_s = take(bucket, now_s)
    return times


@given(rate_per_s=st.floats(0.001, 300), waits=pauses)
def test_in_any_window_no_more_start_than_pace_and_burst_allow(rate_per_s, waits):
    times = started(rate_per_s, waits)
    burst = Bucket(rate_per_s, 0.0, 0.0).burst

    # The first and the last start at each time are the tightest windows.
    for first in sorted({times.index(at) for at in times}):
        for last in range(first, len(times)):
            window_s = times[last] - times[first]
            assert last - first + 1 <= rate_per_s * window_s + burst + ROUNDING


@given(rate_per_s=rates, now_s=st.floats(0, 1e6), tokens=st.floats(0, 1))
def test_after_the_told_wait_an_attempt_may_start(rate_per_s, now_s, tokens):
    bucket, wait_s = take(Bucket(rate_per_s, tokens, now_s), now_s)

    assert wait_s == 0.0 or take(bucket, now_s + wait_s)[1] == 0.0


def test_a_pause_gives_back_nothing_that_was_spent():
    spent, wait_s = take(opened(1 / 3600, 100.0), 100.0)
    assert wait_s == 0

    again, wait_s = take(reopened(spent, 101.0), 101.0)

    assert wait_s == pytest.approx(3599)
    assert again.tokens < 1


def test_after_a_long_pause_one_attempt_may_start_and_no_burst():
    kept = reopened(opened(100.0, 0.0), 1_000.0)

    assert kept.tokens == 1.0


@pytest.mark.parametrize(
    ("rate_per_s", "ahead"), [(1 / 3600, 1), (4.0, 1), (4.1, 2), (100.0, 25)]
)
def test_a_quarter_of_a_second_s_intents_are_stored_ahead_and_at_least_one(
    rate_per_s, ahead
):
    assert lead(rate_per_s) == ahead
