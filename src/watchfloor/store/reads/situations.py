"""What a run's records are up against, gathered from the store at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.breaker import breaker_named
from watchfloor.domain.draining import drain_figures
from watchfloor.domain.leaving import interruption
from watchfloor.domain.moments import at_minute
from watchfloor.domain.quota import is_plan_limit
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Phase
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.views import EngineView, RunView
from watchfloor.domain.workspace import Shared
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import OwnerSign, owner_sign
from watchfloor.store.reads.canaries import pending_within, stage_told
from watchfloor.store.reads.engine import engine_view, with_sign
from watchfloor.store.reads.movement import (
    Movement,
    able_at_ms,
    movement_of,
    next_token_s,
)
from watchfloor.store.reads.runs import (
    due_count,
    held_count,
    held_until_ms,
    run_number,
    run_view,
)
from watchfloor.store.reads.sharing import scopes_of, shared_uses
from watchfloor.store.reads.slowdowns import slowdown_of
from watchfloor.store.reads.suppressed import Suppressed, suppressed_of

#: Due records are counted up to here; beyond it the exact number helps nobody.
_COUNTED: Final = 10_000
#: A window that should have opened is taken to be shut for so long: it is being opened.
_OPENING_MS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What holds for all runs at once, and is asked once for all of them.

    Attributes:
        sign: What the owner's lock tells.
        uses: Every limit that runs share.
    """

    now_ms: int
    engine: EngineView
    sign: OwnerSign = field(default_factory=OwnerSign)
    uses: tuple[SharedUse, ...] = ()


def situation(
    connection: Handle,
    run_id: str,
    now_ms: int,
    *,
    layout: Layout | None = None,
    shared: Mapping[str, Shared] | None = None,
) -> Situation:
    """Return the situation of a run, all there is to know about it.

    Args:
        connection: Any; all that is told is of its one snapshot.
        run_id: Whose.
        now_ms: The moment.
        layout: Where the workspace is: a silent owner's lock tells more. None for no
            look.
        shared: The limits of the workspace's file, by scope (``filed_limits``).

    Raises:
        NotFoundError: No run has this id.
    """
    view = run_view(connection, run_id)
    number = run_number(connection, run_id)
    beside = beside_runs(connection, now_ms, layout=layout, shared=shared)
    found = situation_of(connection, number, view, beside)
    if view.lifecycle.is_ended:
        return found
    return _without_suppressed(found, suppressed_of(connection, number, now_ms))


def beside_runs(
    connection: Handle,
    now_ms: int,
    *,
    layout: Layout | None = None,
    shared: Mapping[str, Shared] | None = None,
) -> Beside:
    """Return what holds for all runs at once; see ``situation``."""
    engine = engine_view(connection)
    sign = OwnerSign() if layout is None else owner_sign(layout, engine, now_ms)
    uses = shared_uses(connection, shared or {})
    told = with_sign(engine, sign)
    return Beside(now_ms=now_ms, engine=told, sign=sign, uses=uses)


def situation_of(
    connection: Handle,
    number: int,
    view: RunView,
    beside: Beside,
    moves: Movement | None = None,
) -> Situation:
    """Return the situation of a run that was read in the same transaction.

    Who of its records is suppressed is not asked. Of an ended run nothing is asked but
    what its view tells.

    Args:
        connection: Any.
        number: The run's.
        view: It must know when its next records are due, as one from ``run_view`` does.
        beside: What holds for all runs.
        moves: What is known already of how it moves: then nothing else is asked of
            that, and not whether it is slower than earlier runs. None for all of it.
    """
    now_ms, sign = beside.now_ms, beside.sign
    found = Situation(
        run_id=view.run_id,
        lifecycle=view.lifecycle,
        books=view.books,
        # One that cannot store that it lives is no missing engine: the store is ill.
        engine_alive=beside.engine.is_alive(now_ms) or bool(sign.fault),
        heartbeat_age_s=_ago_s(beside.engine.heartbeat_at_ms or None, now_ms),
        interrupted=interruption(view, beside.engine, now_ms),
        drains="" if sign.drain is None else drain_figures(sign.drain, now_ms),
        owner_lives=sign.lives,
        owner_unseen=sign.is_unseen,
        store_fault=sign.fault,
        gate_detail=gate_detail(view, now_ms),
        breaker=_breaker(view, now_ms),
        quota=view.cause if is_plan_limit(view.cause) else "",
        bytes_read=view.bytes_read,
        bytes_total=view.bytes_total,
        permits=view.permits,
        rate_per_s=view.rate_per_s,
        next_retry_s=_ahead_s(view.next_retry_at_ms, now_ms),
        next_callback_s=_ahead_s(view.next_callback_at_ms, now_ms),
        awaits_approval=view.awaits_approval,
        held_back=_held_back(connection, number, view),
        released_seq=view.released_seq,
        canary="" if view.released_seq is None else stage_told(connection, number),
    )
    if view.lifecycle.is_ended:
        return found
    found = _with_times(connection, number, view, found, now_ms)
    if moves is not None:
        return _with_movement(view, found, beside, moves)
    moves = movement_of(connection, number, view)
    found = _with_movement(view, found, beside, moves)
    return _with_slowdown(connection, number, view, found, now_ms)


