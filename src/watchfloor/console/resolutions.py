"""A resolution on its way: which records, as what, consent with a reason, receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol

from watchfloor.console.commands import (
    Counter,
    Patience,
    follow,
    is_still_armed,
    why_refused,
)
from watchfloor.console.figures import counted
from watchfloor.console.questions import Consent, Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import Refusal
from watchfloor.domain.resolutions import ResolveAs, ResolvePreview
from watchfloor.domain.views import Receipt

#: The selection of each run, by its id.
Cohorts = Mapping[str, Selection]

WAYS: Mapping[ResolveAs, str] = {
    ResolveAs.DELIVERED: "the provider's log or the person says so",
    ResolveAs.NOT_DELIVERED: "certain that it did not arrive: may be retried",
    ResolveAs.RESEND: "nobody knows: send once more, with its key",
}


class WayCounter(Counter, Protocol):
    """A counter at which it is also chosen as what records are resolved."""

    async def way(
        self, name: str, ways: Mapping[ResolveAs, tuple[int, str]]
    ) -> ResolveAs | None:
        """Let one be chosen; None for none, and where nothing can be asked now.

        Args:
            name: What is being resolved.
            ways: How many records each concerns, and why it is not possible; or
                nothing.
        """
        ...


async def resolve(
    session: Session, counter: WayCounter, cohorts: Cohorts, patience: Patience
) -> None:
    """Carry a resolution from the key to its end, and say how far it is.

    One whose cohort drifted is offered anew with the new figures; a question that the
    operator did not open wants something typed.
    """
    previews: dict[ResolveAs, list[ResolvePreview]] = {}
    for resolve_as in ResolveAs:
        found = await _previewed(session, counter, cohorts, resolve_as)
        if found is None:
            return
        previews[resolve_as] = found
    ways = {one: _possible(found) for one, found in previews.items()}
    many = max(count for count, _ in ways.values())
    name = f"resolve {counted(many, 'unknown record')} as"
    chosen = await counter.way(name, ways)
    if chosen is None:
        counter.say("Nothing was resolved.")
        return
    await _asked(session, counter, previews[chosen], patience)


async def look_up(
    session: Session, counter: Counter, cohort: Cohorts, patience: Patience
) -> None:
    """Ask the provider about the unknown records of one run, or one of them."""
    (run_id, selection), *others = cohort.items()
    seqs = sorted(selection.seqs)
    if others or len(seqs) > 1:
        counter.say(
            "The provider is asked about one record, or about all of one run.", "warn"
        )
        return
    what = f"record {seqs[0]:,}" if seqs else "every unknown record"
    question = Question(
        title=f"Ask the provider about {what} of {run_id}?",
        lines=(
            "Each is asked about by its key, a few at once; nobody is contacted.",
            "Only what the provider says for certain resolves a record, for good.",
        ),
        yes="Yes, ask it",
        wants_reason=True,
    )
    consent = await counter.consent(question)
    if consent is None:
        counter.say("The provider was not asked.")
    if consent is None or not is_still_armed(session, counter, consent):
        return
    seq = seqs[0] if seqs else None
    sent = session.desk.look_up(run_id, seq, consent.reason)
    await _seen_through(session, counter, run_id, sent, patience)


async def withdraw(
    session: Session, counter: Counter, run_id: str, patience: Patience
) -> None:
    """End the look-up of a run as a whole; what was answered stays."""
    question = Question(
        title=f"End the look-up of {run_id}?",
        lines=(
            "The provider is not asked any more. What it answered stays.",
            "Who is still unknown stays so, and can be asked about again.",
        ),
        yes="Yes, end it",
        wants_reason=True,
        needs_reason=True,
    )
    consent = await counter.consent(question)
    if consent is None:
        counter.say("The look-up goes on.")
    if consent is None or not is_still_armed(session, counter, consent):
        return
    sent = session.desk.order("withdraw_look_up", run_id, reason=consent.reason)
    await _seen_through(session, counter, run_id, sent, patience)


async def _seen_through(
    session: Session,
    counter: Counter,
    run_id: str,
    sent: Coroutine[Any, Any, Receipt],
    patience: Patience,
) -> None:
    """Follow a command about a look-up to its end."""
    session.outgoing.begin()
    receipt = await asyncio.shield(answer(sent))
    session.outgoing.asked(receipt)
    if isinstance(receipt, Failure):
        counter.say(f"look-up of {run_id}: {receipt.sentence}", "bad")
        return
    await follow(session, counter, receipt, run_id, patience)


def question(previews: Sequence[ResolvePreview], drifted: str = "") -> Question:
    """Return the question before records of one run, or of several, are resolved."""
    first = previews[0]
    total = sum(one.records for one in previews)
    as_what = first.resolve_as.value
    note = f"DRIFTED: {drifted}. Decide again on the new figures." if drifted else ""
    name, typed = first.campaign_name, first.typed
    lines, state = first.lines, f"{first.run_id} is {first.label}"
    if len(previews) > 1:
        name = counted(len(previews), "run")
        state = "each run is asked by itself"
        typed = str(total) if typed else ""
        each = [
            f"{one.campaign_name}, {one.run_id}: {counted(one.records, 'record')}"
            for one in previews
        ]
        lines = (*each, *first.lines[1:])
    if drifted and not typed:
        typed = first.run_id
    verb = "Resend" if first.resolve_as is ResolveAs.RESEND else "Resolve"
    end = "" if verb == "Resend" else f" as {as_what}"
    return Question(
        title=f"{verb} {counted(total, 'unknown record')} of {name}{end}?",
        state=state,
        lines=lines,
        note=note,
        yes=f"Yes, {verb.lower()}",
        typed=typed,
        typed_name="the run id" if typed == first.run_id else "the number",
        wants_reason=True,
        needs_reason=True,
    )


async def _asked(
    session: Session,
    counter: Counter,
    previews: Sequence[ResolvePreview],
    patience: Patience,
) -> None:
    able = [one for one in previews if one.refusal is None]
    drifted = ""
    while able:
        consent = await counter.consent(question(able, drifted))
        if consent is None:
            why = f" It was refused before: DRIFTED, {drifted}." if drifted else ""
            counter.say(f"Nothing was resolved.{why}")
            return
        if not is_still_armed(session, counter, consent):
            return
        ends = [await _sent(session, counter, one, consent, patience) for one in able]
        again = [
            (one, end)
            for one, end in zip(able, ends, strict=True)
            if end is not None and end.refusal == Refusal.DRIFTED
        ]
        if not again:
            return
        drifted = why_refused(again[-1][1])
        cohorts = {one.run_id: one.selection for one, _ in again}
        fresh = await _previewed(session, counter, cohorts, able[0].resolve_as)
        able = [one for one in fresh or () if one.refusal is None]


async def _sent(
    session: Session,
    counter: Counter,
    preview: ResolvePreview,
    consent: Consent,
    patience: Patience,
) -> Receipt | None:
    session.outgoing.begin()
    sent = session.desk.resolve(preview, consent.reason)
    receipt = await asyncio.shield(answer(sent))
    session.outgoing.asked(receipt)
    if isinstance(receipt, Failure):
        counter.say(f"resolve {preview.run_id}: {receipt.sentence}", "bad")
        return None
    return await follow(session, counter, receipt, preview.campaign_name, patience)


async def _previewed(
    session: Session, counter: Counter, cohorts: Cohorts, resolve_as: ResolveAs
) -> list[ResolvePreview] | None:
    found: list[ResolvePreview] = []
    for run_id, selection in cohorts.items():
        one = await answer(session.desk.resolve_preview(run_id, selection, resolve_as))
        if isinstance(one, Failure):
            counter.say(f"Nothing was resolved: {one.sentence}", "bad")
            return None
        found.append(one)
    return found


def _possible(previews: Sequence[ResolvePreview]) -> tuple[int, str]:
    """Return how many records a way concerns, and why none of them; or nothing."""
    able = [one for one in previews if one.refusal is None]
    if able:
        return sum(one.records for one in able), ""
    first = previews[0]
    return sum(one.records for one in previews), first.why or first.explanation
