from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.console.paper_runs import MINUTE_MS, NOON_MS, a_run, balanced

from watchfloor.console.diagnosis import Check, Verdict, checks
from watchfloor.console.keymap import Keymap
from watchfloor.domain.blocked_by import Blocked, Reason
from watchfloor.domain.books import Books
from watchfloor.domain.health import Health
from watchfloor.domain.live import Diagnosis, FailureGroup, Failures, LiveRun
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    Intake,
    Lifecycle,
    Phase,
    RunOutcome,
    Verb,
)
from watchfloor.domain.views import Asked, EngineView, EventView, RunView

RUNNING = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
OVER = replace(RUNNING, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
ENGINE = EngineView(
    epoch=7,
    owner="ann",
    pid=4711,
    started_at_ms=NOON_MS - MINUTE_MS,
    heartbeat_at_ms=NOON_MS,
    released=False,
)
KEYS = Keymap()
GROUP = FailureGroup(
    RecordState.FAILED, OutcomeClass.PERMANENT, "wrong_number", "call", 12, 31
)


def told(run: RunView, live: dict[str, Any] | None = None, **more: Any) -> Diagnosis:
    how: dict[str, Any] = {"health": Health.OK, **(live or {})}
    one = LiveRun(run=run, **how)
    rest: dict[str, Any] = {"failures": Failures(), "engine": ENGINE, **more}
    rest.setdefault("as_of_ms", NOON_MS)
    return Diagnosis(live=one, **rest)


def run_of(lifecycle: Lifecycle = RUNNING, **states: int) -> RunView:
    return a_run(1, "Autumn", lifecycle, balanced(1_000, **states))


def check(diagnosis: Diagnosis, name: str) -> Check:
    return next(one for one in checks(diagnosis, KEYS) if one.name == name)


def evidence(diagnosis: Diagnosis, name: str) -> str:
    lines = check(diagnosis, name).evidence
    return "\n".join("".join(piece.text for piece in line) for line in lines)


def test_the_checks_stand_in_the_order_in_which_a_person_would_look():
    found = checks(told(run_of()), KEYS)
    assert [one.name for one in found] == [
        "engine",
        "health",
        "blocked by",
        "outcomes",
        "upload",
        "pace",
        "journal",
    ]
    assert [one.place for one in found] == [1, 2, 3, 4, 5, 6, 7]
    assert {one.judged.verdict for one in found} == {Verdict.OK}


def test_without_an_engine_a_live_run_is_in_trouble_and_an_ended_one_is_not():
    silent = replace(ENGINE, heartbeat_at_ms=NOON_MS - MINUTE_MS)
    judged = check(told(run_of(), engine=silent), "engine").judged
    assert judged.verdict is Verdict.WRONG
    assert "the last heartbeat was 14:01:11" in judged.finding
    assert "watchfloor engine" in judged.next_step
    over = check(told(run_of(OVER), engine=EngineView()), "engine").judged
    assert over.verdict is Verdict.OK
    assert "none ever ran here" in over.finding


@pytest.mark.parametrize(
    ("changes", "live", "verdict", "finding", "next_step"),
    [
        ({}, {}, Verdict.OK, "it moves as it should", ""),
        (
            {"cause": "401 from the provider"},
            {},
            Verdict.WRONG,
            "401 from the provider",
            "v shows what led to it",
        ),
        (
            {},
            {"health": Health.STALLED},
            Verdict.WRONG,
            "no outcome came since 14:02:10",
            "p pauses and u resumes it",
        ),
        (
            {"approve_after": 0},
            {},
            Verdict.LOOK,
            "It waits for your word after 0 attempts",
            "A gives it",
        ),
        (
            {},
            {
                "health": Health.BLOCKED,
                "blocked": (Blocked(Reason.GATE, 1_000, "paused by ann"),),
            },
            Verdict.LOOK,
            "Blocked: gate, paused by ann.",
            "u resumes it",
        ),
        (
            {},
            {
                "health": Health.BLOCKED,
                "blocked": (Blocked(Reason.STORE_NOT_WRITABLE, 1_000, "disk full"),),
            },
            Verdict.WRONG,
            "store not writable, disk full",
            "Make room",
        ),
        ({}, {"health": Health.BLOCKED}, Verdict.LOOK, "no reason was told", ""),
        (
            {},
            {"is_late": True, "expected_ms": 60_000},
            Verdict.LOOK,
            "by earlier runs it takes 0:01:00",
            "x shows earlier runs",
        ),
    ],
)
def test_a_runs_health_is_one_sentence_with_what_to_do(
    changes, live, verdict, finding, next_step
):
    judged = check(told(replace(run_of(), **changes), live), "health").judged
    assert judged.verdict is verdict
    assert finding in judged.finding
    assert next_step in judged.next_step


def test_an_ended_run_is_well_unless_it_failed():
    assert check(told(run_of(OVER)), "health").judged.verdict is Verdict.OK
    failed = run_of(replace(OVER, outcome=RunOutcome.FAILED))
    judged = check(told(failed), "health").judged
    assert judged.verdict is Verdict.WRONG
    assert "no cause was told" in judged.finding


@pytest.mark.parametrize(
    ("reason", "next_step"),
    [
        (Reason.NO_ENGINE, "watchfloor engine"),
        (Reason.GATE, "u resumes it"),
        (Reason.QUOTA, "watchfloor plan"),
        (Reason.PERMITS_FULL, "L changes its permits"),
        (Reason.PACE, "L changes its pace"),
        (Reason.CALLBACK_NOT_DUE, "4 shows what is promised"),
        (Reason.WAITING_EXTERNAL, "Somebody outside has to act"),
        (Reason.RETRY_BACKOFF, "it passes by itself"),
    ],
)
def test_what_holds_the_most_says_what_a_person_can_do_about_it(reason, next_step):
    live = {"blocked": (Blocked(Reason.OUTSIDE_WINDOW, 1), Blocked(reason, 999))}
    judged = check(told(run_of(), live), "blocked by").judged
    assert judged.verdict is Verdict.OK
    assert f"most: {reason.value} 999 and 1 other reason." in judged.finding
    assert next_step in judged.next_step


def test_a_run_that_asks_is_worth_a_look_and_names_the_key():
    live = {"blocked": (Blocked(Reason.WAITING_EXTERNAL, 1_000, "a person's word"),)}
    asking = replace(run_of(), approve_after=0)
    judged = check(told(asking, live), "blocked by").judged
    assert judged.verdict is Verdict.LOOK
    assert "A gives the word" in judged.next_step


def test_reasons_that_hold_too_many_are_wrong_and_free_records_are_not():
    live = {"blocked": (Blocked(Reason.PACE, 1_001),)}
    judged = check(told(run_of(), live), "blocked by").judged
    assert judged.verdict is Verdict.WRONG
    assert "books --audit" in judged.next_step
    free = check(told(run_of()), "blocked by").judged
    assert "Nothing holds the 1,000 records left" in free.finding
    none = check(told(run_of(delivered=1_000)), "blocked by").judged
    assert none.finding == "No record is left that could be held."


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ({}, Verdict.OK),
        ({"delivered": 90}, Verdict.OK),
        ({"delivered": 90, "failed": 10}, Verdict.LOOK),
        ({"delivered": 80, "failed": 15, "unknown": 5}, Verdict.WRONG),
        ({"failed": 19}, Verdict.LOOK),
    ],
)
def test_failures_are_wrong_when_they_are_a_great_part_of_many(states, verdict):
    assert check(told(run_of(**states)), "outcomes").judged.verdict is verdict


