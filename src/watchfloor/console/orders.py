"""Orders on their way: the word a run waits for, and other limits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from watchfloor.console.approval import approval_question, no_approval
from watchfloor.console.commands import Counter, Patience, follow, is_still_armed
from watchfloor.console.limits import limits_of
from watchfloor.console.questions import Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.regions import Results
from watchfloor.domain.views import RunView


async def approve(
    session: Session, counter: Counter, run_id: str, patience: Patience
) -> None:
    """Show what a run did before the word it waits for, ask, and give the word."""
    run = await _read(session, counter, "approve", run_id)
    if run is None:
        return
    declined = no_approval(run)
    if declined is not None:
        await _decline(counter, "approve", run, *declined)
        return
    consent = await counter.consent(approval_question(run, session.clock()))
    if consent is None:
        counter.say(f"Nothing was approved; {run.campaign_name} waits on.")
    if consent is None or not is_still_armed(session, counter, consent):
        return
    await _send(session, counter, run, "approve", patience, reason=consent.reason)


async def limit(
    session: Session, counter: Counter, run_id: str, patience: Patience
) -> None:
    """Let the operator change a run's permits and pace, and ask for the new ones."""
    run = await _read(session, counter, "limit", run_id)
    if run is None:
        return
    if run.lifecycle.is_ended:
        ended = Refusal.ALREADY_ENDED
        await _decline(counter, "limit", run, ended, EXPLANATIONS[ended])
        return
    wanted = await counter.new_limits(run)
    if wanted is None or wanted == limits_of(run):
        counter.say(f"The limits of {run.campaign_name} stay as they are.")
        return
    if not is_still_armed(session, counter, wanted):
        return
    payload = {"scope": "run", **wanted._asdict()}
    await _send(session, counter, run, "limit", patience, payload=payload)


async def hide(
    session: Session, counter: Counter, run_id: str, patience: Patience
) -> None:
    """Ask whether an ended run is to be kept off the lists, and ask for it."""
    await _about_ended(session, counter, run_id, patience, "hide")


async def close_results(
    session: Session, counter: Counter, run_id: str, patience: Patience
) -> None:
    """Ask whether a run's results are to be closed, and ask for it."""
    await _about_ended(session, counter, run_id, patience, "close_results")


_ENDED_ORDERS = {
    "hide": (
        "Hide {name}?",
        (
            "It is kept off the lists, and its figures off the cards.",
            "Nothing of it is deleted; its unknown records stay among the unknowns.",
            "watchfloor unhide shows it again.",
        ),
        "Yes, hide it",
    ),
    "close_results": (
        "Close the results of {name}?",
        (
            "What providers report from now on is stored as late and not counted.",
            "This cannot be undone.",
        ),
        "Yes, close them",
    ),
}


async def _about_ended(
    session: Session, counter: Counter, run_id: str, patience: Patience, verb: str
) -> None:
    run = await _read(session, counter, verb, run_id)
    if run is None:
        return
    why = not_ended(verb, run)
    if why:
        await _decline(counter, verb, run, Refusal.NOT_YET, why)
        return
    title, lines, yes = _ENDED_ORDERS[verb]
    question = Question(
        title=title.format(name=run.campaign_name),
        state=f"{run.run_id} is {run.label}",
        lines=lines,
        yes=yes,
        wants_reason=True,
    )
    consent = await counter.consent(question)
    if consent is None:
        counter.say(f"Nothing was changed on {run.campaign_name}.")
    if consent is None or not is_still_armed(session, counter, consent):
        return
    await _send(session, counter, run, verb, patience, reason=consent.reason)


def not_ended(verb: str, run: RunView) -> str:
    """Return why an order about an ended run is not possible; or nothing."""
    if verb == "close_results":
        is_open = run.lifecycle.results is Results.COLLECTING
        return "" if is_open else "its results are not being collected"
    return "" if run.lifecycle.is_ended else "only a run that has ended can be hidden"


async def _read(
    session: Session, counter: Counter, verb: str, run_id: str
) -> RunView | None:
    run = await answer(session.desk.run(run_id))
    if isinstance(run, Failure):
        counter.say(f"{verb} was not asked: {run.sentence}", "bad")
        return None
    return run


async def _decline(
    counter: Counter, verb: str, run: RunView, refusal: Refusal, why: str
) -> None:
    declined = Question(
        title=f"{verb.replace('_', ' ').capitalize()} is not possible now",
        state=f"{run.campaign_name}, {run.run_id}: {run.label}",
        note=f"{refusal}: {why}.",
        no="Close",
    )
    await counter.consent(declined)
    counter.say(f"{verb} refused, {refusal}: {why}. Nothing changed.", "warn")


async def _send(  # noqa: PLR0913  what is sent, and what it is sent with
    session: Session,
    counter: Counter,
    run: RunView,
    verb: str,
    patience: Patience,
    *,
    reason: str = "",
    payload: Mapping[str, object] | None = None,
) -> None:
    session.outgoing.begin()
    sent = session.desk.order(verb, run.run_id, reason=reason, payload=payload)
    receipt = await asyncio.shield(answer(sent))
    session.outgoing.asked(receipt)
    if isinstance(receipt, Failure):
        counter.say(
            f"{verb} {run.run_id}: {receipt.sentence} (v shows what was stored)", "bad"
        )
        return
    await follow(session, counter, receipt, run.campaign_name, patience)
