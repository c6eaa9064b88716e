from __future__ import annotations

import pytest

from watchfloor.domain.quota import Used, declined, is_plan_limit
from watchfloor.domain.workspace import Plan

PLAN = Plan(monthly_runs=12, monthly_records=10_000)


def test_a_plan_without_limits_declines_nothing():
    assert declined(Plan(), Used(runs=10**6, records=10**9), wanted_records=10**9) == ""


@pytest.mark.parametrize(
    ("runs", "records", "wanted"), [(0, 0, 10_000), (11, 9_999, 1), (11, 10_000, 0)]
)
def test_a_limit_may_be_used_up_to_the_last(runs, records, wanted):
    assert declined(PLAN, Used(runs=runs, records=records), wanted_records=wanted) == ""


def test_what_is_over_is_told_with_what_is_used_and_the_limit():
    used = Used(runs=12, records=9_800)

    assert declined(PLAN, used, wanted_records=400) == (
        "runs 12 of 12; records 9,800 + 400 of 10,000"
    )


def test_only_the_limits_in_the_way_are_told():
    assert declined(PLAN, Used(runs=12), wanted_records=5) == "runs 12 of 12"
    assert (
        declined(PLAN, Used(records=10_000), wanted_records=5)
        == "records 10,000 of 10,000"
    )


def test_more_records_of_a_run_that_is_counted_need_no_further_run():
    used = Used(runs=12, records=10)

    assert declined(PLAN, used, wanted_runs=0, wanted_records=5) == ""


def test_a_limit_lowered_below_what_is_used_declines_and_says_so():
    lowered = Plan(monthly_runs=3)

    assert declined(lowered, Used(runs=12)) == "runs 12 of 3"


def test_a_limit_of_none_at_all_lets_nothing_through():
    assert declined(Plan(monthly_runs=0), Used()) == "runs 0 of 0"


def test_a_run_that_its_plan_ended_says_so_at_the_beginning_of_its_cause():
    assert is_plan_limit("PLAN_LIMIT: runs 12 of 12")
    assert not is_plan_limit("not a PLAN_LIMIT")
    assert not is_plan_limit("")


def test_what_asks_for_no_record_is_declined_for_none():
    assert declined(Plan(monthly_records=10), Used(records=10)) == ""
    assert declined(Plan(monthly_records=10), Used(records=11), wanted_records=0) == ""