def test_the_largest_group_is_named_with_a_record_to_open():
    failures = Failures(groups=(GROUP,), looked_at=10_000, of=30_000)
    run = run_of(delivered=900, failed=12, unknown=1)
    diagnosis = told(run, failures=failures)
    judged = check(diagnosis, "outcomes").judged
    assert "12 failed and 1 unknown of 913" in judged.finding
    assert "most: permanent wrong_number (12)" in judged.finding
    assert "Enter opens record 31" in judged.next_step
    assert "6 lists the unknown ones" in judged.next_step
    shown = evidence(diagnosis, "outcomes")
    assert "only 10,000 of 30,000 looked at" in shown
    assert "permanent wrong_number  step call, as record 31" in shown
    assert "unknown                  1  <1%" in shown


def test_a_group_without_a_class_or_a_code_has_a_name_all_the_same():
    group = FailureGroup(RecordState.RETRY, None, "", "", 3, 1)
    diagnosis = told(
        run_of(retry=3), failures=Failures(groups=(group,), looked_at=3, of=3)
    )
    assert "most: no code (3)" in check(diagnosis, "outcomes").judged.finding
    assert "(all looked at)" in evidence(diagnosis, "outcomes")


def test_an_upload_is_judged_by_its_rejects_and_its_books():
    few = check(told(run_of(), rejects={"invalid": 10}), "upload").judged
    assert few.verdict is Verdict.OK
    assert "10 were rejected" in few.finding
    much = told(run_of(), rejects={"invalid": 10, "filtered": 200})
    assert check(much, "upload").judged.verdict is Verdict.LOOK
    shown = evidence(much, "upload")
    assert shown.index("filtered") < shown.index("invalid")
    lost = replace(run_of(), books=Books(extracted=10, records=9, pending=9))
    wrong = check(told(lost), "upload").judged
    assert wrong.verdict is Verdict.WRONG
    assert "10 rows extracted, 9 accounted for" in wrong.finding
    none = check(told(run_of()), "upload").judged
    assert "none was rejected" in none.finding


def test_the_pace_tells_the_end_and_whether_it_is_late():
    moving = told(run_of(), {"attempts_per_s": 12.0, "done_per_s": 1.0})
    judged = check(moving, "pace").judged
    assert judged.finding == "12.0/s now, ends about 14:19."
    late = told(run_of(), {"is_late": True, "expected_ms": 60_000})
    assert check(late, "pace").judged.verdict is Verdict.LOOK
    stalled = told(run_of(), {"health": Health.STALLED})
    assert check(stalled, "pace").judged.finding == "0/s now, no end in sight."
    assert check(stalled, "pace").judged.verdict is Verdict.LOOK
    over = check(told(run_of(OVER)), "pace").judged
    assert over.finding == "It took 0:34:00."
    queued = a_run(1, "Autumn", Lifecycle(), balanced(10))
    assert check(told(queued), "pace").judged.finding == "Not started yet."
    assert "no earlier run tells" in evidence(moving, "pace")


