"""The journey of one record: everything that happened to it, told from its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import REACHED_BEFORE, RecordState
from watchfloor.domain.results import REACHED
from watchfloor.domain.views import Journey, JourneyEntry, RecordView, RunView
from watchfloor.store.handle import Handle
from watchfloor.store.reads import runs
from watchfloor.store.reads.attempts import attempts_of
from watchfloor.store.reads.kin import is_of_retries, other_kin
from watchfloor.store.reads.records import one_record, record_view, values_of
from watchfloor.store.reads.resolutions import Said, said_of
from watchfloor.store.reads.results import Reported, results_of
from watchfloor.store.reads.retries import origin_record


def journey(connection: Handle, run_id: str, seq: int) -> Journey:
    """Return one record's journey.

    Raises:
        NotFoundError: The run or the record does not exist.
    """
    row = one_record(connection, run_id, seq)
    steps = runs.step_names(connection, run_id)
    columns = runs.column_names(connection, run_id)
    record = record_view(row, steps)
    view = runs.run_view(connection, run_id)
    attempts = [dict(one) for one in attempts_of(connection, row["run_no"], seq)]
    entries = [
        JourneyEntry(
            at_ms=view.created_at_ms,
            step="intake",
            event="received",
            detail=_origin(connection, view, record),
        ),
        *_attempt_entries(attempts, steps),
        *_said_entries(said_of(connection, row["run_no"], seq), steps),
        *_now(record, row["updated_at_ms"]),
        *_result_entries(results_of(connection, row["run_no"], seq), steps),
        *_reached_elsewhere(connection, row["run_no"], seq, steps),
    ]
    return Journey(
        run_id=run_id,
        record=record,
        key=dedupe_key(
            runs.family_id(connection, run_id),
            record.step,
            row["digest"],
            row["generation"],
        ),
        fields=dict(zip(columns, values_of(row), strict=False)),
        # Results come late, and one may come before our own outcome is known.
        entries=tuple(sorted(entries, key=lambda entry: entry.at_ms)),
    )


def _origin(connection: Handle, view: RunView, record: RecordView) -> str:
    """Return where a record comes from: a row of the upload, or an earlier run."""
    if not view.cohort:
        return f"row {record.row_no} of {view.upload_name}"
    run_id, seq = origin_record(connection, view.run_id, record.seq)
    return f"record {seq} of run {run_id}, taken up again"


def _attempt_entries(
    attempts: Sequence[Mapping[str, Any]], steps: Sequence[str]
) -> list[JourneyEntry]:
    entries = []
    for row in attempts:
        outcome = OutcomeClass(row["outcome_class"]).word
        told = [row["detail"], row["why"]]
        if row["provider_id"]:
            told.insert(0, f"provider id {row['provider_id']}")
        entries.append(
            JourneyEntry(
                at_ms=row["started_at_ms"],
                step=steps[row["step"]] if row["step"] < len(steps) else "",
                event="interrupted"
                if row["ending"] == "interrupted"
                else f"attempt {row['number']}",
                outcome=f"{outcome} {row['code']}",
                took_ms=row["ended_at_ms"] - row["started_at_ms"],
                detail="; ".join(part for part in told if part),
            )
        )
    return entries


def _said_entries(said: Sequence[Said], steps: Sequence[str]) -> list[JourneyEntry]:
    """Return what a person or the provider that was asked said of it."""
    entries = []
    for one in said:
        who = f"by look-up, asked for by {one.by}" if one.is_look_up else f"by {one.by}"
        told = (f"{who}: {one.why}" if one.why else who, one.detail)
        entries.append(
            JourneyEntry(
                at_ms=one.at_ms,
                step=steps[one.step] if one.step < len(steps) else "",
                event="looked up" if one.is_look_up else "resolved",
                outcome=f"as {one.word}",
                detail="; ".join(part for part in told if part),
            )
        )
    return entries


def _result_entries(
    results: Sequence[Reported], steps: Sequence[str]
) -> list[JourneyEntry]:
    return [
        JourneyEntry(
            at_ms=one.at_ms,
            step="" if one.step is None else steps[one.step],
            event="result" if one.state == "applied" else f"result, {one.state}",
            outcome=one.kind,
            detail="; ".join(part for part in (one.detail, one.source) if part),
        )
        for one in results
    ]


def _reached_elsewhere(
    connection: Handle, run_no: int, seq: int, steps: Sequence[str]
) -> list[JourneyEntry]:
    """Return what was reported of the same contact's records in runs of the family."""
    if not is_of_retries(connection, run_no):
        return []
    return [
        replace(
            entry, detail=f"of record {kin.seq} of run {kin.run_id}; {entry.detail}"
        )
        for kin in other_kin(connection, run_no, seq)
        for entry in _result_entries(
            [
                one
                for one in results_of(connection, kin.run_no, kin.seq)
                if one.kind in REACHED
            ],
            steps,
        )
    ]


#: What a record's state adds to the journey, beside its attempts.
_STATE_EVENTS = {
    RecordState.ATTEMPTING: ("in flight", "the outcome is not stored yet"),
    RecordState.RETRY: ("retry due", ""),
    RecordState.CALLBACK: ("callback due", ""),
    RecordState.WAITING: ("waiting", "on an external or human step"),
    RecordState.UNKNOWN: (
        "unknown",
        "may have been delivered; ask the provider by its key",
    ),
    RecordState.NOT_ATTEMPTED: ("not attempted", "the run ended first"),
    RecordState.EXPIRED: ("expired", ""),
    RecordState.ABANDONED: ("abandoned", "the promised callback was dropped"),
}
#: What a record's code adds to that, where no attempt was made for it.
_CODE_WORDS = {
    "suppressed": "the contact must not be contacted",
    "callback_expired": "the promise could not be kept in time",
    "window_never_opens": "its zones have no hour of the window in common",
    REACHED_BEFORE: "the provider reported that an earlier attempt reached the contact",
}


def _now(record: RecordView, updated_at_ms: int) -> list[JourneyEntry]:
    why = _CODE_WORDS.get(record.code, "")
    told = _STATE_EVENTS.get(record.state)
    if record.state is RecordState.PENDING and record.next_at_ms is not None:
        told = ("outside window", "") if record.is_held else ("next step", "")
    if told is None:
        if not why:
            return []
        told = (record.state.word, "")
    event, detail = told
    if record.is_held:
        event, detail = "outside window", f"{event}; its window opens then"
    at_ms = record.next_at_ms or updated_at_ms
    told_why = why or detail
    return [JourneyEntry(at_ms=at_ms, step=record.step, event=event, detail=told_why)]
