"""One verb for many marked runs: what is asked first, and asking for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from watchfloor.console.commands import Counter, Patience, is_still_armed
from watchfloor.console.figures import counted
from watchfloor.console.questions import Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.errors import EXPLANATIONS
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.previews import in_doubt
from watchfloor.domain.progress import in_flight
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import Receipt, RunView

#: Verbs that may be given to many runs at once: each of them can be taken back.
VERBS = (Verb.PAUSE, Verb.RESUME)
#: So many runs are named one by one; the question scrolls.
_NAMED = 200
_TYPED = "restored from a backup: {verb} it alone, where its number is typed"


async def give_all(
    session: Session,
    counter: Counter,
    verb: Verb,
    runs: Sequence[RunView],
    patience: Patience,
) -> bool:
    """Ask once for all, then ask the engine for each; say how many went well.

    Returns:
        Whether anything was asked for.
    """
    runs = await _as_they_are(session, runs)
    able = [run for run in runs if _is_able(verb, run)]
    consent = await counter.consent(bulk_question(verb, runs, able))
    if consent is None:
        counter.say(f"Nothing was asked of {counted(len(runs), 'marked run')}.")
        return False
    if not able or not is_still_armed(session, counter, consent):
        return False
    receipts: list[Receipt] = []
    faults: list[str] = []
    session.outgoing.begin()  # leaving waits until every one of them is asked
    for run in able:
        asked = await asyncio.shield(_asked(session, verb, run, consent.reason))
        if isinstance(asked, Failure):
            faults.append(f"{run.campaign_name}: {asked.sentence}")
        else:
            receipts.append(asked)
    session.outgoing.asked()
    counter.say(f"{verb} asked of {counted(len(receipts), 'run')}", "")
    await _followed(session, counter, verb, receipts, faults, patience)
    return True


async def _as_they_are(session: Session, runs: Sequence[RunView]) -> list[RunView]:
    """Return the runs as read now; one that cannot be read as it was shown."""
    fresh = [await answer(session.desk.run(run.run_id)) for run in runs]
    return [
        old if isinstance(new, Failure) else new
        for old, new in zip(runs, fresh, strict=True)
    ]


async def _asked(
    session: Session, verb: Verb, run: RunView, reason: str
) -> Receipt | Failure:
    preview = await answer(session.desk.preview(verb, run.run_id))
    if isinstance(preview, Failure):
        return preview
    if preview.refusal is not None:
        return Failure(f"{preview.refusal}: {preview.explanation}")
    if preview.overrules:
        return Failure("a canary holds it for a person; resume it alone")
    if preview.typed:
        return Failure(_TYPED.format(verb=verb))
    return await answer(session.desk.ask(preview, reason))


async def _followed(
    session: Session,
    counter: Counter,
    verb: Verb,
    receipts: Sequence[Receipt],
    faults: list[str],
    patience: Patience,
) -> None:
    open_ones = {one.command_id: one for one in receipts}
    done = 0
    for _ in range(patience.polls):
        if not open_ones:
            break
        await asyncio.sleep(patience.poll_s)
        for command_id, asked in list(open_ones.items()):
            now = await answer(session.desk.receipt(command_id))
            if isinstance(now, Failure) or now is None:
                continue
            if now.state == "refused":
                faults.append(f"{asked.run_id}: {now.refusal}")
            elif now.state in ("applied", "settled"):
                done += 1
            else:
                continue
            del open_ones[command_id]
            await counter.run_changed(asked.run_id)
    counter.say(told(verb, done, len(open_ones), faults), "warn" if faults else "")


def told(verb: Verb, done: int, waiting: int, faults: Sequence[str]) -> str:
    """Return in one line what became of a verb for many runs."""
    said = [f"{verb} applied to {counted(done, 'run')}"]
    if waiting:
        said.append(f"{waiting:,} asked and not taken yet (v shows what was stored)")
    if faults:
        more = f" and {len(faults) - 1:,} more" if len(faults) > 1 else ""
        said.append(f"not of {faults[0].rstrip('.')}{more}")
    return "; ".join(said) + "."


def bulk_question(
    verb: Verb, runs: Sequence[RunView], able: Sequence[RunView]
) -> Question:
    """Return what is asked before many runs are paused or resumed."""
    name = verb.value.capitalize()
    declined = [run for run in runs if run not in able]
    flying = sum(map(in_flight, able))
    left = sum(run.books.remaining for run in able)
    lines = [f"{run.campaign_name}: {run.label}" for run in able[:_NAMED]]
    if len(able) > _NAMED:
        lines.append(f"and {counted(len(able) - _NAMED, 'run')} more")
    if able:
        lines.append(
            f"{counted(left, 'record')} left in them, "
            f"{counted(flying, 'attempt')} in flight."
        )
    lines += [_declined(verb, run) for run in declined[:_NAMED]]
    if len(declined) > _NAMED:
        lines.append(f"and {len(declined) - _NAMED:,} more cannot be asked either.")
    if not able:
        return Question(
            title=f"{name} is not possible for any marked run",
            lines=tuple(lines),
            no="Close",
        )
    return Question(
        title=f"{name} {counted(len(able), 'marked run')}?",
        lines=tuple(lines),
        yes=f"Yes, {verb} them",
        wants_reason=True,
    )


def _is_able(verb: Verb, run: RunView) -> bool:
    # What wants a number of that run's to be typed no question about many can ask.
    return refusal(run.lifecycle, verb) is None and in_doubt(run, verb) is None


def _declined(verb: Verb, run: RunView) -> str:
    why = refusal(run.lifecycle, verb)
    said = _TYPED.format(verb=verb) if why is None else EXPLANATIONS[why]
    return f"Not {run.campaign_name}: {said}"
