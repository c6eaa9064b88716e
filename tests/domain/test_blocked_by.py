from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.domain.blocked_by import (
    Blocked,
    Reason,
    Situation,
    blocked_by,
    blocked_record,
)
from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    Intake,
    Lifecycle,
    Phase,
    RunOutcome,
)
from watchfloor.domain.sharing import SharedUse

RUNNING = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
BOOKS = Books(
    records=1_000,
    pending=100,
    claimed=10,
    attempting=20,
    retry=30,
    callback=40,
    waiting=5,
    delivered=795,
)
MOVING = Situation(
    lifecycle=RUNNING,
    books=BOOKS,
    engine_alive=True,
    heartbeat_age_s=0.5,
    permits=50,
    retries_due=3,
    callbacks_due=4,
    next_retry_s=12.4,
    next_callback_s=3_600.0,
)
#: Every record that remains and is not in flight.
LEFT = 185

#: What holds a whole run, from the first that is tried to the last.
WHOLE: list[tuple[Reason, dict[str, Any], str]] = [
    (
        Reason.NO_ENGINE,
        {"engine_alive": False, "heartbeat_age_s": 42.0},
        "last heartbeat 42 s ago; start one with: watchfloor engine",
    ),
    (
        Reason.DRAINS,
        {"drains": "10 in flight, since 14:55; ends by 15:05 at the latest"},
        "10 in flight, since 14:55; ends by 15:05 at the latest",
    ),
    (
        Reason.STORE_NOT_WRITABLE,
        {"store_fault": "the disk is full"},
        "the disk is full",
    ),
    (
        Reason.GATE,
        {
            "lifecycle": replace(
                RUNNING, phase=Phase.QUEUED, intake=Intake.FILTERING, gate=Gate.PAUSED
            ),
            "gate_detail": "paused by nora: lunch",
        },
        "paused by nora: lunch",
    ),
    (
        Reason.INTAKE_NOT_DONE,
        {
            "lifecycle": replace(
                RUNNING, phase=Phase.QUEUED, intake=Intake.FILTERING, launched=False
            )
        },
        "filtering",
    ),
    (
        Reason.QUOTA,
        {"quota": "PLAN_LIMIT: records 10 of 10"},
        "PLAN_LIMIT: records 10 of 10",
    ),
    (
        Reason.WAITING_EXTERNAL,
        {"awaits_approval": True},
        "a person's word: watchfloor approve",
    ),
]

#: A limit of which every permit is in use, and one that only paces.
FULL = SharedUse(
    scope="channel:webhook",
    permits=20,
    in_flight=20,
    holders=(("run-1", 12), ("run-2", 8)),
)
FREE = SharedUse(
    scope="workspace",
    permits=90,
    rate_per_s=5.0,
    in_flight=20,
    holders=(("run-1", 12), ("run-2", 8)),
)

small = st.integers(0, 50)


@st.composite
def situations(draw):
    books = Books(
        **{state.word: draw(small) for state in RecordState},
        extracted=600,
        records=600,
    )
    retries_due = draw(st.integers(0, books.retry))
    callbacks_due = draw(st.integers(0, books.callback))
    return Situation(
        lifecycle=Lifecycle(
            phase=draw(st.sampled_from(Phase)),
            gate=draw(st.sampled_from(Gate)),
            intake=draw(st.sampled_from(Intake)),
        ),
        books=books,
        engine_alive=draw(st.booleans()),
        heartbeat_age_s=draw(st.none() | st.floats(0, 1e6)),
        store_fault=draw(st.sampled_from(["", "the disk is full"])),
        gate_detail=draw(st.sampled_from(["", "paused by nora"])),
        permits=draw(small),
        rate_per_s=draw(st.none() | st.floats(0.1, 100)),
        next_token_s=draw(st.sampled_from([0.0, 0.2])),
        retries_due=retries_due,
        callbacks_due=callbacks_due,
        next_retry_s=draw(st.none() | st.floats(0, 1e6)),
        next_callback_s=draw(st.none() | st.floats(0, 1e6)),
        held_pending=draw(st.integers(0, books.pending)),
        held_retries=draw(st.integers(0, books.retry - retries_due)),
        held_callbacks=draw(st.integers(0, books.callback - callbacks_due)),
        opens_s=draw(st.none() | st.floats(0, 1e6)),
        shut_s=draw(st.none() | st.floats(0, 1e6)),
        suppressed_now=draw(st.integers(0, books.pending + books.claimed)),
        awaits_approval=draw(st.booleans()),
        breaker=draw(st.sampled_from(["", "the breaker of webhook a:1 opened"])),
        quota=draw(st.sampled_from(["", "PLAN_LIMIT: runs 3 of 3"])),
        owner_lives=draw(st.booleans()),
        owner_unseen=draw(st.booleans()),
        oldest_s=draw(st.none() | st.floats(0, 1e6)),
        shared=draw(st.sampled_from([(), (FULL,), (FREE,), (FREE, FULL)])),
        bytes_read=draw(small),
        bytes_total=draw(small),
    )


