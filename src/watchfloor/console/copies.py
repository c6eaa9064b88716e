"""What is copied: one line of JSON, people masked, every text harmless."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from watchfloor.console.privacy import (
    shown_contact,
    shown_field,
    shown_text,
    without_contact,
)
from watchfloor.domain.cohorts import Selection, to_payload
from watchfloor.domain.lens import Lens, LensGroup, why_not
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.text import clean
from watchfloor.domain.views import Asked, Journey, RecordView, RunView


def record_json(record: RecordView, run: RunView) -> str:
    """Return one record of a run."""
    return _line({**_of_run(run), **_record(record)})


def journey_json(journey: Journey, run: RunView) -> str:
    """Return one record with everything that happened to it."""
    contact = journey.record.contact
    # The number in an outcome may be another field's, or written another way.
    fields = {
        name: shown_field(value, contact) for name, value in journey.fields.items()
    }
    entries = [
        {
            "at": iso_time(entry.at_ms),
            "step": entry.step,
            "event": entry.event,
            "outcome": entry.outcome,
            "took_ms": entry.took_ms,
            "detail": entry.detail,
        }
        for entry in (shown_text(one, contact) for one in journey.entries)
    ]
    whole = {
        **_of_run(run),
        **_record(journey.record),
        "idempotency_key": journey.key,
        "fields": fields,
        "entries": entries,
    }
    return _line(whole)


def run_json(run: RunView) -> str:
    """Return one run with its books."""
    return _line(
        {
            **_of_run(run),
            "label": run.label,
            "version": run.version,
            "launch_id": run.launch_id,
            "parent_id": run.parent_id,
            "campaign_id": run.campaign_id,
            "upload": run.upload_name,
            "accepted_at": iso_time(run.created_at_ms),
            "started_at": iso_time(run.started_at_ms),
            "ended_at": iso_time(run.ended_at_ms),
            "last_outcome_at": iso_time(run.progress_at_ms),
            "next_retry_at": iso_time(run.next_retry_at_ms),
            "next_callback_at": iso_time(run.next_callback_at_ms),
            "window_opens_at": iso_time(run.shut_until_ms),
            "permits": run.permits,
            "rate_per_s": run.rate_per_s,
            "cause": without_contact(run.cause),
            "asked": _asked(run.intent_asked),
            "gate_asked": _asked(run.gate_asked),
            "books": run.books.as_dict(),
        }
    )


def lens_json(run: RunView, lens: Lens, groups: Sequence[LensGroup]) -> str:
    """Return groups of what failed in a run."""
    return _line(
        {
            **_of_run(run),
            "by": [one.value for one in lens.by],
            "looked_at": lens.looked_at,
            "of": lens.of,
            "groups": [
                {
                    "class": group.key[0] or None,
                    "code": without_contact(group.code),
                    "origin": group.origin,
                    "step": group.step,
                    **group.counts,
                    "example": group.example_seq,
                    "first_at": iso_time(group.first_at_ms),
                    "last_at": iso_time(group.last_at_ms),
                    "why_not": why_not(group),
                }
                for group in groups
            ],
        }
    )


def cohort_json(
    run: RunView, selection: Selection, preview: RetryPreview | None, words: str
) -> str:
    """Return what a cohort is, and what a retry of it would do.

    Args:
        run: Whose records.
        selection: What they have in common.
        preview: As it was read last; None where it was not.
        words: What retries them from a shell; or empty.
    """
    told = to_payload(selection)
    codes = [without_contact(code) for code in sorted(selection.codes)]
    whole: dict[str, object] = {**_of_run(run), **told, "codes": codes}
    if preview is not None:
        counts = preview.counts
        whole |= {
            "selected": counts.selected,
            "retried": counts.retried,
            "permanent": counts.permanent,
            "unknown": counts.unknown,
            "taken": dict(counts.taken),
            "stages": list(preview.stages),
            "refusal": preview.refusal,
        }
    return _line({**whole, "words": words})


def iso_time(at_ms: int | None) -> str | None:
    """Return ``2026-11-22T14:02:11.120Z``; None for no time."""
    if at_ms is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"


def _of_run(run: RunView) -> dict[str, object]:
    return {"run_id": run.run_id, "campaign": run.campaign_name}


def _record(record: RecordView) -> dict[str, object]:
    contact = record.contact
    klass = record.outcome_class
    return {
        "record": record.seq,
        "row": record.row_no,
        "contact": shown_contact(contact),
        "state": record.state.word,
        "step": record.step,
        "attempts": record.attempts,
        "outcome_class": None if klass is None else klass.word,
        "code": without_contact(record.code, contact),
        "result": record.result,
        "idempotency_key": record.key,
        "updated_at": iso_time(record.updated_at_ms),
        "next_at": iso_time(record.next_at_ms),
        "due_at": iso_time(record.due_at_ms),
        "expires_at": iso_time(record.expires_at_ms),
        "is_held": record.is_held,
    }


def _asked(asked: Asked) -> dict[str, object] | None:
    if not asked.at_ms:
        return None
    return {
        "by": asked.by,
        "at": iso_time(asked.at_ms),
        "why": without_contact(asked.why),
    }


def _line(value: Mapping[str, object]) -> str:
    return json.dumps(_harmless(value), ensure_ascii=False)


def _harmless(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(key): _harmless(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_harmless(one) for one in value]
    return value
