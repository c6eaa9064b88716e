"""Whether a run moves as it should: derived, never stored."""

from __future__ import annotations

from enum import StrEnum

from watchfloor.domain.blocked_by import Reason, Situation, blocked_by
from watchfloor.domain.views import RunView

#: Dispatchable work and no outcome for so long is a stall of the engine itself.
STALL_MS = 60_000
#: Unless the pace is slower: then so many of its intervals.
_SLOWEST = 3

_HOLDS_ALL = frozenset(
    {
        Reason.NO_ENGINE,
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
    STALLED = "stalled"  #: work could start and nothing moves


def health(run: RunView, now: Situation, now_ms: int) -> Health:
    """Return how *run* does in its situation."""
    reasons = {one.reason for one in blocked_by(now)}
    if reasons & _HOLDS_ALL:
        return Health.BLOCKED
    idle_since_ms = _idle_since_ms(run)
    if (
        Reason.DISPATCHABLE in reasons
        and idle_since_ms is not None
        and now_ms - idle_since_ms > _patience_ms(run)
    ):
        return Health.STALLED
    return Health.OK


def _idle_since_ms(run: RunView) -> int | None:
    """Return since when something could have started; None before the run's start."""
    moved_at_ms = run.progress_at_ms or run.started_at_ms
    due_at_ms = [
        at_ms
        for at_ms in (run.next_retry_at_ms, run.next_callback_at_ms)
        if at_ms is not None
    ]
    if moved_at_ms is None or run.books.pending + run.books.claimed or not due_at_ms:
        return moved_at_ms
    # Nobody could be contacted before the first of them was due: that was no stall.
    return max(moved_at_ms, min(due_at_ms))


def _patience_ms(run: RunView) -> float:
    """Return how long no outcome is no stall: a run may be paced by the hour."""
    if not run.rate_per_s:
        return STALL_MS
    return max(STALL_MS, _SLOWEST * 1_000 / run.rate_per_s)
