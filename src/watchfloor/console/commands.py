"""A command on its way: preview, consent, asked, acknowledged, applied, settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from watchfloor.console.figures import clock_time, exact_time
from watchfloor.console.limits import Limits
from watchfloor.console.outgoing import Held
from watchfloor.console.questions import Consent, Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.previews import FOR_GOOD, Preview, is_no_worse
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import Receipt, RunView

#: The verbs that only open a preview; the others act at once.
PREVIEWED = (Verb.STOP, Verb.CANCEL)

_DISARMED = "Disarmed: press {key} to arm for five minutes, then ask again."
VIEWER = "READ ONLY: this session only looks; open one that may act."

_FINAL = ("settled", "refused")
#: For so long an engine remembers the first person's cancel of a very large run.
_SECOND_PERSON_MS = 15 * 60_000


@runtime_checkable
class Counter(Protocol):
    """The screen at which a command is given."""

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator."""
        ...

    async def consent(self, question: Question) -> Consent | None:
        """Ask the operator; None for no, and where no question can be shown now."""
        ...

    async def new_limits(self, run: RunView) -> Limits | None:
        """Let the operator change limits; None for no, and where it cannot be now."""
        ...

    async def run_changed(self, run_id: str) -> None:
        """Read one run again and show it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a receipt is followed: a poll every so often, and how many at most."""

    poll_s: float = 0.25
    polls: int = 240


async def give(
    session: Session,
    counter: Counter,
    verb: Verb,
    run_id: str,
    patience: Patience,
) -> None:
    """Carry one command from the key to its end, and say how far it is.

    A stop or cancel whose figures drifted is offered anew with the new ones. A question
    the operator did not open wants the run's id typed: keys meant for the page beneath
    must not answer it. While a stop or cancel of a run is on its way no second one of
    it can be confirmed; a pause passes at once, whatever waits.
    """
    outgoing = session.outgoing
    if verb is not Verb.PAUSE and run_id in outgoing.ending:
        counter.say(_is_on_its_way(session, run_id), "warn")
        return
    drifted: str | None = ""
    if verb in PREVIEWED:
        outgoing.ending.add(run_id)
    try:
        while drifted is not None:
            drifted = await _given(session, counter, verb, run_id, patience, drifted)
    finally:
        if verb in PREVIEWED:
            outgoing.ending.discard(run_id)


def _is_on_its_way(session: Session, run_id: str) -> str:
    held = session.outgoing.of_run(run_id)
    if held is None:
        return f"A stop or cancel of {run_id} is on its way; nothing more was asked."
    key = session.keymap.key("run.undo")
    return f"Not asked yet: {held.words} already; {key} takes it back."


async def _given(
    session: Session,
    counter: Counter,
    verb: Verb,
    run_id: str,
    patience: Patience,
    drifted: str,
) -> str | None:
    """Carry one command once; return the new figures where it drifted, else None."""
    preview = await _previewed(session, counter, verb, run_id, drifted)
    if preview is None:
        return None
    consent: Consent | None = Consent()
    if verb in PREVIEWED or preview.overrules or preview.typed:
        consent = await _consent(session, counter, preview, drifted)
    if consent is None:
        return None
    if can_wait(session, preview):
        if not await _is_due(session, counter, preview):
            return None
        receipt = await asyncio.shield(_asked_later(session, preview, consent))
    else:
        session.outgoing.begin()
        receipt = await asyncio.shield(_asked(session, preview, consent))
    if isinstance(receipt, Failure):
        refused = receipt.refused
        if refused is not None and refused.refusal is Refusal.DRIFTED:
            return refused.detail
        key = session.keymap.key("view.events")
        said = f"{verb} {run_id}: {receipt.sentence} ({key} shows what was stored)"
        counter.say(said, "bad")
        return None
    end = await _followed(session, counter, receipt, preview, patience)
    is_again = end.refusal == Refusal.DRIFTED and verb in PREVIEWED
    return why_refused(end) if is_again else None