def with_all_from(number):
    """Return a situation in which the given hold and all later ones are true."""
    changes: dict[str, Any] = {}
    for _, change, _ in reversed(WHOLE[number:]):
        changes |= change
    return replace(MOVING, **changes)


@pytest.mark.parametrize("number", range(len(WHOLE)), ids=[one[0] for one in WHOLE])
def test_of_several_holds_on_a_whole_run_the_first_is_told(number):
    reason, _, detail = WHOLE[number]

    assert blocked_by(with_all_from(number)) == (Blocked(reason, LEFT, detail),)


@pytest.mark.parametrize(("reason", "change", "detail"), WHOLE)
def test_each_hold_on_a_whole_run_is_told_alone_too(reason, change, detail):
    assert blocked_by(replace(MOVING, **change)) == (Blocked(reason, LEFT, detail),)


def test_a_run_that_moves_tells_what_could_start_and_what_waits_for_its_time():
    assert blocked_by(MOVING) == (
        Blocked(Reason.DISPATCHABLE, 117),
        Blocked(Reason.RETRY_BACKOFF, 27, "next retry in 12 s"),
        Blocked(Reason.CALLBACK_NOT_DUE, 36, "next callback in 1 h 00 min"),
        Blocked(Reason.WAITING_EXTERNAL, 5),
    )


def test_full_permits_hold_only_what_could_start_now():
    full = replace(MOVING, permits=20)

    assert blocked_by(full)[0] == Blocked(
        Reason.PERMITS_FULL, 117, "20 of 20 in flight"
    )
    assert blocked_by(full)[1:] == blocked_by(MOVING)[1:]


def test_the_pace_holds_only_what_could_start_now():
    paced = replace(MOVING, rate_per_s=20.0, next_token_s=0.05)

    assert blocked_by(paced)[0] == Blocked(Reason.PACE, 117, "20/s, next in 0.1 s")
    assert blocked_by(paced)[1:] == blocked_by(MOVING)[1:]


def test_who_holds_a_shared_limits_permits_is_named_and_since_when():
    crowded = replace(MOVING, run_id="run-2", shared=(FREE, FULL), oldest_s=95.0)

    assert blocked_by(crowded)[0] == Blocked(
        Reason.PERMITS_FULL,
        117,
        "20 of 20 of channel:webhook in flight: run-1 12, this run 8, the oldest for "
        "1 min 35 s",
    )


def test_of_many_holders_the_first_are_named_and_the_others_counted():
    holders = tuple((f"run-{number}", 4) for number in range(5))
    crowded = replace(MOVING, shared=(replace(FULL, holders=holders),))

    assert blocked_by(crowded)[0].detail == (
        "20 of 20 of channel:webhook in flight: run-0 4, run-1 4, run-2 4, 2 more runs"
    )


def test_its_own_permits_are_told_before_those_it_shares():
    both = replace(MOVING, permits=20, shared=(FULL,))

    assert blocked_by(both)[0].detail == "20 of 20 in flight"


