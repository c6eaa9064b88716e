"""Giving up on a resolution that cannot go on: it must not end the engine."""

from __future__ import annotations

import logging
from typing import Final

from watchfloor.domain.text import clean
from watchfloor.engine.changes import Transaction, adopt
from watchfloor.engine.resolving import enter
from watchfloor.store.handle import DriverError
from watchfloor.store.reads.resolutions import resolution_of
from watchfloor.store.writes import resolutions as writes
from watchfloor.store.writes.runs import answer_command

log = logging.getLogger(__name__)

#: What can be given up: a cohort that is being let go of has been already.
_UNDER_WAY: Final = ("freezing", "applying")


class GiveUp:
    """The job that ends a resolution of which no slice can be done.

    What was resolved stays so, and what was not stays unknown; the command is answered.
    """

    def __init__(self, number: int, error: BaseException) -> None:
        self._number = number
        self._error = error

    def __call__(self, tx: Transaction) -> None:
        """Answer it, and have what was frozen for it let go of."""
        one = resolution_of(tx.connection, self._number)
        error = self._error
        # Of a driver's error the statement and its values are not told.
        told = clean(error.orig if isinstance(error, DriverError) else error)
        log.warning("resolution %d does not go on: %s", self._number, told)
        if one.state not in _UNDER_WAY:
            return
        ledger = tx.ledgers.get(one.run_id) or adopt(tx, one.run_id)
        writes.save_resolution(
            tx.connection, one.number, state="dropping", ended_at_ms=tx.now_ms
        )
        if one.done:
            said = (
                f"{one.done:,} of {one.records:,} unknown records resolved, the others "
                f"left unknown: {told}"
            )
            event = f"resolved as {one.word}"
            answer: dict[str, object] = {"state": "settled", "settled_at_ms": tx.now_ms}
            answer |= {"applied_at_ms": tx.now_ms}
        else:
            said = f"the command cannot be used: {told}"
            event = "resolve refused"
            answer = {"state": "refused", "refusal": "UNUSABLE"}
        answer_command(tx.connection, one.command_id, detail=said, **answer)
        enter(tx, ledger, one, event, said)
