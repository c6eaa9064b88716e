"""Runs and figures on paper, for consoles under test."""

from __future__ import annotations

from dataclasses import dataclass, replace

from watchfloor.domain.books import Books
from watchfloor.domain.canary import (
    Baseline,
    CanaryView,
    Figures,
    StageState,
    StageView,
    evidence,
    judge,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    History,
    Intake,
    Lifecycle,
    Phase,
    Results,
    RunOutcome,
)
from watchfloor.domain.views import (
    Asked,
    RunView,
)

#: 2026-11-22 14:02:11 UTC.
NOON_MS = 1_795_356_131_000
MINUTE_MS = 60_000
OWN_PID = 4711

PATTERN = (
    *([RecordState.DELIVERED] * 11),
    RecordState.FAILED,
    RecordState.DELIVERED,
    RecordState.RETRY,
    RecordState.DELIVERED,
    RecordState.CALLBACK,
    RecordState.DELIVERED,
    RecordState.PENDING,
    RecordState.UNKNOWN,
    RecordState.ATTEMPTING,
)
CLASSES = {
    RecordState.DELIVERED: (OutcomeClass.DELIVERED, "http_200"),
    RecordState.FAILED: (OutcomeClass.PERMANENT, "wrong_number"),
    RecordState.RETRY: (OutcomeClass.TRANSIENT, "busy"),
    RecordState.CALLBACK: (OutcomeClass.CALLBACK, "asked_later"),
    RecordState.UNKNOWN: (OutcomeClass.AMBIGUOUS, "reset"),
}


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now_ms: int = NOON_MS

    def __call__(self) -> int:
        return self.now_ms

    def pass_ms(self, span_ms: int) -> None:
        self.now_ms += span_ms


