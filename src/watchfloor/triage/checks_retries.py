"""Retries: what failed for now is tried again, what failed for good is not."""

from __future__ import annotations

from typing import Final

from watchfloor.domain.evidence import Evidence, Relative
from watchfloor.domain.moments import counted, span_text
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import MOST_PROMISES, RecordState
from watchfloor.domain.regions import Gate
from watchfloor.triage.checks_dispatch import has_turns, may_dispatch
from watchfloor.triage.judging import (
    OVERDUE_MS,
    SECOND_MS,
    TELLING,
    Said,
    fail,
    figure,
    is_idle,
    latest,
    ok,
    paused_first,
    percent,
    share,
    skip,
    warn,
)

#: Attempts that a crash cut off do not count against the cap; there are few of them.
_CRASHES: Final = 10
#: Such a share of the newest attempts being retries is a storm, if they are so many:
#: the few records of a canary's stage make none, however often they are tried.
_STORM: Final = 0.5
_STORM_LEAST: Final = 60
_OVER_SHARE: Final = 0.15
#: From so many finished records on a child run tells whether its path holds.
_PROVEN: Final = 10
_HOLDS: Final = 0.5


def transient_retried(told: Evidence) -> Said:
    """Are transient failures being retried (1.9)."""
    books, now = latest(told).books, told.situation
    given_up = sum(
        one.records
        for one in told.failures.groups
        if one.state is RecordState.FAILED
        and one.outcome_class is OutcomeClass.TRANSIENT
    )
    due_ms = told.run.next_retry_at_ms
    next_s = None if due_ms is None else (due_ms - told.now_ms) / SECOND_MS
    figures = (
        figure("waiting for a retry", books.retry),
        figure("due", now.retries_due),
        figure("next", "none" if next_s is None else span_text(next_s)),
        figure("given up", given_up),
        figure("most attempts", _cap(told) or "not known"),
    )
    is_late = now.retries_due > 0 and next_s is not None
    if is_late and -(next_s or 0) * SECOND_MS > OVERDUE_MS:
        late = span_text(-(next_s or 0))
        if may_dispatch(told) and is_idle(told):
            return fail(
                2,
                f"{counted(now.retries_due, 'retry').replace('retrys', 'retries')} are "
                f"due and none starts, the first for {late}.",
                "Pause and resume the run once; if none starts, hand over.",
                *figures,
                act="run.pause",
            )
    if given_up:
        many = counted(given_up, "record")
        return warn(
            f"{many} failed for a passing reason and were given up after their "
            "attempts.",
            "Retry a canary of them first: watchfloor retry RUN --canary.",
            *figures,
        )
    if books.retry:
        waits = f"{counted(books.retry, 'record')} wait for their retry"
        holds = next_s is not None and next_s > 0 and not books.pending
        said = (
            f"{waits}; the next in {span_text(next_s)}." if holds and next_s else waits
        )
        return ok(said if said.endswith(".") else f"{said}.", *figures, holds=holds)
    if not books.attempts:
        return skip("No attempt was made yet.")
    return ok("No transient failure is left without a retry.", *figures)


def permanent_final(told: Evidence) -> Said:
    """Is what failed for good never tried again (1.10, 1.15)."""
    looked = told.whole.records
    after = max(told.whole.after_permanent, told.recent.after_permanent)
    most = max(told.whole.most_tries, told.recent.most_tries)
    cap = _cap(told)
    figures = (
        figure("records looked at", looked),
        figure("tried after a permanent failure", after),
        figure("most attempts at one", f"{most:,} of {cap or 'unknown'}"),
    )
    stop, act = paused_first(told, "do not retry; hand over to engineering.")
    if after:
        many = counted(after, "record")
        said = f"{many} of {looked:,} looked at were tried after a permanent failure."
        return fail(3, said, stop, *figures, act=act)
    if cap and most > cap + MOST_PROMISES + _CRASHES:
        said = f"One record was attempted {most:,} times; the limit is {cap:,}."
        return fail(3, said, stop, *figures, act=act)
    if not looked:
        return skip("No attempt has ended yet.")
    said = f"None of {looked:,} records looked at was tried after a permanent failure"
    return ok(f"{said}.", *figures)


