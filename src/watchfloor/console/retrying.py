"""A retry on its way: exact counts, consent, asked, and followed to its child run."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from watchfloor.console.commands import (
    Counter,
    Patience,
    follow,
    is_still_armed,
    why_refused,
)
from watchfloor.console.questions import Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import Refusal
from watchfloor.domain.recovery import RESEND, RetryPreview
from watchfloor.domain.views import Receipt


class Retry(NamedTuple):
    """What is to be tried again, and how.

    Attributes:
        canary: Whether a small part goes first.
        with_unknown: Also what may have been delivered.
    """

    run_id: str
    selection: Selection
    canary: bool = True
    with_unknown: bool = False


async def retry(
    session: Session, counter: Counter, wanted: Retry, patience: Patience
) -> str:
    """Carry a retry from the key to its end, and say how far it is.

    One whose counts drifted is offered anew with the new ones, and wants the run's id
    typed: a key that was meant for the page beneath must not answer it.

    Returns:
        The id of the child run; empty where there is none.
    """
    drifted: str | None = ""
    while drifted is not None:
        preview = await _previewed(session, counter, wanted)
        if preview is None:
            return ""
        consent = await counter.consent(question(preview, wanted, drifted))
        if consent is None:
            why = f" It was refused before: DRIFTED, {drifted}." if drifted else ""
            counter.say(f"Nothing of {preview.campaign_name} is retried.{why}")
        if consent is None or not is_still_armed(session, counter, consent):
            return ""
        asked = await _asked(session, preview, wanted, consent.reason)
        if isinstance(asked, Failure):
            drifted = _drift(asked)
            if drifted is None:
                key = session.keymap.key("view.events")
                said = f"retry: {asked.sentence} ({key} shows what was stored)"
                counter.say(said, "bad")
            continue
        name = f"as run {asked.run_id}"
        end = await follow(session, counter, asked, name, patience)
        if end.state != "refused":
            return end.run_id
        drifted = why_refused(end) if end.refusal == Refusal.DRIFTED else None
    return ""


async def _previewed(
    session: Session, counter: Counter, wanted: Retry
) -> RetryPreview | None:
    preview = await answer(
        session.desk.retry_preview(
            wanted.run_id, wanted.selection, with_unknown=wanted.with_unknown
        )
    )
    if isinstance(preview, Failure):
        counter.say(f"retry was not asked: {preview.sentence}", "bad")
        return None
    if preview.refusal is None:
        return preview
    await counter.consent(_declined(preview))
    said = f"retry refused, {preview.refusal}: {preview.explanation}."
    counter.say(f"{said} Nothing changed.", "warn")
    return None


async def _asked(
    session: Session, preview: RetryPreview, wanted: Retry, reason: str
) -> Receipt | Failure:
    session.outgoing.begin()
    told: Receipt | Failure | None = None
    try:
        sent = session.desk.retry(preview, canary=wanted.canary, reason=reason)
        told = await asyncio.shield(answer(sent))
    finally:
        session.outgoing.asked(told)
    return told


def _drift(failure: Failure) -> str | None:
    refused = failure.refused
    is_drift = refused is not None and refused.refusal is Refusal.DRIFTED
    return refused.detail if refused is not None and is_drift else None


def question(preview: RetryPreview, wanted: Retry, drifted: str = "") -> Question:
    """Return the question a preview asks.

    Args:
        preview: With its counts.
        wanted: How the records are released.
        drifted: What changed since it was asked before; empty for nothing.
    """
    canary = wanted.canary
    typed = preview.typed(canary=canary)
    names = {RESEND: "the word", str(preview.counts.retried): "the number of records"}
    if drifted and not typed:
        typed = preview.run_id
    note = f"DRIFTED: {drifted}. Decide again on the new figures." if drifted else ""
    first = preview.stages[0] if preview.stages else 0
    yes = f"Yes, retry {preview.counts.retried:,} at once"
    if canary and len(preview.stages) > 1:
        yes = f"Yes, retry {first:,} first"
    return Question(
        title=f"Retry {preview.counts.retried:,} of {preview.campaign_name}?",
        state=f"a child run of {preview.run_id}, with its keys",
        lines=preview.lines(canary=canary),
        note=note,
        yes=yes,
        typed=typed,
        typed_name=names.get(typed, "the run id"),
        wants_reason=True,
    )


def _declined(preview: RetryPreview) -> Question:
    return Question(
        title="Retry is not possible now",
        state=f"{preview.campaign_name}, {preview.run_id}",
        lines=(f"{preview.counts.told}.",) if preview.counts.selected else (),
        note=f"{preview.refusal}: {preview.explanation}.",
        no="Close",
    )