def _with_times(
    connection: Handle, number: int, view: RunView, found: Situation, now_ms: int
) -> Situation:
    """Return it with what is due, what rests, and when the next window opens."""
    retries, callbacks = (
        held_count(connection, number, state, _COUNTED) if view.held else 0
        for state in (RecordState.RETRY, RecordState.CALLBACK)
    )
    rests = {
        RecordState.PENDING: view.held - retries - callbacks,
        RecordState.RETRY: retries,
        RecordState.CALLBACK: callbacks,
    }
    opens = [
        held_until_ms(connection, number, state)
        for state, count in rests.items()
        if count > 0
    ]
    opens_at_ms = min((at for at in opens if at is not None), default=None)
    is_shut = (view.shut_until_ms or 0) + _OPENING_MS > now_ms
    return replace(
        found,
        retries_due=_due(
            connection, number, RecordState.RETRY, view.next_retry_at_ms, now_ms
        ),
        callbacks_due=_due(
            connection, number, RecordState.CALLBACK, view.next_callback_at_ms, now_ms
        ),
        held_pending=max(0, view.held - retries - callbacks),
        held_retries=retries,
        held_callbacks=callbacks,
        opens_s=_ahead_s(opens_at_ms, now_ms),
        shut_s=_ahead_s(view.shut_until_ms, now_ms) if is_shut else None,
    )


def _with_movement(
    view: RunView, found: Situation, beside: Beside, moves: Movement
) -> Situation:
    """Return it with who holds permits and how the run moves."""
    now_ms, scopes = beside.now_ms, scopes_of(moves.channels)
    shared = tuple(use for use in beside.uses if use.scope in scopes)
    able_ms = able_at_ms(view, beside.engine, moves)
    rates = [view.rate_per_s, *(one.rate_per_s for one in shared)]
    last_ms = max(view.progress_at_ms or 0, moves.intent_at_ms or 0, able_ms or 0)
    return replace(
        found,
        shared=shared,
        oldest_s=_ago_s(moves.oldest_at_ms, now_ms),
        next_token_s=next_token_s(rates, now_ms - last_ms),
        able_at_ms=able_ms,
        intent_at_ms=moves.intent_at_ms,
        interval_ms=moves.interval_ms,
    )


def _with_slowdown(
    connection: Handle, number: int, view: RunView, found: Situation, now_ms: int
) -> Situation:
    """Return it with since when the run is slower than earlier ones."""
    if found.able_at_ms is None or not _could_move(view, found):
        return found
    slow = slowdown_of(connection, number, view, now_ms, found.able_at_ms)
    return replace(found, slowdown=slow)


def _could_move(view: RunView, found: Situation) -> bool:
    """Whether a rate says anything: something may be attempted, or is tried again."""
    life, books = view.lifecycle, view.books
    is_open = life.phase is Phase.RUNNING and life.gate is Gate.OPEN
    is_shut = found.shut_s is not None or found.awaits_approval
    left = books.eligible + books.attempting - view.held - found.held_back
    return (
        is_open
        and found.engine_alive
        and not (found.store_fault or found.quota or is_shut)
        and left > 0
    )


def _without_suppressed(found: Situation, gone: Suppressed) -> Situation:
    """Return it with suppressed records named; never more than there are to name."""
    books = found.books
    startable = books.pending + books.claimed - found.held_pending
    startable += found.retries_due + found.callbacks_due
    retries = books.retry - found.retries_due - found.held_retries
    callbacks = books.callback - found.callbacks_due - found.held_callbacks
    return replace(
        found,
        suppressed_now=max(0, min(gone.startable, startable)),
        suppressed_retries=max(0, min(gone.retries, retries)),
        suppressed_callbacks=max(0, min(gone.callbacks, callbacks)),
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


def gate_detail(view: RunView, now_ms: int) -> str:
    """Return who closed a run's gate, when and why, or an empty string."""
    asked = view.gate_asked
    if not asked.by:
        return ""
    at = f" at {at_minute(asked.at_ms, now_ms)}" if asked.at_ms else ""
    why = f": {asked.why}" if asked.why else ""
    return f"{view.lifecycle.gate} by {asked.by}{at}{why}"


def _breaker(view: RunView, now_ms: int) -> str:
    """Return which breaker paused the run, since when and why; empty for none."""
    asked = view.gate_asked
    if view.lifecycle.gate is Gate.OPEN or not breaker_named(asked.by, asked.why):
        return ""
    return (
        f"{asked.why}; {view.lifecycle.gate} since {at_minute(asked.at_ms, now_ms)}, "
        "tried again only after a resume"
    )


def _ago_s(at_ms: int | None, now_ms: int) -> float | None:
    return None if at_ms is None else max(0.0, (now_ms - at_ms) / 1000)


def _ahead_s(at_ms: int | None, now_ms: int) -> float | None:
    return None if at_ms is None else max(0.0, (at_ms - now_ms) / 1000)
