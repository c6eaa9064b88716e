"""The one reason why a record does not move: first match wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from watchfloor.domain.books import Books
from watchfloor.domain.draining import ABOUT_UNSEEN, NOT_TOLD
from watchfloor.domain.moments import counted, span_text
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate, Intake, Lifecycle, Phase
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.slowdown import Slowdown

#: Before an age at the end of a detail, for whoever shows figures that stand still.
OLDEST: Final = ", the oldest for "
UNTIL: Final = ", next in "
#: Between a pace and the limit it is of, where runs share it.
SHARED_BY: Final = " of "
#: Of those who hold a shared limit's permits so many are named.
_HOLDERS_NAMED: Final = 3


class Reason(StrEnum):
    """Why, in the order in which the reasons are tried (``delivery.md``)."""

    NO_ENGINE = "no engine"
    DRAINS = "engine drains"
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
        run_id: Whose; empty where nobody asks.
        engine_alive: A heartbeat came lately; or its process lives and cannot store one
            (``store_fault``).
        heartbeat_age_s: Seconds since the last one; None when none ever came.
        interrupted: How the last engine let go of what was under way, and when; empty
            where it did not.
        drains: How far the engine is that ends and begins nothing more; empty while it
            goes on.
        owner_lives: No heartbeat came lately, and yet the owner's process lives.
        owner_unseen: None came, and whether it lives cannot be told from this account.
        store_fault: Why the store takes no writes; empty when it does.
        gate_detail: Who closed the gate, when and why.
        breaker: Which breaker closed the gate, and why; empty for none.
        quota: What of the plan is used up, where that ends the run; empty where not.
        bytes_read: How far the intake has read the upload, of ``bytes_total``.
        shared: The limits that the run shares with others, and who holds them.
        next_token_s: Seconds until the slowest pace allows an attempt; 0 for now.
        oldest_s: Seconds since the oldest attempt in flight began; None for none.
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
        suppressed_now: Of what could start, records that must not be contacted: they
            are put aside when their turn comes.
        suppressed_retries: Such retries whose time has not come.
        suppressed_callbacks: Such callbacks whose time has not come.
        awaits_approval: Nothing goes on before a person's word.
        held_back: Pending records that a canary has not released.
        released_seq: The last record that it has; None for all of them.
        canary: How far its stage is; empty without one.
        waits_on: What the waiting records wait for.
        able_at_ms: Since when nothing but dispatch keeps the run from working: its
            start or resume, the engine's start, its window's opening.
        intent_at_ms: When the newest attempt in flight was taken up; None for none.
        interval_ms: The median time between the run's own outcomes; None where too few
            are known.
        slowdown: Since when it is slower than earlier runs; None where it is not.
    """

    lifecycle: Lifecycle
    books: Books
    engine_alive: bool
    run_id: str = ""
    heartbeat_age_s: float | None = None
    interrupted: str = ""
    drains: str = ""
    owner_lives: bool = False
    owner_unseen: bool = False
    store_fault: str = ""
    gate_detail: str = ""
    breaker: str = ""
    quota: str = ""
    bytes_read: int = 0
    bytes_total: int = 0
    permits: int = 0
    rate_per_s: float | None = None
    shared: tuple[SharedUse, ...] = ()
    next_token_s: float = 0.0
    oldest_s: float | None = None
    retries_due: int = 0
    callbacks_due: int = 0
    next_retry_s: float | None = None
    next_callback_s: float | None = None
    held_pending: int = 0
    held_retries: int = 0
    held_callbacks: int = 0
    opens_s: float | None = None
    shut_s: float | None = None
    suppressed_now: int = 0
    suppressed_retries: int = 0
    suppressed_callbacks: int = 0
    awaits_approval: bool = False
    held_back: int = 0
    released_seq: int | None = None
    canary: str = ""
    waits_on: str = ""
    able_at_ms: int | None = None
    intent_at_ms: int | None = None
    interval_ms: float | None = None
    slowdown: Slowdown | None = None


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
    is_suppressed: bool = False,
) -> str:
    """Return the reason that holds one record, or an empty string if it moves.

    Args:
        state: Where the record stands.
        now: The situation of its run.
        is_due: Whether its own time (retry, callback, next step) has come.
        is_held: Whether its window was closed when that came.
        is_held_back: Whether it stands past what a canary has released.
        is_suppressed: Whether its contact must not be contacted any more.
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
    reason = waits or _dispatch_reason(now)[0]
    if is_suppressed and reason in _AFTER_SUPPRESSION:
        return Reason.SUPPRESSION_PENDING.value
    return reason.value


#: What holds a record whose own time has not come.
_OWN_TIMES = {
    RecordState.RETRY: Reason.RETRY_BACKOFF,
    RecordState.CALLBACK: Reason.CALLBACK_NOT_DUE,
}
_AFTER_SUPPRESSION = frozenset({*_OWN_TIMES.values(), Reason.DISPATCHABLE})


def _whole_run(now: Situation) -> tuple[Reason, str] | None:
    return next(_holds(now), None)


def _holds(now: Situation) -> Iterator[tuple[Reason, str]]:
    """Yield what holds every record, in the order in which it is told."""
    life = now.lifecycle
    yield from _without_engine(now)
    if life.gate is not Gate.OPEN:
        yield _gate(now)
    if life.phase is Phase.QUEUED and life.intake is not Intake.DONE:
        yield Reason.INTAKE_NOT_DONE, _intake_detail(now)
    if now.quota:
        yield Reason.QUOTA, now.quota
    if now.breaker:
        yield Reason.BREAKER_OPEN, now.breaker
    if now.awaits_approval:
        yield Reason.WAITING_EXTERNAL, "a person's word: watchfloor approve"


def _without_engine(now: Situation) -> Iterator[tuple[Reason, str]]:
    if not now.engine_alive:
        yield Reason.NO_ENGINE, _engine_detail(now)
    elif now.drains:
        yield Reason.DRAINS, now.drains
    if now.store_fault:
        yield Reason.STORE_NOT_WRITABLE, now.store_fault


def _gate(now: Situation) -> tuple[Reason, str]:
    # Whom the engine paused for its provider's sake is told by what is the matter:
    # nobody closed that gate for a reason of the run's (``docs/decisions/0021``).
    if now.breaker:
        return Reason.BREAKER_OPEN, now.breaker
    return Reason.GATE, now.gate_detail or now.lifecycle.gate.value


def _engine_detail(now: Situation) -> str:
    if now.heartbeat_age_s is None:
        return "no engine ever ran here; start one with: watchfloor engine"
    if now.interrupted:
        return f"{now.interrupted}; it goes on when one starts: watchfloor engine"
    last = f"last heartbeat {now.heartbeat_age_s:.0f} s ago"
    if now.owner_lives:
        return f"{last}, though its process lives: it hangs; see: watchfloor doctor"
    if now.owner_unseen:
        return f"{last}; {NOT_TOLD}; {ABOUT_UNSEEN}"
    return f"{last}; start one with: watchfloor engine"


def _intake_detail(now: Situation) -> str:
    """Return how far the intake is, in rows and in the share of the upload."""
    word = now.lifecycle.intake.value
    if not now.bytes_total or not now.books.extracted:
        return word
    share = f"{min(100, 100 * now.bytes_read // now.bytes_total)} % of the upload read"
    unjudged = f", {now.books.unjudged:,} not judged yet" if now.books.unjudged else ""
    return f"{word}: {counted(now.books.extracted, 'row')}, {share}{unjudged}"


def _by_record(now: Situation) -> list[Blocked]:
    books = now.books
    startable = books.pending + books.claimed - now.held_pending - now.held_back
    startable += now.retries_due + now.callbacks_due
    reason, detail = _dispatch_reason(now)
    aside_now = now.suppressed_now if reason is Reason.DISPATCHABLE else 0
    # Whoever a canary holds back may be suppressed too; the first reason counts.
    aside_now = min(aside_now, max(0, startable))
    held = now.held_pending + now.held_retries + now.held_callbacks
    opens = "" if now.opens_s is None else f"first opens in {span_text(now.opens_s)}"
    found = [
        Blocked(reason, startable - aside_now, detail),
        Blocked(Reason.OUTSIDE_WINDOW, held, opens),
        Blocked(
            Reason.SUPPRESSION_PENDING,
            aside_now + now.suppressed_retries + now.suppressed_callbacks,
            "put aside, not contacted, when their turn comes",
        ),
        Blocked(
            Reason.RETRY_BACKOFF,
            books.retry - now.retries_due - now.held_retries - now.suppressed_retries,
            _next("retry", now.next_retry_s),
        ),
        Blocked(
            Reason.CALLBACK_NOT_DUE,
            books.callback
            - now.callbacks_due
            - now.held_callbacks
            - now.suppressed_callbacks,
            _next("callback", now.next_callback_s),
        ),
        Blocked(
            Reason.WAITING_EXTERNAL,
            books.waiting + now.held_back,
            now.canary or now.waits_on,
        ),
    ]
    return _joined(found)


def _joined(found: list[Blocked]) -> list[Blocked]:
    """Return one entry per reason: a shut window may hold records in two ways."""
    first, second, *rest = found
    if first.reason is not second.reason:
        return found
    return [Blocked(first.reason, first.count + second.count, first.detail), *rest]


def _next(what: str, seconds: float | None) -> str:
    return "" if seconds is None else f"next {what} in {span_text(seconds)}"


def _dispatch_reason(now: Situation) -> tuple[Reason, str]:
    if now.shut_s is not None:
        return Reason.OUTSIDE_WINDOW, f"opens in {span_text(now.shut_s)}"
    if now.permits and now.books.attempting >= now.permits:
        # Intents are stored ahead of permits: more than those are never under way.
        flying = min(now.books.attempting, now.permits)
        full = f"{flying:,} of {now.permits:,} in flight"
        return Reason.PERMITS_FULL, full + _oldest(now)
    shared = next((one for one in now.shared if one.is_full), None)
    if shared is not None:
        return Reason.PERMITS_FULL, _holders(shared, now) + _oldest(now)
    if now.next_token_s > 0:
        paced = _pace(now)
        if paced:
            return Reason.PACE, f"{paced}{UNTIL}{now.next_token_s:.1f} s"
    return Reason.DISPATCHABLE, ""


def _oldest(now: Situation) -> str:
    if now.oldest_s is None:
        return ""
    return f"{OLDEST}{span_text(now.oldest_s)}"


def _holders(use: SharedUse, now: Situation) -> str:
    """Return who holds a shared limit's permits, this run by that name."""
    full = f"{use.in_flight:,} of {use.permits or 0:,} of {use.scope} in flight"
    told = [
        f"{'this run' if run_id == now.run_id else run_id} {count:,}"
        for run_id, count in use.holders[:_HOLDERS_NAMED]
    ]
    others = len(use.holders) - len(told)
    if others:
        told.append(counted(others, "more run"))
    return f"{full}: {', '.join(told)}" if told else full


def _pace(now: Situation) -> str:
    """Return the pace that lets the least through, by its name where it is shared."""
    paces: list[tuple[float, str]] = []
    if now.rate_per_s is not None:
        paces.append((now.rate_per_s, f"{now.rate_per_s:g}/s"))
    for one in now.shared:
        if one.rate_per_s is not None:
            sharing = max(1, len(one.holders))
            told = f"{one.rate_per_s:g}/s{SHARED_BY}{one.scope}"
            if sharing > 1:
                told += f" for {counted(sharing, 'run')}"
            paces.append((one.rate_per_s / sharing, told))
    return min(paces)[1] if paces else ""
