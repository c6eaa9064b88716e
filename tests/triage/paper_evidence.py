"""Evidence of a healthy run on paper; a test makes it ill in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.evidence import (
    AttemptSample,
    AttemptTally,
    Counters,
    Evidence,
    Neighbour,
    RecordTally,
    Relative,
    Setup,
    StepSetup,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Intake, Lifecycle, Phase, RunOutcome
from watchfloor.domain.runbook import Finding, Sign
from watchfloor.domain.views import Asked, EngineView, RunView
from watchfloor.triage.checks import findings

NOW_MS = 1_790_000_000_000
SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
RUNNING = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
QUEUED = Lifecycle(phase=Phase.QUEUED, intake=Intake.EXTRACTING)
OVER = replace(RUNNING, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
PAUSED = replace(RUNNING, gate=Gate.PAUSED)
ENGINE = EngineView(
    epoch=3,
    owner="engine of ann",
    pid=4711,
    started_at_ms=NOW_MS - HOUR_MS,
    heartbeat_at_ms=NOW_MS - SECOND_MS,
    released=False,
)
BOOKS = Books(
    extracted=1_000,
    records=1_000,
    pending=500,
    attempting=4,
    delivered=490,
    failed=6,
    attempts=510,
)


def told(
    lifecycle: Lifecycle = RUNNING,
    books: Books = BOOKS,
    *,
    run: dict[str, Any] | None = None,
    now: dict[str, Any] | None = None,
    engine: EngineView = ENGINE,
    **more: Any,
) -> Evidence:
    """Return evidence of a run that moves; what is named is otherwise.

    Args:
        lifecycle: Of the run.
        books: Of the run.
        run: Fields of the run's view.
        now: Fields of its situation.
        engine: Who has the workspace.
        **more: Fields of the evidence.
    """
    view = RunView(
        **{
            "run_id": "261128-100000-aaaa",
            "campaign_id": "autumn",
            "campaign_name": "Autumn billing",
            "upload_id": "u-261128-100000-aaaa",
            "upload_name": "september.csv",
            "lifecycle": lifecycle,
            "books": books,
            "version": 3,
            "created_at_ms": NOW_MS - HOUR_MS,
            "launch_id": "261128-100000-bbbb",
            "started_at_ms": NOW_MS - HOUR_MS,
            "ended_at_ms": NOW_MS if lifecycle.is_ended else None,
            "permits": 8,
            "progress_at_ms": NOW_MS - SECOND_MS,
            "bytes_total": 9_000,
            "bytes_read": 9_000,
            **(run or {}),
        }
    )
    situation = Situation(
        **{
            "lifecycle": lifecycle,
            "books": view.books,
            "engine_alive": True,
            "run_id": view.run_id,
            "heartbeat_age_s": 1.0,
            "permits": view.permits,
            "oldest_s": 1.0,
            **(now or {}),
        }
    )
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "workspace_id": "ws-1",
        "workspace_name": "Night shift",
        "as_of_ms": NOW_MS,
        "engine": engine,
        "run": view,
        "situation": situation,
        "attempts_per_s": 2.0,
        "done_per_s": 2.0,
        "setup": Setup(steps=(StepSetup("call", "webhook", 4),), kind="phone"),
        "upload_sha256": "ab" * 32,
        "recent": attempts(delivered=196, busy=4),
        "whole": attempts(delivered=490, busy=10),
        "records": (a_record(490), a_record(6, RecordState.FAILED, "wrong_number")),
        "free_bytes": 4 << 30,
        **more,
    }
    return Evidence(**fields)


def attempts(*, again: int = 0, **codes: int) -> AttemptSample:
    """Return attempts by code; ``delivered`` was delivered, all others got no answer.

    A code that begins with ``bad_`` failed for good.
    """
    tallies = tuple(
        AttemptTally(_class_of(code), code, "call", "+49151", n, 0, n * 80, 400)
        for code, n in codes.items()
        if n
    )
    if again and tallies:
        tallies = (tallies[0]._replace(again=again), *tallies[1:])
    return AttemptSample(
        tallies=tallies,
        records=sum(codes.values()),
        since_ms=NOW_MS - MINUTE_MS,
        until_ms=NOW_MS,
        most_tries=1,
    )


def a_record(
    records: int,
    state: RecordState = RecordState.DELIVERED,
    code: str = "http_200",
    *,
    origin: str = "+49151",
    step: str = "call",
) -> RecordTally:
    """Return records that stand alike."""
    classes = {
        RecordState.DELIVERED: OutcomeClass.DELIVERED,
        RecordState.FAILED: OutcomeClass.PERMANENT,
        RecordState.RETRY: OutcomeClass.TRANSIENT,
        RecordState.UNKNOWN: OutcomeClass.AMBIGUOUS,
    }
    return RecordTally(state, classes.get(state), code, step, origin, records)


def later(evidence: Evidence, *, by_ms: int = 3_000, **books: int) -> Evidence:
    """Return evidence whose counters were read again, with other figures."""
    again = Counters(
        at_ms=evidence.as_of_ms + by_ms,
        books=replace(evidence.run.books, **books),
        bytes_read=evidence.run.bytes_read,
        progress_at_ms=evidence.run.progress_at_ms,
        heartbeat_at_ms=evidence.engine.heartbeat_at_ms,
    )
    return replace(evidence, again=again)


def closed_by(by: str, why: str, *, ago_ms: int = MINUTE_MS) -> dict[str, Any]:
    """Return the fields of a run whose gate was closed."""
    return {"gate_asked": Asked(by=by, at_ms=NOW_MS - ago_ms, why=why)}


def neighbour(**values: Any) -> Neighbour:
    """Return another run, live and of another campaign."""
    given: dict[str, Any] = {
        "run_id": "261128-093000-cccc",
        "campaign_name": "Autumn billing",
        "label": "Running",
        "is_live": True,
        "created_at_ms": NOW_MS - HOUR_MS,
    }
    return Neighbour(**{**given, **values})


def child(delivered: int, failed: int, **values: Any) -> Relative:
    """Return a child run."""
    books = Books(
        extracted=delivered + failed,
        records=delivered + failed,
        delivered=delivered,
        failed=failed,
    )
    given: dict[str, Any] = {
        "run_id": "261128-101500-dddd",
        "label": "Completed",
        "is_child": True,
        "outcome": RunOutcome.COMPLETED,
        "books": books,
    }
    return Relative(**{**given, **values})


def finding(evidence: Evidence, check: str) -> Finding:
    """Return what one check finds."""
    return next(one for one in findings(evidence) if one.check == check)


def failing(evidence: Evidence) -> list[str]:
    """Return the names of the checks that fail."""
    return [one.check for one in findings(evidence) if one.sign is Sign.FAIL]


def _class_of(code: str) -> OutcomeClass:
    if code == "delivered":
        return OutcomeClass.DELIVERED
    if code.startswith("bad_"):
        return OutcomeClass.PERMANENT
    return OutcomeClass.TRANSIENT