async def _is_due(session: Session, counter: Counter, preview: Preview) -> bool:
    """Wait while a command can be taken back; return whether it is to be asked."""
    seconds = session.wishes.undo_s
    verb = preview.verb.value
    held = Held(
        verb=verb,
        run_id=preview.run_id,
        run_name=preview.campaign_name,
        goes_at_ms=session.clock() + round(seconds * 1000),
    )
    key = session.keymap.key("run.undo")
    counter.say(f"Not asked yet: {held.words}; {key} takes it back.", "warn")
    # Beside the wait: what was confirmed is held from its yes on, as slow as it reads.
    looking = asyncio.create_task(_take_back_if_over(session, preview, held))
    try:
        is_due = await session.outgoing.hold(held, seconds)
    finally:
        looking.cancel()
    if held.is_over:
        counter.say(_declined(preview, Refusal.ALREADY_ENDED), "warn")
    elif not is_due:
        counter.say(f"Taken back: {verb} of {preview.campaign_name} was never asked.")
    return is_due


async def _take_back_if_over(session: Session, preview: Preview, held: Held) -> None:
    """Take back at once what waits for a run that ended while its question stood."""
    now = await answer(session.desk.preview(preview.verb, preview.run_id))
    if not isinstance(now, Failure) and now.refusal is Refusal.ALREADY_ENDED:
        held.find_over()


def can_wait(session: Session, preview: Preview) -> bool:
    """Whether a command waits for second thoughts before it is asked.

    What ends a run before its launch never does: it races that launch.
    """
    is_ending = preview.verb in PREVIEWED
    return is_ending and preview.seen.launched and session.wishes.undo_s > 0


async def _asked_later(
    session: Session, preview: Preview, consent: Consent
) -> Receipt | Failure:
    """Ask for what waited, on the figures that were shown.

    A run that was paused meanwhile has another version. Where it would harm nobody more
    its stop is still the same, and is asked of the run as it is now.
    """
    now = await answer(session.desk.preview(preview.verb, preview.run_id))
    if not isinstance(now, Failure) and is_no_worse(preview, now):
        seen = replace(preview.seen, version=now.seen.version)
        preview = replace(preview, seen=seen)
    return await _asked(session, preview, consent)


async def _asked(
    session: Session, preview: Preview, consent: Consent
) -> Receipt | Failure:
    """Ask; the caller has said that asking began."""
    told: Receipt | Failure | None = None
    try:
        asking = session.desk.ask(preview, consent.reason, consent.typed)
        told = await answer(asking)
    finally:
        session.outgoing.asked(told)
    return told


async def _followed(
    session: Session,
    counter: Counter,
    receipt: Receipt,
    preview: Preview,
    patience: Patience,
) -> Receipt:
    end = await follow(session, counter, receipt, preview.campaign_name, patience)
    if end.refusal == Refusal.SECOND_PERSON:
        # Too much to say for a line, and somebody else must be told now.
        await counter.consent(_second_person(preview, end))
    return end


async def _previewed(
    session: Session, counter: Counter, verb: Verb, run_id: str, drifted: str
) -> Preview | None:
    preview = await answer(session.desk.preview(verb, run_id))
    if isinstance(preview, Failure):
        counter.say(f"{verb} was not asked: {preview.sentence}", "bad")
        return None
    if preview.refusal is None:
        return replace(preview, typed=preview.typed or run_id) if drifted else preview
    if verb in PREVIEWED:
        await counter.consent(_refused(preview))
    counter.say(_declined(preview, preview.refusal), "warn")
    return None


def _declined(preview: Preview, why: Refusal) -> str:
    said = f"{preview.verb} refused, {why}: {EXPLANATIONS[why]}."
    return f"{said} Nothing changed."


async def _consent(
    session: Session, counter: Counter, preview: Preview, drifted: str
) -> Consent | None:
    asked = question(preview, drifted)
    if can_wait(session, preview):
        key, seconds = session.keymap.key("run.undo"), session.wishes.undo_s
        said = f"{key} takes it back for {seconds:g} s; after that it cannot be undone."
        told = tuple(said if line == FOR_GOOD else line for line in asked.lines)
        asked = replace(asked, lines=told)
    consent = await counter.consent(asked)
    if consent is None:
        why = f" It was refused before: DRIFTED, {drifted}." if drifted else ""
        counter.say(f"Nothing was changed on {preview.campaign_name}.{why}")
    return consent if is_still_armed(session, counter, consent) else None


def disarmed(session: Session) -> str:
    """Return what a console says that must be armed first."""
    return _DISARMED.format(key=session.keymap.key("safety.arm"))