def test_the_pace_that_lets_the_least_through_is_told_by_its_name():
    shared = replace(MOVING, rate_per_s=20.0, shared=(FREE,), next_token_s=0.2)

    assert blocked_by(shared)[0] == Blocked(
        Reason.PACE, 117, "5/s of workspace for 2 runs, next in 0.2 s"
    )
    own = replace(shared, rate_per_s=2.0)
    assert blocked_by(own)[0].detail == "2/s, next in 0.2 s"


def test_an_engine_that_hangs_is_told_from_one_that_is_gone():
    hangs = replace(MOVING, engine_alive=False, owner_lives=True, heartbeat_age_s=42.0)

    assert blocked_by(hangs)[0] == Blocked(
        Reason.NO_ENGINE,
        LEFT,
        "last heartbeat 42 s ago, though its process lives: it hangs; see: "
        "watchfloor doctor",
    )


def test_where_nobody_may_look_an_engine_is_called_neither_gone_nor_hanging():
    silent = replace(
        MOVING, engine_alive=False, owner_unseen=True, heartbeat_age_s=42.0
    )

    [found] = blocked_by(silent)
    assert found.detail == (
        "last heartbeat 42 s ago; whether its process lives cannot be told: its lock "
        "cannot be read from this account; ask whoever owns the workspace to look, "
        "from their account: watchfloor status"
    )


def test_a_breaker_that_paused_a_run_is_told_in_place_of_the_gate():
    broken = replace(
        MOVING,
        lifecycle=replace(RUNNING, gate=Gate.PAUSED),
        gate_detail="paused by engine",
        breaker="the breaker of webhook a:1 opened",
    )

    assert blocked_by(broken) == (
        Blocked(Reason.BREAKER_OPEN, LEFT, "the breaker of webhook a:1 opened"),
    )


def test_how_far_the_intake_is_is_told_in_rows_and_bytes():
    fresh = Situation(
        lifecycle=Lifecycle(intake=Intake.EXTRACTING),
        books=Books(extracted=12_000, unjudged=2_000, records=10_000, pending=10_000),
        engine_alive=True,
        bytes_read=300,
        bytes_total=1_000,
    )

    assert blocked_by(fresh) == (
        Blocked(
            Reason.INTAKE_NOT_DONE,
            10_000,
            "extracting: 12,000 rows, 30 % of the upload read, 2,000 not judged yet",
        ),
    )


def test_suppressed_records_are_told_from_what_could_start_and_from_waits():
    gone = replace(
        MOVING, suppressed_now=17, suppressed_retries=2, suppressed_callbacks=1
    )

    assert [(one.reason, one.count) for one in blocked_by(gone)] == [
        (Reason.DISPATCHABLE, 100),
        (Reason.SUPPRESSION_PENDING, 20),
        (Reason.RETRY_BACKOFF, 25),
        (Reason.CALLBACK_NOT_DUE, 35),
        (Reason.WAITING_EXTERNAL, 5),
    ]


def test_full_permits_hold_a_suppressed_record_before_its_suppression():
    full = replace(MOVING, permits=20, suppressed_now=17)

    assert blocked_by(full)[0].count == 117
    assert blocked_record(RecordState.PENDING, full, is_due=True, is_suppressed=True)
    assert {one.reason for one in blocked_by(full)}.isdisjoint(
        {Reason.SUPPRESSION_PENDING}
    )


def test_what_waiting_records_wait_for_is_told():
    waits = replace(MOVING, waits_on="the voting result")

    assert blocked_by(waits)[-1].detail == "the voting result"


def test_full_permits_are_told_before_the_pace():
    both = replace(MOVING, permits=20, rate_per_s=20.0, next_token_s=0.5)

    assert blocked_by(both)[0].reason is Reason.PERMITS_FULL


def test_a_pace_whose_token_is_there_holds_nobody():
    paced = replace(MOVING, rate_per_s=20.0, next_token_s=0.0)

    assert blocked_by(paced)[0].reason is Reason.DISPATCHABLE


def test_an_engine_that_never_ran_is_told_as_that():
    never = replace(MOVING, engine_alive=False, heartbeat_age_s=None)

    assert blocked_by(never)[0].detail == (
        "no engine ever ran here; start one with: watchfloor engine"
    )


