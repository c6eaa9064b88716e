from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass
from watchfloor.domain.records import (
    STATE_WORDS,
    Circumstances,
    RecordState,
    RejectKind,
    Verdict,
    dropped,
    judge,
    too_late,
)
from watchfloor.domain.retries import RetryPolicy

POLICY = RetryPolicy(
    attempts=3, backoff_ms=1_000, max_backoff_ms=8_000, max_age_ms=60_000
)
NOW = 1_000_000
FIRST = Circumstances(tries=1, first_at_ms=NOW - 200, now_ms=NOW)
LAST = replace(FIRST, tries=3)
ENDING = replace(FIRST, may_retry=False)
OLD = replace(FIRST, first_at_ms=NOW - 60_000)

DELIVERED = Verdict(RecordState.DELIVERED)
FAILED = Verdict(RecordState.FAILED, why="permanent: never retried")
RETRY = Verdict(RecordState.RETRY, NOW + 500, "will be tried again")
UNKNOWN = Verdict(RecordState.UNKNOWN, why="may have been delivered")
PROMISED = Verdict(
    RecordState.CALLBACK,
    NOW + 1_000,
    "asked to be contacted later",
    # A promise may be kept until two days after its time.
    NOW + 1_000 + 48 * 3_600_000,
)
SPENT = "no retry: 3 of 3 made"
ENDS = "no retry: the run is ending"
AGED = "no retry: the first attempt is too long ago"


def outcome(outcome_class, **particulars):
    return Outcome(outcome_class=outcome_class, code="x", **particulars)


#: delivery.md, outcome classes: by class and delivery, what becomes of the record at
#: the first attempt, at the last one, while the run is ending, and past the age cap.
RULES = [
    # A delivery is a delivery, whatever the circumstances.
    ("DELIVERED", "AT_MOST_ONCE", [DELIVERED] * 4),
    ("DELIVERED", "IDEMPOTENT", [DELIVERED] * 4),
    # "permanent, never retried".
    ("PERMANENT", "AT_MOST_ONCE", [FAILED] * 4),
    ("PERMANENT", "IDEMPOTENT", [FAILED] * 4),
    # "transient, retry is safe in every mode"; attempt cap and age cap.
    *(
        (
            "TRANSIENT",
            delivery,
            [
                RETRY,
                Verdict(RecordState.FAILED, why=SPENT),
                Verdict(RecordState.FAILED, why=ENDS),
                Verdict(RecordState.FAILED, why=AGED),
            ],
        )
        for delivery in ("AT_MOST_ONCE", "IDEMPOTENT")
    ),
    # "unknown unless idempotent"; unknown is "never inside 'failed'".
    ("AMBIGUOUS", "AT_MOST_ONCE", [UNKNOWN] * 4),
    (
        "AMBIGUOUS",
        "IDEMPOTENT",
        [
            RETRY,
            Verdict(RecordState.UNKNOWN, why=SPENT),
            Verdict(RecordState.UNKNOWN, why=ENDS),
            Verdict(RecordState.UNKNOWN, why=AGED),
        ],
    ),
    # A promise is kept whatever was tried before: it is no retry.
    *(
        (
            "CALLBACK",
            delivery,
            [PROMISED] * 4,
        )
        for delivery in ("AT_MOST_ONCE", "IDEMPOTENT")
    ),
]
CASES = [
    pytest.param(name, delivery, seen, verdict, id=f"{name}-{delivery}-{when}")
    for name, delivery, verdicts in RULES
    for when, seen, verdict in zip(
        ("first", "last", "ending", "old"),
        (FIRST, LAST, ENDING, OLD),
        verdicts,
        strict=True,
    )
]


@pytest.mark.parametrize(("name", "delivery", "seen", "verdict"), CASES)
def test_an_outcome_is_judged_by_class_delivery_and_circumstances(
    name, delivery, seen, verdict
):
    judged = judge(outcome(OutcomeClass[name]), POLICY, Delivery[delivery], seen)

    assert judged == verdict


@pytest.mark.parametrize("delivery", Delivery)
def test_what_its_channel_keeps_is_never_sent_beside_it(delivery):
    kept = outcome(OutcomeClass.AMBIGUOUS, is_kept=True)
    assert judge(kept, POLICY, delivery, FIRST) == UNKNOWN


