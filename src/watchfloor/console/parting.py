"""Leaving the console: what was confirmed is handed over, and what came of it told."""

from __future__ import annotations

import asyncio

from watchfloor.console.commands import Patience, told
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.domain.views import Receipt

#: So long a console that is left waits for the store to take what was confirmed.
_HAND_OVER_S = 5.0
_POLLS = 8


async def parted(session: Session, patience: Patience) -> list[str]:
    """Hand over what waits, and return what became of it, a sentence each.

    Whoever owns the workspace is waited for no longer, and that is said.

    Nobody sees the screen any more: the sentences are for the terminal beneath it.
    """
    given_up = session.keeper.give_up() if session.keeper is not None else ""
    became = await _handed_over(session, patience)
    return [given_up, *became] if given_up else became


async def _handed_over(session: Session, patience: Patience) -> list[str]:
    waits = [held.words for held in session.outgoing.held]
    if not await session.outgoing.hand_over(_HAND_OVER_S):
        return [f"NOT known to be stored: {words}" for words in waits or ["a command"]]
    return [
        f"NOT asked: {one.sentence}"
        if isinstance(one, Failure)
        else told(await _answered(session, one, patience), one.run_id)
        for one in session.outgoing.asked_last
    ]


async def _answered(session: Session, receipt: Receipt, patience: Patience) -> Receipt:
    """Return what the engine says at once; the receipt as it was where it does not."""
    last = receipt
    for _ in range(_POLLS):
        now = await answer(session.desk.receipt(receipt.command_id))
        if isinstance(now, Receipt):
            last = now
        if last.state != "asked":
            break
        await asyncio.sleep(patience.poll_s)
    return last