def balanced(records: int, **states: int) -> Books:
    """Books that add up: what no state takes is pending."""
    rejects = {"invalid": records // 100, "duplicate": records // 250}
    pending = records - sum(states.values())
    done = sum(states.get(key, 0) for key in ("delivered", "failed", "unknown"))
    return Books(
        extracted=records + sum(rejects.values()),
        records=records,
        pending=pending,
        attempts=done,
        **rejects,
        **states,
    )


def a_run(number: int, name: str, lifecycle: Lifecycle, books: Books) -> RunView:
    started = None if not lifecycle.launched else NOON_MS - number * 41 * MINUTE_MS
    ended = NOON_MS - number * 7 * MINUTE_MS if lifecycle.is_ended else None
    return RunView(
        run_id=f"run-{number:04}",
        campaign_id=f"campaign-{number}",
        campaign_name=name,
        upload_id=f"up-{number}",
        upload_name=f"contacts-{number}.csv",
        lifecycle=lifecycle,
        books=books,
        version=3,
        created_at_ms=NOON_MS - number * 42 * MINUTE_MS,
        launch_id=f"launch-{number}" if lifecycle.launched else None,
        started_at_ms=started,
        ended_at_ms=ended,
        bytes_total=48_000_000,
        bytes_read=48_000_000 if lifecycle.intake is Intake.DONE else 20_160_000,
        permits=16,
        rate_per_s=20.0,
        progress_at_ms=NOON_MS - 1_000 if lifecycle.launched else None,
        gate_asked=Asked()
        if lifecycle.gate is Gate.OPEN
        else Asked(by="ann@desk-3", at_ms=NOON_MS - MINUTE_MS, why="wrong greeting"),
    )


def some_runs() -> list[RunView]:
    live = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
    over = Lifecycle(
        phase=Phase.ENDED,
        intake=Intake.DONE,
        launched=True,
        results=Results.COLLECTING,
        history=History.CREATED,
        outcome=RunOutcome.COMPLETED,
    )
    return [
        a_run(
            1,
            "Autumn billing",
            live,
            balanced(1_000_000, delivered=419_975, failed=17, attempting=8, callback=4),
        ),
        a_run(
            2,
            "Reminder DE",
            replace(live, gate=Gate.PAUSING),
            balanced(120_000, delivered=116_400, attempting=3, retry=41),
        ),
        a_run(
            3,
            "Welcome texts",
            replace(live, gate=Gate.PAUSED),
            balanced(9_000, delivered=900, failed=2),
        ),
        a_run(
            4,
            "Win-back Q4",
            Lifecycle(intake=Intake.EXTRACTING),
            Books(extracted=410_000, unjudged=1_200, records=408_800, pending=408_800),
        ),
        a_run(
            5,
            "Survey NPS",
            replace(live, phase=Phase.CALLBACK),
            balanced(2_000, delivered=1_991, failed=5, callback=4),
        ),
        a_run(
            6,
            "Outage notice",
            over,
            balanced(52_000, delivered=51_997, failed=1, unknown=2),
        ),
        a_run(
            7,
            "KYC refresh",
            replace(live, phase=Phase.STOPPING),
            balanced(
                30_000, delivered=18_900, failed=9, attempting=6, not_attempted=11_085
            ),
        ),
        a_run(
            8,
            "Beta invite",
            replace(over, outcome=RunOutcome.FAILED, results=Results.CLOSED),
            balanced(800, delivered=12, failed=88, not_attempted=700),
        ),
    ]


def campaign_runs() -> list[RunView]:
    """Runs that wait for words and windows, keep promises, and have ended."""
    live = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
    over = replace(live, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    asks, shut, outside, promises, archived, purged = (
        a_run(number, name, lifecycle, books)
        for number, (name, lifecycle, books) in enumerate(
            (
                (
                    "First words",
                    live,
                    balanced(5_000, delivered=17, failed=2, retry=1),
                ),
                ("Night shift", live, balanced(40_000, delivered=12_000)),
                ("All zones", live, balanced(9_000, delivered=4_000, retry=20)),
                (
                    "Promised",
                    replace(live, phase=Phase.STOPPED_CALLBACK, stops=1),
                    balanced(
                        800, delivered=60, callback=45, failed=5, not_attempted=690
                    ),
                ),
                (
                    "Well told",
                    replace(over, history=History.CREATING, results=Results.COLLECTING),
                    balanced(1_000, delivered=990, failed=10),
                ),
                (
                    "Forgotten",
                    replace(over, history=History.CREATED, results=Results.CLOSED),
                    balanced(300, delivered=300),
                ),
            ),
            11,
        )
    )
    opens_ms = NOON_MS + 19 * 60 * MINUTE_MS - 131_000
    return [
        replace(asks, approve_after=20, books=replace(asks.books, attempts=20)),
        replace(shut, shut_until_ms=opens_ms),
        replace(outside, held=420),
        promises,
        replace(
            archived,
            archived=430,
            parent_id="run-0001",
            spent_ms={
                "active": 200 * MINUTE_MS,
                "paused": 60 * MINUTE_MS,
                "window": 120 * MINUTE_MS,
                "waiting": 0,
            },
        ),
        replace(purged, purge="done", is_hidden=True),
    ]


def retried_runs() -> list[RunView]:
    """A run that ended with failures, and a retry of it that is under way."""
    live = Lifecycle(phase=Phase.RUNNING, intake=Intake.DONE, launched=True)
    over = replace(live, phase=Phase.ENDED, outcome=RunOutcome.COMPLETED)
    books = balanced(2_000, delivered=1_018, failed=979, unknown=3)
    child = a_run(22, "Spring renewal", live, balanced(735, delivered=75, failed=2))
    return [
        a_run(21, "Spring renewal", over, books),
        replace(child, parent_id="run-0021", cohort=735, released_seq=115),
    ]


def a_canary(run_id: str, second: StageState = StageState.RUNNING) -> CanaryView:
    """A canary of three stages, the second of which stands as it is told to."""
    judged = Figures(records=15, settled=15, attempts=15, p95_ms=412)
    now = Figures(records=100, settled=61, failed=2, attempts=63, transient=2)
    baseline = Baseline(runs=("run-0002",), attempts=900, transient=20, p95_ms=300)
    return CanaryView(
        run_id=run_id,
        parent_id="run-0001",
        held_back=620,
        stages=(
            StageView(
                number=1,
                records=15,
                last_seq=15,
                state=StageState.PASSED,
                figures=judged,
                evidence=evidence(judged, judge(judged, baseline)),
                opened_at_ms=NOON_MS - 9 * MINUTE_MS,
                judged_at_ms=NOON_MS - 8 * MINUTE_MS,
                decided_by="engine",
            ),
            StageView(
                number=2,
                records=100,
                last_seq=115,
                state=second,
                figures=now,
                evidence=("61 of 100 final; not judged yet",),
                opened_at_ms=NOON_MS - 8 * MINUTE_MS,
            ),
            StageView(number=3, records=620, last_seq=735, state=StageState.WAITING),
        ),
    )
