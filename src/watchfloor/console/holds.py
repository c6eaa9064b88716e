"""What holds a run's records, with figures that stand still while nothing happens."""

from __future__ import annotations

from watchfloor.console.figures import coming_time, counted, near_time, rate
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.domain.blocked_by import OLDEST, SHARED_BY, UNTIL, Blocked, Reason
from watchfloor.domain.live import LiveRun
from watchfloor.domain.progress import in_flight, taken_up
from watchfloor.domain.views import EngineView, RunView

_REASON, _COUNT = 22, 13
#: What could start this moment is held by nothing.
_FREE = "could start now"


def held(live: LiveRun) -> int:
    """Return how many records are neither taken up nor finished."""
    books = live.run.books
    return max(0, books.remaining - books.attempting)


def unaccounted(live: LiveRun) -> int:
    """Return how many of these no reason holds; less than 0 where some count twice."""
    return held(live) - sum(one.count for one in live.blocked)


def hold_words(live: LiveRun, *, in_short: bool = False) -> str:
    """Return what holds the most, with its count; ``-`` where nothing does.

    Args:
        live: The run.
        in_short: Whether a cell of a list is all the room there is.
    """
    if not live.blocked:
        return "-"
    first, *others = sorted(live.blocked, key=lambda one: -one.count)
    more = f" and {counted(len(others), 'other reason')}" if others else ""
    if in_short and others:
        more = f" +{len(others)}"
    return f"{first.reason.value} {first.count:,}{more}"


def figures(one: Blocked, live: LiveRun, engine: EngineView, now_ms: int) -> str:
    """Return what stands behind a reason, people masked.

    There are times of day where the desk tells ages.
    """
    run = live.run
    told = {
        Reason.NO_ENGINE: lambda: _last_heartbeat(engine, now_ms),
        Reason.PERMITS_FULL: lambda: without_contact(one.detail.partition(OLDEST)[0]),
        Reason.PACE: lambda: _pace(one, run),
        Reason.OUTSIDE_WINDOW: lambda: _opens(live, now_ms),
        Reason.RETRY_BACKOFF: lambda: _next(run.next_retry_at_ms, now_ms),
        Reason.CALLBACK_NOT_DUE: lambda: _next(run.next_callback_at_ms, now_ms),
    }.get(one.reason)
    return without_contact(one.detail) if told is None else told()


def hold_lines(live: LiveRun, engine: EngineView, now_ms: int) -> list[Line]:
    """Return a line for every reason, and what all of them come to."""
    run = live.run
    if run.lifecycle.is_ended:
        return [(Piece("  the run has ended; nothing of it remains", "dim"),)]
    lines = [
        _term(one.reason.value, one.count, figures(one, live, engine, now_ms))
        for one in live.blocked
    ]
    free = unaccounted(live)
    if free > 0:
        lines.append(_term(_FREE, free, ""))
    if free < 0:
        over = counted(-free, "record")
        lines.append((Piece(f"  {over} counted twice: do not trust these", "alarm"),))
    books = run.books
    total = f"= remaining {books.remaining:,} - in flight {in_flight(run):,}"
    if taken_up(run):
        total += f" - taken up {taken_up(run):,}"
    return [*lines, _term("together", held(live), total)]


def _term(name: str, count: int, said: str) -> Line:
    # One look for all of it: each change of colour is sent with every such line.
    return (Piece(f"  {name:<{_REASON}}{count:>{_COUNT},}  {said}".rstrip()),)


def _pace(one: Blocked, run: RunView) -> str:
    shared = one.detail.partition(UNTIL)[0]
    own = rate(run.rate_per_s)
    return f"{shared if SHARED_BY in shared else own} at most"


def _last_heartbeat(engine: EngineView, now_ms: int) -> str:
    if not engine.heartbeat_at_ms:
        return "none ever ran here"
    return f"last heartbeat {near_time(engine.heartbeat_at_ms, now_ms)}"


def _opens(live: LiveRun, now_ms: int) -> str:
    if live.run.shut_until_ms is not None:
        return f"opens {coming_time(live.run.shut_until_ms, now_ms)}"
    if live.opens_at_ms is None or live.opens_at_ms <= now_ms:
        return "each recipient has a window of their own"
    return f"first opens {coming_time(live.opens_at_ms, now_ms)} UTC"


def _next(at_ms: int | None, now_ms: int) -> str:
    if at_ms is None or at_ms <= now_ms:
        return ""
    return f"next {near_time(at_ms, now_ms)}"
