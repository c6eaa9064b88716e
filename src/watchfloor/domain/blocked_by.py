"""The one reason why a record does not move: first match wins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Intake, Lifecycle, Phase


class Reason(StrEnum):
    """Why, in the order in which the reasons are tried (``delivery.md``)."""

    NO_ENGINE = "no engine"
    STORE_NOT_WRITABLE = "store not writable"
    GATE = "gate"
    INTAKE_NOT_DONE = "intake not done"
    QUOTA = "quota"
    BREAKER_OPEN = "provider breaker open"
    PERMITS_FULL = "permits full"
    PACE = "pace"
    OUTSIDE_WINDOW = "outside window"
    SUPPRESSION_PENDING = "suppression pending"
    RETRY_BACKOFF = "retry backoff"
    CALLBACK_NOT_DUE = "callback not due"
    WAITING_EXTERNAL = "waiting on external"
    DISPATCHABLE = "dispatchable"


@dataclass(frozen=True, slots=True)
class Blocked:
    """One reason, how many remaining records it holds, and the figures behind it."""

    reason: Reason
    count: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a run's remaining records are up against at one moment.

    Attributes:
        engine_alive: A heartbeat came lately.
        heartbeat_age_s: Seconds since the last one; None when none ever came.
        store_fault: Why the store takes no writes; empty when it does.
        gate_detail: Who closed the gate, when and why.
        next_token_s: Seconds until the pace allows an attempt; 0 for now.
        retries_due: Retries whose time has come.
        callbacks_due: Callbacks whose time has come.
        next_retry_s: Seconds until the first retry that is not due.
        next_callback_s: Seconds until the first callback that is not due.
        held_pending: Pending records that rest because their window is closed.
        held_retries: Retries that rest so.
        held_callbacks: Callbacks that rest so: due, and their window is closed.
        opens_s: Seconds until the first of them is looked at again.
        shut_s: Seconds until the one window of all recipients opens; None while it is
            open.
        awaits_approval: Nothing goes on before a person's word.
        held_back: Pending records that a canary has not released.
        released_seq: The last record that it has; None for all of them.
        canary: How far its stage is; empty without one.
    """

    lifecycle: Lifecycle
    books: Books
    engine_alive: bool
    heartbeat_age_s: float | None = None
    store_fault: str = ""
    gate_detail: str = ""
    permits: int = 0
    rate_per_s: float | None = None
    next_token_s: float = 0.0
    retries_due: int = 0
    callbacks_due: int = 0
    next_retry_s: float | None = None
    next_callback_s: float | None = None
    held_pending: int = 0
    held_retries: int = 0
    held_callbacks: int = 0
    opens_s: float | None = None
    shut_s: float | None = None
    awaits_approval: bool = False
    held_back: int = 0
    released_seq: int | None = None
    canary: str = ""


def blocked_by(now: Situation) -> tuple[Blocked, ...]:
    """Return the reasons that hold the remaining records, each record counted once.

    What holds a whole run is tried first. Permits and pace hold only what could start
    this moment: a record whose own time has not come is held by that time, not by
    others' attempts (``docs/decisions/0004``). Attempts in flight move and are not
    counted; an ended run has no remaining record and no reason. While the intake is not
    done, what holds the run is told even if it holds no record yet.
    """
    left = now.books.remaining - now.books.attempting
    if now.lifecycle.is_ended:
        return ()
    whole = _whole_run(now)
    if whole is not None and (left > 0 or now.lifecycle.intake is not Intake.DONE):
        reason, detail = whole
        return (Blocked(reason, left, detail),)
    return tuple(one for one in _by_record(now) if one.count > 0)