def test_a_gate_that_nobody_closed_by_name_is_told_by_its_state():
    pausing = replace(MOVING, lifecycle=replace(RUNNING, gate=Gate.PAUSING))

    assert blocked_by(pausing) == (Blocked(Reason.GATE, LEFT, "pausing"),)


def test_what_is_in_flight_is_held_by_nothing():
    flying = replace(MOVING, books=Books(records=20, attempting=20), permits=20)

    assert blocked_by(replace(flying, retries_due=0, callbacks_due=0)) == ()


def test_an_ended_run_has_no_reason_whatever_else_is_wrong():
    ended = replace(
        MOVING,
        lifecycle=replace(
            RUNNING, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED, gate=Gate.OPEN
        ),
        engine_alive=False,
        store_fault="the disk is full",
    )

    assert blocked_by(ended) == ()


def test_a_finished_run_needs_no_engine():
    finished = replace(
        MOVING,
        books=Books(records=9, delivered=9),
        engine_alive=False,
        retries_due=0,
        callbacks_due=0,
    )

    assert blocked_by(finished) == ()


@pytest.mark.parametrize(
    "intake", [Intake.PENDING, Intake.EXTRACTING, Intake.FILTERING]
)
def test_an_intake_that_is_not_done_is_told_before_there_is_a_record(intake):
    fresh = Situation(
        lifecycle=Lifecycle(intake=intake), books=Books(), engine_alive=True
    )

    assert blocked_by(fresh) == (Blocked(Reason.INTAKE_NOT_DONE, 0, intake.value),)


def test_a_missing_engine_is_told_before_there_is_a_record():
    fresh = Situation(lifecycle=Lifecycle(), books=Books(), engine_alive=False)

    assert [one.reason for one in blocked_by(fresh)] == [Reason.NO_ENGINE]


@given(situations())
def test_every_record_that_does_not_move_is_counted_exactly_once(now):
    told = sum(one.count for one in blocked_by(now))

    ended = now.lifecycle.is_ended
    assert told == (0 if ended else now.books.remaining - now.books.attempting)


@given(situations())
def test_no_reason_is_told_twice_nor_out_of_order(now):
    order = [list(Reason).index(one.reason) for one in blocked_by(now)]

    # What could start is told first: only the last of the order may stand before it.
    rest = order[1:] if order[:1] == [len(Reason) - 1] else order
    assert rest == sorted(set(rest))


@given(situations(), st.sampled_from(RecordState), st.booleans())
def test_one_record_is_held_by_a_reason_that_its_run_tells_too(now, state, is_due):
    # Only a retry and a callback have a time of their own that may be ahead.
    is_due = is_due or state not in (RecordState.RETRY, RecordState.CALLBACK)
    reason = blocked_record(state, now, is_due=is_due)

    if state.is_final or state is RecordState.ATTEMPTING:
        assert reason == ""
    else:
        assert reason in list(Reason)
    if reason and now.books.count(state) and not now.lifecycle.is_ended:
        told = {one.reason for one in blocked_by(now)}
        timed = state in (RecordState.RETRY, RecordState.CALLBACK)
        held = state is RecordState.PENDING and now.held_pending
        assert reason in told or timed or held


@given(situations(), st.sampled_from(RecordState))
def test_a_record_whose_window_is_closed_is_held_by_that_unless_its_run_is(now, state):
    reason = blocked_record(state, now, is_due=False, is_held=True)

    timed = (
        RecordState.PENDING,
        RecordState.CLAIMED,
        RecordState.RETRY,
        RecordState.CALLBACK,
    )
    in_general = blocked_record(state, now, is_due=True)
    whole = {one for one, _, _ in WHOLE} | {Reason.BREAKER_OPEN}
    if state in timed and in_general not in whole:
        assert reason == "outside window"
    else:
        assert reason == in_general


def test_what_rests_until_its_window_opens_is_told_apart_from_what_could_start():
    resting = replace(
        MOVING, held_pending=60, held_retries=7, held_callbacks=6, opens_s=4_530.0
    )

    assert blocked_by(resting) == (
        Blocked(Reason.DISPATCHABLE, 57),
        Blocked(Reason.OUTSIDE_WINDOW, 73, "first opens in 1 h 15 min"),
        Blocked(Reason.RETRY_BACKOFF, 20, "next retry in 12 s"),
        Blocked(Reason.CALLBACK_NOT_DUE, 30, "next callback in 1 h 00 min"),
        Blocked(Reason.WAITING_EXTERNAL, 5),
    )


