from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.health import HUNG_MS, STALL_INTERVALS, STALL_MS, Health, health
from watchfloor.domain.regions import Gate, Intake, Lifecycle, Phase, RunOutcome
from watchfloor.domain.slowdown import Slowdown
from watchfloor.domain.views import RunView

LIFE = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
BOOKS = Books(records=10, pending=4, attempting=1, delivered=5)
MOVED_AT = 1_000_000
RUN = RunView(
    run_id="r",
    campaign_id="c",
    campaign_name="C",
    upload_id="u",
    upload_name="u.csv",
    lifecycle=LIFE,
    books=BOOKS,
    version=1,
    created_at_ms=0,
    started_at_ms=MOVED_AT - 500_000,
    progress_at_ms=MOVED_AT,
)
NOW = Situation(lifecycle=LIFE, books=BOOKS, engine_alive=True, permits=5)
LONG_AFTER = MOVED_AT + 100 * STALL_MS


def test_a_run_that_moved_lately_is_ok():
    assert health(RUN, NOW, MOVED_AT) is Health.OK
    assert health(RUN, NOW, MOVED_AT + STALL_MS) is Health.OK


def test_work_that_could_start_and_does_not_is_a_stall():
    assert health(RUN, NOW, MOVED_AT + STALL_MS + 1) is Health.STALLED


def test_a_run_without_any_outcome_stalls_from_its_start():
    run = replace(RUN, progress_at_ms=None, started_at_ms=MOVED_AT)

    assert health(run, NOW, MOVED_AT + STALL_MS) is Health.OK
    assert health(run, NOW, MOVED_AT + STALL_MS + 1) is Health.STALLED


def test_a_run_that_has_not_started_cannot_stall():
    run = replace(RUN, progress_at_ms=None, started_at_ms=None)

    assert health(run, NOW, LONG_AFTER) is Health.OK


@pytest.mark.parametrize(
    "change",
    [
        {"engine_alive": False},
        {"drains": "10 in flight"},
        {"store_fault": "the disk is full"},
        {"lifecycle": replace(LIFE, gate=Gate.PAUSED)},
        {"lifecycle": replace(LIFE, gate=Gate.PAUSING)},
    ],
    ids=["no engine", "drains", "store", "paused", "pausing"],
)
def test_a_run_that_is_held_as_a_whole_is_blocked_and_never_stalled(change):
    assert health(RUN, replace(NOW, **change), MOVED_AT) is Health.BLOCKED
    assert health(RUN, replace(NOW, **change), LONG_AFTER) is Health.BLOCKED


@pytest.mark.parametrize(
    "change",
    [
        {"rate_per_s": 1.0, "next_token_s": 0.5},
        {"books": Books(records=5, retry=5)},
        {"books": Books(records=5, callback=5)},
        {"books": Books(records=5, waiting=5)},
        {"books": Books(records=5, attempting=5)},
        {"lifecycle": Lifecycle(intake=Intake.EXTRACTING)},
    ],
    ids=["pace", "backoff", "callbacks", "waiting", "in flight", "intake"],
)
def test_waiting_for_a_good_reason_is_no_stall_however_long(change):
    assert health(RUN, replace(NOW, **change), LONG_AFTER) is Health.OK


def test_full_permits_are_no_stall_and_slow_once_they_bring_nothing_for_long():
    full = replace(NOW, permits=1, interval_ms=100.0)

    assert health(RUN, full, MOVED_AT + HUNG_MS) is Health.OK
    assert health(RUN, full, MOVED_AT + HUNG_MS + 1) is Health.SLOW
    assert health(RUN, full, LONG_AFTER) is Health.SLOW


def test_full_permits_of_a_run_that_was_never_measured_are_given_more_time():
    full = replace(NOW, permits=1)

    assert health(RUN, full, MOVED_AT + HUNG_MS + 1) is Health.OK
    assert health(RUN, full, MOVED_AT + 2 * HUNG_MS + 1) is Health.SLOW


def test_permits_that_were_only_just_opened_are_not_slow():
    resumed = replace(NOW, permits=1, interval_ms=100.0, able_at_ms=LONG_AFTER - 1)

    assert health(RUN, resumed, LONG_AFTER) is Health.OK


