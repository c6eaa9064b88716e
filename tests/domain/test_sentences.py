from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.explanations import (
    ToldRecord,
    explanation,
    next_step,
    record_explanation,
)
from watchfloor.domain.failing import Failing
from watchfloor.domain.health import Health
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    Intake,
    Lifecycle,
    Phase,
    RunOutcome,
)
from watchfloor.domain.sentences import Told, needs_somebody, sentence
from watchfloor.domain.slowdown import Change, Slowdown
from watchfloor.domain.views import Asked, RecordView, RunView

NOON_MS = 1_763_820_131_000  # 2025-11-22 14:02:11 UTC
MINUTE_MS = 60_000
LIFE = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
BOOKS = Books(
    extracted=1_000,
    records=1_000,
    pending=370,
    attempting=10,
    delivered=600,
    failed=20,
    attempts=640,
)
RUN = RunView(
    run_id="r-1",
    campaign_id="c",
    campaign_name="Autumn",
    upload_id="u",
    upload_name="u.csv",
    lifecycle=LIFE,
    books=BOOKS,
    version=1,
    created_at_ms=NOON_MS - 60 * MINUTE_MS,
    started_at_ms=NOON_MS - 59 * MINUTE_MS,
    progress_at_ms=NOON_MS - 4_000,
    permits=10,
)
SLOW = Slowdown(
    since_ms=NOON_MS - 20 * MINUTE_MS,
    per_s=3.1,
    usual_per_s=11.2,
    earlier=("r-0",),
    changes=(Change(NOON_MS - 21 * MINUTE_MS, "limits changed by nora: 50 -> 5"),),
)


def told(run=RUN, health=Health.OK, now=None, **values: Any) -> Told:
    situation = Situation(
        run_id=run.run_id,
        lifecycle=run.lifecycle,
        books=run.books,
        engine_alive=True,
        heartbeat_age_s=0.4,
        permits=run.permits,
    )
    return Told(
        run=run,
        now=replace(situation, **(now or {})),
        health=health,
        now_ms=NOON_MS,
        per_s=values.pop("per_s", 11.0),
        **values,
    )


def paused(by="nora", why="lunch", gate=Gate.PAUSED):
    asked = Asked(by=by, at_ms=NOON_MS - 30 * MINUTE_MS, why=why)
    return replace(RUN, lifecycle=replace(LIFE, gate=gate), gate_asked=asked)


def test_a_healthy_run_tells_how_far_it_is_and_its_pace():
    assert sentence(told()) == "62 % done, moves as it should, 11/s lately"
    assert sentence(told(is_rated=False)) == (
        "62 % done, moves; its pace is not known yet"
    )


FAILING = Failing(40, 60, "transient http_503 from example.net")


def test_a_run_that_moves_and_mostly_fails_says_so_and_what_to_do():
    run = told(failing=FAILING, shuts_at_ms=NOON_MS + 417 * MINUTE_MS + 49_000)

    assert sentence(run) == (
        "62 % done, moves, but 40 of 60 fail: transient http_503 from example.net; "
        "the window shuts at 21:00"
    )
    assert next_step(run) == "look at what fails, and where: watchfloor triage r-1"
    assert "nothing has to be done" not in explanation(run)
    assert needs_somebody(run.run, run.health, FAILING)


def test_a_run_that_waits_and_mostly_fails_says_both():
    books = Books(extracted=60, records=60, retry=40, delivered=20, attempts=60)
    run = replace(RUN, books=books)
    waits = told(run, now={"next_retry_s": 300.0}, failing=FAILING)
    asks = told(replace(RUN, approve_after=100), failing=FAILING)

    assert sentence(waits) == (
        "33 % done, waits: 40 to be retried, next retry in 5 min 00 s; 40 of 60 fail: "
        "transient http_503 from example.net"
    )
    assert sentence(asks).endswith(
        "approval; 40 of 60 fail: transient http_503 from example.net"
    )


def test_a_slow_run_tells_since_when_why_and_when_its_window_shuts():
    slow = told(
        health=Health.SLOW,
        now={"slowdown": SLOW},
        worst="transient 421, 300 records",
        shuts_at_ms=NOON_MS + 417 * MINUTE_MS + 49_000,
    )

    assert sentence(slow) == (
        "62 % done, slow since 13:42: transient 421, 300 records; "
        "the window shuts at 21:00"
    )


