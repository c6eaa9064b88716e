"""What is known of a run, judged check by check: a finding, and what to do next.

Each check is one function of the diagnosis alone. They stand in the order in which a
person would look: what is not alive explains everything after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from watchfloor.console.about import who_asked
from watchfloor.console.evidence import (
    engine_evidence,
    event_words,
    group_words,
    health_evidence,
    hold_evidence,
    journal_evidence,
    outcome_evidence,
    pace_evidence,
    upload_evidence,
)
from watchfloor.console.figures import counted, length, near_minute, near_time
from watchfloor.console.holds import figures, held, hold_words, unaccounted
from watchfloor.console.keymap import Keymap
from watchfloor.console.labels import YOUR_WORD
from watchfloor.console.live_lines import ends_about, lately, slow_words
from watchfloor.console.pieces import Line
from watchfloor.console.privacy import without_contact
from watchfloor.domain.blocked_by import Reason
from watchfloor.domain.health import Health
from watchfloor.domain.live import Diagnosis
from watchfloor.domain.progress import ends_later, is_rated
from watchfloor.domain.regions import RunOutcome
from watchfloor.domain.views import RunView

#: Checks behind which something can be opened.
OUTCOMES, JOURNAL = "outcomes", "journal"
#: From so many finished records on a share of failures says something.
_TELLING: Final = 20
#: Such a share of the finished failing is wrong, whatever the reason.
_MANY_FAIL: Final = 0.2
#: Such a share of an upload's rows rejected is worth a look.
_MANY_REJECTED: Final = 0.05
#: So many changes that coincide with a slowdown are named.
_CHANGES: Final = 2
_BOOKS: Final = "Do not trust these figures: watchfloor books --audit."


class Verdict(StrEnum):
    """What a check comes to."""

    OK = "ok"
    LOOK = "look"  #: worth a person's look
    WRONG = "wrong"


class Judged(NamedTuple):
    """A verdict, the finding in one sentence, and what to do next or nothing."""

    verdict: Verdict
    finding: str
    next_step: str = ""


class Check(NamedTuple):
    """One check of a run with what it is based on.

    Attributes:
        place: From 1, in the order in which a person would look.
    """

    place: int
    name: str
    judged: Judged
    evidence: tuple[Line, ...]


def checks(told: Diagnosis, keymap: Keymap) -> tuple[Check, ...]:
    """Return every check of a run."""
    return tuple(
        Check(place, name, judge(told, keymap), tuple(evidence(told)))
        for place, (name, judge, evidence) in enumerate(_CHECKS, 1)
    )


def _engine(told: Diagnosis, _: Keymap) -> Judged:
    engine, now_ms = told.engine, told.as_of_ms
    if engine.is_alive(now_ms):
        up = near_time(engine.started_at_ms, now_ms)
        who = f"{engine.owner}, pid {engine.pid}, has the workspace"
        return Judged(Verdict.OK, f"{who}; up since {up}, heartbeats come.")
    last = "none ever ran here"
    if engine.heartbeat_at_ms:
        last = f"the last heartbeat was {near_time(engine.heartbeat_at_ms, now_ms)}"
    if told.live.run.lifecycle.is_ended:
        return Judged(Verdict.OK, f"No engine is alive; this run needs none: {last}.")
    start = "Start one: watchfloor engine. If it does not stay: watchfloor doctor."
    return Judged(Verdict.WRONG, f"No engine is alive: {last}.", start)


def _health(told: Diagnosis, keymap: Keymap) -> Judged:
    return next(_health_cases(told, keymap))


def _health_cases(told: Diagnosis, keymap: Keymap) -> Iterator[Judged]:
    live, run, now_ms = told.live, told.live.run, told.as_of_ms
    jobs = f"On the jobs screen ({keymap.key('nav.jobs')})"
    if run.lifecycle.outcome is RunOutcome.FAILED or run.cause:
        yield Judged(
            Verdict.WRONG,
            f"{run.label}: {without_contact(run.cause) or 'no cause was told'}.",
            f"{jobs} {keymap.key('view.events')} shows what led to it.",
        )
    if run.lifecycle.is_ended:
        yield Judged(Verdict.OK, f"{run.label}: it has ended.")
    if live.health is Health.STALLED:
        since = near_time(run.progress_at_ms or run.started_at_ms, now_ms)
        yield Judged(
            Verdict.WRONG,
            f"Stalled: work could start, and no outcome came since {since}.",
            f"{jobs} {keymap.key('run.pause')} pauses and "
            f"{keymap.key('run.resume')} resumes it; then: watchfloor doctor.",
        )
    if live.health is Health.SLOW:
        yield _slow(told, keymap)
    if run.awaits_approval:
        yield Judged(
            Verdict.LOOK,
            f"It {YOUR_WORD} after {counted(run.books.attempts, 'attempt')}.",
            f"{jobs} {keymap.key('run.approve')} gives it.",
        )
    if live.health is Health.BLOCKED:
        yield _blocked(told, keymap)
    if live.is_late:
        yield _late(told, keymap)
    yield Judged(Verdict.OK, f"{run.label}: it moves as it should.")


def _blocked(told: Diagnosis, keymap: Keymap) -> Judged:
    live = told.live
    if not live.blocked:
        return Judged(Verdict.LOOK, "Blocked, and no reason was told.")
    first = live.blocked[0]
    about = figures(first, live, told.engine, told.as_of_ms)
    said = f"{first.reason.value}{f', {about}' if about else ''}"
    is_wrong = first.reason in (Reason.NO_ENGINE, Reason.STORE_NOT_WRITABLE)
    verdict = Verdict.WRONG if is_wrong else Verdict.LOOK
    return Judged(verdict, f"Blocked: {said}.", _lift(first.reason, live.run, keymap))


def _slow(told: Diagnosis, keymap: Keymap) -> Judged:
    live, slow = told.live, told.live.slowdown
    if slow is None:
        since = near_time(
            live.run.progress_at_ms or live.run.started_at_ms, told.as_of_ms
        )
        finding = f"Slow: every permit is in use and no outcome came since {since}."
        return Judged(Verdict.WRONG, finding, "Check the provider.")
    changes = "; ".join(without_contact(one.what) for one in slow.changes[:_CHANGES])
    about = f"; what coincides: {changes}" if changes else "; no change coincides"
    finding = f"Slow: {slow_words(slow, told.as_of_ms)} at the same progress{about}."
    charts = keymap.key("nav.charts")
    return Judged(Verdict.LOOK, finding, f"{charts} shows earlier runs beside it.")


def _late(told: Diagnosis, keymap: Keymap) -> Judged:
    live = told.live
    started = near_time(live.run.started_at_ms, told.as_of_ms)
    took = length(live.expected_ms)
    finding = f"Late: by earlier runs it takes {took}, and it started {started}."
    charts = keymap.key("nav.charts")
    return Judged(Verdict.LOOK, finding, f"{charts} shows earlier runs beside it.")


def _lift(reason: Reason, run: RunView, keymap: Keymap) -> str:
    """Return what a person can do about a reason, or that waiting helps."""
    on_jobs = {
        Reason.GATE: ("run.resume", "resumes it"),
        Reason.PERMITS_FULL: ("run.limits", "changes its permits"),
        Reason.PACE: ("run.limits", "changes its pace"),
    }
    if run.awaits_approval:
        on_jobs[Reason.WAITING_EXTERNAL] = ("run.approve", "gives the word")
    if reason in on_jobs:
        ident, does = on_jobs[reason]
        where = f"On the jobs screen ({keymap.key('nav.jobs')})"
        return f"{where} {keymap.key(ident)} {does}."
    promises = f"{keymap.key('nav.callbacks')} shows what is promised."
    return {
        Reason.NO_ENGINE: "Start one: watchfloor engine.",
        Reason.STORE_NOT_WRITABLE: "Make room or mend it; then: watchfloor doctor.",
        Reason.QUOTA: "What the plan has left: watchfloor plan.",
        Reason.WAITING_EXTERNAL: "Somebody outside has to act.",
        Reason.CALLBACK_NOT_DUE: promises,
    }.get(reason, "Nothing has to be done: it passes by itself.")


def _holds(told: Diagnosis, keymap: Keymap) -> Judged:
    live = told.live
    left = counted(held(live), "record")
    if unaccounted(live) < 0:
        return Judged(Verdict.WRONG, f"The reasons hold more than {left}.", _BOOKS)
    if not held(live):
        return Judged(Verdict.OK, "No record is left that could be held.")
    if not live.blocked:
        return Judged(Verdict.OK, f"Nothing holds the {left} left; all could start.")
    largest = max(live.blocked, key=lambda one: one.count)
    is_well = live.health is Health.OK and not live.run.awaits_approval
    return Judged(
        Verdict.OK if is_well else Verdict.LOOK,
        f"{left} left and not taken up; most: {hold_words(live)}.",
        _lift(largest.reason, live.run, keymap),
    )


def _outcomes(told: Diagnosis, keymap: Keymap) -> Judged:
    books, groups = told.live.run.books, told.failures.groups
    bad = books.failed + books.unknown
    steps = []
    if groups:
        opens = keymap.key("row.open")
        steps.append(f"{opens} opens record {groups[0].example_seq:,} of them.")
    if not bad:
        none = f"None failed of {books.done:,} finished" if books.done else "None yet"
        again = f"; to try again, most: {group_words(groups[0])}" if groups else ""
        return Judged(Verdict.OK, f"{none}{again}.", " ".join(steps))
    counts = f"{books.failed:,} failed and {books.unknown:,} unknown of {books.done:,}"
    is_many = books.done >= _TELLING and bad >= books.done * _MANY_FAIL
    most = f"; most: {group_words(groups[0])}" if groups else ""
    if books.unknown:
        steps.append(f"{keymap.key('nav.unknowns')} lists the unknown ones.")
    return Judged(
        Verdict.WRONG if is_many else Verdict.LOOK,
        f"{counts} finished{most}.",
        " ".join(steps),
    )


def _upload(told: Diagnosis, _: Keymap) -> Judged:
    books = told.live.run.books
    if books.imbalance:
        return Judged(
            Verdict.WRONG,
            f"The books do not add up: {books.imbalance}.",
            _BOOKS,
        )
    rows = f"{counted(books.extracted, 'row')} read, {books.records:,} became records"
    rejected = sum(told.rejects.values())
    if not rejected:
        return Judged(Verdict.OK, f"{rows}, none was rejected.")
    is_much = rejected >= books.extracted * _MANY_REJECTED
    return Judged(
        Verdict.LOOK if is_much else Verdict.OK,
        f"{rows}, {rejected:,} were rejected.",
        "Why, row by row: watchfloor rejects.",
    )


def _pace(told: Diagnosis, keymap: Keymap) -> Judged:
    live, run, now_ms = told.live, told.live.run, told.as_of_ms
    charts = f"{keymap.key('nav.charts')} draws the rate beside earlier runs."
    if run.started_at_ms is None:
        return Judged(Verdict.OK, "Not started yet.")
    if run.lifecycle.is_ended:
        return Judged(Verdict.OK, f"It took {length(run.duration_ms(now_ms))}.", charts)
    ends = ends_about(live, now_ms)
    told_rate = "The pace is not known yet"
    if is_rated(run.started_at_ms, told.engine.started_at_ms, now_ms):
        told_rate = f"{lately(live.attempts_per_s)} now, {_end(run, ends, now_ms)}"
    if live.is_late:
        took = length(live.expected_ms)
        return Judged(
            Verdict.LOOK, f"{told_rate}; late: earlier runs tell {took}.", charts
        )
    if ends is None and live.health is not Health.OK:
        return Judged(Verdict.LOOK, f"{told_rate}.", charts)
    return Judged(Verdict.OK, f"{told_rate}.", charts)


def _end(run: RunView, ends: int | None, now_ms: int) -> str:
    if ends is not None:
        word = "after" if ends_later(run) else "about"
        return f"ends {word} {near_minute(ends, now_ms)}"
    if not run.books.eligible and ends_later(run):
        return "what is left waits for its time"
    return "no end in sight"


def _journal(told: Diagnosis, keymap: Keymap) -> Judged:
    run = told.live.run
    shows = f"{keymap.key('row.open')} shows the journal."
    pending = run.lifecycle.intent
    if pending is not None:
        who = who_asked(run.intent_asked)
        asked = f"{pending.value} is asked for {who}".rstrip()
        return Judged(Verdict.LOOK, f"{asked} and not applied yet.", shows)
    if not told.events:
        return Judged(Verdict.OK, "Nothing happened to this run yet.")
    last = event_words(told.events[-1], told.as_of_ms)
    return Judged(Verdict.OK, f"Last: {last}.", shows)


_Judge = Callable[[Diagnosis, Keymap], Judged]
_Evidence = Callable[[Diagnosis], list[Line]]
#: What is judged, by which function, and what it is based on.
_CHECKS: Final[tuple[tuple[str, _Judge, _Evidence], ...]] = (
    ("engine", _engine, engine_evidence),
    ("health", _health, health_evidence),
    ("blocked by", _holds, hold_evidence),
    (OUTCOMES, _outcomes, outcome_evidence),
    ("upload", _upload, upload_evidence),
    ("pace", _pace, pace_evidence),
    (JOURNAL, _journal, journal_evidence),
)
