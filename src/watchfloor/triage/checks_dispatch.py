"""Permits, pace and times: what may keep records from being attempted (1.8)."""

from __future__ import annotations

from typing import Final

from watchfloor.domain.blocked_by import Blocked, Reason, blocked_by
from watchfloor.domain.evidence import Evidence
from watchfloor.domain.health import HUNG_MS, is_hung
from watchfloor.domain.moments import counted, pace_text, span_text
from watchfloor.domain.sharing import SharedUse
from watchfloor.triage.judging import (
    OVERDUE_MS,
    SECOND_MS,
    Said,
    fail,
    figure,
    is_idle,
    is_live,
    late_callback_ms,
    latest,
    may_pause,
    moved,
    ok,
    percent,
    share,
    skip,
    warn,
)

#: An attempt that takes so many times the longest known one does not end.
_LONGEST: Final = 5
_LEAST_LONG_MS: Final = 60_000
#: A window that opens later than this helps nobody today.
_FAR_S: Final = 7 * 24 * 3_600
#: By its pace alone a run takes so many times what earlier runs took.
_TOO_SLOW: Final = 3
_HOUR_S: Final = 3_600
#: At a pace by which it takes longer than this nobody means it.
_NEVER_S: Final = 60 * 24 * 3_600
_MANY_EXPIRED: Final = 0.05


def permits(told: Evidence) -> Said:
    """Are the run's permits all in use, and do their attempts end (1.20)."""
    run, now = told.run, told.situation
    if not is_live(told):
        return skip("No attempt is in flight.")
    flying = latest(told).books.attempting
    held = min(flying, run.permits or flying)
    oldest_s = now.oldest_s
    figures = (
        figure("in flight", f"{held:,} of {run.permits:,}"),
        figure("oldest", "none" if oldest_s is None else span_text(oldest_s)),
        figure("longest known", span_text(_longest_ms(told) / SECOND_MS)),
    )
    own = _own_limit(told)
    is_full = run.permits > 0 and flying >= run.permits
    is_old = oldest_s is not None and oldest_s * SECOND_MS > _patience_ms(told)
    stuck = is_hung(run, now, told.now_ms) or (is_old and not moved(told))
    of = f"{held:,} of {run.permits:,} permits"
    if own is not None and not is_full:
        is_full, of = (
            True,
            f"{own.in_flight:,} of {own.permits:,} permits of {own.scope}",
        )
    if is_full and stuck and not moved(told):
        since = "" if oldest_s is None else f", the oldest for {span_text(oldest_s)}"
        can = may_pause(told)
        pause = "Pause the run; if" if can else "If"
        return fail(
            2,
            f"{of} are held by attempts that do not end{since}: the provider hangs, "
            "or its permits are lost.",
            f"Ask the provider. {pause} nothing ends, start the engine again.",
            *figures,
            act="run.pause" if can else "",
        )
    if is_old and flying:
        many = counted(held, "attempt")
        return warn(
            f"{many} in flight, the oldest for {span_text(oldest_s or 0)}: it may have "
            "lost its permit.",
            "Look at it again in a minute.",
            *figures,
        )
    if is_full:
        said = f"All {run.permits:,} permits are in use and their attempts end"
        return ok(f"{said}: more would make it faster.", *figures)
    return ok(f"{of} are in use.", *figures)


def shared(told: Evidence) -> Said:
    """Do other runs hold what this one shares with them."""
    limits = told.situation.shared
    if not limits or not is_live(told):
        return skip("It shares no limit with other runs.")
    figures = tuple(
        figure(one.scope, f"{one.in_flight:,} of {one.permits or 0:,} in flight")
        for one in limits
        if one.permits is not None
    )
    full = next((one for one in limits if one.is_full), None)
    if full is None:
        return ok("The limits that it shares leave room.", *figures)
    others = [
        f"{run_id} ({count:,})"
        for run_id, count in full.holders
        if run_id != told.run.run_id
    ]
    said = f"All {full.permits or 0:,} permits of {full.scope} are in use"
    if not others or not is_idle(told):
        return ok(f"{said}; the runs take turns.", *figures)
    return fail(
        1,
        f"{said}, by {', '.join(others[:3])}, and this run gets none.",
        f"Triage those runs; or raise it: watchfloor limit {full.scope}.",
        *figures,
        act="run.limits",
    )


def _own_limit(told: Evidence) -> SharedUse | None:
    """Return a shared limit of which this run alone holds every permit; or None."""
    for one in told.situation.shared:
        if one.is_full and {run_id for run_id, _ in one.holders} == {told.run.run_id}:
            return one
    return None


def pace(told: Evidence) -> Said:
    """Is the pace so slow that it keeps the run back."""
    known = [one for one in _rates(told) if one]
    if not known:
        return skip("No pace is set.")
    rate = min(known)
    left = latest(told).books.eligible
    takes_s = left / rate
    figures = (figure("pace", pace_text(rate)), figure("left", left))
    if not is_live(told) or not left:
        return ok(f"The pace is {pace_text(rate)}.", *figures)
    said = f"At {pace_text(rate)} the {left:,} records left take {span_text(takes_s)}"
    raise_it = "Raise it if the provider allows: watchfloor limit RUN."
    usual_s = None if told.expected_ms is None else told.expected_ms / SECOND_MS
    if usual_s is not None and takes_s > max(_HOUR_S, _TOO_SLOW * usual_s):
        return fail(
            1,
            f"{said}; earlier runs took {span_text(usual_s)} altogether.",
            raise_it,
            *figures,
            act="run.limits",
        )
    if takes_s > _NEVER_S:
        return fail(1, f"{said}.", raise_it, *figures, act="run.limits")
    holds = _by(told, Reason.PACE) is not None
    if takes_s > _FAR_S:
        return warn(f"{said}.", raise_it, *figures, act="run.limits", holds=holds)
    return Said(ok("").sign, f"{said}.", figures, holds=holds)


