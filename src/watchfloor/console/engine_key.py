"""The key of the engine: who owns the workspace; start one here, or take it over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from watchfloor.console.commands import Counter, Patience
from watchfloor.console.keeper import Keeper
from watchfloor.console.questions import Consent, Question
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.draining import Drain, drain_words
from watchfloor.domain.taking_over import (
    ANSWER_S,
    LET_GO_S,
    SEIZE,
    TAKE_OVER,
    drain_lines,
    not_taken_said,
    owner_words,
    seize_lines,
    take_over_lines,
    take_over_payload,
)
from watchfloor.domain.views import EngineView, Receipt

_KEPT: Final = "Nothing was asked; that engine goes on."


def engine_obstacle(session: Session) -> str:
    """Return why the key does nothing now; or nothing."""
    if session.read_only:
        return "this session only looks"
    engine = session.sight.engine
    if session.keeper is None:
        return "no engine can be started from this console"
    if engine is None:
        return "the engine is not read yet"
    return ""


async def turn_engine_key(
    session: Session, counter: Counter, patience: Patience
) -> None:
    """Start an engine where none lives; else say whose it is, and offer to take it.

    Args:
        session: Whose sight of the engine is asked.
        counter: Where questions are asked and answers said.
        patience: How often a receipt is looked at.
    """
    keeper, engine, now_ms = session.keeper, session.sight.engine, session.clock()
    if keeper is None or engine is None or session.read_only:
        counter.say(f"Engine: {engine_obstacle(session)}.", "warn")
    elif not session.sight.lives(now_ms) and not await asyncio.to_thread(
        keeper.is_owned
    ):
        await _start(counter, keeper)
    elif engine.pid == session.own_pid and engine.is_alive(now_ms):
        counter.say(f"The engine runs in this console: {owner_words(engine, now_ms)}.")
    else:
        await _take_over(session, counter, keeper, patience)


async def _start(counter: Counter, keeper: Keeper) -> None:
    counter.say("Starting an engine in this console …", "dim")
    _tell_start(counter, await asyncio.to_thread(keeper.start))


def _tell_start(counter: Counter, why: str) -> None:
    if why:
        counter.say(f"No engine was started: {why}", "bad")
    else:
        counter.say("An engine runs in this console now; runs under way go on.", "good")


async def _start_after(counter: Counter, keeper: Keeper) -> None:
    """Start an engine when the one that drains has let go."""
    counter.say("That engine drains and lets go; this console waits for it …", "dim")
    why = await asyncio.to_thread(keeper.start, patience_s=LET_GO_S)
    _tell_start(counter, why)


async def _consent(
    counter: Counter, keeper: Keeper, question: Question
) -> Consent | None:
    """Ask about an owner, as long as there is one."""

    def has_ended() -> bool:
        return not keeper.is_owned()

    return await counter.consent(replace(question, is_moot=has_ended))


async def _tell_left(
    session: Session, counter: Counter, keeper: Keeper, otherwise: str
) -> None:
    """Say what becomes of the workspace where nothing was consented to."""
    seen = session.sight.engine
    if not await asyncio.to_thread(keeper.is_owned):
        session.sight.see_end()
        key = session.keymap.key("engine.key")
        said = "That engine has ended meanwhile; nothing was changed."
        counter.say(f"{said} {key} starts one here.", "warn")
    elif seen is not None and seen.drain is not None:
        drains = drain_words(seen.drain, session.clock())
        counter.say(f"Nothing was asked; that engine {drains}.")
    else:
        counter.say(otherwise)


async def _wait_for(
    session: Session, counter: Counter, keeper: Keeper, drain: Drain
) -> None:
    """Offer to go on here when an engine has ended that drains."""
    question = Question(
        title="Go on here when that engine has ended?",
        lines=drain_lines(drain, session.clock()),
        yes="Yes, wait for it",
        no="No, leave it",
    )
    if await _consent(counter, keeper, question) is None:
        await _tell_left(session, counter, keeper, _KEPT)
    else:
        await _start_after(counter, keeper)


async def _take_over(
    session: Session, counter: Counter, keeper: Keeper, patience: Patience
) -> None:
    seen = session.sight.engine
    if seen is None or _is_told(counter, seen):
        return
    if seen.drain is not None:
        await _wait_for(session, counter, keeper, seen.drain)
        return
    question = Question(
        title="Take the engine over?",
        lines=(_whose(session, seen), *take_over_lines()),
        yes="Yes, take over",
        no="No, leave it",
        typed=TAKE_OVER,
        typed_name="the words shown above",
        wants_reason=True,
    )
    consent = await _consent(counter, keeper, question)
    if consent is None:
        await _tell_left(session, counter, keeper, _KEPT)
        return
    receipt = await _asked(session, counter, keeper, seen, consent.reason, patience)
    if receipt is None:
        return
    if not await asyncio.to_thread(keeper.is_owned):
        await _start(counter, keeper)
    elif receipt.state == "refused":
        counter.say(f"Not taken over: {receipt.detail}.", "bad")
    elif receipt.state == "asked":
        await _seize(session, counter, keeper)
    else:
        await _start_after(counter, keeper)


def _is_told(counter: Counter, seen: EngineView) -> bool:
    """Say why one that holds the workspace is not asked; whether that is so."""
    if seen.holder:
        counter.say(f"Not taken over: {not_taken_said(seen.holder)}.", "bad")
    return bool(seen.holder)


def _whose(session: Session, engine: EngineView) -> str:
    return f"It is {owner_words(engine, session.clock())}."


async def _asked(
    session: Session,
    counter: Counter,
    keeper: Keeper,
    seen: EngineView,
    reason: str,
    patience: Patience,
) -> Receipt | None:
    """Ask that engine to let go; None where nothing could be asked, which is told.

    One that has ended meanwhile answers nothing any more.
    """
    payload = take_over_payload(seen, session.clock())
    order = session.desk.order("take_over", "", reason=reason, payload=payload)
    counter.say("Asking that engine to let go …", "dim")
    receipt = await answer(order)
    if isinstance(receipt, Failure):
        counter.say(f"Not taken over: {receipt.sentence}", "bad")
        return None
    for _ in range(max(1, round(ANSWER_S / patience.poll_s))):
        if receipt.state != "asked" or not await asyncio.to_thread(keeper.is_owned):
            break
        await asyncio.sleep(patience.poll_s)
        found = await answer(session.desk.receipt(receipt.command_id))
        receipt = found if isinstance(found, Receipt) else receipt
    return receipt


async def _seize(session: Session, counter: Counter, keeper: Keeper) -> None:
    """Let the operator decide about an owner that does not answer."""
    seen = session.sight.engine
    if seen is None or _is_told(counter, seen):
        return
    if seen.drain is not None:
        await _wait_for(session, counter, keeper, seen.drain)
        return
    question = Question(
        title="That engine does not answer. Pass it over?",
        lines=(_whose(session, seen), *seize_lines(seen, session.clock())),
        yes="Yes, pass it over",
        no="No, leave it",
        typed=SEIZE,
        typed_name="the word shown above",
    )
    if await _consent(counter, keeper, question) is None:
        kept = "Nothing was changed; that engine keeps the workspace."
        await _tell_left(session, counter, keeper, kept)
    elif not await asyncio.to_thread(keeper.is_owned):
        await _start(counter, keeper)
    elif (now := session.sight.engine) is not None and now.drain is not None:
        # It woke while somebody typed, and took the command.
        await _wait_for(session, counter, keeper, now.drain)
    else:
        why = await asyncio.to_thread(keeper.start, seizes=True)
        _tell_start(counter, why)