def is_still_armed(session: Session, counter: Counter, consent: object) -> bool:
    """Whether what was consented to may be asked; says so where arming has ended."""
    if consent is not None and not session.is_armed:
        counter.say(f"Nothing was asked. {disarmed(session)}", "warn")
        return False
    return consent is not None


def question(preview: Preview, drifted: str = "") -> Question:
    """Return the question a preview asks."""
    verb = preview.verb.value
    note = f"DRIFTED: {drifted}. Decide again on the new figures." if drifted else ""
    return Question(
        title=f"{verb.capitalize()} {preview.campaign_name}?",
        state=f"{preview.run_id} is {preview.label}, version {preview.seen.version}",
        lines=preview.lines,
        note=note,
        yes="Yes, overrule it" if preview.overrules else f"Yes, {verb} it",
        typed=preview.typed,
        typed_name="the run id" if preview.typed == preview.run_id else "that number",
        wants_reason=True,
    )


def _refused(preview: Preview) -> Question:
    return Question(
        title=f"{preview.verb.value.capitalize()} is not possible now",
        state=f"{preview.campaign_name}, {preview.run_id}: {preview.label}",
        note=f"{preview.refusal}: {preview.explanation}.",
        no="Close",
    )


def _second_person(preview: Preview, refused: Receipt) -> Question:
    since_ms = refused.acknowledged_at_ms or refused.asked_at_ms or 0
    until = clock_time(since_ms + _SECOND_PERSON_MS)
    return Question(
        title=f"{preview.campaign_name}: a second person must ask too",
        state=f"{preview.run_id} is {preview.label}; nothing was changed",
        note=f"{refused.refusal}: {why_refused(refused)}.",
        lines=(
            f"Another operator must cancel {preview.run_id} too, before {until} UTC.",
            f"In their console m, then c; or: watchfloor cancel {preview.run_id}",
            "Leave the run paused: after a resume both must ask anew.",
        ),
        no="Close",
    )


async def follow(
    session: Session,
    counter: Counter,
    receipt: Receipt,
    name: str,
    patience: Patience,
) -> Receipt:
    """Say what becomes of a command until it ends or patience does.

    Args:
        session: Whose desk is asked.
        counter: Who is told.
        receipt: As it was when the command was asked.
        name: What the operator calls the run.
        patience: How often to ask.

    Returns:
        The last receipt seen. The command itself is a durable row: that nobody
        follows it any more does not change what becomes of it.
    """
    counter.say(told(receipt, name))
    last = receipt
    for _ in range(patience.polls):
        if last.state in _FINAL:
            return last
        await asyncio.sleep(patience.poll_s)
        now = await answer(session.desk.receipt(receipt.command_id))
        if now is None or isinstance(now, Failure) or now == last:
            continue
        last = now
        counter.say(told(now, name), "warn" if now.state == "refused" else "")
        if now.state != "acknowledged":
            await counter.run_changed(receipt.run_id)
    if last.state == "asked":
        counter.say(
            f"{last.verb} asked {exact_time(last.asked_at_ms)}, and no engine has "
            f"taken it yet; it is stored and waits for one.  {name}",
            "warn",
        )
    return last


def told(receipt: Receipt, name: str) -> str:
    """Return the state of a command with its times, in one line."""
    if receipt.state == "refused":
        said = f"{receipt.verb} refused, {receipt.refusal}: {why_refused(receipt)}"
        return f"{said.rstrip('.')}.  {name}"
    at_ms = {
        "asked": receipt.asked_at_ms,
        "acknowledged": receipt.acknowledged_at_ms,
        "applied": receipt.applied_at_ms,
        "settled": receipt.settled_at_ms,
    }.get(receipt.state)
    said = f"{receipt.verb} {receipt.state} {exact_time(at_ms)}"
    if receipt.detail:
        said += f": {receipt.detail}"
    elif receipt.state != "asked":
        said += f" (asked {exact_time(receipt.asked_at_ms)})"
    return f"{said}  {name}"


def why_refused(refused: Receipt) -> str:
    """Return why a command was refused, without the name of the no before it."""
    why = refused.detail.removeprefix(f"{refused.refusal}: ").rstrip(".")
    if not why and refused.refusal in set(Refusal):
        return EXPLANATIONS[Refusal(refused.refusal)]
    return why