def blocked_record(
    state: RecordState,
    now: Situation,
    *,
    is_due: bool,
    is_held: bool = False,
    is_held_back: bool = False,
) -> str:
    """Return the reason that holds one record, or an empty string if it moves.

    Args:
        state: Where the record stands.
        now: The situation of its run.
        is_due: Whether its own time (retry, callback, next step) has come.
        is_held: Whether its window was closed when that came.
        is_held_back: Whether it stands past what a canary has released.
    """
    if state.is_final or state is RecordState.ATTEMPTING:
        return ""
    whole = _whole_run(now)
    if whole is not None:
        return whole[0].value
    if state is RecordState.WAITING or is_held_back:
        return Reason.WAITING_EXTERNAL.value
    if not is_due and is_held:
        return Reason.OUTSIDE_WINDOW.value
    waits = None if is_due else _OWN_TIMES.get(state)
    return (waits or _dispatch_reason(now)[0]).value


#: What holds a record whose own time has not come.
_OWN_TIMES = {
    RecordState.RETRY: Reason.RETRY_BACKOFF,
    RecordState.CALLBACK: Reason.CALLBACK_NOT_DUE,
}


def _whole_run(now: Situation) -> tuple[Reason, str] | None:
    if not now.engine_alive:
        return Reason.NO_ENGINE, _engine_detail(now)
    if now.store_fault:
        return Reason.STORE_NOT_WRITABLE, now.store_fault
    if now.lifecycle.gate is not Gate.OPEN:
        return Reason.GATE, now.gate_detail or now.lifecycle.gate.value
    if now.lifecycle.phase is Phase.QUEUED and now.lifecycle.intake is not Intake.DONE:
        return Reason.INTAKE_NOT_DONE, now.lifecycle.intake.value
    if now.awaits_approval:
        return Reason.WAITING_EXTERNAL, "a person's word: watchfloor approve"
    return None


def _engine_detail(now: Situation) -> str:
    if now.heartbeat_age_s is None:
        return "no engine ever ran here; start one with: watchfloor engine"
    return (
        f"last heartbeat {now.heartbeat_age_s:.0f} s ago; start one with: "
        "watchfloor engine"
    )


def _by_record(now: Situation) -> list[Blocked]:
    books = now.books
    startable = books.pending + books.claimed - now.held_pending - now.held_back
    startable += now.retries_due + now.callbacks_due
    reason, detail = _dispatch_reason(now)
    held = now.held_pending + now.held_retries + now.held_callbacks
    opens = "" if now.opens_s is None else f"first opens in {_span(now.opens_s)}"
    found = [
        Blocked(reason, startable, detail),
        Blocked(Reason.OUTSIDE_WINDOW, held, opens),
        Blocked(
            Reason.RETRY_BACKOFF,
            books.retry - now.retries_due - now.held_retries,
            _next("retry", now.next_retry_s),
        ),
        Blocked(
            Reason.CALLBACK_NOT_DUE,
            books.callback - now.callbacks_due - now.held_callbacks,
            _next("callback", now.next_callback_s),
        ),
        Blocked(Reason.WAITING_EXTERNAL, books.waiting + now.held_back, now.canary),
    ]
    return _joined(found)


def _joined(found: list[Blocked]) -> list[Blocked]:
    """Return one entry per reason: a shut window may hold records in two ways."""
    first, second, *rest = found
    if first.reason is not second.reason:
        return found
    return [Blocked(first.reason, first.count + second.count, first.detail), *rest]


def _span(seconds: float) -> str:
    """Return a wait as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _next(what: str, seconds: float | None) -> str:
    return "" if seconds is None else f"next {what} in {_span(seconds)}"


def _dispatch_reason(now: Situation) -> tuple[Reason, str]:
    if now.shut_s is not None:
        return Reason.OUTSIDE_WINDOW, f"opens in {_span(now.shut_s)}"
    if now.permits and now.books.attempting >= now.permits:
        return (
            Reason.PERMITS_FULL,
            # Intents are stored ahead of permits: more than those are never under way.
            f"{min(now.books.attempting, now.permits):,} of {now.permits:,} in flight",
        )
    if now.rate_per_s is not None and now.next_token_s > 0:
        return (
            Reason.PACE,
            f"{now.rate_per_s:g}/s, next in {now.next_token_s:.1f} s",
        )
    return Reason.DISPATCHABLE, ""
