"""How a run does, said in words: one line for a list, a heading or a notice.

Times of day are UTC. What people wrote (reasons, names, providers' words) is in it as
it came: it passes the text door, and contacts are masked, where it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchfloor.domain.blocked_by import Blocked, Reason, Situation, blocked_by
from watchfloor.domain.failing import Failing
from watchfloor.domain.health import Health, idle_since_ms
from watchfloor.domain.moments import at_minute, counted, pace_text
from watchfloor.domain.progress import done_share
from watchfloor.domain.regions import Gate, Phase, RunOutcome
from watchfloor.domain.views import RunView

#: Waits that pass by themselves and are no news in a line.
_QUIET = frozenset({Reason.DISPATCHABLE, Reason.PACE, Reason.PERMITS_FULL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that is said of one run.

    Attributes:
        worst: What most failed or retried records failed with, like ``421 at step
            call``; empty where nothing stands out.
        shuts_at_ms: When the one window of all recipients shuts; None for never or
            where each recipient has a window of their own.
        per_s: Records that became final per second, lately.
        is_rated: Whether ``per_s`` is known already.
        failing: That most of what it tried fails; None where it does not.
    """

    run: RunView
    now: Situation
    health: Health
    now_ms: int
    worst: str = ""
    shuts_at_ms: int | None = None
    per_s: float = 0.0
    is_rated: bool = True
    failing: Failing | None = None

    @property
    def blocked(self) -> tuple[Blocked, ...]:
        """Why the remaining records do not move."""
        return blocked_by(self.now)


def needs_somebody(
    run: RunView, health: Health, failing: Failing | None = None
) -> bool:
    """Whether a person has to act, or at least to look.

    Whoever is not ok does: a run that a person paused goes on by a person's word only,
    and so does one that waits for an approval. One that ended does if it failed, and so
    does one whose books do not balance, or of which most of what was tried fails. A
    closed window passes by itself.
    """
    failed = run.lifecycle.outcome is RunOutcome.FAILED
    return (
        health is not Health.OK
        or run.awaits_approval
        or failed
        or bool(run.books.imbalance)
        or failing is not None
    )


def sentence(told: Told) -> str:
    """Return one plain sentence about a run, without a stop.

    ``62 % done, slow since 14:02: 421 from one domain; the window shuts at 21:00``.
    """
    run = told.run
    if run.lifecycle.is_ended:
        return _ended(run)
    if run.started_at_ms is None and not run.books.done:
        begun = "not started"
    else:
        begun = f"{done_share(run.books).replace('%', ' %')} done"
    line = f"{begun}, {_state(told)}"
    rest = _window(told)
    return f"{line}; {rest}" if rest else line


def _ended(run: RunView) -> str:
    books = run.books
    parts = [run.label]
    if run.cause:
        parts.append(run.cause)
    counts = [f"{books.delivered:,} delivered", f"{books.failed:,} failed"]
    if books.unknown:
        counts.append(f"{books.unknown:,} unknown to resolve")
    untouched = books.not_attempted + books.expired + books.abandoned
    if untouched:
        counts.append(f"{untouched:,} not attempted")
    return (
        f"{': '.join(parts)}; {', '.join(counts)} of {counted(books.records, 'record')}"
    )


def _state(told: Told) -> str:
    run, now, now_ms = told.run, told.now, told.now_ms
    if told.health is Health.BLOCKED:
        return _held_as_a_whole(told)
    if told.health is Health.STALLED:
        idle_ms = idle_since_ms(run, now)
        since = "" if idle_ms is None else f" since {at_minute(idle_ms, now_ms)}"
        ready = sum(
            one.count for one in told.blocked if one.reason is Reason.DISPATCHABLE
        )
        return f"stalled{since}: {counted(ready, 'record')} could start and none does"
    if told.health is Health.SLOW:
        return _slow(told)
    if run.awaits_approval:
        return f"waits for a person's approval{_but_failing(told)}"
    return _well(told)


def _held_as_a_whole(told: Told) -> str:
    first = next(iter(told.blocked), None)
    if first is None:
        return "blocked"
    behind = None if first.reason is closed_by(told) else closed_by(told)
    parts = [_held_by(told, first.reason, first.detail)]
    parts += [] if behind is None else [_held_by(told, behind, told.now.breaker)]
    return "; ".join(parts)


