"""Paragraphs about runs and records, word for word; the lines are in test_sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.domain.test_sentences import (
    BOOKS,
    LIFE,
    MINUTE_MS,
    NOON_MS,
    RUN,
    SLOW,
    paused,
    record,
    told,
)

from watchfloor.domain.books import Books
from watchfloor.domain.explanations import (
    ToldRecord,
    explanation,
    next_step,
    record_explanation,
)
from watchfloor.domain.health import Health
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Intake, Lifecycle, Phase, Results, RunOutcome
from watchfloor.domain.sentences import sentence
from watchfloor.domain.slowdown import Change


def test_the_paragraph_of_a_healthy_run_is_told_word_for_word():
    run = replace(RUN, books=replace(BOOKS, records=2_000, extracted=2_000, unknown=1))
    run = replace(run, books=replace(run.books, pending=1_369))

    assert explanation(told(run, now={"permits": 50})) == (
        "Run r-1 of Autumn is Running: 31 % done, moves as it should, 11/s lately. Of "
        "2,000 records 621 are done (600 delivered, 20 failed, 1 unknown), 10 in "
        "flight, 1,369 left. 1,369 records could start this moment. The last outcome "
        "came 4 s ago, at 14:02. Next: nothing has to be done."
    )


def test_a_run_without_a_record_and_without_an_outcome_says_so():
    life = Lifecycle(intake=Intake.EXTRACTING)
    fresh = replace(
        RUN, lifecycle=life, books=Books(), started_at_ms=None, progress_at_ms=None
    )

    assert sentence(told(fresh)) == "not started, reads its upload: extracting"
    assert explanation(told(fresh)) == (
        "Run r-1 of Autumn is Queued + extracting: not started, reads its upload: "
        "extracting. It has no record yet. Held: intake not done (extracting). Next: "
        "nothing has to be done."
    )


def test_intents_ahead_of_the_permits_are_left_and_not_in_flight():
    ahead = told(replace(RUN, permits=4), now={"permits": 50})

    assert "4 in flight, 376 left" in explanation(ahead)
    none = told(replace(RUN, permits=0), now={"permits": 50})
    assert "10 in flight, 370 left" in explanation(none)


def test_what_holds_records_is_told_reason_by_reason():
    books = replace(BOOKS, pending=340, callback=10, retry=20)
    now = {"permits": 10, "next_retry_s": 90.0, "retries_due": 1}

    assert (
        "Held: 341 by permits full (10 of 10 in flight); 19 by retry backoff (next "
        "retry in 1 min 30 s); 10 by callback not due."
    ) in explanation(told(replace(RUN, books=books), now=now))


def ended(outcome=RunOutcome.COMPLETED, books=None, **values: Any):
    life = replace(LIFE, phase=Phase.ENDED, outcome=outcome)
    books = books or Books(extracted=1, records=1, delivered=1, attempts=1)
    values = {"ended_at_ms": NOON_MS, **values}
    return replace(RUN, lifecycle=life, books=books, **values)


def test_the_paragraph_of_an_ended_run_is_told_word_for_word():
    books = Books(
        extracted=3_010,
        records=3_010,
        delivered=1_500,
        failed=1_200,
        unknown=300,
        not_attempted=7,
        expired=2,
        abandoned=1,
        attempts=4_000,
    )
    run = ended(RunOutcome.FAILED, books, cause="the token is missing")
    run = replace(
        run,
        retried_by="r-2",
        lifecycle=replace(run.lifecycle, results=Results.COLLECTING),
    )

    assert explanation(told(run)) == (
        "Run r-1 of Autumn is Failed + collecting: the token is missing; 1,500 "
        "delivered, 1,200 failed, 300 unknown to resolve, 10 not attempted of 3,010 "
        "records. It failed: the token is missing. 4,000 attempts were made. It was "
        "retried by r-2. Late results are still taken. Next: mend the cause and launch "
        "again; resolve 300 unknown: watchfloor unknowns r-1 lists them, watchfloor "
        "resolve r-1 SEQ --as delivered --reason TEXT (or --as not-delivered) stores "
        "what somebody knows; where the channel can ask its provider, watchfloor "
        "look-up r-1 does; see why 1,200 failed, and retry what was transient: "
        "watchfloor triage r-1."
    )


def test_a_run_that_contacted_nobody_and_failed_for_no_told_cause_says_both():
    run = ended(RunOutcome.FAILED, Books())

    assert explanation(told(run)) == (
        "Run r-1 of Autumn is Failed; 0 delivered, 0 failed of 0 records. It failed: "
        "no cause was told. Nobody was contacted. Next: mend the cause and launch "
        "again."
    )


def test_an_ended_run_that_is_well_asks_for_nothing():
    run = ended()

    assert explanation(told(run)) == (
        "Run r-1 of Autumn is Completed; 1 delivered, 0 failed of 1 record. 1 attempt "
        "was made. Next: nothing has to be done."
    )
    assert next_step(told(run)) == "nothing has to be done"


def test_books_that_do_not_balance_are_told_before_all_else():
    wrong = replace(RUN, books=replace(BOOKS, records=999))
    over = ended(books=Books(extracted=1, records=1, attempts=1))

    assert next_step(told(wrong)) == (
        "do not trust these figures: watchfloor books r-1 --audit, then call "
        "engineering"
    )
    assert f"Its books do not balance: {over.books.imbalance}." in explanation(
        told(over)
    )


def test_a_stalled_run_is_paused_and_resumed_before_engineering_is_called():
    assert next_step(told(health=Health.STALLED)) == (
        "pause and resume it; if it still stands call engineering, with: watchfloor "
        "events r-1, and: watchfloor doctor"
    )


def test_a_run_that_waits_for_an_approval_says_so_and_who_gives_it():
    asks = told(replace(RUN, approve_after=100))

    assert sentence(asks) == "62 % done, waits for a person's approval"
    assert next_step(asks) == "look at what was sent, then: watchfloor approve r-1"


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (
            {"engine_alive": False, "heartbeat_age_s": 9.0},
            "start an engine: watchfloor engine",
        ),
        (
            {"store_fault": "the disk is full"},
            "make room or mend the disk: watchfloor doctor",
        ),
        ({"quota": "PLAN_LIMIT"}, "what the plan has left: watchfloor plan"),
        (
            {"breaker": "it opened"},
            (
                "check the provider; nothing is tried before somebody says: watchfloor "
                "resume r-1"
            ),
        ),
        (
            {"permits": 10},
            "more permits, if the provider bears them: watchfloor limit",
        ),
        (
            {"permits": 50, "rate_per_s": 2.0, "next_token_s": 0.4},
            "a faster pace, if the provider bears it: watchfloor limit",
        ),
        ({"permits": 50, "shut_s": 60.0}, "nothing has to be done"),
    ],
)
def test_what_a_person_can_do_about_what_holds_most_is_the_next_step(now, step):
    assert next_step(told(health=Health.BLOCKED, now=now)) == step


def test_an_engine_that_stands_still_is_looked_at_before_another_one_is_started():
    hanging = {"engine_alive": False, "heartbeat_age_s": 9.0, "owner_lives": True}

    assert next_step(told(health=Health.BLOCKED, now=hanging)) == (
        "look at that process, or: watchfloor engine --take-over"
    )


def test_of_one_that_this_account_cannot_look_at_its_owner_is_asked():
    silent = {"engine_alive": False, "heartbeat_age_s": 9.0, "owner_unseen": True}

    assert next_step(told(health=Health.BLOCKED, now=silent)) == (
        "whether its process lives cannot be told: its lock cannot be read from this "
        "account; ask whoever owns the workspace to look, from their account: "
        "watchfloor status"
    )


@pytest.mark.parametrize("silent", ["owner_lives", "owner_unseen"])
def test_who_is_silent_is_nowhere_called_no_engine(silent):
    now = {"engine_alive": False, "heartbeat_age_s": 9.0, silent: True}

    said = explanation(told(health=Health.BLOCKED, now=now))
    assert "Held: " in said
    assert "engine does not answer (last heartbeat 9 s ago" in said
    assert "no engine" not in said
    gone = {"engine_alive": False, "heartbeat_age_s": 9.0}
    assert "no engine (last" in explanation(told(health=Health.BLOCKED, now=gone))


NO_ENGINE = {"engine_alive": False, "heartbeat_age_s": 9.0}
SINCE = "no engine since 14:02"


@pytest.mark.parametrize(
    ("run", "now", "how", "step"),
    [
        (
            paused(),
            NO_ENGINE,
            f"{SINCE}; paused by nora since 13:32: lunch",
            (
                "start an engine: watchfloor engine. Then it is still paused: when the "
                "reason is gone: watchfloor resume r-1"
            ),
        ),
        (
            paused(),
            NO_ENGINE | {"breaker": "it opened"},
            f"{SINCE}; paused since 13:32: it opened",
            (
                "start an engine: watchfloor engine. Then it is still paused: check "
                "the provider; nothing is tried before somebody says: watchfloor "
                "resume r-1"
            ),
        ),
        (
            replace(paused(why="restored from a backup"), restored_from_ms=NOON_MS),
            NO_ENGINE,
            f"{SINCE}; paused by nora since 13:32: restored from a backup",
            (
                "start an engine: watchfloor engine. Then it is still paused: look "
                "with the provider whom it contacted since, then: watchfloor cancel "
                "r-1, or: watchfloor resume r-1, which asks for a number"
            ),
        ),
        (
            paused(by="engine", why="no room"),
            {"store_fault": "the disk is full"},
            (
                "store not writable: the disk is full; paused by engine since 13:32: "
                "no room"
            ),
            (
                "make room or mend the disk: watchfloor doctor. Then it is still "
                "paused: when the reason is gone: watchfloor resume r-1"
            ),
        ),
    ],
)
def test_a_closed_gate_is_told_behind_what_is_told_before_it(run, now, how, step):
    held = told(run, health=Health.BLOCKED, now=now)

    assert sentence(held) == f"62 % done, {how}"
    assert next_step(held) == step


def test_a_slow_run_is_looked_at_by_triage_or_by_what_coincides():
    slow = told(health=Health.SLOW, now={"slowdown": SLOW})
    alone = told(
        health=Health.SLOW, now={"slowdown": replace(SLOW, changes=()), "permits": 50}
    )

    assert next_step(slow) == (
        "undo what coincides if it was not meant so, or look at where it fails: "
        "watchfloor triage r-1"
    )
    assert next_step(alone) == "look at where it fails: watchfloor triage r-1"
    assert sentence(alone) == "62 % done, slow since 13:42"


def test_a_slowdown_from_the_start_names_its_changes_and_counts_the_rest():
    changes = tuple(
        Change(None if place == 0 else NOON_MS - place * MINUTE_MS, f"change {place}")
        for place in range(6)
    )
    slow = replace(SLOW, from_start=True, changes=changes, earlier=("r-0", "r-9"))
    said = explanation(told(health=Health.SLOW, now={"slowdown": slow}))

    assert (
        "Since 13:42, its start, it finishes 3.1/s where 2 earlier runs had 11/s at "
        "the same progress. What coincides: change 0; 14:01 change 1; 14:00 change 2; "
        "13:59 change 3; and 2 more changes. Next:"
    ) in said
    four = replace(slow, changes=changes[:4])
    assert "13:59 change 3. Next:" in explanation(
        told(health=Health.SLOW, now={"slowdown": four})
    )


def test_a_run_whose_permits_hang_tells_since_when_no_outcome_came():
    hung = told(health=Health.SLOW)
    begun = told(replace(RUN, progress_at_ms=None), Health.SLOW)
    fresh = told(replace(RUN, progress_at_ms=None, started_at_ms=None), Health.SLOW)
    said = "62 % done, slow: every permit is in use and no outcome came since"

    assert sentence(hung) == f"{said} 14:02"
    assert sentence(begun) == f"{said} 13:03"
    assert sentence(fresh) == f"{said} 14:02"
    assert "it finishes" not in explanation(hung)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "since 13:52, not tried yet."),
        ({"updated_at_ms": None}, "pending, not tried yet."),
        ({"attempts": 1}, "1 try so far."),
        (
            {
                "attempts": 2,
                "outcome_class": OutcomeClass.AMBIGUOUS,
            },
            "2 tries so far, the last one ambiguous.",
        ),
    ],
)
def test_how_often_a_record_was_tried_is_told(values, said):
    about = ToldRecord(
        run=told(now={"permits": 50}), record=record(RecordState.PENDING, **values)
    )

    assert said in record_explanation(about)


def test_a_record_names_its_step_only_where_there_are_several():
    waits = record(RecordState.PENDING)
    one = ToldRecord(run=told(now={"permits": 50}), record=waits, step="call")
    two = replace(one, steps=2)

    assert record_explanation(one) == (
        "Record 7 of run r-1 is pending since 13:52, not tried yet. It is held by: "
        "dispatchable, it could start this moment and waits for its turn in the "
        "upload."
    )
    assert record_explanation(two).startswith(
        "Record 7 of run r-1 is pending at step call since 13:52, not tried yet."
    )
    assert " at step" not in record_explanation(replace(two, step=""))


@pytest.mark.parametrize(
    ("values", "about"),
    [
        (
            {"is_held": True, "next_at_ms": NOON_MS + 90_000},
            "outside window, looked at again in 1 min 30 s, at 14:03",
        ),
        (
            {
                "next_at_ms": NOON_MS + 90_000,
                "expires_at_ms": NOON_MS + 25 * 60 * MINUTE_MS,
            },
            (
                "callback not due, due in 1 min 30 s, at 14:03, too late from 11-23 "
                "15:02 on"
            ),
        ),
        ({"next_at_ms": NOON_MS + 1}, "callback not due, due in 0 s, at 14:02"),
    ],
)
def test_a_callback_is_held_by_its_own_time_which_says_more_than_the_first_of_all(
    values, about
):
    # The run's own first callback is due much earlier.
    run = told(
        replace(RUN, books=replace(BOOKS, callback=9)),
        now={"permits": 50, "next_callback_s": 3.0, "held_callbacks": 4},
    )
    waits = record(RecordState.CALLBACK, **values)

    assert record_explanation(ToldRecord(run=run, record=waits)).endswith(
        f"It is held by: {about}."
    )


def test_a_record_whose_time_has_come_is_held_by_the_windows_of_all():
    run = told(now={"permits": 50, "shut_s": 60.0})
    waits = record(RecordState.RETRY, attempts=1, next_at_ms=NOON_MS)

    assert record_explanation(ToldRecord(run=run, record=waits)).endswith(
        "It is held by: outside window, opens in 1 min 00 s."
    )


def test_a_suppressed_record_that_is_not_due_keeps_its_own_time():
    run = told(now={"permits": 50})
    waits = record(RecordState.RETRY, attempts=1, next_at_ms=NOON_MS + 90_000)
    about = ToldRecord(run=run, record=waits, is_suppressed=True)

    assert record_explanation(about).endswith(
        "It is held by: suppression pending, its contact must not be contacted; it is "
        "put aside in its turn. Its own time: due in 1 min 30 s, at 14:03."
    )


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        (
            RecordState.DELIVERED,
            "",
            "It is delivered: nothing more happens to it.",
        ),
        (
            RecordState.FAILED,
            "",
            (
                "It failed for good: the engine tries it no more by itself. Its "
                "journey tells each try."
            ),
        ),
        (
            RecordState.UNKNOWN,
            "",
            (
                "Nobody knows whether its last attempt arrived: it waits for a person "
                "to resolve it, and is never tried again by itself. Next: watchfloor "
                "resolve r-1 7 --as delivered --reason TEXT (or --as not-delivered) "
                "stores what somebody knows; where the channel can ask its provider, "
                "watchfloor look-up r-1 7 does."
            ),
        ),
        (
            RecordState.NOT_ATTEMPTED,
            "",
            "The run ended before its turn: it was not contacted.",
        ),
        (
            RecordState.NOT_ATTEMPTED,
            "suppressed",
            "Its contact must not be contacted: it was not.",
        ),
        (
            RecordState.NOT_ATTEMPTED,
            "reached_before",
            (
                "The provider reported that an earlier attempt reached its contact: it "
                "is not contacted again. Its journey tells of which record."
            ),
        ),
        (
            RecordState.UNKNOWN,
            "reached_before",
            (
                "The provider reported that an earlier attempt reached its contact: it "
                "is not tried again, as it was to be. Next: say that it was delivered: "
                "watchfloor resolve r-1 7 --as delivered --reason TEXT."
            ),
        ),
        (
            RecordState.EXPIRED,
            "suppressed",
            "Its time was over before it could be contacted.",
        ),
        (RecordState.ABANDONED, "", "Its callback was dropped when the run ended."),
        (
            RecordState.ATTEMPTING,
            "",
            "It is in flight: its outcome is waited for.",
        ),
    ],
)
def test_where_a_record_ended_is_told_word_for_word(state, code, said):
    about = ToldRecord(run=told(), record=record(state, code=code))

    assert record_explanation(about).endswith(f"not tried yet. {said}")