def test_every_class_and_delivery_has_its_rule():
    assert {(name, delivery) for name, delivery, _ in RULES} == {
        (one.name, delivery.name) for one in OutcomeClass for delivery in Delivery
    }


@pytest.mark.parametrize(
    ("tries", "state"),
    [(1, "RETRY"), (2, "RETRY"), (3, "FAILED"), (4, "FAILED")],
)
def test_the_attempt_cap_counts_the_first_attempt(tries, state):
    seen = replace(FIRST, tries=tries)

    judged = judge(outcome(OutcomeClass.TRANSIENT), POLICY, Delivery.IDEMPOTENT, seen)

    assert judged.state is RecordState[state]


def test_a_spent_record_says_how_many_attempts_were_made():
    seen = replace(FIRST, tries=4)

    judged = judge(outcome(OutcomeClass.TRANSIENT), POLICY, Delivery.IDEMPOTENT, seen)

    assert judged.why == "no retry: 4 made, callbacks too; the limit is 3"


@pytest.mark.parametrize(("late_ms", "state"), [(0, "RETRY"), (1, "FAILED")])
def test_the_age_cap_is_measured_to_the_next_attempt(late_ms, state):
    next_at = NOW + 500
    seen = replace(FIRST, first_at_ms=next_at - POLICY.max_age_ms - late_ms)

    judged = judge(outcome(OutcomeClass.TRANSIENT), POLICY, Delivery.AT_MOST_ONCE, seen)

    assert judged.state is RecordState[state]


def test_a_retry_waits_as_long_as_the_provider_asked():
    busy = outcome(OutcomeClass.TRANSIENT, retry_after_ms=3_000)

    judged = judge(busy, POLICY, Delivery.AT_MOST_ONCE, FIRST)

    assert judged.next_at_ms == NOW + 3_000


def test_a_retry_is_later_with_every_attempt_and_by_chance():
    seen = replace(FIRST, tries=2, chance=0.75)

    judged = judge(outcome(OutcomeClass.TRANSIENT), POLICY, Delivery.AT_MOST_ONCE, seen)

    assert judged.next_at_ms == NOW + 1_500


def test_a_callback_is_promised_for_the_time_asked():
    asked = outcome(OutcomeClass.CALLBACK, due_at_ms=NOW + 7_000)

    judged = judge(asked, POLICY, Delivery.AT_MOST_ONCE, FIRST)

    assert judged.next_at_ms == NOW + 7_000


@pytest.mark.parametrize("due_at_ms", [0, NOW - 1, NOW, NOW + 999])
def test_a_callback_is_never_made_at_once(due_at_ms):
    asked = outcome(OutcomeClass.CALLBACK, due_at_ms=due_at_ms)

    assert judge(asked, POLICY, Delivery.IDEMPOTENT, FIRST).next_at_ms == NOW + 1_000


def test_a_callback_waits_for_what_the_provider_asked():
    asked = outcome(OutcomeClass.CALLBACK, retry_after_ms=5_000)

    assert judge(asked, POLICY, Delivery.IDEMPOTENT, FIRST).next_at_ms == NOW + 5_000


@pytest.mark.parametrize(
    ("tries", "state"),
    [(POLICY.attempts + 4, "CALLBACK"), (POLICY.attempts + 5, "ABANDONED")],
)
def test_promises_are_not_made_for_ever(tries, state):
    seen = replace(FIRST, tries=tries)

    judged = judge(outcome(OutcomeClass.CALLBACK), POLICY, Delivery.IDEMPOTENT, seen)

    assert judged.state is RecordState[state]


def test_a_transient_failure_after_a_doubtful_one_ends_unknown():
    spent = replace(LAST, in_doubt=True)
    failure = outcome(OutcomeClass.TRANSIENT)

    judged = judge(failure, POLICY, Delivery.IDEMPOTENT, spent)

    assert judged == Verdict(RecordState.UNKNOWN, why=SPENT)


def test_a_permanent_answer_after_a_doubtful_one_ends_failed():
    seen = replace(FIRST, in_doubt=True)
    failure = outcome(OutcomeClass.PERMANENT)

    assert judge(failure, POLICY, Delivery.IDEMPOTENT, seen) == FAILED


