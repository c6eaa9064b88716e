"""How the stages of a retry's canary do, and what healthy runs looked like."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from math import ceil
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from watchfloor.domain.canary import (
    FIRST,
    Baseline,
    CanaryView,
    Figures,
    StageState,
    StageView,
    is_dedupe_hit,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Phase
from watchfloor.store.reads.healthy import (
    MOST_ATTEMPTS,
    Counts,
    counts_of,
    healthy_runs,
    troubled,
)
from watchfloor.store.reads.runs import run_number
from watchfloor.store.tables import attempt, canary, record, run

_SETTLED = frozenset(
    {state for state in RecordState if state.is_final} | {RecordState.CALLBACK}
)
_FAILED = (RecordState.FAILED, RecordState.UNKNOWN)
#: Made once: the engine asks them in every round of a retry with a canary.
_STAGES = (
    select(canary)
    .where(canary.c.run_no == bindparam("run_no"))
    .order_by(canary.c.stage)
)
_PENDING = select(func.count()).where(
    record.c.run_no == bindparam("run_no"),
    record.c.seq <= bindparam("last"),
    # No index of a state: the few rows themselves are read, by key.
    record.c.state + 0 == int(RecordState.PENDING),
)
_STATES = (
    select(record.c.state, func.count())
    .where(
        record.c.run_no == bindparam("run_no"),
        record.c.seq >= bindparam("first"),
        record.c.seq <= bindparam("last"),
    )
    .group_by(record.c.state)
)
_TRIED = (
    attempt.c.run_no == bindparam("run_no"),
    attempt.c.seq >= bindparam("first"),
    attempt.c.seq <= bindparam("last"),
)
_ENDS = (
    select(attempt.c.outcome_class, attempt.c.code, func.count())
    # What our own crash cut off says nothing about the provider.
    .where(*_TRIED, attempt.c.ending == "outcome")
    .group_by(attempt.c.outcome_class, attempt.c.code)
)
_TOOK = select(attempt.c.ended_at_ms - attempt.c.started_at_ms).where(
    *_TRIED, attempt.c.outcome_class == int(OutcomeClass.DELIVERED)
)
_RUN = select(run.c.run_no, run.c.family_id, run.c.campaign_id).where(
    run.c.run_id == bindparam("run_id")
)
_FAMILY = (
    select(run.c.run_no)
    .where(
        run.c.family_id == bindparam("family_id"), run.c.run_no != bindparam("run_no")
    )
    .order_by(run.c.run_no)
)
_LAST = (
    select(
        (attempt.c.ended_at_ms - attempt.c.started_at_ms).label("took_ms"),
        attempt.c.outcome_class,
    )
    .where(attempt.c.run_no == bindparam("run_no"))
    .order_by(attempt.c.seq.desc(), attempt.c.number.desc())
    .limit(MOST_ATTEMPTS)
    .subquery()
    .c
)
_DELIVERIES = select(_LAST.took_ms).where(
    _LAST.outcome_class == int(OutcomeClass.DELIVERED)
)


def canary_view(connection: Connection, run_id: str) -> CanaryView | None:
    """Return how a retry's canary does; None for a run that has none.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    rows = stage_rows(connection, number)
    if not rows:
        return None
    query = select(run.c.parent_id, run.c.cohort, run.c.released_seq, run.c.phase)
    parent_id, cohort, released, phase = connection.execute(
        query.where(run.c.run_no == number)
    ).one()
    firsts = [1, *(row["last_seq"] + 1 for row in rows)]
    return CanaryView(
        run_id=run_id,
        parent_id=parent_id,
        stages=tuple(
            _stage(connection, first, row, is_over=phase == Phase.ENDED)
            for first, row in zip(firsts, rows, strict=False)
        ),
        held_back=0 if released is None else cohort - released,
        is_over=phase == Phase.ENDED,
    )


def stage_rows(connection: Connection, run_no: int) -> list[dict[str, Any]]:
    """Return the rows of a canary's stages, in order; none for a run without one."""
    rows = connection.execute(_STAGES, {"run_no": run_no}).mappings()
    return [dict(row) for row in rows]


def running_stage(
    connection: Connection, run_no: int
) -> tuple[dict[str, Any], int] | None:
    """Return the stage that holds the others back, and its first record; or None."""
    first = 1
    for row in stage_rows(connection, run_no):
        if row["state"] in (StageState.RUNNING, StageState.STOPPED):
            return row, first
        first = row["last_seq"] + 1
    return None


