from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.triage.paper_evidence import (
    BOOKS,
    ENGINE,
    HOUR_MS,
    MINUTE_MS,
    NOW_MS,
    OVER,
    PAUSED,
    QUEUED,
    RUNNING,
    a_record,
    attempts,
    child,
    closed_by,
    failing,
    finding,
    later,
    neighbour,
    told,
)

from watchfloor.domain.books import Books
from watchfloor.domain.evidence import (
    AttemptSample,
    Evidence,
    PlanState,
    Readings,
    RejectTally,
    Setup,
    StepSetup,
    Waiting,
)
from watchfloor.domain.failing import FailureGroup, Failures
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.domain.regions import Gate, Intake, Phase, RunOutcome, Verb
from watchfloor.domain.runbook import Section, Sign
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.slowdown import Change, Slowdown
from watchfloor.domain.views import Asked
from watchfloor.triage.checks import CHECKS, findings
from watchfloor.triage.verdict import CAUSES

DEAD: dict[str, Any] = {"engine_alive": False, "heartbeat_age_s": 40.0}
STALLED: dict[str, Any] = {"progress_at_ms": NOW_MS - 10 * MINUTE_MS}
FULL = replace(BOOKS, pending=496, attempting=8)
FAILED = RecordState.FAILED
REFUSED = (
    attempts(http_403=90).tallies[0]._replace(outcome_class=OutcomeClass.PERMANENT)
)


def only(**states: int) -> Books:
    """Return books with nothing but these states."""
    total = sum(states.values())
    return Books(extracted=total, records=total, attempts=total, **states)


def rejected(**kinds: int) -> Books:
    """Return books of which some of 1,000 rows were rejected."""
    left = 1_000 - sum(kinds.values())
    return Books(
        extracted=1_000, records=left, pending=left // 2, delivered=left - left // 2,
        attempts=left - left // 2, **kinds,
    )  # fmt: skip


def rejects(reason: str, rows: int, origin: str = "") -> dict[str, Any]:
    """Return what is known of rejected rows."""
    tally = RejectTally(RejectKind.INVALID, reason, origin, rows)
    return {"rejects": (tally,), "rejects_seen": rows}


def setup(**values: object) -> Setup:
    given = {"steps": (StepSetup("call", "webhook", 4),), "kind": "phone", **values}
    return Setup(**given)  # type: ignore[arg-type]  # handed on by name


def failed_group(outcome: OutcomeClass, records: int) -> Failures:
    group = FailureGroup(FAILED, outcome, "busy", "call", records, 31)
    return Failures(groups=(group,), looked_at=records, of=records)