def retry_share(told: Evidence) -> Said:
    """Do retries leave room for first attempts (1.14)."""
    sample = told.recent
    limit = told.setup.retry_share
    if sample.attempts < TELLING:
        return skip("Too few attempts have ended to tell.")
    part = share(sample.again, sample.attempts)
    figures = (
        figure("newest attempts", sample.attempts),
        figure("retries among them", sample.again),
        figure("limit", percent(limit, 1)),
        figure("first attempts left", latest(told).books.pending),
    )
    said = (
        f"{percent(sample.again, sample.attempts)} of the newest attempts are retries"
    )
    if not latest(told).books.pending:
        return ok(f"{said}; no first attempt is left to make.", *figures)
    if not has_turns(told) or not _could_start(told):
        return ok(f"{said}; no first attempt could start now.", *figures)
    # Whatever the campaign allows: first attempts get less than retries do.
    if part >= _STORM and sample.again >= _STORM_LEAST:
        find, act = paused_first(told, "find what fails; then retry a canary.")
        storm = f"A storm of retries: {said}, the limit is {percent(limit, 1)}."
        return fail(2, storm, find, *figures, act=act)
    if part > limit + _OVER_SHARE:
        look = "Look at what fails before more is sent."
        return warn(f"{said}; the limit is {percent(limit, 1)}.", look, *figures)
    return ok(f"{said}; the limit is {percent(limit, 1)}.", *figures)


def retry_path(told: Evidence) -> Said:
    """Was a retry tried on a part first, and did it hold (1.16, 1.19, 1.22)."""
    children = [one for one in told.relatives if one.is_child]
    figures = tuple(figure(one.run_id, _course(one)) for one in children[:8])
    if not children:
        return skip("Nothing was retried by a run of its own yet.")
    newest = newest_retry(told)
    if newest is None:
        return skip(f"Run {children[0].run_id} has not finished enough to tell.")
    told_by = f"run {newest.run_id}: {_course(newest)}."
    if is_validated(newest):
        return ok(f"The retry path holds: {told_by}", *figures)
    return fail(
        2,
        f"The retry path does not hold: {told_by}",
        "Do not retry more; mend what fails first.",
        *figures,
    )


def newest_retry(told: Evidence) -> Relative | None:
    """Return the newest child run that finished enough to tell; None for none.

    What an older one came to says nothing once a newer one did better, or worse.
    """
    children = (one for one in told.relatives if one.is_child)
    return next((one for one in children if one.books.done >= _PROVEN), None)


def is_validated(one: Relative) -> bool:
    """Whether most of what a child run finished arrived."""
    return share(one.books.delivered, one.books.done) >= _HOLDS


def is_stalled_again(told: Evidence) -> bool:
    """Whether it was resumed, or a retry held, and it stands still since (1.23)."""
    last_ms = latest(told).progress_at_ms or told.run.started_at_ms or 0
    resumed = any(one.event == "resume" and one.at_ms > last_ms for one in told.events)
    is_open = told.run.lifecycle.gate is Gate.OPEN
    newest = newest_retry(told)
    proven = newest is not None and is_validated(newest)
    return is_open and (resumed or proven)


def _could_start(told: Evidence) -> int:
    """Return how many first attempts wait for nothing of their own."""
    now = told.situation
    return max(0, latest(told).books.pending - now.held_pending - now.held_back)


def _course(one: Relative) -> str:
    books = one.books
    return f"{one.label}, {books.delivered:,} of {books.done:,} finished arrived"


def _cap(told: Evidence) -> int:
    return max((step.most_attempts for step in told.setup.steps), default=0)