def window(told: Evidence) -> Said:
    """Do records wait for their window, and does it ever open."""
    setup, books = told.setup, latest(told).books
    outside = _by(told, Reason.OUTSIDE_WINDOW)
    opens_s = told.situation.shut_s
    if opens_s is None:
        opens_s = told.situation.opens_s
    figures = (
        figure("window", setup.window or "none"),
        figure("outside", 0 if outside is None else outside.count),
        figure("expired", books.expired),
    )
    if outside is not None:
        rest = counted(outside.count, "record")
        if opens_s is None:
            return fail(
                1,
                f"{rest} wait for a window that never opens.",
                "Recheck the campaign's window and zones.",
                *figures,
            )
        said = f"Outside the window: {rest} wait; it opens in {span_text(opens_s)}."
        if opens_s > _FAR_S:
            recheck = "Recheck the campaign's window and zones."
            return warn(said, recheck, *figures, holds=True)
        return ok(said, *figures, holds=True)
    if share(books.expired, books.records) >= _MANY_EXPIRED:
        gone = counted(books.expired, "record")
        return warn(
            f"{gone} expired ({percent(books.expired, books.records)}): their time was "
            "over before they could be attempted.",
            "Recheck window and expiry; take them up by a child run.",
            *figures,
        )
    if not setup.window:
        return skip("The campaign has no window.")
    return ok("The window is open for what is left.", *figures)


def callbacks(told: Evidence) -> Said:
    """Are promised callbacks kept when they are due."""
    books, now = latest(told).books, told.situation
    if not books.callback:
        return skip("No callback is promised.")
    due_ms = told.run.next_callback_at_ms
    figures = (
        figure("promised", books.callback),
        figure("due", now.callbacks_due),
        figure("next", "none" if due_ms is None else _ahead(due_ms, told.now_ms)),
    )
    late_ms = late_callback_ms(told)
    is_late = now.callbacks_due > 0 and late_ms > OVERDUE_MS
    if is_late and may_dispatch(told) and is_idle(told):
        return fail(
            2,
            f"{counted(now.callbacks_due, 'callback')} are due and none starts, the "
            f"first for {span_text(late_ms / SECOND_MS)}.",
            "Pause and resume the run once; if none starts, hand over.",
            *figures,
            act="run.pause",
        )
    many = counted(books.callback, "callback")
    if _by(told, Reason.CALLBACK_NOT_DUE) is not None and due_ms is not None:
        said = f"{many} promised and not due; the next {_ahead(due_ms, told.now_ms)}."
        return ok(said, *figures, holds=True)
    return ok(f"{many} promised.", *figures)


def external(told: Evidence) -> Said:
    """Do records wait for an external or human step (2.8)."""
    waiting = latest(told).books.waiting
    if not waiting:
        return skip("No record waits for somebody outside.")
    on = f" on {told.situation.waits_on}" if told.situation.waits_on else ""
    said = f"{counted(waiting, 'record')} wait{on}; somebody outside has to act."
    return ok(said, figure("waiting", waiting), holds=True)


def may_dispatch(told: Evidence) -> bool:
    """Whether what is due could start: no reason holds it but its own time."""
    reasons = {one.reason for one in blocked_by(told.situation) if one.count}
    return is_live(told) and reasons <= {
        Reason.DISPATCHABLE,
        Reason.RETRY_BACKOFF,
        Reason.CALLBACK_NOT_DUE,
        Reason.WAITING_EXTERNAL,
        Reason.SUPPRESSION_PENDING,
    }


def has_turns(told: Evidence) -> bool:
    """Whether records wait for nothing but their turn at permits and pace."""
    turns = (Reason.DISPATCHABLE, Reason.PERMITS_FULL, Reason.PACE)
    return is_live(told) and any(_by(told, one) is not None for one in turns)


def _by(told: Evidence, reason: Reason) -> Blocked | None:
    found = (one for one in blocked_by(told.situation) if one.reason is reason)
    return next((one for one in found if one.count), None)


def _longest_ms(told: Evidence) -> int:
    return max((one.longest_ms for one in told.whole.tallies), default=0)


def _patience_ms(told: Evidence) -> int:
    """Return how long an attempt may take before it is out of the ordinary.

    One that is taken up waits for the pace before it is sent: that is no part of it.
    """
    longest_ms = _longest_ms(told)
    usual_ms = max(_LEAST_LONG_MS, _LONGEST * longest_ms) if longest_ms else HUNG_MS
    rates = [rate for rate in _rates(told) if rate]
    return usual_ms + round(2 * SECOND_MS / min(rates)) if rates else usual_ms


def _rates(told: Evidence) -> list[float | None]:
    return [told.run.rate_per_s, *(one.rate_per_s for one in told.situation.shared)]


def _ahead(at_ms: int, now_ms: int) -> str:
    if at_ms <= now_ms:
        return "now"
    return f"in {span_text((at_ms - now_ms) / SECOND_MS)}"