def test_a_window_that_is_closed_for_all_holds_what_could_start():
    shut = replace(MOVING, shut_s=90.0)

    assert blocked_by(shut)[0] == Blocked(
        Reason.OUTSIDE_WINDOW, 117, "opens in 1 min 30 s"
    )
    assert blocked_by(shut)[1:] == blocked_by(MOVING)[1:]


def test_a_window_holds_records_under_one_reason_whichever_way():
    both = replace(MOVING, shut_s=90.0, held_pending=60, opens_s=4_530.0)

    assert blocked_by(both)[0] == Blocked(
        Reason.OUTSIDE_WINDOW, 117, "opens in 1 min 30 s"
    )
    reasons = [one.reason for one in blocked_by(both)]
    assert reasons.count(Reason.OUTSIDE_WINDOW) == 1


@pytest.mark.parametrize(
    ("state", "is_due", "reason"),
    [
        (RecordState.PENDING, True, "dispatchable"),
        (RecordState.CLAIMED, True, "dispatchable"),
        (RecordState.RETRY, True, "dispatchable"),
        (RecordState.RETRY, False, "retry backoff"),
        (RecordState.CALLBACK, True, "dispatchable"),
        (RecordState.CALLBACK, False, "callback not due"),
        (RecordState.WAITING, True, "waiting on external"),
        (RecordState.ATTEMPTING, True, ""),
        (RecordState.DELIVERED, True, ""),
        (RecordState.UNKNOWN, True, ""),
        (RecordState.NOT_ATTEMPTED, True, ""),
    ],
)
def test_one_record_of_a_moving_run_is_held_by_its_own_state(state, is_due, reason):
    assert blocked_record(state, MOVING, is_due=is_due) == reason


@pytest.mark.parametrize("number", range(len(WHOLE)), ids=[one[0] for one in WHOLE])
def test_what_holds_the_run_holds_each_of_its_records(number):
    for state in (RecordState.PENDING, RecordState.RETRY, RecordState.WAITING):
        held = blocked_record(state, with_all_from(number), is_due=False)

        assert held == WHOLE[number][0]


def test_one_record_waits_for_a_permit_or_the_pace_as_its_run_does():
    full = replace(MOVING, permits=20)
    paced = replace(MOVING, rate_per_s=5.0, next_token_s=1.0)

    assert blocked_record(RecordState.PENDING, full, is_due=True) == "permits full"
    assert blocked_record(RecordState.PENDING, paced, is_due=True) == "pace"
    assert blocked_record(RecordState.RETRY, paced, is_due=False) == "retry backoff"


def test_who_stands_past_a_canary_waits_for_it_and_is_counted_once():
    told = "canary stage 1: 12 of 15 final"
    now = replace(MOVING, held_back=90, released_seq=15, canary=told)
    found = {one.reason: one for one in blocked_by(now)}

    assert found[Reason.WAITING_EXTERNAL] == Blocked(
        Reason.WAITING_EXTERNAL, BOOKS.waiting + 90, told
    )
    assert found[Reason.DISPATCHABLE].count == 27
    assert sum(one.count for one in found.values()) == LEFT


def test_a_pending_record_past_a_canary_waits_for_it():
    pending = RecordState.PENDING
    waits = blocked_record(pending, MOVING, is_due=True, is_held_back=True)

    assert waits == "waiting on external"
    assert blocked_record(pending, MOVING, is_due=True) == "dispatchable"


def test_an_engine_that_was_interrupted_is_told_how_and_what_goes_on():
    gone = replace(
        MOVING,
        engine_alive=False,
        heartbeat_age_s=42.0,
        interrupted="interrupted by a hang-up at 03:12",
    )

    assert blocked_by(gone)[0].detail == (
        "interrupted by a hang-up at 03:12; it goes on when one starts: watchfloor "
        "engine"
    )


