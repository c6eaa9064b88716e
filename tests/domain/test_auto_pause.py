from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.auto_pause import SLOTS, RecentOutcomes
from watchfloor.domain.campaign import PauseWhen
from watchfloor.domain.outcomes import OutcomeClass

DELIVERED, TRANSIENT = OutcomeClass.DELIVERED, OutcomeClass.TRANSIENT
NOW_MS = 1_700_000_000_000
MINUTE_MS = 60_000


def recent(share=0.2, over_ms=5 * MINUTE_MS, at_least=50):
    return RecentOutcomes(
        PauseWhen(
            outcome_class=TRANSIENT, share=share, over_ms=over_ms, at_least=at_least
        )
    )


def batch(transient, delivered=0):
    return [TRANSIENT] * transient + [DELIVERED] * delivered


def test_too_large_a_share_is_told_with_its_evidence():
    told = recent().noted(NOW_MS, batch(95, 317))

    assert told == "transient 23.1 % of 412 attempts in 5m, limit 20 %"


def test_a_smaller_share_says_nothing():
    assert recent().noted(NOW_MS, batch(19, 81)) == ""


@pytest.mark.parametrize(("share", "in_class"), [(0.2, 20), (0.07, 7), (0.29, 29)])
def test_the_limit_itself_is_too_much_whatever_floats_say(share, in_class):
    assert recent(share).noted(NOW_MS, batch(in_class, 100 - in_class)) != ""
    assert recent(share).noted(NOW_MS, batch(in_class - 1, 101 - in_class)) == ""


def test_all_of_them_is_a_share_that_can_be_reached():
    assert recent(1.0).noted(NOW_MS, batch(50)).startswith("transient 100 % of 50 ")


def test_a_limit_of_none_at_all_needs_one():
    assert recent(0.0).noted(NOW_MS, batch(0, 100)) == ""
    assert recent(0.0).noted(NOW_MS, batch(1, 99)) != ""


def test_too_few_attempts_mean_nothing():
    kept = recent(at_least=50)

    assert kept.noted(NOW_MS, batch(49)) == ""
    assert kept.noted(NOW_MS, batch(1)) != ""


def test_what_is_older_than_the_span_is_forgotten():
    kept = recent()
    assert kept.noted(NOW_MS, batch(100)) != ""

    assert kept.noted(NOW_MS + 4 * MINUTE_MS, batch(0, 100)) != ""
    assert kept.noted(NOW_MS + 5 * MINUTE_MS, batch(0, 1)) == ""


def test_a_resume_begins_anew():
    kept = recent()
    kept.noted(NOW_MS, batch(100))

    kept.clear()

    assert kept.verdict == ""
    assert kept.noted(NOW_MS, batch(9, 91)) == ""


def test_a_clock_that_goes_back_forgets_nothing_and_keeps_nothing_longer():
    kept = recent(at_least=1)
    kept.noted(NOW_MS, batch(10, 30))

    told = kept.noted(NOW_MS - 3 * MINUTE_MS, batch(0, 10))

    assert told == "transient 20 % of 50 attempts in 5m, limit 20 %"
    assert kept.noted(NOW_MS + 5 * MINUTE_MS, batch(0, 1)) == ""


def test_a_short_span_is_counted_too():
    kept = recent(over_ms=1, at_least=1)

    told = kept.noted(NOW_MS, batch(2))
    assert told == "transient 100 % of 2 attempts in 1ms, limit 20 %"
    assert kept.noted(NOW_MS + SLOTS, batch(0, 1)) == ""


def test_nothing_ended_is_no_evidence():
    assert recent(at_least=0).noted(NOW_MS, []) == ""


@given(
    st.lists(
        st.tuples(st.integers(-60_000, 120_000), st.integers(0, 5), st.integers(0, 5)),
        max_size=200,
    )
)
def test_counts_equal_a_plain_count_of_what_is_kept_and_memory_is_bounded(moves):
    kept = recent(share=0.0, over_ms=MINUTE_MS, at_least=0)
    at_ms, noted = NOW_MS, []
    for step_ms, transient, delivered in moves:
        at_ms = max(at_ms, at_ms + step_ms)
        noted.append((at_ms // 1_000, transient, delivered))
        told = kept.noted(at_ms, batch(transient, delivered))

        lately = [one for one in noted if one[0] > at_ms // 1_000 - SLOTS]
        bad, good = sum(one[1] for one in lately), sum(one[2] for one in lately)
        assert bool(told) == (bad > 0)
        assert not told or f" of {bad + good:,} attempts" in told
        assert len(kept._slots) <= SLOTS