def stage_told(connection: Connection, run_no: int) -> str:
    """Return what the records that a canary holds back wait for; or empty."""
    found = running_stage(connection, run_no)
    if found is None:
        return ""
    row, first = found
    told = figures(connection, run_no, first, row["last_seq"]).progress
    return f"canary stage {row['stage']}: {told}"


def pending_within(connection: Connection, run_no: int, last_seq: int) -> int:
    """Return how many records up to *last_seq*, of a canary's few, are pending."""
    asked = {"run_no": run_no, "last": last_seq}
    return int(connection.scalar(_PENDING, asked) or 0)


def figures(
    connection: Connection,
    run_no: int,
    first: int,
    last: int,
    *,
    is_overdue: bool = False,
) -> Figures:
    """Return what the records *first* to *last* came to so far."""
    here = {"run_no": run_no, "first": first, "last": last}
    rows = connection.execute(_STATES, here).all()
    states = Counter({RecordState(state): count for state, count in rows})
    ends = connection.execute(_ENDS, here).all()
    counts: Counts = Counter({(outcome, code): n for outcome, code, n in ends})
    return Figures(
        records=sum(states.values()),
        settled=sum(states[state] for state in _SETTLED),
        failed=sum(states[state] for state in _FAILED),
        attempts=counts.total(),
        transient=troubled(counts),
        permanent={
            code: count
            for (outcome, code), count in counts.items()
            if outcome == OutcomeClass.PERMANENT
        },
        dedupe_hits={
            code: count for (_, code), count in counts.items() if is_dedupe_hit(code)
        },
        p95_ms=_p95(connection.scalars(_TOOK, here)),
        is_overdue=is_overdue,
    )


def baseline(connection: Connection, run_id: str) -> Baseline:
    """Return what a retry's stages are compared with.

    Healthy is a completed launch of the same campaign of whose attempts few failed for
    now. Where there is none, deliveries of the family tell the latency.
    """
    asked = {"run_id": run_id}
    number, family, campaign = connection.execute(_RUN, asked).one()
    healthy = healthy_runs(connection, campaign)
    total: Counts = Counter()
    for counts in healthy.values():
        total += counts
    others = {"family_id": family, "run_no": number}
    before = list(connection.scalars(_FAMILY, others))
    known = total.copy()
    for run_no in before:
        known += counts_of(connection, run_no)
    timed = list(healthy)[:1] or before[:1]
    return Baseline(
        runs=_names(connection, healthy),
        attempts=total.total(),
        transient=troubled(total),
        p95_ms=_p95(_deliveries(connection, timed[0])) if timed else None,
        permanent=frozenset(
            code for outcome, code in known if outcome == OutcomeClass.PERMANENT
        ),
    )


def _stage(
    connection: Connection, first: int, row: dict[str, Any], *, is_over: bool
) -> StageView:
    state, last = StageState(row["state"]), row["last_seq"]
    told: Figures | None = None
    evidence: tuple[str, ...] = tuple(json.loads(row["evidence_json"]))
    kept = json.loads(row["figures_json"])
    if kept:
        told = Figures(**kept)
    elif state is StageState.RUNNING and last - first < max(FIRST):
        told = figures(connection, row["run_no"], first, last)
        evidence = (f"{told.progress}; not judged yet",)
    if is_over and state in (StageState.WAITING, StageState.RUNNING):
        evidence = ("the run ended before it was judged or released",)
    elif state is StageState.RELEASED and is_over:
        evidence = ("it was not judged",)
    return StageView(
        number=row["stage"],
        records=last - first + 1,
        last_seq=last,
        state=state,
        figures=told,
        evidence=evidence,
        opened_at_ms=row["opened_at_ms"],
        judged_at_ms=row["judged_at_ms"],
        decided_by=row["decided_by"],
    )


def _names(connection: Connection, numbers: Collection[int]) -> tuple[str, ...]:
    if not numbers:
        return ()
    query = select(run.c.run_id).where(run.c.run_no.in_(numbers))
    return tuple(connection.scalars(query.order_by(run.c.run_no)))


def _deliveries(connection: Connection, run_no: int) -> Iterable[int]:
    return connection.scalars(_DELIVERIES, {"run_no": run_no})


def _p95(took_ms: Iterable[int]) -> int | None:
    found = sorted(took_ms)
    return found[ceil(0.95 * len(found)) - 1] if found else None
