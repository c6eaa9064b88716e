"""``why``: one paragraph on why a run, or one of its records, does as it does."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import answer, answer_json, for_shell, iso
from watchfloor.cli.shapes import blocked_json, slowdown_json
from watchfloor.cli.verbs.looking import full_id
from watchfloor.cli.waiting import waiting_for, waiting_json, waiting_lines
from watchfloor.domain.explanations import (
    ToldRecord,
    explanation,
    next_step,
    record_explanation,
)
from watchfloor.domain.failing import Failing
from watchfloor.domain.privacy import without_contact
from watchfloor.domain.records import RecordState
from watchfloor.domain.sentences import Told, needs_somebody, sentence
from watchfloor.domain.sharing import filed_limits
from watchfloor.domain.text import clean
from watchfloor.engine.telling import told_record, told_run
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.commands import Command
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import seen_engine

_LONGEST = 4_000


def why(options: Namespace) -> int:
    """Say why a run or a record does as it does; unhealthy where somebody has to act.

    A record asks for somebody where its run does, or where only a person can end its
    doubt.
    """
    layout, now_ms = compose.layout(options), compose.now_ms()
    layout.check_exists()
    shared = filed_limits(WorkspaceSettings(layout).last_known())
    with reading(layout) as connection:
        run_id = full_id(connection, options.run)
        told = told_run(connection, run_id, now_ms, layout=layout, shared=shared)
        record = (
            None if options.seq is None else told_record(connection, told, options.seq)
        )
        engine = seen_engine(connection, now_ms, layout)
    if record is not None:
        return _record(record, as_json=options.json)
    unwell = needs_somebody(told.run, told.health, told.failing)
    waits = waiting_for(layout, run_id, engine)
    if options.json:
        answer_json(_run_json(told, waits, needs_somebody=unwell))
    else:
        answer(_shown(explanation(told)))
        for line in waiting_lines(waits):
            answer(_shown(line))
    return exits.UNHEALTHY if unwell else exits.DONE


def _record(told: ToldRecord, *, as_json: bool) -> int:
    record, run = told.record, told.run
    waits = not record.state.is_final and needs_somebody(
        run.run, run.health, run.failing
    )
    unwell = waits or record.state is RecordState.UNKNOWN
    text = _shown(record_explanation(told), record.contact)
    if not as_json:
        answer(text)
        return exits.UNHEALTHY if unwell else exits.DONE
    answer_json(
        {
            "run": run.run.run_id,
            "seq": record.seq,
            "state": record.state.word,
            "step": record.step,
            "attempts": record.attempts,
            "outcome_class": record.outcome_class and record.outcome_class.word,
            "code": record.code or None,
            "blocked_by": told.reason or None,
            "updated_at": iso(record.updated_at_ms),
            "next_at": iso(record.next_at_ms),
            "due_at": iso(record.due_at_ms),
            "expires_at": iso(record.expires_at_ms),
            "suppressed": told.is_suppressed,
            "health": run.health,
            "needs_somebody": unwell,
            "why": text,
            "as_of": iso(run.now_ms),
        }
    )
    return exits.UNHEALTHY if unwell else exits.DONE


def _run_json(
    told: Told, waits: list[Command], *, needs_somebody: bool
) -> dict[str, Any]:
    run, now = told.run, told.now
    return {
        "run": run.run_id,
        "label": run.label,
        "health": told.health,
        "needs_somebody": needs_somebody,
        "sentence": _shown(sentence(told)),
        "why": _shown(explanation(told)),
        "next": _shown(next_step(told)),
        "commands_waiting": waiting_json(waits),
        "blocked_by": [blocked_json(one) for one in told.blocked],
        "slowdown": slowdown_json(now.slowdown),
        "failing": None if told.failing is None else _failing_json(told.failing),
        "progress_at": iso(run.progress_at_ms),
        "oldest_in_flight_s": now.oldest_s,
        "done_per_s": told.per_s if told.is_rated else None,
        "window_shuts_at": iso(told.shuts_at_ms),
        "as_of": iso(told.now_ms),
    }


def _failing_json(failing: Failing) -> dict[str, Any]:
    return {
        "records": failing.records,
        "of": failing.of,
        "most": _shown(failing.worst) or None,
    }


def _shown(text: str, contact: str = "") -> str:
    """Return a text with people masked and nothing that could mislead a terminal."""
    return clean(for_shell(without_contact(text, contact)), _LONGEST)
