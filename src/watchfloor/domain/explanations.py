"""Why a run, or one record of it, does as it does: a paragraph for somebody new to it.

What, how many, since when, why, and what to do next. Times of day are UTC. What people
and providers wrote is in it as it came, see ``sentences``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from watchfloor.domain.blocked_by import Blocked, Reason, blocked_record
from watchfloor.domain.canary import canary_named
from watchfloor.domain.draining import ABOUT_A_HANG, ABOUT_UNSEEN, NOT_TOLD
from watchfloor.domain.health import Health
from watchfloor.domain.moments import age_text, at_minute, counted, pace_text, span_text
from watchfloor.domain.records import REACHED_BEFORE, RecordState
from watchfloor.domain.regions import Results, RunOutcome
from watchfloor.domain.sentences import Told, closed_by, sentence
from watchfloor.domain.slowdown import Slowdown
from watchfloor.domain.views import RecordView, RunView

#: So many changes that coincide with a slowdown are named.
_CHANGES_NAMED: Final = 4
#: What a person can do about a reason; the others pass by themselves.
_REMEDIES: Final = {
    Reason.NO_ENGINE: "start an engine: watchfloor engine",
    Reason.DRAINS: "let another go on after it: watchfloor engine --wait 600",
    Reason.STORE_NOT_WRITABLE: "make room or mend the disk: watchfloor doctor",
    Reason.GATE: "when the reason is gone: watchfloor resume {run}",
    Reason.BREAKER_OPEN: (
        "check the provider; nothing is tried before somebody says: watchfloor resume "
        "{run}"
    ),
    Reason.QUOTA: "what the plan has left: watchfloor plan",
    Reason.PERMITS_FULL: "more permits, if the provider bears them: watchfloor limit",
    Reason.PACE: "a faster pace, if the provider bears it: watchfloor limit",
}


_BEFORE_THE_GATE: Final = (
    Reason.NO_ENGINE,
    Reason.DRAINS,
    Reason.STORE_NOT_WRITABLE,
)
#: What a person can do about a run that came back from a backup.
_RESTORED: Final = (
    "look with the provider whom it contacted since, then: watchfloor cancel {run}, "
    "or: watchfloor resume {run}, which asks for a number"
)
#: What a person can do about a canary that stopped.
_OVER_A_CANARY: Final = (
    "look at the evidence: watchfloor canary {run}. To go on overrules its verdict and "
    "releases the next records: watchfloor resume {run}. The other way ends the run, "
    "and they are not attempted: watchfloor stop {run}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRecord:
    """Everything that is said of one record of a run.

    Attributes:
        step: The name of the step it is at.
        steps: How many steps the campaign has.
        is_suppressed: Whether its contact must not be contacted any more.
        detail: What the provider said at its last attempt; or empty.
    """

    run: Told
    record: RecordView
    step: str = ""
    steps: int = 1
    is_suppressed: bool = False
    detail: str = ""

    @property
    def reason(self) -> str:
        """The one reason why it does not move; empty where it moves or is over."""
        record, now_ms = self.record, self.run.now_ms
        return blocked_record(
            record.state,
            self.run.now,
            is_due=(record.next_at_ms or 0) <= now_ms,
            is_held=record.is_held,
            is_suppressed=self.is_suppressed,
        )


def explanation(told: Told) -> str:
    """Return the paragraph about a run."""
    run = told.run
    how = sentence(told)
    # Of a run that has ended it begins with the label.
    if not run.lifecycle.is_ended:
        how = f"{run.label}: {how}"
    parts = [f"Run {run.run_id} of {run.campaign_name} is {how}."]
    rest = _of_ended(run) if run.lifecycle.is_ended else _of_live(told)
    return " ".join([*parts, *rest])


def next_step(told: Told) -> str:
    """Return what to do next, or that nothing has to be done; without a stop."""
    return next(_steps(told), "nothing has to be done")


def _steps(told: Told) -> Iterator[str]:
    """Yield what should be done, the most urgent first."""
    run = told.run
    if run.books.imbalance:
        yield (
            f"do not trust these figures: watchfloor books {run.run_id} --audit, then "
            "call engineering"
        )
    if run.lifecycle.is_ended:
        yield _after_the_end(run)
    if told.health is Health.STALLED:
        yield (
            "pause and resume it; if it still stands call engineering, with: "
            f"watchfloor events {run.run_id}, and: watchfloor doctor"
        )
    if told.health is Health.SLOW and told.now.slowdown is not None:
        yield _speed_up(told.now.slowdown, run)
    if told.failing is not None:
        yield f"look at what fails, and where: watchfloor triage {run.run_id}"
    if run.awaits_approval:
        yield f"look at what was sent, then: watchfloor approve {run.run_id}"
    if told.health is not Health.OK:
        yield from (
            remedy for one in told.blocked[:1] if (remedy := _remedy(told, one.reason))
        )


def _remedy(told: Told, reason: str) -> str:
    """Return what a person can do about a reason; empty where it passes by itself."""
    run, asked, closed = told.run, told.run.gate_asked, closed_by(told)
    found = next((text for one, text in _REMEDIES.items() if one == reason), "")
    if reason == Reason.NO_ENGINE and told.now.owner_lives:
        found = ABOUT_A_HANG
    if reason == Reason.NO_ENGINE and told.now.owner_unseen:
        found = f"{NOT_TOLD}; {ABOUT_UNSEEN}"
    if reason in _BEFORE_THE_GATE and closed is not None:
        # A gate that is closed still is when what stands before it is gone.
        return (
            f"{found}. Then it is still {run.lifecycle.gate}: {_remedy(told, closed)}"
        )
    if reason == Reason.GATE and run.restored_from_ms is not None:
        found = _RESTORED
    elif reason == Reason.GATE and canary_named(asked.by, asked.why):
        found = _OVER_A_CANARY
    return found.format(run=run.run_id)


def record_explanation(told: ToldRecord) -> str:
    """Return the paragraph about one record: its reason, its times, its last try."""
    record, now_ms = told.record, told.run.now_ms
    at = f" at step {told.step}" if told.steps > 1 and told.step else ""
    tried = _tried(told)
    return (
        f"Record {record.seq} of run {told.run.run.run_id} is {record.state.word}{at}"
        f"{_since(record, now_ms)}, {tried}. {_why_record(told)}"
    )


def _of_live(told: Told) -> Iterator[str]:
    run, books = told.run, told.run.books
    flying = min(books.attempting, run.permits or books.attempting)
    if not books.records:
        yield "It has no record yet."
    else:
        yield (
            f"Of {counted(books.records, 'record')} {books.done:,} are done "
            f"({books.delivered:,} delivered, {books.failed:,} failed, "
            f"{books.unknown:,} unknown), {flying:,} in flight, "
            f"{books.remaining - flying:,} left."
        )
    held = [one for one in told.blocked if one.reason is not Reason.DISPATCHABLE]
    ready = sum(one.count for one in told.blocked) - sum(one.count for one in held)
    if held:
        yield f"Held: {'; '.join(_held(told, one) for one in held)}."
    if ready:
        yield f"{counted(ready, 'record')} could start this moment."
    if run.progress_at_ms is not None:
        yield (
            f"The last outcome came {age_text(run.progress_at_ms, told.now_ms)} ago, "
            f"at {at_minute(run.progress_at_ms, told.now_ms)}."
        )
    if told.now.slowdown is not None:
        yield _slowness(told.now.slowdown, told.now_ms)
    yield f"Next: {next_step(told)}."


def _held(told: Told, one: Blocked) -> str:
    detail = f" ({one.detail})" if one.detail else ""
    count = f"{one.count:,} by " if one.count else ""
    return f"{count}{_named(told, one.reason)}{detail}"


def _named(told: Told, reason: str) -> str:
    """Return what a reason is called: who is silent may not be called none."""
    is_silent = told.now.owner_lives or told.now.owner_unseen
    if reason == Reason.NO_ENGINE and is_silent:
        return "engine does not answer"
    return str(reason)


def _slowness(slow: Slowdown, now_ms: int) -> str:
    since = f"Since {at_minute(slow.since_ms, now_ms)}"
    if slow.from_start:
        since += ", its start,"
    told = (
        f"{since} it finishes {pace_text(slow.per_s)} where "
        f"{counted(len(slow.earlier), 'earlier run')} had "
        f"{pace_text(slow.usual_per_s)} at the same progress."
    )
    if not slow.changes:
        return f"{told} No change of configuration coincides with it."
    named = [
        one.what if one.at_ms is None else f"{at_minute(one.at_ms, now_ms)} {one.what}"
        for one in slow.changes[:_CHANGES_NAMED]
    ]
    more = len(slow.changes) - len(named)
    others = f"; and {counted(more, 'more change')}" if more > 0 else ""
    return f"{told} What coincides: {'; '.join(named)}{others}."


def _speed_up(slow: Slowdown, run: RunView) -> str:
    if slow.changes:
        return (
            "undo what coincides if it was not meant so, or look at where it fails: "
            f"watchfloor triage {run.run_id}"
        )
    return f"look at where it fails: watchfloor triage {run.run_id}"


def _of_ended(run: RunView) -> Iterator[str]:
    books = run.books
    if run.lifecycle.outcome is RunOutcome.FAILED:
        yield f"It failed: {run.cause or 'no cause was told'}."
    if not books.attempts:
        yield "Nobody was contacted."
    else:
        were = "was" if books.attempts == 1 else "were"
        yield f"{counted(books.attempts, 'attempt')} {were} made."
    if run.retried_by:
        yield f"It was retried by {run.retried_by}."
    if books.imbalance:
        yield f"Its books do not balance: {books.imbalance}."
    if run.lifecycle.results is Results.COLLECTING:
        yield "Late results are still taken."
    yield f"Next: {_after_the_end(run)}."


def _after_the_end(run: RunView) -> str:
    books = run.books
    steps = []
    if books.unknown:
        steps.append(
            f"resolve {books.unknown:,} unknown: watchfloor unknowns {run.run_id} "
            f"lists them, {_settled_by(run.run_id)}"
        )
    if books.failed:
        steps.append(
            f"see why {books.failed:,} failed, and retry what was transient: "
            f"watchfloor triage {run.run_id}"
        )
    if run.lifecycle.outcome is RunOutcome.FAILED:
        steps.insert(0, "mend the cause and launch again")
    return "; ".join(steps) or "nothing has to be done"


def _settled_by(run_id: str, seq: int | None = None) -> str:
    """Return what settles an unknown record; not every channel can ask its provider."""
    asked, settled = (f"{run_id} {seq}",) * 2 if seq else (run_id, f"{run_id} SEQ")
    return (
        f"watchfloor resolve {settled} --as delivered --reason "
        "TEXT (or --as not-delivered) stores what somebody knows; where the channel "
        f"can ask its provider, watchfloor look-up {asked} does"
    )


def _since(record: RecordView, now_ms: int) -> str:
    if record.updated_at_ms is None:
        return ""
    return f" since {at_minute(record.updated_at_ms, now_ms)}"


def _tried(told: ToldRecord) -> str:
    record = told.record
    if not record.attempts:
        return "not tried yet"
    tries = f"{record.attempts} {'try' if record.attempts == 1 else 'tries'}"
    if record.outcome_class is None:
        return f"{tries} so far"
    last = f"{record.outcome_class.word} {record.code}".rstrip()
    said = f" ({told.detail})" if told.detail else ""
    return f"{tries} so far, the last one {last}{said}"


def _why_record(told: ToldRecord) -> str:
    record, run, now_ms = told.record, told.run, told.run.now_ms
    if record.state.is_final:
        said = _LEFT_OUT.get((record.state, record.code), "")
        said = said or _FINAL.get(
            record.state, "It is over: nothing more happens to it."
        )
        run_id, seq = run.run.run_id, record.seq
        return said.format(run=run_id, seq=seq, settled=_settled_by(run_id, seq))
    if record.state is RecordState.ATTEMPTING:
        return "It is in flight: its outcome is waited for."
    reason = told.reason
    waits = _own_time(record, now_ms)
    detail = next((one.detail for one in run.blocked if one.reason == reason), "")
    match reason:
        case Reason.RETRY_BACKOFF | Reason.CALLBACK_NOT_DUE | Reason.OUTSIDE_WINDOW:
            # Its own time says more than that of the first of all.
            about = waits or detail
        case Reason.SUPPRESSION_PENDING:
            about = "its contact must not be contacted; it is put aside in its turn"
        case Reason.DISPATCHABLE:
            about = "it could start this moment and waits for its turn in the upload"
        case _:
            about = detail
    told_why = f"It is held by: {_named(run, reason)}{f', {about}' if about else ''}."
    if waits and about != waits:
        told_why += f" Its own time: {waits}."
    remedy = _remedy(run, reason)
    return f"{told_why} Next: {remedy}." if remedy else told_why


def _own_time(record: RecordView, now_ms: int) -> str:
    if record.next_at_ms is None or record.next_at_ms <= now_ms:
        return ""
    left = span_text((record.next_at_ms - now_ms) / 1_000)
    due = f"in {left}, at {at_minute(record.next_at_ms, now_ms)}"
    if record.is_held:
        return f"looked at again {due}"
    if record.expires_at_ms is not None:
        return f"due {due}, too late from {at_minute(record.expires_at_ms, now_ms)} on"
    return f"due {due}"


#: What a record's end means for whoever asks why.
_FINAL: Final = {
    RecordState.DELIVERED: "It is delivered: nothing more happens to it.",
    RecordState.FAILED: (
        "It failed for good: the engine tries it no more by itself. Its journey tells "
        "each try."
    ),
    RecordState.UNKNOWN: (
        "Nobody knows whether its last attempt arrived: it waits for a person to "
        "resolve it, and is never tried again by itself. Next: {settled}."
    ),
    RecordState.NOT_ATTEMPTED: "The run ended before its turn: it was not contacted.",
    RecordState.EXPIRED: "Its time was over before it could be contacted.",
    RecordState.ABANDONED: "Its callback was dropped when the run ended.",
}
#: The same of records whose code says more, by both.
_LEFT_OUT: Final = {
    (RecordState.NOT_ATTEMPTED, "suppressed"): (
        "Its contact must not be contacted: it was not."
    ),
    (RecordState.NOT_ATTEMPTED, REACHED_BEFORE): (
        "The provider reported that an earlier attempt reached its contact: it is not "
        "contacted again. Its journey tells of which record."
    ),
    (RecordState.UNKNOWN, REACHED_BEFORE): (
        "The provider reported that an earlier attempt reached its contact: it is not "
        "tried again, as it was to be. Next: say that it was delivered: watchfloor "
        "resolve {run} {seq} --as delivered --reason TEXT."
    ),
}