def test_a_run_whose_outcomes_are_far_apart_is_given_its_own_time():
    rare = replace(NOW, interval_ms=60_000.0)
    patience_ms = 60_000 * STALL_INTERVALS

    assert health(RUN, rare, MOVED_AT + patience_ms) is Health.OK
    assert health(RUN, rare, MOVED_AT + patience_ms + 1) is Health.STALLED


@pytest.mark.parametrize("name", ["able_at_ms", "intent_at_ms"])
def test_a_resume_or_a_new_intent_begins_the_patience_anew(name):
    change: dict[str, Any] = {name: LONG_AFTER}
    now = replace(NOW, **change)

    assert health(RUN, now, LONG_AFTER + STALL_MS) is Health.OK
    assert health(RUN, now, LONG_AFTER + STALL_MS + 1) is Health.STALLED


def test_a_run_that_is_slower_than_its_like_is_slow_unless_it_stands():
    slow = replace(NOW, slowdown=Slowdown(since_ms=1, per_s=1.0, usual_per_s=9.0))

    assert health(RUN, slow, MOVED_AT) is Health.SLOW
    assert health(RUN, slow, LONG_AFTER) is Health.STALLED
    assert health(RUN, replace(slow, engine_alive=False), MOVED_AT) is Health.BLOCKED


@pytest.mark.parametrize(
    "due", [{"next_retry_at_ms": LONG_AFTER}, {"next_callback_at_ms": LONG_AFTER}]
)
def test_a_record_that_just_became_due_after_a_long_quiet_is_no_stall(due):
    quiet = Books(records=9, retry=1, callback=1, delivered=7)
    run = replace(RUN, books=quiet, **due)
    now = replace(NOW, books=quiet, retries_due=1, callbacks_due=1)

    assert health(run, now, LONG_AFTER + STALL_MS) is Health.OK
    assert health(run, now, LONG_AFTER + STALL_MS + 1) is Health.STALLED


def test_untouched_records_could_have_started_before_the_retry_was_due():
    run = replace(RUN, next_retry_at_ms=LONG_AFTER)

    assert health(run, NOW, LONG_AFTER) is Health.STALLED


def test_a_slow_pace_is_no_stall():
    hourly = replace(RUN, rate_per_s=20 / 3_600)
    interval_ms = 180_000

    assert health(hourly, NOW, MOVED_AT + 3 * interval_ms) is Health.OK
    assert health(hourly, NOW, MOVED_AT + 3 * interval_ms + 1) is Health.STALLED


def test_a_fast_pace_makes_nobody_impatient():
    fast = replace(RUN, rate_per_s=400.0)

    assert health(fast, NOW, MOVED_AT + STALL_MS) is Health.OK
    assert health(fast, NOW, MOVED_AT + STALL_MS + 1) is Health.STALLED


def test_an_ended_run_is_ok_even_without_an_engine():
    ended = replace(LIFE, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    now = replace(NOW, lifecycle=ended, engine_alive=False)

    assert health(replace(RUN, lifecycle=ended), now, LONG_AFTER) is Health.OK


def test_records_that_a_canary_holds_back_could_not_have_started():
    life, books = replace(LIFE), Books(records=10, pending=4, retry=1, delivered=5)
    run = replace(RUN, books=books, next_retry_at_ms=LONG_AFTER)
    now = replace(
        NOW, lifecycle=life, books=books, held_back=4, released_seq=6, retries_due=1
    )

    assert health(run, now, LONG_AFTER + 1) is Health.OK
    assert health(run, replace(now, held_back=3), LONG_AFTER + 1) is Health.STALLED


def test_full_permits_of_a_run_that_never_moved_are_not_known_to_hang():
    fresh = replace(RUN, started_at_ms=None, progress_at_ms=None)
    full = replace(NOW, books=replace(BOOKS, attempting=5), permits=5, able_at_ms=None)

    assert health(fresh, full, LONG_AFTER) is Health.OK
    assert health(RUN, full, LONG_AFTER) is Health.SLOW