def closed_by(told: Told) -> Reason | None:
    """Return what closed the run's gate, whatever else holds it; None: it is open."""
    if told.run.lifecycle.gate is Gate.OPEN:
        return None
    return Reason.BREAKER_OPEN if told.now.breaker else Reason.GATE


def _held_by(told: Told, reason: Reason, detail: str) -> str:
    match reason:
        case Reason.NO_ENGINE:
            return _without_engine(told.now, told.now_ms)
        case Reason.GATE:
            return _gate(told)
        case Reason.BREAKER_OPEN:
            since = at_minute(told.run.gate_asked.at_ms, told.now_ms)
            return f"paused since {since}: {detail}"
        case _:
            return f"{reason.value}: {detail}"


def _without_engine(now: Situation, now_ms: int) -> str:
    if now.heartbeat_age_s is None:
        return "no engine ever ran here"
    if now.interrupted:
        return f"{now.interrupted}; goes on when an engine starts"
    last_ms = now_ms - round(now.heartbeat_age_s * 1_000)
    what = "the engine hangs" if now.owner_lives else "no engine"
    if now.owner_unseen:
        what = "the engine does not answer"
    return f"{what} since {at_minute(last_ms, now_ms)}"


def _gate(told: Told) -> str:
    asked, gate = told.run.gate_asked, told.run.lifecycle.gate
    if not asked.by:
        return gate.value
    since = f" since {at_minute(asked.at_ms, told.now_ms)}" if asked.at_ms else ""
    why = f": {asked.why}" if asked.why else ""
    return f"{gate.value} by {asked.by}{since}{why}"


def _slow(told: Told) -> str:
    slow = told.now.slowdown
    because = f": {told.worst}" if told.worst else ""
    if slow is None:
        moved_at_ms = told.run.progress_at_ms or told.run.started_at_ms or told.now_ms
        since = at_minute(moved_at_ms, told.now_ms)
        return f"slow: every permit is in use and no outcome came since {since}"
    if not because and slow.changes:
        because = f": {slow.changes[0].what}"
    return f"slow since {at_minute(slow.since_ms, told.now_ms)}{because}"


def _well(told: Told) -> str:
    """Return what a run that is ok does: the wait that holds most, or its pace.

    It may do so and fail: then that is said as well.
    """
    run, life = told.run, told.run.lifecycle
    if life.phase in (Phase.STOPPING, Phase.CANCELLING):
        flying = counted(run.books.attempting, "attempt")
        return f"{life.phase.value}: {flying} to end"
    intake = next(
        (one for one in told.blocked if one.reason is Reason.INTAKE_NOT_DONE), None
    )
    if intake is not None:
        return f"reads its upload: {intake.detail}"
    waits = [one for one in told.blocked if one.reason not in _QUIET and one.count]
    left = run.books.remaining - run.books.attempting
    held = sum(one.count for one in waits)
    if waits and held == left and not run.books.attempting:
        most = max(waits, key=lambda one: one.count)
        detail = f", {most.detail}" if most.detail else ""
        what = _WAITS.get(most.reason, most.reason.value)
        return f"waits: {most.count:,} {what}{detail}{_but_failing(told)}"
    return "waits to be launched" if run.started_at_ms is None else _moves(told)


def _moves(told: Told) -> str:
    if told.failing is not None:
        return f"moves, but {told.failing.said}"
    if not told.is_rated:
        return "moves; its pace is not known yet"
    return f"moves as it should, {pace_text(told.per_s)} lately"


def _but_failing(told: Told) -> str:
    return "" if told.failing is None else f"; {told.failing.said}"


_WAITS = {
    Reason.OUTSIDE_WINDOW: "outside their window",
    Reason.RETRY_BACKOFF: "to be retried",
    Reason.CALLBACK_NOT_DUE: "promised callbacks not due",
    Reason.WAITING_EXTERNAL: "waiting on something outside",
    Reason.SUPPRESSION_PENDING: "suppressed, to be put aside",
}


def _window(told: Told) -> str:
    """Return when the window shuts, where that is soon enough to matter."""
    shuts_at_ms = told.shuts_at_ms
    if shuts_at_ms is None or told.run.lifecycle.gate is not Gate.OPEN:
        return ""
    if told.now.shut_s is not None or not told.run.books.remaining:
        return ""
    return f"the window shuts at {at_minute(shuts_at_ms, told.now_ms)}"