def test_a_permanent_answer_says_nothing_of_a_doubtful_attempt_under_no_key():
    seen = replace(FIRST, in_doubt=True)
    failure = outcome(OutcomeClass.PERMANENT)

    judged = judge(failure, POLICY, Delivery.AT_MOST_ONCE, seen)

    assert judged == Verdict(
        RecordState.UNKNOWN,
        why="refused for good, and an earlier attempt may have been delivered",
    )


def test_no_callback_is_promised_while_the_run_is_being_cancelled():
    seen = replace(FIRST, may_promise=False)

    judged = judge(outcome(OutcomeClass.CALLBACK), POLICY, Delivery.AT_MOST_ONCE, seen)

    assert judged == Verdict(RecordState.ABANDONED, why="the run is being cancelled")


def test_circumstances_are_hopeful_unless_told_otherwise():
    assert FIRST.may_retry
    assert FIRST.may_promise
    assert FIRST.chance == 0.5


def test_the_stored_numbers_and_the_words_of_states_never_change():
    assert {state.word: int(state) for state in RecordState} == {
        "pending": 0,
        "claimed": 1,
        "attempting": 2,
        "retry": 3,
        "callback": 4,
        "waiting": 5,
        "delivered": 6,
        "failed": 7,
        "unknown": 8,
        "not_attempted": 9,
        "expired": 10,
        "abandoned": 11,
    }
    assert {word: state.word for word, state in STATE_WORDS.items()} == {
        word: word for word in STATE_WORDS
    }
    assert len(STATE_WORDS) == 12


def test_a_record_is_final_from_delivered_on():
    assert [state.word for state in RecordState if state.is_final] == [
        "delivered",
        "failed",
        "unknown",
        "not_attempted",
        "expired",
        "abandoned",
    ]


def test_a_row_becomes_no_record_for_one_of_four_reasons():
    assert list(RejectKind) == ["invalid", "duplicate", "suppressed", "filtered"]


def test_a_promise_expires_so_long_after_its_due_time_as_the_campaign_says():
    seen = replace(FIRST, promise_ms=60_000)
    asked = outcome(OutcomeClass.CALLBACK, due_at_ms=NOW + 9_000)

    judged = judge(asked, POLICY, Delivery.IDEMPOTENT, seen)

    assert (judged.next_at_ms, judged.expires_at_ms) == (NOW + 9_000, NOW + 69_000)


def test_only_a_promise_expires():
    for name in ("DELIVERED", "PERMANENT", "TRANSIENT", "AMBIGUOUS"):
        judged = judge(outcome(OutcomeClass[name]), POLICY, Delivery.IDEMPOTENT, FIRST)
        assert judged.expires_at_ms is None


S = RecordState


@pytest.mark.parametrize(
    ("state", "earlier", "in_doubt", "becomes"),
    [
        (S.PENDING, 0, False, S.NOT_ATTEMPTED),
        (S.PENDING, S.DELIVERED, False, S.DELIVERED),
        (S.PENDING, S.FAILED, False, S.FAILED),
        (S.RETRY, 0, False, S.FAILED),
        (S.RETRY, 0, True, S.UNKNOWN),
        (S.RETRY, S.DELIVERED, False, S.DELIVERED),
        (S.RETRY, S.FAILED, False, S.FAILED),
        (S.RETRY, S.DELIVERED, True, S.UNKNOWN),
        (S.CALLBACK, 0, False, S.ABANDONED),
        (S.CALLBACK, 0, True, S.UNKNOWN),
        (S.CALLBACK, S.DELIVERED, False, S.ABANDONED),
    ],
)
def test_who_is_dropped_stays_what_was_reached_and_is_never_guessed(
    state, earlier, in_doubt, becomes
):
    assert dropped(state, earlier=earlier, in_doubt=in_doubt) is becomes


@pytest.mark.parametrize(
    ("earlier", "in_doubt", "becomes"),
    [
        (0, False, S.EXPIRED),
        (S.DELIVERED, False, S.DELIVERED),
        (S.FAILED, False, S.FAILED),
        (0, True, S.UNKNOWN),
        (S.DELIVERED, True, S.UNKNOWN),
    ],
)
def test_what_comes_too_late_expires_unless_an_earlier_step_or_a_doubt_says_more(
    earlier, in_doubt, becomes
):
    assert too_late(earlier=earlier, in_doubt=in_doubt) is becomes
