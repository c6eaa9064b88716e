"""Health: does anybody carry the run out, does it move, is everybody accounted for."""

from __future__ import annotations

from typing import Final

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.draining import ABOUT_UNSEEN, NOT_TOLD
from watchfloor.domain.evidence import Evidence
from watchfloor.domain.health import Health, health
from watchfloor.domain.moments import age_text, at_minute, counted
from watchfloor.domain.regions import Gate, Intake, Phase, RunOutcome
from watchfloor.domain.runbook import Figure
from watchfloor.triage.judging import (
    SECOND_MS,
    Said,
    fail,
    figure,
    gained,
    latest,
    moved,
    ok,
    skip,
    warn,
    watched_ms,
)

#: Below this a commit may find no room; ``doctor`` says the same.
LEAST_FREE_BYTES: Final = 200 * 1024 * 1024
_MIB: Final = 1024 * 1024
#: A command that an engine has not taken or applied for so long is not on its way.
_LATE_COMMAND_MS: Final = 30_000
#: An upload that is not read on for so long is not waiting for its turn.
_LATE_INTAKE_MS: Final = 60_000


def runtime(told: Evidence) -> Said:
    """Does an engine live: without one nothing moves, whatever else is wrong."""
    engine, now = told.engine, told.situation
    figures = (
        figure("owner", engine.owner or "nobody"),
        figure("pid", engine.pid or "none"),
        figure("up since", _at(engine.started_at_ms, told)),
        figure("last heartbeat", _at(latest(told).heartbeat_at_ms, told)),
    )
    if now.engine_alive and not now.owner_lives:
        who = f"{engine.owner}, pid {engine.pid}, has the workspace"
        return ok(f"{who}, and its heartbeats come.", *figures)
    last = "none ever ran here"
    if engine.heartbeat_at_ms:
        last = f"last heartbeat {age_text(engine.heartbeat_at_ms, told.now_ms)} ago"
    if now.store_fault:
        return ok(
            f"Its process {engine.pid} lives and cannot store so: {last}.", *figures
        )
    if now.owner_lives:
        return fail(
            2,
            f"The engine hangs: {last}, and its process {engine.pid} lives.",
            f"End process {engine.pid}, then start another: watchfloor engine.",
            *figures,
        )
    if told.run.lifecycle.is_ended:
        return ok(f"No engine is alive, and an ended run needs none: {last}.", *figures)
    if now.owner_unseen:
        return fail(
            2,
            f"The engine does not answer: {last}; {NOT_TOLD}.",
            f"{ABOUT_UNSEEN[:1].upper()}{ABOUT_UNSEEN[1:]}.",
            *figures,
        )
    return fail(
        1,
        f"No engine is alive: {last}.",
        "Start one: watchfloor engine. If it does not stay: watchfloor doctor.",
        *figures,
    )


def store(told: Evidence) -> Said:
    """Does the store take writes, and is there room for more."""
    free = told.free_bytes
    room = "not known" if free is None else f"{free // _MIB:,} MiB"
    figures = (figure("free", room), figure("least", f"{LEAST_FREE_BYTES // _MIB} MiB"))
    if told.situation.store_fault:
        return fail(
            2,
            f"Nothing can be stored: {told.situation.store_fault}.",
            "Make room or mend it, then look: watchfloor doctor.",
            *figures,
        )
    if free is None:
        return skip("The room beside the store is not known.")
    if free < LEAST_FREE_BYTES:
        return fail(
            1,
            f"The disk is all but full: {room} beside the store.",
            "Make room before the store takes no more writes.",
            *figures,
        )
    return ok(f"The store takes writes; {room} are free beside it.", *figures)


def status(told: Evidence) -> Said:
    """What is the run's state, and is a command under way (1.5, 2.8)."""
    run, now_ms = told.run, told.now_ms
    figures = (
        figure("state", run.label),
        figure("since", _at(run.ended_at_ms or run.started_at_ms, told)),
        figure("launch id", run.launch_id or "not launched"),
    )
    if told.situation.quota:
        return skip("What the plan leaves is told below.")
    if run.lifecycle.outcome is RunOutcome.FAILED or run.cause:
        why = run.cause or "no cause was told"
        return fail(
            1,
            f"{run.label}: {why}.",
            "Recheck campaign, template and upload, and launch again.",
            *figures,
            act="view.events",
        )
    late = _late_command(told)
    if late:
        look = "Look: watchfloor doctor; then start the engine again."
        return fail(2, late, look, *figures)
    if run.lifecycle.intent is not None:
        asked = run.intent_asked
        age = age_text(asked.at_ms, now_ms)
        said = f"{run.lifecycle.intent.value} was asked for {age} ago by {asked.by}"
        return ok(f"{run.label}; {said} and is on its way.", *figures)
    return ok(f"{run.label}.", *figures)


def intake(told: Evidence) -> Said:
    """Is the upload read on, where it is not read to its end."""
    run, last = told.run, latest(told)
    stage = run.lifecycle.intake
    figures = (
        figure("intake", stage.value),
        figure("read", f"{last.bytes_read:,} of {run.bytes_total:,} bytes"),
        figure("rows", last.books.extracted),
        figure("not judged yet", last.books.unjudged),
    )
    if stage is Intake.DONE:
        rows = counted(last.books.extracted, "row")
        return ok(f"The upload is read to its end: {rows}.", *figures)
    if run.lifecycle.is_ended or stage is Intake.ABORTED:
        return skip("The run ended before the upload was read.")
    if not told.situation.engine_alive:
        return skip("Without an engine nobody reads the upload.")
    return _reading(told, stage, figures)


