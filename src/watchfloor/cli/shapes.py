"""The JSON of every answer: the glossary's words, times in ISO 8601 UTC."""

from __future__ import annotations

from typing import Any

from watchfloor.cli.lines import iso
from watchfloor.domain.blocked_by import (
    Blocked,
    Situation,
    blocked_by,
    blocked_record,
)
from watchfloor.domain.books import Books
from watchfloor.domain.health import health
from watchfloor.domain.live import Unknown
from watchfloor.domain.masking import masked
from watchfloor.domain.privacy import shown_text, without_contact
from watchfloor.domain.slowdown import Slowdown
from watchfloor.domain.views import (
    EventView,
    Journey,
    JourneyEntry,
    Receipt,
    RecordView,
    RunView,
)


def books_json(books: Books) -> dict[str, int]:
    """Return the account with the keys of the books, and nothing else."""
    account = books.as_dict()
    del account["attempts"]
    return account


def run_json(run: RunView, now_ms: int) -> dict[str, Any]:
    """Return a run as ``runs`` lists it."""
    life = run.lifecycle
    duration = run.duration_ms(now_ms)
    return {
        "id": run.run_id,
        "campaign": run.campaign_id,
        "campaign_name": run.campaign_name,
        "upload": run.upload_id,
        "upload_name": run.upload_name,
        "label": run.label,
        "phase": life.phase,
        "gate": life.gate,
        "intake": life.intake,
        "results": life.results,
        "history": life.history,
        "outcome": life.outcome,
        "cause": without_contact(run.cause) or None,
        "launch_id": run.launch_id,
        "intent": life.intent,
        "version": run.version,
        "created_at": iso(run.created_at_ms),
        "started_at": iso(run.started_at_ms),
        "ended_at": iso(run.ended_at_ms),
        "duration_s": None if duration is None else duration / 1000,
        "attempts": run.books.attempts,
        "books": books_json(run.books),
        "balanced": not run.books.imbalance,
    }


def show_json(run: RunView, now: Situation, now_ms: int) -> dict[str, Any]:
    """Return everything ``show`` tells of a run."""
    blocked = blocked_by(now)
    return {
        **run_json(run, now_ms),
        "interrupted": now.interrupted or None,
        "permits": run.permits,
        "rate_per_s": run.rate_per_s,
        "gate_by": run.gate_asked.by or None,
        "gate_at": iso(run.gate_asked.at_ms or None),
        "gate_reason": without_contact(run.gate_asked.why) or None,
        "progress_at": iso(run.progress_at_ms),
        "next_retry_at": iso(run.next_retry_at_ms),
        "next_callback_at": iso(run.next_callback_at_ms),
        "parent": run.parent_id or None,
        "retried_by": run.retried_by or None,
        "outside_window": run.held,
        "window_opens_at": iso(run.shut_until_ms),
        "approve_after": run.approve_after,
        "awaits_approval": run.awaits_approval,
        "archived": run.archived,
        "spent_s": {word: ms / 1000 for word, ms in run.spent_ms.items()},
        "hidden": run.is_hidden,
        "purge": run.purge or None,
        "intake_bytes": [run.bytes_read, run.bytes_total],
        "health": health(run, now, now_ms),
        "blocked_by": [blocked_json(one) for one in blocked],
        "slowdown": slowdown_json(now.slowdown),
    }


def blocked_json(one: Blocked) -> dict[str, Any]:
    """Return one reason why records do not move."""
    return {
        "reason": one.reason,
        "count": one.count,
        "detail": without_contact(one.detail),
    }


def slowdown_json(slow: Slowdown | None) -> dict[str, Any] | None:
    """Return since when a run is how much slower than earlier ones."""
    if slow is None:
        return None
    return {
        "since": iso(slow.since_ms),
        "per_s": round(slow.per_s, 3),
        "usual_per_s": round(slow.usual_per_s, 3),
        "from_start": slow.from_start,
        "earlier": list(slow.earlier),
        "changes": [
            {"at": iso(one.at_ms), "what": without_contact(one.what)}
            for one in slow.changes
        ],
    }


def record_json(
    record: RecordView, now: Situation, now_ms: int, *, unmask: bool
) -> dict[str, Any]:
    """Return a record as ``records`` lists it."""
    return {
        "seq": record.seq,
        "row_no": record.row_no,
        "contact": record.contact if unmask else masked(record.contact),
        "state": record.state.word,
        "step": record.step,
        "attempts": record.attempts,
        "outcome_class": record.outcome_class and record.outcome_class.word,
        "code": record.code or None,
        "updated_at": iso(record.updated_at_ms),
        "next_at": iso(record.next_at_ms),
        "due_at": iso(record.due_at_ms),
        "expires_at": iso(record.expires_at_ms),
        "result": record.result or None,
        "key": record.key or None,
        "blocked_by": record_blocked_by(record, now, now_ms) or None,
    }


def record_blocked_by(record: RecordView, now: Situation, now_ms: int) -> str:
    """Return the one reason why a record does not move, or an empty string."""
    is_due = (record.next_at_ms or 0) <= now_ms
    return blocked_record(
        record.state,
        now,
        is_due=is_due,
        is_held=record.is_held,
        is_held_back=now.released_seq is not None and record.seq > now.released_seq,
    )


def unknown_json(one: Unknown, *, unmask: bool) -> dict[str, Any]:
    """Return an unknown record as ``unknowns`` lists it."""
    record = one.record
    return {
        "run": one.run_id,
        "campaign_name": one.campaign_name,
        "seq": record.seq,
        "contact": record.contact if unmask else masked(record.contact),
        "state": record.state.word,
        "step": record.step,
        "attempts": record.attempts,
        "outcome_class": record.outcome_class and record.outcome_class.word,
        "code": record.code or None,
        "updated_at": iso(record.updated_at_ms),
        "result": record.result or None,
        "key": record.key or None,
    }


def journey_json(journey: Journey, *, unmask: bool) -> list[dict[str, Any]]:
    """Return a journey's entries."""
    return [
        {
            "at": iso(entry.at_ms),
            "step": entry.step,
            "event": entry.event,
            "outcome": entry.outcome or None,
            "took_ms": entry.took_ms,
            "detail": entry.detail or None,
        }
        for entry in told_entries(journey, unmask=unmask)
    ]


def told_entries(journey: Journey, *, unmask: bool) -> tuple[JourneyEntry, ...]:
    """Return a journey's entries as they may be told: replies name people too."""
    if unmask:
        return journey.entries
    contact = journey.record.contact
    return tuple(shown_text(entry, contact) for entry in journey.entries)


def event_json(event: EventView) -> dict[str, Any]:
    """Return one entry of the journal."""
    return {
        "entry": event.entry_id,
        "at": iso(event.at_ms),
        "event": event.event,
        "before": event.before or None,
        "after": event.after or None,
        "by": event.by or None,
        "from": event.origin or None,
        "reason": without_contact(event.why) or None,
        "detail": without_contact(event.detail) or None,
    }


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Return what became of a command."""
    return {
        "command": receipt.command_id,
        "verb": receipt.verb,
        "run": receipt.run_id,
        "state": receipt.state,
        "refusal": receipt.refusal or None,
        "detail": receipt.detail or None,
        "asked_at": iso(receipt.asked_at_ms),
        "acknowledged_at": iso(receipt.acknowledged_at_ms),
        "applied_at": iso(receipt.applied_at_ms),
        "settled_at": iso(receipt.settled_at_ms),
    }