def test_a_slow_run_whose_records_do_well_names_what_coincides():
    slow = told(health=Health.SLOW, now={"slowdown": SLOW})

    assert sentence(slow) == (
        "62 % done, slow since 13:42: limits changed by nora: 50 -> 5"
    )


def test_a_stalled_run_tells_since_when_and_how_many_could_start():
    stalled = told(health=Health.STALLED, now={"permits": 50})

    assert sentence(stalled) == (
        "62 % done, stalled since 14:02: 370 records could start and none does"
    )


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            {"engine_alive": False, "heartbeat_age_s": 1_200.0},
            "no engine since 13:42",
        ),
        (
            {"engine_alive": False, "heartbeat_age_s": 1_200.0, "owner_lives": True},
            "the engine hangs since 13:42",
        ),
        (
            {"engine_alive": False, "heartbeat_age_s": 1_200.0, "owner_unseen": True},
            "the engine does not answer since 13:42",
        ),
        (
            {"engine_alive": False, "heartbeat_age_s": None},
            "no engine ever ran here",
        ),
        (
            {"store_fault": "the disk is full"},
            "store not writable: the disk is full",
        ),
        (
            {"quota": "PLAN_LIMIT: records 10 of 10"},
            "quota: PLAN_LIMIT: records 10 of 10",
        ),
    ],
)
def test_what_holds_the_whole_run_is_told_with_since_when(now, said):
    assert sentence(told(health=Health.BLOCKED, now=now)) == f"62 % done, {said}"


def test_a_paused_run_tells_who_paused_it_when_and_why():
    run = paused()

    assert sentence(told(run, Health.BLOCKED)) == (
        "62 % done, paused by nora since 13:32: lunch"
    )


def test_an_open_breaker_is_told_as_what_paused_the_run():
    run = paused("engine", "the breaker of webhook a:1 opened: 100 attempts")
    now = {"breaker": "the breaker of webhook a:1 opened: 100 attempts"}

    assert sentence(told(run, Health.BLOCKED, now)) == (
        "62 % done, paused since 13:32: the breaker of webhook a:1 opened: 100 attempts"
    )
    assert "watchfloor resume r-1" in next_step(told(run, Health.BLOCKED, now))


def test_a_run_whose_canary_stopped_is_told_both_ways_on_and_the_evidence():
    why = "canary stage 1 stopped: 15 of 15 attempts failed for now"
    held = told(paused("engine", why), Health.BLOCKED)

    assert next_step(held) == (
        "look at the evidence: watchfloor canary r-1. To go on overrules its verdict "
        "and releases the next records: watchfloor resume r-1. The other way ends the "
        "run, and they are not attempted: watchfloor stop r-1"
    )
    ours = told(paused("nora", why), Health.BLOCKED)
    assert next_step(ours) == "when the reason is gone: watchfloor resume r-1"