#: A check, evidence on which it fails, with which level, and what it says then.
SICK: dict[str, tuple[str, Evidence, int, str]] = {
    "no engine": ("runtime", told(now=DEAD), 1, "No engine is alive"),
    "an engine that hangs": (
        "runtime",
        told(now={**DEAD, "engine_alive": True, "owner_lives": True}),
        2,
        "its process 4711 lives",
    ),
    "an engine that this account cannot look at": (
        "runtime",
        told(now={**DEAD, "owner_unseen": True}),
        2,
        "The engine does not answer: last heartbeat",
    ),
    "a store that takes nothing": (
        "store",
        told(now={"store_fault": "database or disk is full"}),
        2,
        "Nothing can be stored: database or disk is full",
    ),
    "a disk all but full": ("store", told(free_bytes=1 << 20), 1, "1 MiB"),
    "a failed run": (
        "status",
        told(
            replace(OVER, outcome=RunOutcome.FAILED), run={"cause": "no such template"}
        ),
        1,
        "no such template",
    ),
    "a command that nobody takes": (
        "status",
        told(waiting=Waiting(commands=2, oldest_at_ms=NOW_MS - 5 * MINUTE_MS)),
        2,
        "takes no commands: 2 commands, for 5 min",
    ),
    "a command that is not applied": (
        "status",
        told(
            replace(RUNNING, intent=Verb.STOP),
            run={"intent_asked": Asked(by="ann", at_ms=NOW_MS - 5 * MINUTE_MS)},
        ),
        2,
        "stop was asked for 5 min",
    ),
    "an intake that stands still": (
        "intake",
        later(told(QUEUED, only(pending=10), run={"bytes_read": 100})),
        2,
        "nothing was read in 3.0 s",
    ),
    "an upload that nobody reads": (
        "intake",
        told(replace(QUEUED, intake=Intake.PENDING)),
        2,
        "not read yet, 1 h 00 min after the launch, nor is any other",
    ),
    "a stall": ("progress", later(told(run=STALLED)), 3, "Stalled: 500 records"),
    "books that do not add up": (
        "expected",
        told(books=replace(BOOKS, delivered=489)),
        3,
        "do not add up",
    ),
    "a pause by the engine": (
        "gate",
        told(PAUSED, run=closed_by("engine", "permanent 40 % of 200 attempts")),
        1,
        "Paused by engine 1 min 00 s ago: permanent 40 %",
    ),
    "a pause that is forgotten": (
        "gate",
        told(PAUSED, run=closed_by("ann", "", ago_ms=48 * HOUR_MS)),
        1,
        "48 h 00 min ago",
    ),
    "a pause that breaks promises": (
        "gate",
        told(
            PAUSED,
            run={
                **closed_by("ann", "lunch", ago_ms=HOUR_MS),
                "next_callback_at_ms": NOW_MS - 5 * MINUTE_MS,
            },
            now={"callbacks_due": 3},
        ),
        1,
        "3 promised callbacks are due meanwhile, the first for 5 min",
    ),
    "an open breaker": (
        "breaker",
        told(PAUSED, now={"breaker": "the breaker of webhook opened: 100 in a row"}),
        2,
        "The breaker of webhook opened: 100 in a row.",
    ),
    "a word that nobody gives": (
        "approval",
        told(
            run={"approve_after": 500},
            now={"awaits_approval": True},
        ),
        1,
        "waits for a person's word after 510 attempts",
    ),
    "a plan that is used up": (
        "quota",
        told(now={"quota": "records 1,000 of 1,000"}),
        1,
        "used up: records 1,000 of 1,000",
    ),
    "permits that nothing gives back": (
        "permits",
        later(told(books=FULL, now={"oldest_s": 900.0}, run=STALLED)),
        2,
        "8 of 8 permits are held by attempts that do not end, the oldest for 15 min",
    ),
    "permits of a channel that nothing gives back": (
        "permits",
        later(
            told(
                run=STALLED,
                now={
                    "oldest_s": 900.0,
                    "shared": (
                        SharedUse(
                            scope="channel:webhook",
                            permits=4,
                            in_flight=4,
                            holders=(("261128-100000-aaaa", 4),),
                        ),
                    ),
                },
            )
        ),
        2,
        "4 of 4 permits of channel:webhook are held by attempts that do not end",
    ),
    "permits that others hold": (
        "shared",
        later(
            told(
                run=STALLED,
                now={
                    "shared": (
                        SharedUse(
                            scope="channel:webhook",
                            permits=16,
                            in_flight=16,
                            holders=(("261128-093000-cccc", 16),),
                        ),
                    )
                },
            )
        ),
        1,
        "by 261128-093000-cccc (16), and this run gets none",
    ),
    "a pace far too slow": (
        "pace",
        told(run={"rate_per_s": 0.01}, expected_ms=10 * MINUTE_MS),
        1,
        "earlier runs took 10 min 00 s",
    ),
    "a pace that nobody means": (
        "pace",
        told(run={"rate_per_s": 1 / 14_400}),
        1,
        "the 500 records left take 2000 h",
    ),
    "a window that never opens": (
        "window",
        told(books=only(pending=9), run={"held": 9}, now={"held_pending": 9}),
        1,
        "a window that never opens",
    ),
    "callbacks that nobody makes": (
        "callbacks",
        later(
            told(
                books=only(callback=9),
                run={**STALLED, "next_callback_at_ms": NOW_MS - 5 * MINUTE_MS},
                now={"callbacks_due": 3},
            )
        ),
        2,
        "3 callbacks are due and none starts, the first for 5 min",
    ),
    "retries that nobody makes": (
        "retried",
        later(
            told(
                books=only(retry=9),
                run={**STALLED, "next_retry_at_ms": NOW_MS - 5 * MINUTE_MS},
                now={"retries_due": 3},
            )
        ),
        2,
        "3 retries are due and none starts",
    ),
    "a permanent failure tried again": (
        "final",
        told(whole=replace(attempts(delivered=40), after_permanent=2)),
        3,
        "2 records of 40 looked at",
    ),
    "attempts without end": (
        "final",
        told(whole=replace(attempts(delivered=40), most_tries=90)),
        3,
        "attempted 90 times; the limit is 4",
    ),
    "a live twin": (
        "twin",
        told(neighbours=(neighbour(same_campaign=True, same_upload=True),)),
        1,
        "is this one again: same campaign, same file; it is live",
    ),
    "a run over the same people": (
        "twin",
        told(neighbours=(neighbour(same_campaign=True, looked_up=200, shared=190),)),
        1,
        "190 of 200 contacts looked up",
    ),
    "a file that was launched before": (
        "twin",
        told(
            neighbours=(
                neighbour(
                    same_campaign=True,
                    same_upload=True,
                    is_live=False,
                    ended_at_ms=NOW_MS - HOUR_MS,
                ),
            )
        ),
        1,
        "it ended 1 h 00 min ago",
    ),
    "a delivery made twice": (
        "deliveries",
        told(whole=replace(attempts(delivered=40), twice=1)),
        3,
        "1 record of 40 looked at were delivered twice",
    ),
    "a delivery made by the parent too": (
        "deliveries",
        told(relatives=(child(10, 0, looked_up=10, delivered_too=4),)),
        3,
        "4 of 10 delivered records",
    ),
    "a file of which most is repeated": (
        "recipients",
        told(books=rejected(duplicate=600)),
        1,
        "600 rows repeat a recipient (60 %)",
    ),
    "a storm of retries that the campaign allows": (
        "retry share",
        told(
            recent=attempts(again=150, delivered=150, busy=50),
            setup=setup(retry_share=0.9),
        ),
        2,
        "A storm of retries: 75 %",
    ),
    "a storm of retries": (
        "retry share",
        told(recent=attempts(again=150, delivered=150, busy=50)),
        2,
        "A storm of retries: 75 %",
    ),
    "a retry path that does not hold": (
        "retry path",
        told(relatives=(child(1, 14),)),
        2,
        "1 of 15 finished arrived",
    ),
    "a retry path that held before and does not now": (
        "retry path",
        told(relatives=(child(0, 2, run_id="new"), child(1, 14), child(15, 0))),
        2,
        "run 261128-101500-dddd: Completed, 1 of 15 finished arrived",
    ),
    "malformed rows": (
        "rejects",
        told(
            books=rejected(invalid=300),
            **rejects("not a valid phone number", 300, "+4915"),
        ),
        1,
        "most: not a valid phone number; they begin with +4915",
    ),
    "a column beside the right one": (
        "rejects",
        told(
            books=rejected(invalid=300),
            **rejects("not a valid phone number", 300),
            setup=setup(region="US"),
            readings=Readings(numbers=10, by_region={"US": 9}),
        ),
        1,
        "valid numbers in another column than the contact",
    ),
    "numbers of another region": (
        "region",
        told(
            books=rejected(invalid=300),
            **rejects("not a valid phone number", 300),
            setup=setup(region="US"),
            readings=Readings(numbers=10, by_region={"DE": 10, "FI": 10, "GB": 2}),
        ),
        1,
        "10 of 10 malformed numbers read again are valid in DE, FI, and were read by",
    ),
    "a wrong region": (
        "region",
        told(
            books=rejected(invalid=400),
            **rejects("no + and no region to read the number by", 400),
        ),
        1,
        "400 numbers cannot be read by no region",
    ),
    "a file that a spreadsheet spoilt": (
        "encoding",
        told(
            books=rejected(invalid=400),
            **rejects("spreadsheet notation: digits are lost", 400),
        ),
        1,
        "400 rows look spoilt",
    ),
    "a file in two encodings": (
        "encoding",
        told(
            books=rejected(invalid=400),
            **rejects("bytes in the row that are not utf-8", 400),
        ),
        1,
        "400 rows look spoilt: bytes in the row that are not utf-8",
    ),
    "a suppression list with everybody": (
        "suppression",
        told(books=rejected(suppressed=900)),
        1,
        "90 % of the rows must not be contacted",
    ),
    "records that became suppressed": (
        "suppression",
        told(records=(a_record(90, RecordState.NOT_ATTEMPTED, "suppressed"),)),
        1,
        "100 % of the records must not be contacted any more",
    ),
    "a filter that takes nobody": (
        "filter",
        told(
            replace(OVER),
            Books(extracted=500, filtered=500),
            setup=setup(filter='consent = "yes"'),
        ),
        1,
        "The filter leaves nobody",
    ),
    "credentials that are refused": (
        "access",
        told(PAUSED, run=closed_by("engine", "http_401: the key is not known")),
        1,
        "refuses our access: http_401",
    ),
    "codes that refuse us": (
        "access",
        told(recent=AttemptSample(tallies=(REFUSED,), records=90)),
        1,
        "http_403, 90 times of late",
    ),
    "a provider that asks for less": (
        "provider",
        told(recent=attempts(delivered=120, http_429=80)),
        3,
        "40 % of the newest attempts failed at the provider, most: http_429 (it asks",
    ),
    "a provider that is down": (
        "provider",
        told(recent=attempts(delivered=100, http_503=100)),
        3,
        "http_503 (it fails by itself)",
    ),
    "a provider that is silent": (
        "provider",
        told(recent=attempts(delivered=100, read_timeout=100)),
        3,
        "read_timeout (it does not answer in time)",
    ),
    "wrong numbers of a prefix": (
        "segment",
        told(
            records=(
                a_record(400, origin="+49170"),
                a_record(2, FAILED, "busy", origin="+49170"),
                a_record(5),
                a_record(95, FAILED, "wrong_number"),
            )
        ),
        1,
        "contacts of +49151: 95 of 100 fail, elsewhere under 1 %; most: wrong_number",
    ),
    "one domain that defers": (
        "segment",
        told(
            records=(
                a_record(400, origin="example.org"),
                a_record(60, RecordState.RETRY, "smtp_421", origin="example.net"),
            )
        ),
        2,
        "contacts of example.net: 60 of 60 fail",
    ),
    "several domains that fail together": (
        "segment",
        told(
            OVER,
            records=(
                a_record(68, origin="clinic.test"),
                a_record(42, RecordState.RETRY, "http_503", origin="example.net"),
                a_record(32, FAILED, "http_404", origin="example.com"),
                a_record(43, RecordState.RETRY, "http_503", origin="mail.example.com"),
            ),
        ),
        2,
        "domains mail.example.com, example.net and example.com: 117 of 117 fail, else",
    ),
    "a step that fails": (
        "segment",
        told(
            records=(
                *(a_record(9, origin=f"+4915{i}") for i in range(5)),
                *(a_record(9, FAILED, origin=f"+4916{i}", step="text") for i in "012"),
            )
        ),
        1,
        "step text: 27 of 27 fail",
    ),
    "many failures": (
        "outcomes",
        told(
            books=only(pending=100, delivered=60, failed=40),
            failures=failed_group(OutcomeClass.PERMANENT, 40),
        ),
        1,
        "40 of 100 finished failed (40 %), most: permanent busy at call",
    ),
    "an ended run of a few whom nothing reached": (
        "outcomes",
        told(
            OVER,
            only(delivered=1, failed=12, unknown=2),
            failures=failed_group(OutcomeClass.PERMANENT, 12),
        ),
        1,
        "Only 1 of 15 records arrived: 12 failed, 2 unknown; most: permanent busy at c",
    ),
    "an ended run whose records were all too late": (
        "outcomes",
        told(OVER, only(expired=9)),
        1,
        "None of 9 records arrived: 9 expired",
    ),
    "many unknown": (
        "unknown",
        told(books=only(pending=100, delivered=60, unknown=40)),
        2,
        "40 records may have been delivered",
    ),
    "a template that slows": (
        "slowdown",
        told(
            now={
                "slowdown": Slowdown(
                    since_ms=NOW_MS - HOUR_MS,
                    per_s=2.0,
                    usual_per_s=20.0,
                    changes=(Change(NOW_MS - HOUR_MS, "body of call"),),
                )
            }
        ),
        1,
        "2/s where earlier runs had 20/s; what changed then: body of call",
    ),
    "a run that should have ended": (
        "late",
        told(expected_ms=10 * MINUTE_MS, run={"spent_ms": {"active": HOUR_MS}}),
        1,
        "It should have ended: earlier runs take 10 min 00 s",
    ),
    "a slowness that nothing explains": (
        "slowdown",
        told(
            now={
                "slowdown": Slowdown(
                    since_ms=NOW_MS, per_s=2.0, usual_per_s=20.0, from_start=True
                )
            }
        ),
        2,
        "Slow since its start: 2/s",
    ),
}


