"""Whether a run moves as it should: derived, never stored."""

from __future__ import annotations

from enum import StrEnum

from watchfloor.domain.blocked_by import Reason, Situation, blocked_by
from watchfloor.domain.views import RunView

#: Dispatchable work and no outcome for so long is a stall of the engine itself.
STALL_MS = 60_000

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
    moved_at_ms = run.progress_at_ms or run.started_at_ms
    if (
        Reason.DISPATCHABLE in reasons
        and moved_at_ms is not None
        and now_ms - moved_at_ms > STALL_MS
    ):
        return Health.STALLED
    return Health.OK