def test_a_pace_that_nothing_names_holds_nobody():
    unnamed = replace(MOVING, next_token_s=0.2)
    only_permits = replace(unnamed, shared=(replace(FREE, rate_per_s=None),))

    assert blocked_by(unnamed)[0].reason is Reason.DISPATCHABLE
    assert blocked_by(only_permits)[0].reason is Reason.DISPATCHABLE


def test_a_shared_pace_that_one_run_alone_uses_is_told_whole():
    alone = replace(
        MOVING,
        next_token_s=0.2,
        shared=(replace(FREE, holders=(("run-1", 12),)), replace(FREE, scope="other")),
    )

    assert blocked_by(alone)[0].detail == ("5/s of other for 2 runs, next in 0.2 s")
    nobody = replace(alone, shared=(replace(FREE, holders=()),))
    assert blocked_by(nobody)[0].detail == "5/s of workspace, next in 0.2 s"


def test_a_shared_limit_without_permits_is_full_and_names_no_holder():
    shut = SharedUse(scope="workspace", permits=0, holders=())

    assert blocked_by(replace(MOVING, shared=(shut,)))[0] == Blocked(
        Reason.PERMITS_FULL, 117, "0 of 0 of workspace in flight"
    )


def test_one_holder_beyond_those_named_is_one_run():
    holders = tuple((f"run-{number}", 1_000) for number in range(4))
    crowded = replace(
        MOVING,
        shared=(replace(FULL, permits=4_000, in_flight=4_000, holders=holders),),
    )

    assert blocked_by(crowded)[0].detail == (
        "4,000 of 4,000 of channel:webhook in flight: run-0 1,000, run-1 1,000, run-2 "
        "1,000, 1 more run"
    )


def test_intents_ahead_of_the_permits_are_not_told_as_under_way():
    ahead = replace(MOVING, permits=12, oldest_s=3.0)

    assert blocked_by(ahead)[0].detail == "12 of 12 in flight, the oldest for 3 s"


def test_an_upload_whose_size_is_unknown_is_told_by_its_state_alone():
    life = Lifecycle(intake=Intake.EXTRACTING)
    books = Books(extracted=12, records=12, pending=12)
    sized = Situation(
        lifecycle=life, books=books, engine_alive=True, bytes_read=9, bytes_total=3
    )

    assert blocked_by(replace(sized, bytes_total=0))[0].detail == "extracting"
    assert blocked_by(replace(sized, books=Books()))[0].detail == "extracting"
    assert blocked_by(sized)[0].detail == (
        "extracting: 12 rows, 100 % of the upload read"
    )


def test_what_a_canary_holds_back_is_not_put_aside_as_suppressed_too():
    now = replace(MOVING, held_back=110, retries_due=0, callbacks_due=0)
    found = blocked_by(replace(now, suppressed_now=5))
    counts = {one.reason: one for one in found}

    assert Reason.DISPATCHABLE not in counts
    assert Reason.SUPPRESSION_PENDING not in counts
    assert counts[Reason.WAITING_EXTERNAL].count == 115


@pytest.mark.parametrize(
    ("now", "is_due", "reason"),
    [
        (MOVING, True, "suppression pending"),
        (MOVING, False, "suppression pending"),
        (replace(MOVING, permits=20), True, "permits full"),
        (replace(MOVING, shut_s=9.0), True, "outside window"),
    ],
)
def test_a_suppressed_retry_is_held_by_that_where_nothing_holds_it_before(
    now, is_due, reason
):
    held = blocked_record(RecordState.RETRY, now, is_due=is_due, is_suppressed=True)

    assert held == reason


def test_each_reason_tells_its_own_detail():
    now = replace(MOVING, suppressed_retries=2, next_retry_s=None, next_callback_s=None)

    assert [(one.reason, one.detail) for one in blocked_by(now)] == [
        (Reason.DISPATCHABLE, ""),
        (
            Reason.SUPPRESSION_PENDING,
            "put aside, not contacted, when their turn comes",
        ),
        (Reason.RETRY_BACKOFF, ""),
        (Reason.CALLBACK_NOT_DUE, ""),
        (Reason.WAITING_EXTERNAL, ""),
    ]