def test_the_end_that_callbacks_put_off_is_told_as_the_earliest():
    moving = told(run_of(callback=10), {"attempts_per_s": 12.0, "done_per_s": 1.0})
    assert check(moving, "pace").judged.finding == "12.0/s now, ends after 14:18."
    assert "ends after       2026-11-22 14:18:00 UTC" in evidence(moving, "pace")
    promises = run_of(callback=10, delivered=990)
    left = told(promises, {"attempts_per_s": 12.0, "done_per_s": 1.0})
    finding = check(left, "pace").judged.finding
    assert finding == "12.0/s now, what is left waits for its time."


def test_right_after_an_engines_start_the_pace_is_not_known_yet():
    young = replace(ENGINE, started_at_ms=NOON_MS - 5_000)
    judged = check(told(run_of(), engine=young), "pace").judged
    assert judged.verdict is Verdict.OK
    assert judged.finding == "The pace is not known yet."
    assert "finished         pace not known yet" in evidence(
        told(run_of(), engine=young), "pace"
    )


def test_records_to_try_again_alone_are_nothing_to_look_at():
    group = FailureGroup(
        RecordState.RETRY, OutcomeClass.TRANSIENT, "provider_busy", "call", 3, 7
    )
    failures = Failures(groups=(group,), looked_at=3, of=3)
    judged = check(told(run_of(delivered=9, retry=3), failures=failures), "outcomes")
    assert judged.judged.verdict is Verdict.OK
    assert judged.judged.finding == (
        "None failed of 9 finished; to try again, most: transient provider_busy (3)."
    )
    assert "Enter opens record 7" in judged.judged.next_step


def test_no_more_is_in_flight_than_there_are_permits():
    run = replace(run_of(attempting=20), permits=12)
    shown = evidence(told(run), "pace")
    assert "12 of 12 in flight, 8 more taken up" in shown


def test_nobody_is_named_in_full_in_a_cause_a_reason_or_a_code():
    person = "+49 151 2345678"
    event = EventView(
        entry_id=1,
        at_ms=NOON_MS,
        run_id="run-0001",
        event="stop",
        why=f"{person} complained",
        detail="asked by ann.lee@example.org",
    )
    group = FailureGroup(RecordState.FAILED, None, "49_151_2345678_blocked", "", 3, 7)
    asked = Asked(by="bob", at_ms=NOON_MS, why=f"for {person}")
    run = replace(
        run_of(replace(RUNNING, gate=Gate.PAUSED), failed=30),
        cause=f"refused {person}",
        gate_asked=asked,
    )
    diagnosis = told(
        run,
        {
            "health": Health.BLOCKED,
            "blocked": (Blocked(Reason.GATE, 970, f"paused by bob: {person}"),),
        },
        events=(event,),
        failures=Failures(groups=(group,), looked_at=3, of=3),
    )
    for one in (diagnosis, replace(diagnosis, live=replace(diagnosis.live, run=run))):
        said = "\n".join(
            f"{found.judged.finding}\n{evidence(one, found.name)}"
            for found in checks(one, KEYS)
        )
        assert "2345678" not in said
        assert "ann.lee" not in said
        assert said.count("+4***5678") > 3


def test_the_journal_tells_the_last_entry_or_what_was_asked_and_is_not_applied():
    event = EventView(
        entry_id=1,
        at_ms=NOON_MS,
        run_id="run-0001",
        event="pause",
        before="Running",
        after="Running + pausing",
        by="ann",
        why="wrong greeting",
    )
    older = replace(event, entry_id=0, event="admitted", by="", why="")
    diagnosis = told(run_of(), events=(older, event))
    last = "14:02:11 pause by ann, Running → Running + pausing: wrong greeting"
    assert check(diagnosis, "journal").judged.finding == f"Last: {last}."
    shown = evidence(diagnosis, "journal").split("\n")
    assert [last in line for line in shown] == [True, False]
    nothing = check(told(run_of()), "journal").judged
    assert "Nothing happened" in nothing.finding
    asked = replace(
        run_of(replace(RUNNING, gate=Gate.OPEN, intent=Verb.STOP)),
        intent_asked=Asked(by="bob", at_ms=NOON_MS, why="done"),
    )
    judged = check(told(asked), "journal").judged
    assert judged.verdict is Verdict.LOOK
    assert judged.finding == (
        "stop is asked for by bob 14:02:11: done and not applied yet."
    )


def test_keys_are_named_as_the_operator_changed_them():
    keymap, mistakes = KEYS.remapped({"run.resume": "U"})
    assert mistakes == []
    live = {"health": Health.BLOCKED, "blocked": (Blocked(Reason.GATE, 1_000),)}
    found = checks(told(run_of(), live), keymap)
    assert "U resumes it" in found[1].judged.next_step