def _reading(told: Evidence, stage: Intake, figures: tuple[Figure, ...]) -> Said:
    """Say how an upload that is not read to its end gets on."""
    run = told.run
    age_ms = told.now_ms - run.created_at_ms
    again = "Start the engine again; if it stands still at the same row, hand over."
    if stage is Intake.PENDING:
        said = f"The upload is not read yet, {age_text(run.created_at_ms, told.now_ms)}"
        waits = f"{said} after the launch; uploads are read one by one."
        if age_ms > _LATE_INTAKE_MS and not told.reads:
            return fail(
                2, f"{said} after the launch, nor is any other.", again, *figures
            )
        if age_ms > _LATE_INTAKE_MS:
            return warn(waits, "Look at other queued runs: watchfloor runs.", *figures)
        return ok(waits, *figures, holds=True)
    if told.again is None or age_ms <= _LATE_INTAKE_MS or _is_read_on(told):
        return ok(f"The upload is being read: {stage.value}.", *figures, holds=True)
    return fail(
        2,
        f"The intake stands still: nothing was read in {_watched(told)}.",
        again,
        *figures,
    )


def progress(told: Evidence) -> Said:
    """Do the progress counters move (1.6)."""
    run = told.run
    change = gained(told)
    books = latest(told).books
    figures = (
        figure("watched for", _watched(told)),
        figure("changed", _changes(change)),
        figure("last outcome", _at(latest(told).progress_at_ms, told)),
        figure("processed", f"{books.done:,} of {books.records:,}"),
        figure("attempts a second", f"{told.attempts_per_s:.1f}"),
        figure("finished a second", f"{told.done_per_s:.1f}"),
    )
    if run.lifecycle.is_ended:
        said = f"It has ended: {books.done:,} of {books.records:,} records finished"
        return ok(f"{said}.", *figures)
    if run.lifecycle.phase is Phase.QUEUED:
        return skip("It is queued: no attempt may start yet.")
    if moved(told):
        said = f"The counters move: {_changes(change)} in {_watched(told)}"
        return ok(f"{said}.", *figures)
    last_ms = latest(told).progress_at_ms or run.started_at_ms
    since = "its start" if last_ms is None else at_minute(last_ms, told.now_ms)
    how = health(run, told.situation, told.now_ms)
    if how is Health.STALLED:
        able = counted(books.eligible, "record")
        # Work that could start and does not is the engine's own fault.
        return fail(
            3,
            f"Stalled: {able} could start, and no outcome came since {since} UTC.",
            "Hand over to engineering with a bundle; then pause and resume it once.",
            *figures,
            act="run.pause",
        )
    held = [one for one in blocked_by(told.situation) if one.count]
    if held and held[0].reason is not Reason.DISPATCHABLE:
        return skip(f"Nothing has to move now: {held[0].reason.value}.")
    return ok(f"It may work, and the last outcome came at {since} UTC.", *figures)


def expected(told: Evidence) -> Said:
    """Are expected and processed contacts the same ones (1.7)."""
    books = latest(told).books
    dropped = books.not_attempted + books.abandoned
    figures = (
        figure("rows", books.extracted),
        figure("rejected", books.rejected),
        figure("not judged yet", books.unjudged),
        figure("records", books.records),
        figure("processed", books.done),
        figure("left", books.remaining),
        figure("never attempted", dropped),
    )
    if books.imbalance:
        return fail(
            3,
            f"The books do not add up: {books.imbalance}.",
            "Do not trust these figures: watchfloor books RUN --audit; hand over.",
            *figures,
        )
    said = f"{books.records:,} of {books.extracted:,} rows are records"
    if told.run.lifecycle.is_ended and books.extracted and not books.records:
        return warn(
            f"Nobody was contacted: none of {books.extracted:,} rows became a record.",
            "Why, row by row: watchfloor rejects RUN -o FILE.",
            *figures,
        )
    rest = f"{books.done:,} processed, {books.remaining:,} left"
    if dropped:
        rest = f"{rest}, {dropped:,} never attempted"
    return ok(f"{said}; {rest}.", *figures)


def _late_command(told: Evidence) -> str:
    """Return which command an engine that lives leaves waiting; or nothing."""
    if not told.situation.engine_alive:
        return ""
    waits, asked = told.waiting, told.run.intent_asked
    now_ms = told.now_ms
    oldest_ms = waits.oldest_at_ms
    if oldest_ms is not None and now_ms - oldest_ms > _LATE_COMMAND_MS:
        many = counted(waits.commands, "command")
        return (
            f"The engine takes no commands: {many}, for {age_text(oldest_ms, now_ms)}."
        )
    intent = told.run.lifecycle.intent
    is_pausing = told.run.lifecycle.gate is Gate.PAUSING
    if (
        intent is not None
        and now_ms - asked.at_ms > _LATE_COMMAND_MS
        and not is_pausing
    ):
        age = age_text(asked.at_ms, now_ms)
        return f"{intent.value} was asked for {age} ago and is not applied."
    return ""


def _is_read_on(told: Evidence) -> bool:
    then, now = told.counters, latest(told)
    return (then.bytes_read, then.books.extracted, then.books.unjudged) != (
        now.bytes_read,
        now.books.extracted,
        now.books.unjudged,
    )


def _changes(change: dict[str, int]) -> str:
    said = [f"{key} {number:+,}" for key, number in change.items()]
    return ", ".join(said[:5]) or "nothing"


def _watched(told: Evidence) -> str:
    """Return how long the counters were watched."""
    if told.again is None:
        return "once"
    return f"{watched_ms(told) / SECOND_MS:.1f} s"


def _at(at_ms: int | None, told: Evidence) -> str:
    return f"{at_minute(at_ms, told.now_ms)} UTC" if at_ms else "never"
