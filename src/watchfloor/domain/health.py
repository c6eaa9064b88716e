"""Whether a run moves as it should: derived, never stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from watchfloor.domain.blocked_by import Reason, Situation, blocked_by
from watchfloor.domain.views import RunView

#: Dispatchable work and nothing that moves for so long is a stall of the engine itself.
STALL_MS: Final = 60_000
#: Unless the run's own outcomes are further apart: then so many times their median.
STALL_INTERVALS: Final = 20
#: Unless the pace is slower: then so many of its intervals.
_SLOWEST: Final = 3
#: Permits that are all in use and bring no outcome for so long are slow, whatever holds
#: them: no attempt of a healthy provider takes so long that none of many ends.
HUNG_MS: Final = 300_000
_UNMEASURED_HUNG_MS: Final = 600_000

_HOLDS_ALL = frozenset(
    {
        Reason.NO_ENGINE,
        Reason.DRAINS,
        Reason.STORE_NOT_WRITABLE,
        Reason.GATE,
        Reason.QUOTA,
        Reason.BREAKER_OPEN,
    }
)


class Health(StrEnum):
    """How a run does."""

    OK = "ok"
    BLOCKED = "blocked"  #: something outside the dispatch holds every record
    SLOW = "slow"  #: it moves, clearly less than it should
    STALLED = "stalled"  #: work could start and nothing moves


def health(run: RunView, now: Situation, now_ms: int) -> Health:
    """Return how *run* does in its situation."""
    reasons = {one.reason for one in blocked_by(now)}
    if reasons & _HOLDS_ALL:
        return Health.BLOCKED
    if now.lifecycle.is_ended:
        return Health.OK
    idle_ms = idle_since_ms(run, now)
    if (
        Reason.DISPATCHABLE in reasons
        and idle_ms is not None
        and now_ms - idle_ms > stall_patience_ms(run, now)
    ):
        return Health.STALLED
    if now.slowdown is not None or is_hung(run, now, now_ms):
        return Health.SLOW
    return Health.OK


def idle_since_ms(run: RunView, now: Situation) -> int | None:
    """Return since when something could have started; None before the run's start.

    An intent that was stored is a move too: its outcome may take as long as it takes.
    """
    moved_at_ms = run.progress_at_ms or run.started_at_ms
    if moved_at_ms is None:
        return None
    moves = (moved_at_ms, now.able_at_ms, now.intent_at_ms)
    moved_at_ms = max(one for one in moves if one is not None)
    due_at_ms = [
        at_ms
        for at_ms in (run.next_retry_at_ms, run.next_callback_at_ms)
        if at_ms is not None
    ]
    # Whoever a canary holds back cannot start, however long nobody else does.
    startable = run.books.pending + run.books.claimed - now.held_back
    if startable > 0 or not due_at_ms:
        return moved_at_ms
    # Nobody could be contacted before the first of them was due: that was no stall.
    return max(moved_at_ms, min(due_at_ms))


def is_hung(run: RunView, now: Situation, now_ms: int) -> bool:
    """Whether every permit is in use and no outcome came for far too long."""
    if not any(one.reason is Reason.PERMITS_FULL for one in blocked_by(now)):
        return False
    moves = (run.progress_at_ms or run.started_at_ms, now.able_at_ms)
    moved_at_ms = max((one for one in moves if one is not None), default=None)
    if moved_at_ms is None:
        return False
    patience_ms: float = _UNMEASURED_HUNG_MS
    if now.interval_ms is not None:
        patience_ms = max(HUNG_MS, STALL_INTERVALS * now.interval_ms)
    return now_ms - moved_at_ms > patience_ms


def stall_patience_ms(run: RunView, now: Situation) -> float:
    """Return how long nothing that moves is no stall: a run may be paced by the hour.

    A run measures itself: its outcomes may be far apart although nothing is wrong.
    """
    waits = [float(STALL_MS)]
    if now.interval_ms is not None:
        waits.append(STALL_INTERVALS * now.interval_ms)
    rates = [run.rate_per_s, *(one.rate_per_s for one in now.shared)]
    waits += [_SLOWEST * 1_000 / rate for rate in rates if rate]
    return max(waits)
