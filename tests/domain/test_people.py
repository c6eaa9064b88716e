from __future__ import annotations

from watchfloor.domain.books import STATE_KEYS
from watchfloor.domain.people import People
from watchfloor.domain.records import RecordState

DELIVERED, FAILED, RETRY = RecordState.DELIVERED, RecordState.FAILED, RecordState.RETRY
FAMILY = People(counts={DELIVERED: 3_000, RETRY: 0, FAILED: 200}, expected=3_200)


def test_whoever_was_not_delivered_was_not_reached():
    assert (FAMILY.reached, FAMILY.not_reached) == (3_000, 200)
    assert (People().reached, People(expected=7).not_reached) == (0, 7)


def test_every_state_is_told_in_the_order_of_the_books():
    assert tuple(FAMILY.words) == STATE_KEYS
    assert FAMILY.words["delivered"] == 3_000
    assert sum(FAMILY.words.values()) == 3_200


def test_the_account_is_one_line_of_the_states_that_somebody_is_in():
    assert FAMILY.line == "3,200 people = 3,000 delivered + 200 failed"
    assert People().line == "0 people = 0"


def test_an_account_that_does_not_add_up_says_so():
    assert FAMILY.imbalance == ""
    assert People(counts={DELIVERED: 1_000}, expected=1_001).imbalance == (
        "1,001 people, and 1,000 by where they stand"
    )


def test_a_count_below_zero_is_no_account_even_if_the_sum_fits():
    assert People(counts={DELIVERED: 3, FAILED: -1}, expected=2).imbalance == (
        "2 people, and 2 by where they stand"
    )


def test_counts_of_several_moments_need_not_add_up():
    assert People(counts={DELIVERED: 3}, expected=9, is_moving=True).imbalance == ""
