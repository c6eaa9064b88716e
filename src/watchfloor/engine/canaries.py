"""The stages of a retry's canary: opened, judged, released, or held for a person.

Whatever is decided is one transaction: the evidence, the journal, and either the next
stage or the pause. So no stage is judged or released twice, whenever the engine dies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from watchfloor.domain.canary import (
    MOST_JUDGED,
    Figures,
    StageState,
    Verdict,
    evidence,
    judge,
    stop_said,
)
from watchfloor.domain.errors import Refusal, RefusedError
from watchfloor.domain.lifecycle import may_dispatch
from watchfloor.domain.regions import Gate, Phase
from watchfloor.engine.changes import Transaction, enter, pause_itself
from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.canaries import baseline, figures, stage_rows
from watchfloor.store.writes.retries import save_stage
from watchfloor.store.writes.runs import save_run_values

_Rows = Sequence[Mapping[str, Any]]


def look(tx: Transaction, ledger: Ledger) -> None:
    """Do what the stage that holds others back asks for now.

    Nothing is judged while the gate is closed or the run is ending: whoever resumes a
    run must find its figures judged after that, not before.
    """
    run = ledger.lifecycle
    if not may_dispatch(run) or run.intent is not None or ledger.is_doomed:
        return
    rows = stage_rows(tx.connection, ledger.run_no)
    place = _place(rows, ledger)
    if place is None:
        # A store changed from outside: nobody else is released.
        return
    state = StageState(rows[place]["state"])
    if state is StageState.WAITING:
        _open(tx, ledger, rows, place)
    elif state is StageState.STOPPED:
        # Only a resume opens the gate again: a person has seen the evidence.
        who = ledger.last_obeyed
        _save(tx, ledger, rows[place], StageState.OVERRULED, decided_by=who.by)
        _release(tx, ledger, rows, place + 1, f"by {who.by}, over the evidence")
    elif state is StageState.RUNNING:
        _look_at(tx, ledger, rows, place)


def check_seen(tx: Transaction, ledger: Ledger, version: int) -> None:
    """Refuse a resume that was given before a stage stopped the run.

    Whoever gave it has not seen the evidence that it would go over: another's resume
    of the same pause may have had the stage judged in between.

    Raises:
        RefusedError: ``DRIFTED``; nothing was changed.
    """
    if ledger.released_seq is None or ledger.version == version:
        return
    rows = stage_rows(tx.connection, ledger.run_no)
    place = _place(rows, ledger)
    if place is not None and rows[place]["state"] == StageState.STOPPED:
        told = (
            f"canary stage {rows[place]['stage']} stopped the run since; look at its "
            f"evidence: watchfloor canary {ledger.run_id}"
        )
        raise RefusedError(Refusal.DRIFTED, told)


def look_back(tx: Transaction, ledger: Ledger) -> None:
    """Judge the rest by the same figures once nothing of it is left to attempt.

    Nobody waits for it any more: until then the run's own guards watch it.
    """
    run = ledger.lifecycle
    is_over = run.is_ended or run.phase is Phase.CALLBACK
    if ledger.is_judged or not is_over:
        return
    ledger.is_judged = True
    rows = stage_rows(tx.connection, ledger.run_no)
    if not rows or rows[-1]["state"] != StageState.RELEASED:
        return
    row, first = rows[-1], rows[-2]["last_seq"] + 1
    judged_from = max(first, row["last_seq"] - MOST_JUDGED + 1)
    told = figures(
        tx.connection, ledger.run_no, judged_from, row["last_seq"], is_overdue=True
    )
    verdict = judge(told, baseline(tx.connection, ledger.run_id))
    kept = _kept(tx, told, verdict)
    said = _told(row, told, verdict)
    if judged_from > first:
        part = f"judged by its last {MOST_JUDGED:,} records"
        kept["evidence_json"] = json.dumps([*evidence(told, verdict), part])
        said = f"{said}; {part}"
    state = StageState.PASSED if verdict.passes else StageState.FAILED
    _save(tx, ledger, row, state, **kept)
    enter(tx, ledger, f"canary {state}", detail=said)


def _look_at(tx: Transaction, ledger: Ledger, rows: _Rows, place: int) -> None:
    row = rows[place]
    first = rows[place - 1]["last_seq"] + 1 if place else 1
    spent_ms = ledger.spent_ms["active_ms"] - (row["opened_active_ms"] or 0)
    told = figures(
        tx.connection,
        ledger.run_no,
        first,
        row["last_seq"],
        is_overdue=spent_ms >= tx.workspace.last_known().retry.stage_ms,
    )
    if not told.is_due:
        return
    verdict = judge(told, baseline(tx.connection, ledger.run_id))
    if verdict.passes:
        kept = _kept(tx, told, verdict)
        _save(tx, ledger, row, StageState.PASSED, decided_by="engine", **kept)
        enter(tx, ledger, "canary passed", detail=_told(row, told, verdict))
        _release(tx, ledger, rows, place + 1, f"stage {row['stage']} passed")
    else:
        _stop(tx, ledger, row, told, verdict)


def _stop(
    tx: Transaction,
    ledger: Ledger,
    row: Mapping[str, Any],
    told: Figures,
    verdict: Verdict,
) -> None:
    pause_itself(tx, ledger, stop_said(row["stage"], verdict))
    if ledger.lifecycle.gate is Gate.OPEN:
        # An open gate would be taken for a person's word.
        return
    _save(tx, ledger, row, StageState.STOPPED, **_kept(tx, told, verdict))
    enter(tx, ledger, "canary stopped", detail=_told(row, told, verdict))


def _open(tx: Transaction, ledger: Ledger, rows: _Rows, place: int) -> None:
    row = rows[place]
    is_last = place + 1 == len(rows)
    save_stage(
        tx.connection,
        ledger.run_no,
        row["stage"],
        row["state"],
        state=StageState.RELEASED if is_last else StageState.RUNNING,
        opened_at_ms=tx.now_ms,
        opened_active_ms=ledger.spent_ms["active_ms"],
    )
    ledger.released_seq = None if is_last else row["last_seq"]
    save_run_values(tx.connection, ledger.run_no, released_seq=ledger.released_seq)
    # Whoever was looked at and left where they were may be attempted now.
    ledger.is_exhausted = False
    ledger.touch()
    tx.changed.add(ledger.run_id)


def _release(
    tx: Transaction, ledger: Ledger, rows: _Rows, place: int, why: str
) -> None:
    _open(tx, ledger, rows, place)
    records = rows[place]["last_seq"] - rows[place - 1]["last_seq"]
    told = f"stage {place + 1} of {len(rows)}, {records:,} records: {why}"
    enter(tx, ledger, "canary released", detail=told)


def _place(rows: _Rows, ledger: Ledger) -> int | None:
    """Return which stage was released last; the others stand behind it."""
    ends = [row["last_seq"] for row in rows]
    return ends.index(ledger.released_seq) if ledger.released_seq in ends else None


def _kept(tx: Transaction, told: Figures, verdict: Verdict) -> dict[str, object]:
    return {
        "judged_at_ms": tx.now_ms,
        "figures_json": json.dumps(asdict(told)),
        "evidence_json": json.dumps(evidence(told, verdict)),
    }


def _told(row: Mapping[str, Any], told: Figures, verdict: Verdict) -> str:
    return f"stage {row['stage']}: {'; '.join(evidence(told, verdict))}"


def _save(
    tx: Transaction,
    ledger: Ledger,
    row: Mapping[str, Any],
    state: StageState,
    **values: object,
) -> None:
    save_stage(
        tx.connection, ledger.run_no, row["stage"], row["state"], state=state, **values
    )
