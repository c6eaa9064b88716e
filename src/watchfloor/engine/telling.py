"""Everything that is said of a run, or of one of its records, from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from watchfloor.domain.explanations import ToldRecord
from watchfloor.domain.health import Health, health
from watchfloor.domain.progress import is_rated
from watchfloor.domain.sentences import Told
from watchfloor.domain.workspace import Shared
from watchfloor.engine.journeys import journey
from watchfloor.intake.campaign_window import shuts_at_ms
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reads.attempts import attempts_of
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.failures import failing_of, worst_of
from watchfloor.store.reads.progress import recent_rates
from watchfloor.store.reads.runs import campaign_text, run_number, run_view, step_names
from watchfloor.store.reads.situations import situation
from watchfloor.store.reads.suppressed import is_suppressed


def told_run(
    connection: Handle,
    run_id: str,
    now_ms: int,
    *,
    layout: Layout | None = None,
    shared: Mapping[str, Shared] | None = None,
) -> Told:
    """Return what is said of a run; see ``situation`` for the arguments.

    Raises:
        NotFoundError: No run has this id.
    """
    view = run_view(connection, run_id)
    now = situation(connection, run_id, now_ms, layout=layout, shared=shared)
    how = health(view, now, now_ms)
    failing = failing_of(connection, view)
    if view.lifecycle.is_ended:
        return Told(run=view, now=now, health=how, now_ms=now_ms, failing=failing)
    engine = engine_view(connection)
    _, done_per_s = recent_rates(connection, now_ms).get(run_id, (0.0, 0.0))
    return Told(
        run=view,
        now=now,
        health=how,
        now_ms=now_ms,
        worst=worst_of(connection, view) if how is Health.SLOW else "",
        shuts_at_ms=shuts_at_ms(campaign_text(connection, run_id), now_ms),
        per_s=done_per_s,
        is_rated=is_rated(view.started_at_ms, engine.started_at_ms, now_ms),
        failing=failing,
    )


def told_record(connection: Handle, told: Told, seq: int) -> ToldRecord:
    """Return what is said of one record of a run.

    Raises:
        NotFoundError: The run has no such record.
    """
    run_id = told.run.run_id
    record = journey(connection, run_id, seq).record
    number = run_number(connection, run_id)
    attempts = attempts_of(connection, number, seq)
    return ToldRecord(
        run=told,
        record=record,
        step=record.step,
        steps=len(step_names(connection, run_id)),
        is_suppressed=is_suppressed(connection, number, seq),
        detail=attempts[-1]["detail"] if attempts else "",
    )