@pytest.mark.parametrize("case", SICK)
def test_what_is_ill_fails_with_its_level_its_words_and_what_to_do(case):
    check, evidence, level, words = SICK[case]
    found = finding(evidence, check)
    assert found.sign is Sign.FAIL, found.finding
    assert found.level == level
    assert words in found.finding
    assert found.next_action
    assert found.figures


def test_every_check_that_can_fail_is_seen_to_fail():
    never = {"external"}
    assert {check for check, *_ in SICK.values()} == {
        one.name for one in CHECKS
    } - never


HEALTHY: dict[str, Evidence] = {
    "running": told(),
    "running, watched, and moving": later(told(), delivered=496, pending=494),
    "running, watched, and between two outcomes": later(told()),
    "taken up, and waiting for a slow pace": later(
        told(run={"rate_per_s": 1 / 600}, now={"oldest_s": 480.0})
    ),
    "full of permits and moving": later(
        told(books=FULL), delivered=500, attempting=8, pending=486
    ),
    "just launched": told(
        QUEUED,
        Books(),
        run={
            "created_at_ms": NOW_MS - 2_000,
            "started_at_ms": None,
            "launch_id": None,
            "progress_at_ms": None,
            "bytes_read": 0,
        },
        recent=AttemptSample(),
        whole=AttemptSample(),
        records=(),
    ),
    "started a moment ago": told(
        books=only(pending=1_000),
        run={"started_at_ms": NOW_MS - 1_000, "progress_at_ms": None},
        recent=AttemptSample(),
        whole=AttemptSample(),
        records=(),
    ),
    "completed": told(OVER, only(delivered=990, failed=10)),
    "completed without an engine": told(OVER, only(delivered=990, failed=10), now=DEAD),
    "paused by a person": told(PAUSED, run=closed_by("ann", "lunch")),
    "stopped by a person": told(
        replace(OVER, outcome=RunOutcome.STOPPED), only(delivered=9, not_attempted=91)
    ),
    "outside its window": told(
        now={"shut_s": 3_600.0},
        run={**STALLED, "shut_until_ms": NOW_MS + HOUR_MS},
        setup=setup(window="Mon Tue 09:00 to 17:00, zone recipient"),
    ),
    "waiting for callbacks": told(
        replace(RUNNING, phase=Phase.CALLBACK),
        only(delivered=90, callback=10),
        run={**STALLED, "next_callback_at_ms": NOW_MS + HOUR_MS},
        now={"next_callback_s": 3_600.0},
    ),
    "waiting for retries": told(
        books=only(delivered=90, retry=4),
        run={**STALLED, "next_retry_at_ms": NOW_MS + MINUTE_MS},
        now={"next_retry_s": 60.0},
    ),
    "a share of busy people": told(recent=attempts(delivered=140, busy=60)),
    "a campaign whose provider always fails a little": told(
        recent=attempts(delivered=172, http_503=28), baseline_transient=0.1
    ),
    "another run of the campaign with other people": told(
        neighbours=(neighbour(same_campaign=True, looked_up=200, shared=0),)
    ),
    "only retries are left": told(
        books=only(delivered=900, retry=50),
        recent=attempts(again=190, delivered=190, busy=10),
        now={"retries_due": 1},
    ),
    "a retry that held": told(relatives=(child(15, 0),)),
    "a retry that held after one that did not": told(
        relatives=(child(15, 0, run_id="new"), child(1, 14))
    ),
    "a canary's few that are tried again and again": told(
        books=only(pending=100, delivered=5, retry=10),
        recent=attempts(again=45, delivered=45, busy=15),
    ),
    "retries while a canary holds the others back": told(
        books=only(pending=100, retry=15),
        now={"held_back": 100, "retries_due": 5, "canary": "canary stage 1"},
        recent=attempts(again=150, delivered=150, busy=50),
    ),
    "retries while all others are outside their window": told(
        books=only(pending=100, retry=15),
        now={"shut_s": 3_600.0},
        recent=attempts(again=150, delivered=150, busy=50),
    ),
    "a plan with room": told(plan=PlanState(runs=1, most_runs=9)),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_on_a_healthy_run_no_check_fails(case):
    assert failing(HEALTHY[case]) == []


#: What a run waits for as intended, by the check that tells it.
HOLDS = {
    "gate": HEALTHY["paused by a person"],
    "window": HEALTHY["outside its window"],
    "callbacks": HEALTHY["waiting for callbacks"],
    "retried": HEALTHY["waiting for retries"],
    "intake": told(QUEUED, Books(extracted=5, pending=5, records=5)),
    "external": told(books=only(waiting=5), now={"waits_on": "a courier"}),
    "suppression": told(books=only(pending=5), now={"suppressed_now": 5}),
    "pace": told(run={"rate_per_s": 1.0}, now={"rate_per_s": 1.0, "next_token_s": 1.0}),
}


@pytest.mark.parametrize("check", HOLDS)
def test_what_a_run_waits_for_as_intended_is_said_and_is_no_failure(check):
    found = finding(HOLDS[check], check)
    assert found.holds
    assert found.sign is Sign.OK


#: What is worth a look and asks nobody to act.
LOOKS: dict[str, tuple[str, Evidence, str]] = {
    "a pause that does not settle": (
        "gate",
        told(
            replace(RUNNING, gate=Gate.PAUSING),
            run=closed_by("ann", "", ago_ms=HOUR_MS),
        ),
        "Pausing by ann",
    ),
    "an upload in a queue": (
        "intake",
        told(replace(QUEUED, intake=Intake.PENDING), reads="261128-093000-cccc"),
        "uploads are read one by one",
    ),
    "nobody to contact": (
        "expected",
        told(OVER, Books(extracted=9, invalid=9)),
        "none of 9 rows",
    ),
    "a month that is used up": (
        "quota",
        told(plan=PlanState(records=9, most_records=9)),
        "PLAN_LIMIT",
    ),
    "one old attempt": ("permits", told(now={"oldest_s": 900.0}), "15 min 00 s"),
    "a window far away": (
        "window",
        told(now={"shut_s": 9 * 24 * 3_600.0}),
        "opens in 216 h",
    ),
    "many that expired": (
        "window",
        told(books=only(delivered=80, expired=20)),
        "20 records expired (20 %)",
    ),
    "given up": (
        "retried",
        told(failures=failed_group(OutcomeClass.TRANSIENT, 40)),
        "40 records failed for a passing reason",
    ),
    "some shared people": (
        "twin",
        told(neighbours=(neighbour(looked_up=100, shared=10),)),
        "10 of 100 contacts",
    ),
    "a twin of a run that is over": (
        "twin",
        told(OVER, neighbours=(neighbour(same_fingerprint=True),)),
        "this one has ended",
    ),
    "a provider that knows the key": (
        "deliveries",
        told(whole=attempts(delivered=90, http_409=10)),
        "answered 10 times that it had the delivery already (http_409)",
    ),
    "many repeated rows": (
        "recipients",
        told(books=rejected(duplicate=300)),
        "300 rows repeat a recipient (30 %) and were left out",
    ),
    "some malformed rows": ("rejects", told(books=rejected(invalid=60)), "6 %"),
    "a filter that takes few": (
        "filter",
        told(
            books=Books(extracted=1_000, filtered=990, records=10, delivered=10),
            setup=setup(filter="vip"),
        ),
        "99 % of the rows",
    ),
    "a provider near its threshold": (
        "provider",
        told(recent=attempts(delivered=186, http_503=14)),
        "7 % of the newest",
    ),
    "a provider that failed in a run that is over": (
        "provider",
        told(OVER, recent=attempts(delivered=100, http_503=100)),
        "it has ended since",
    ),
    "some unknown": ("unknown", told(books=only(delivered=99, unknown=1)), "1 record"),
    "more retries than meant": (
        "retry share",
        told(recent=attempts(again=90, delivered=150, busy=50)),
        "45 % of the newest",
    ),
}


@pytest.mark.parametrize("case", LOOKS)
def test_what_is_worth_a_look_asks_nobody_to_act(case):
    check, evidence, words = LOOKS[case]
    found = finding(evidence, check)
    assert found.sign is Sign.WARN, found.finding
    assert words in found.finding
    assert found.next_action
    assert found.level == 0


def test_the_checks_stand_in_the_runbooks_order_and_each_has_a_place_among_causes():
    sections = [one.section for one in CHECKS]
    assert sections == sorted(sections, key=list(Section).index)
    names = [one.name for one in CHECKS]
    assert len(names) == len(set(names))
    assert sorted(names) == sorted(CAUSES)


def test_every_question_of_the_runbook_is_answered_by_a_check():
    asked = {number for one in CHECKS for number in one.asks}
    wanted = {f"1.{n}" for n in (3, 4, *range(5, 20), 20, 22, 23, 24, 25)}
    assert wanted | {"2.7", "2.8", "2.9", "2.10", "2.11"} <= asked | {"1.21"}


def test_a_finding_names_the_run_where_a_verb_needs_it():
    found = finding(SICK["a word that nobody gives"][1], "approval")
    assert "watchfloor approve 261128-100000-aaaa." in found.next_action


def test_every_domain_that_fails_has_its_figure_and_a_way_to_its_failures():
    found = finding(SICK["several domains that fail together"][1], "segment")
    told_of = {one.name: one.value for one in found.figures}
    assert told_of["contacts of example.net"] == "42 of 42 fail, most: http_503"
    assert told_of["contacts of example.com"] == "32 of 32 fail, most: http_404"
    assert "watchfloor failures 261128-100000-aaaa" in found.next_action
    assert "watchfloor retry 261128-100000-aaaa" in found.next_action


def test_a_live_run_retries_what_fails_by_itself():
    found = finding(SICK["one domain that defers"][1], "segment")
    assert "watchfloor retry" not in found.next_action


#: Evidence on which a check advises to pause a run that could be.
PAUSABLE: dict[str, dict[str, Any]] = {
    "final": {"whole": replace(attempts(delivered=40), after_permanent=2)},
    "access": {"recent": AttemptSample(tallies=(REFUSED,), records=90)},
    "provider": {"recent": attempts(delivered=100, http_503=100)},
}


@pytest.mark.parametrize("check", PAUSABLE)
@pytest.mark.parametrize("life", [OVER, PAUSED, replace(RUNNING, gate=Gate.PAUSING)])
def test_nobody_is_told_to_pause_what_has_ended_or_is_paused(check, life):
    open_gate = finding(told(**PAUSABLE[check]), check)
    assert (open_gate.act, "Pause the run" in open_gate.next_action) == (
        "run.pause",
        True,
    )
    found = finding(told(life, **PAUSABLE[check]), check)
    assert found.act != "run.pause"
    assert "ause the run" not in found.next_action
    assert found.next_action


def test_a_canary_that_stopped_is_overruled_by_a_resume_or_stopped_for_good():
    why = "canary stage 1 stopped: 15 of 15 attempts failed for now"
    found = finding(told(PAUSED, run=closed_by("engine", why)), "gate")
    assert (found.sign, found.act) == (Sign.FAIL, "run.resume")
    for verb in ("canary", "stop"):
        assert f"watchfloor {verb} 261128-100000-aaaa" in found.next_action
    assert "overrules" in found.next_action


def test_access_that_ended_a_run_is_mended_and_retried_not_resumed():
    ended = replace(OVER, outcome=RunOutcome.FAILED)
    found = finding(told(ended, run={"cause": "http_401: no such key"}), "access")
    assert (found.act, "retry a canary" in found.next_action) == ("", True)


def test_a_stall_that_moves_while_it_is_watched_is_none():
    assert "progress" not in failing(later(told(run=STALLED), delivered=491))


def test_a_silent_engine_of_an_ended_run_is_none_of_its_business():
    engine = replace(ENGINE, heartbeat_at_ms=0, owner="")
    found = finding(told(OVER, now=DEAD, engine=engine), "runtime")
    assert found.sign is Sign.OK
    assert "none ever ran here" in found.finding


def test_a_run_without_anything_is_judged_without_a_mistake():
    empty = told(
        books=Books(),
        recent=AttemptSample(),
        whole=AttemptSample(),
        records=(),
        free_bytes=None,
        setup=Setup(),
    )
    assert {one.sign for one in findings(empty)} <= {Sign.OK, Sign.SKIP}
