"""What a run's records are up against, gathered from the store at one moment."""

from __future__ import annotations

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import EngineView, RunView
from watchfloor.store.handle import Handle
from watchfloor.store.reads.canaries import pending_within, stage_told
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.runs import (
    due_count,
    held_count,
    held_until_ms,
    run_number,
    run_view,
)

#: Due records are counted up to here; beyond it the exact number helps nobody.
_COUNTED = 10_000


def situation(connection: Handle, run_id: str, now_ms: int) -> Situation:
    """Return the situation of a run.

    Raises:
        NotFoundError: No run has this id.
    """
    run = run_view(connection, run_id)
    number = run_number(connection, run_id)
    return situation_of(connection, number, run, engine_view(connection), now_ms)


def situation_of(
    connection: Handle, number: int, run: RunView, engine: EngineView, now_ms: int
) -> Situation:
    """Return the situation of a run that was read in the same transaction.

    It must know when its next records are due, as one from ``run_view`` does.
    """
    retries, callbacks = (
        held_count(connection, number, state, _COUNTED) if run.held else 0
        for state in (RecordState.RETRY, RecordState.CALLBACK)
    )
    rests = {
        RecordState.PENDING: run.held - retries - callbacks,
        RecordState.RETRY: retries,
        RecordState.CALLBACK: callbacks,
    }
    opens = [
        held_until_ms(connection, number, state)
        for state, count in rests.items()
        if count > 0
    ]
    opens_at_ms = min((at for at in opens if at is not None), default=None)
    return Situation(
        lifecycle=run.lifecycle,
        books=run.books,
        engine_alive=engine.is_alive(now_ms),
        heartbeat_age_s=_age_s(engine, now_ms),
        gate_detail=gate_detail(run),
        permits=run.permits,
        rate_per_s=run.rate_per_s,
        # The engine keeps its bucket to itself; the pace alone bounds the wait.
        next_token_s=1 / run.rate_per_s if run.rate_per_s else 0.0,
        retries_due=_due(
            connection, number, RecordState.RETRY, run.next_retry_at_ms, now_ms
        ),
        callbacks_due=_due(
            connection, number, RecordState.CALLBACK, run.next_callback_at_ms, now_ms
        ),
        next_retry_s=_ahead_s(run.next_retry_at_ms, now_ms),
        next_callback_s=_ahead_s(run.next_callback_at_ms, now_ms),
        held_pending=max(0, run.held - retries - callbacks),
        held_retries=retries,
        held_callbacks=callbacks,
        opens_s=_ahead_s(opens_at_ms, now_ms),
        shut_s=_ahead_s(run.shut_until_ms, now_ms),
        awaits_approval=run.awaits_approval,
        held_back=_held_back(connection, number, run),
        released_seq=run.released_seq,
        canary="" if run.released_seq is None else stage_told(connection, number),
    )


def _held_back(connection: Handle, number: int, run: RunView) -> int:
    """Return how many pending records stand past what a canary has released."""
    if run.released_seq is None:
        return 0
    within = pending_within(connection, number, run.released_seq)
    return max(0, run.books.pending - within)


def _due(
    connection: Handle,
    number: int,
    state: RecordState,
    first_ms: int | None,
    now_ms: int,
) -> int:
    # Most often not even the first one is due.
    if first_ms is None or first_ms > now_ms:
        return 0
    return due_count(connection, number, state, now_ms, _COUNTED)


def gate_detail(run: RunView) -> str:
    """Return who closed a run's gate and why, or an empty string."""
    asked = run.gate_asked
    if not asked.by:
        return ""
    return f"{run.lifecycle.gate} by {asked.by}" + (
        f": {asked.why}" if asked.why else ""
    )


def _age_s(engine: EngineView, now_ms: int) -> float | None:
    if not engine.heartbeat_at_ms:
        return None
    return (now_ms - engine.heartbeat_at_ms) / 1000


def _ahead_s(at_ms: int | None, now_ms: int) -> float | None:
    return None if at_ms is None else max(0.0, (at_ms - now_ms) / 1000)