def test_one_attempt_is_one():
    ended = replace(LIFE, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    books = Books(extracted=1, records=1, delivered=1, attempts=1)
    over = told(replace(RUN, lifecycle=ended, books=books))

    assert "1 attempt was made." in explanation(over)


def test_a_run_whose_records_all_wait_says_for_what():
    books = Books(extracted=10, records=10, callback=4, delivered=6, attempts=9)
    run = replace(RUN, books=books)
    waits = told(run, now={"next_callback_s": 300.0})

    assert sentence(waits) == (
        "60 % done, waits: 4 promised callbacks not due, next callback in 5 min 00 s"
    )


def test_an_ended_run_tells_its_outcome_its_counts_and_what_is_left_to_do():
    books = Books(
        extracted=10, records=10, delivered=6, failed=2, unknown=2, attempts=12
    )
    ended = replace(LIFE, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    over = told(replace(RUN, lifecycle=ended, books=books, ended_at_ms=NOON_MS))

    assert sentence(over).endswith(
        "6 delivered, 2 failed, 2 unknown to resolve of 10 records"
    )
    assert (
        "resolve 2 unknown: watchfloor unknowns r-1 lists them, watchfloor resolve "
        "r-1 SEQ --as delivered --reason TEXT (or --as not-delivered) stores what "
        "somebody knows"
    ) in explanation(over)
    assert "retry what was transient" in explanation(over)
    assert explanation(over).count(over.run.label) == 1


def test_a_failed_run_tells_its_cause_and_needs_somebody():
    ended = replace(LIFE, phase=Phase.ENDED, outcome=RunOutcome.FAILED)
    run = replace(RUN, lifecycle=ended, cause="the token is missing")

    assert "It failed: the token is missing." in explanation(told(run))
    assert needs_somebody(run, Health.OK)


@pytest.mark.parametrize(
    ("run", "health", "needs"),
    [
        (RUN, Health.OK, False),
        (RUN, Health.SLOW, True),
        (RUN, Health.STALLED, True),
        (paused(), Health.BLOCKED, True),
        (replace(RUN, approve_after=100), Health.OK, True),
        (replace(RUN, books=replace(BOOKS, records=999)), Health.OK, True),
    ],
)
def test_who_is_unwell_or_waits_for_a_word_needs_somebody(run, health, needs):
    assert needs_somebody(run, health) is needs


def test_the_paragraph_tells_what_how_many_since_when_why_and_what_next():
    said = explanation(
        told(health=Health.SLOW, now={"slowdown": SLOW, "oldest_s": 12.0})
    )

    assert said.startswith("Run r-1 of Autumn is Running: 62 % done, slow since 13:42")
    assert "620 are done (600 delivered, 20 failed, 0 unknown), 10 in flight" in said
    assert "370 by permits full (10 of 10 in flight, the oldest for 12 s)" in said
    assert "it finishes 3.1/s where 1 earlier run had 11/s at the same progress" in said
    assert "What coincides: 13:41 limits changed by nora: 50 -> 5" in said
    assert "Next: undo what coincides" in said


def test_a_slowdown_without_a_known_change_says_so():
    slow = told(health=Health.SLOW, now={"slowdown": replace(SLOW, changes=())})

    assert "No change of configuration coincides with it." in explanation(slow)


def record(state, **values: Any) -> RecordView:
    known: dict[str, Any] = {
        "seq": 7,
        "contact": "+491511234567",
        "step": "call",
        "updated_at_ms": NOON_MS - 10 * MINUTE_MS,
    }
    return RecordView(state=state, **{**known, **values})


def test_a_retry_tells_its_last_outcome_and_its_own_time():
    waits = record(
        RecordState.RETRY,
        attempts=2,
        outcome_class=OutcomeClass.TRANSIENT,
        code="http_503",
        next_at_ms=NOON_MS + 90_000,
    )
    about = ToldRecord(run=told(), record=waits, detail="come back later")

    assert record_explanation(about) == (
        "Record 7 of run r-1 is retry since 13:52, 2 tries so far, the last one "
        "transient http_503 (come back later). It is held by: retry backoff, due in "
        "1 min 30 s, at 14:03."
    )


def test_a_record_of_a_paused_run_is_held_by_the_gate_and_keeps_its_own_time():
    waits = record(RecordState.RETRY, attempts=1, next_at_ms=NOON_MS + 90_000)
    about = ToldRecord(
        run=told(paused(), Health.BLOCKED, {"gate_detail": "paused by nora"}),
        record=waits,
    )

    said = record_explanation(about)
    assert "held by: gate, paused by nora. Its own time: due in 1 min 30 s" in said
    assert said.endswith("Next: when the reason is gone: watchfloor resume r-1.")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RecordState.ATTEMPTING, "in flight"),
        (RecordState.DELIVERED, "delivered"),
        (RecordState.FAILED, "failed for good"),
        (RecordState.UNKNOWN, "waits for a person"),
        (RecordState.NOT_ATTEMPTED, "was not contacted"),
        (RecordState.EXPIRED, "time was over"),
        (RecordState.ABANDONED, "dropped"),
    ],
)
def test_a_record_that_nothing_holds_says_where_it_is(state, said):
    about = ToldRecord(run=told(), record=record(state))

    assert said in record_explanation(about)
    assert about.reason == ""


def test_an_unknown_record_names_the_verbs_that_settle_it():
    said = record_explanation(
        ToldRecord(run=told(), record=record(RecordState.UNKNOWN))
    )

    assert "watchfloor resolve r-1 7 --as delivered --reason TEXT (or" in said
    assert said.endswith("can ask its provider, watchfloor look-up r-1 7 does.")


