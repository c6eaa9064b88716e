from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.retries import (
    RetryPolicy,
    backoff_ceiling_ms,
    next_attempt_at_ms,
)

POLICY = RetryPolicy(attempts=9, backoff_ms=1_000, max_backoff_ms=10_000)
NOW = 1_700_000_000_000

policies = st.builds(
    RetryPolicy,
    backoff_ms=st.integers(1, 3_600_000),
    max_backoff_ms=st.integers(1, 86_400_000),
)
chances = st.floats(0.0, 1.0, exclude_max=True)
counts = st.integers(1, 10**9)


def test_a_step_that_says_nothing_is_patient_for_four_attempts_within_a_day():
    assert RetryPolicy() == RetryPolicy(
        attempts=4, backoff_ms=30_000, max_backoff_ms=600_000, max_age_ms=86_400_000
    )


@pytest.mark.parametrize(
    ("tries", "ceiling_ms"),
    [
        (0, 1_000),
        (1, 1_000),
        (2, 2_000),
        (3, 4_000),
        (4, 8_000),
        (5, 10_000),
        (6, 10_000),
        (10**9, 10_000),
    ],
)
def test_the_ceiling_doubles_with_every_attempt_up_to_its_cap(tries, ceiling_ms):
    assert backoff_ceiling_ms(POLICY, tries) == ceiling_ms


def test_a_base_above_the_cap_is_capped_at_once():
    assert backoff_ceiling_ms(RetryPolicy(backoff_ms=9, max_backoff_ms=5), 1) == 5


@pytest.mark.parametrize(
    ("tries", "ceiling_ms"),
    [(32, 2**31), (33, 2**32), (34, 2**32), (10**18, 2**32)],
)
def test_doubling_stops_at_a_number_that_is_still_small(tries, ceiling_ms):
    endless = RetryPolicy(backoff_ms=1, max_backoff_ms=2**60)

    assert backoff_ceiling_ms(endless, tries) == ceiling_ms


@pytest.mark.parametrize(
    ("chance", "pause_ms"),
    [(0.0, 0), (0.25, 1_000), (0.5, 2_000), (0.99999, 3_999)],
)
def test_the_pause_is_spread_evenly_below_the_ceiling(chance, pause_ms):
    at = next_attempt_at_ms(POLICY, tries=3, now_ms=NOW, chance=chance)

    assert at == NOW + pause_ms


@pytest.mark.parametrize(
    ("retry_after_ms", "pause_ms"),
    [
        (-5, 500),
        (0, 500),
        (499, 500),
        (501, 501),
        (9_999, 9_999),
        (10_001, 10_000),
        (10**15, 10_000),
    ],
)
def test_retry_after_is_a_floor_that_is_itself_capped(retry_after_ms, pause_ms):
    at = next_attempt_at_ms(
        POLICY, tries=1, now_ms=NOW, chance=0.5, retry_after_ms=retry_after_ms
    )

    assert at == NOW + pause_ms


@given(policy=policies, tries=counts, chance=chances)
def test_without_a_providers_wish_the_pause_lies_within_full_jitter(
    policy, tries, chance
):
    pause = next_attempt_at_ms(policy, tries=tries, now_ms=NOW, chance=chance) - NOW

    assert 0 <= pause < backoff_ceiling_ms(policy, tries) <= policy.max_backoff_ms


@given(policy=policies, tries=counts, chance=chances, wish=st.integers(-10, 10**12))
def test_no_wish_makes_the_pause_shorter_or_longer_than_the_cap(
    policy, tries, chance, wish
):
    at = next_attempt_at_ms(
        policy, tries=tries, now_ms=NOW, chance=chance, retry_after_ms=wish
    )

    plain = next_attempt_at_ms(policy, tries=tries, now_ms=NOW, chance=chance)
    assert plain <= at <= NOW + policy.max_backoff_ms
    assert at - NOW >= min(wish, policy.max_backoff_ms)


@given(policy=policies, tries=counts)
def test_the_ceiling_never_falls_from_one_attempt_to_the_next(policy, tries):
    here, there = (backoff_ceiling_ms(policy, count) for count in (tries, tries + 1))

    assert here <= there <= 2 * here
