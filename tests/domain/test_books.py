from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.books import (
    REJECT_KEYS,
    STATE_KEYS,
    Books,
    added,
    differences,
)
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.domain.regions import Work

#: Every key a different power of two, so that each sum tells what it is made of.
STATES = {state.word: 1 << number for number, state in enumerate(RecordState)}
REJECTS = {"invalid": 1, "duplicate": 2, "suppressed": 4, "filtered": 8}
FULL = Books(
    extracted=15 + 16 + 4_095,
    unjudged=16,
    records=4_095,
    attempts=9_000,
    **STATES,
    **REJECTS,
)

accounts = st.builds(
    Books, **{field.name: st.integers(0, 10**7) for field in fields(Books)}
)


def test_the_keys_stand_in_the_order_of_the_equations():
    assert list(FULL.as_dict()) == [
        "extracted",
        *REJECT_KEYS,
        "unjudged",
        "records",
        *STATE_KEYS,
        "attempts",
    ]
    assert list(RejectKind) == list(REJECT_KEYS)
    assert STATE_KEYS == (
        "pending",
        "claimed",
        "attempting",
        "retry",
        "callback",
        "waiting",
        "delivered",
        "failed",
        "unknown",
        "not_attempted",
        "expired",
        "abandoned",
    )


def test_the_account_is_shown_with_its_own_numbers():
    assert FULL.as_dict() == {
        "extracted": 4_126,
        "unjudged": 16,
        "records": 4_095,
        "attempts": 9_000,
        **STATES,
        **REJECTS,
    }


def test_empty_books_are_balanced_and_nothing_is_done():
    empty = Books()

    assert set(empty.as_dict().values()) == {0}
    assert empty.imbalance == ""
    assert empty.done == 0
    assert empty.done_share == 0.0
    assert empty.work == Work()


def test_full_books_are_balanced():
    assert FULL.imbalance == ""


@pytest.mark.parametrize("state", RecordState)
def test_each_state_is_counted_under_its_own_word(state):
    assert FULL.count(state) == 1 << state


def test_the_sums_are_made_of_the_states_they_name():
    assert FULL.rejected == 15
    assert FULL.eligible == 1 + 2 + 8
    assert FULL.remaining == 1 + 2 + 4 + 8 + 16 + 32
    assert FULL.done == 64 + 128 + 256 + 1_024
    assert FULL.done_share == 1_472 / 4_095


def test_the_lifecycle_is_told_the_same_account():
    assert FULL.work == Work(
        eligible=11, in_flight=4, callbacks=16, waiting=32, sent=True
    )


@pytest.mark.parametrize(("attempts", "sent"), [(0, False), (1, True)])
def test_a_run_sent_something_once_an_attempt_started(attempts, sent):
    assert Books(attempts=attempts).work.sent is sent


@pytest.mark.parametrize("key", ["extracted", *REJECT_KEYS, "unjudged"])
def test_a_row_that_stands_nowhere_is_named(key):
    wrong = replace(FULL, **{key: FULL.as_dict()[key] + 1})

    extracted = 4_127 if key == "extracted" else 4_126
    found = 4_126 if key == "extracted" else 4_127
    assert wrong.imbalance == f"{extracted:,} rows extracted, {found:,} accounted for"


@pytest.mark.parametrize("key", STATE_KEYS)
def test_a_record_that_stands_nowhere_is_named(key):
    wrong = replace(FULL, **{key: FULL.as_dict()[key] - 1})

    assert wrong.imbalance == "4,095 records, 4,094 accounted for"


def test_a_missing_row_is_told_before_a_missing_record():
    wrong = replace(FULL, records=4_094)

    assert wrong.imbalance == "4,126 rows extracted, 4,125 accounted for"


def test_attempts_are_part_of_no_sum():
    assert replace(FULL, attempts=0).imbalance == ""


@given(st.lists(accounts, max_size=4))
def test_the_books_of_a_family_are_the_sum_of_its_runs(family):
    whole = added(*family)

    for key in Books().as_dict():
        assert whole.as_dict()[key] == sum(one.as_dict()[key] for one in family)


def test_books_that_agree_have_no_differences():
    assert differences(FULL, FULL) == []


def test_every_counter_that_is_off_is_named_with_both_numbers():
    kept = replace(FULL, pending=0, attempts=9_001)

    assert differences(FULL, kept) == [
        "pending: the counter says 0, the rows say 1",
        "attempts: the counter says 9,001, the rows say 9,000",
    ]