def test_a_suppressed_record_is_told_to_be_put_aside():
    about = ToldRecord(
        run=told(now={"permits": 50}),
        record=record(RecordState.PENDING),
        is_suppressed=True,
    )

    assert about.reason == "suppression pending"
    assert "must not be contacted" in record_explanation(about)


def test_a_run_that_ends_tells_how_much_is_still_to_end():
    for phase in (Phase.STOPPING, Phase.CANCELLING):
        run = replace(RUN, lifecycle=replace(LIFE, phase=phase))
        assert sentence(told(run)) == (f"62 % done, {phase.value}: 10 attempts to end")


def test_a_run_that_reads_its_upload_says_how_far():
    life = Lifecycle(intake=Intake.FILTERING)
    books = Books(extracted=40, records=30, pending=30, unjudged=10)
    run = replace(RUN, lifecycle=life, books=books, started_at_ms=None)
    reads = told(run, now={"bytes_read": 5, "bytes_total": 10})

    assert sentence(reads) == (
        "not started, reads its upload: filtering: 40 rows, 50 % of the upload read, "
        "10 not judged yet"
    )


def test_a_run_that_nothing_holds_before_its_launch_waits_for_that():
    run = replace(
        RUN,
        lifecycle=Lifecycle(intake=Intake.DONE),
        books=Books(extracted=9, records=9, pending=9),
        started_at_ms=None,
    )

    assert sentence(told(run)) == "not started, waits to be launched"


@pytest.mark.parametrize(
    ("books", "now", "said"),
    [
        (
            {"pending": 4},
            {"held_pending": 4},
            "4 outside their window",
        ),
        (
            {"retry": 3, "callback": 1_000},
            {"next_callback_s": 60.0},
            "1,000 promised callbacks not due, next callback in 1 min 00 s",
        ),
        ({"waiting": 2}, {}, "2 waiting on something outside"),
        (
            {"retry": 3},
            {"suppressed_retries": 3},
            (
                "3 suppressed, to be put aside, put aside, not contacted, when their "
                "turn comes"
            ),
        ),
    ],
)
def test_a_run_that_only_waits_tells_the_wait_that_holds_most(books, now, said):
    books = Books(
        extracted=2_000,
        records=2_000,
        delivered=2_000 - sum(books.values()),
        attempts=2_000,
        **books,
    )
    share = {1_003: "49"}.get(2_000 - books.delivered, "99")

    assert sentence(told(replace(RUN, books=books), now=now)) == (
        f"{share} % done, waits: {said}"
    )


def test_a_gate_tells_what_is_known_of_who_closed_it():
    closed = replace(LIFE, gate=Gate.PAUSING)
    by_nobody = replace(RUN, lifecycle=closed)
    unsaid = replace(by_nobody, gate_asked=Asked(by="nora", at_ms=0, why=""))

    assert sentence(told(by_nobody, Health.BLOCKED)) == "62 % done, pausing"
    assert sentence(told(unsaid, Health.BLOCKED)) == "62 % done, pausing by nora"


def test_a_run_that_is_blocked_by_nothing_known_is_blocked():
    books = Books(extracted=9, records=9, delivered=9, attempts=9)

    assert sentence(told(replace(RUN, books=books), Health.BLOCKED)) == (
        "100 % done, blocked"
    )


def test_an_interrupted_run_goes_on_when_an_engine_starts():
    now = {
        "engine_alive": False,
        "heartbeat_age_s": 9.0,
        "interrupted": "interrupted by a hang-up at 03:12",
    }

    assert sentence(told(health=Health.BLOCKED, now=now)) == (
        "62 % done, interrupted by a hang-up at 03:12; goes on when an engine starts"
    )


@pytest.mark.parametrize(
    ("run", "now"),
    [
        (paused(), {}),
        (RUN, {"shut_s": 60.0}),
        (replace(RUN, books=Books(records=9, delivered=9)), {}),
    ],
)
def test_a_window_is_told_only_where_its_shutting_matters(run, now):
    shuts = told(run, now=now, shuts_at_ms=NOON_MS + MINUTE_MS)

    assert "the window shuts" not in sentence(shuts)
