"""The end of an engine: attempts in flight end, and everybody is told how far it is."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from watchfloor.domain.draining import Drain
from watchfloor.domain.errors import StoreError
from watchfloor.domain.leaving import Leaving
from watchfloor.engine import flights, jobs
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.lane import CLOSE_S
from watchfloor.engine.lanes import Lanes
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.unstored import parting_words
from watchfloor.store.layout import Layout

log = logging.getLogger(__name__)

#: A channel that was told to end its attempts at once gets so long to say how they did.
CUT_S: Final = 2.0
#: So much more than its grace an engine takes at most: channels close, and what became
#: of everything is stored.
CLOSING_S: Final = flights.GRACE_S + CLOSE_S + 2.0
_LOOK_S: Final = 0.05


class Draining:
    """How one engine ends. Its methods run on the loop.

    Attributes:
        begun: Set once the engine is to end.
        grace_s: How long attempts in flight may take from then on.
        leaving: Why it ends; what was said first holds, but for a store that is gone.
    """

    def __init__(
        self, lanes: Lanes, committer: Committer, submit: Submit, around: Surroundings
    ) -> None:
        self.begun = asyncio.Event()
        self.grace_s = 0.0
        self.leaving = Leaving.SIGNAL
        self._lanes = lanes
        self._committer = committer
        self._submit = submit
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._since_ms = 0
        self._until_ms, self._until_s = sys.maxsize, math.inf
        self._told: Drain | None = None
        self._was_cut = False
        self._flying: Mapping[str, int] = {}

    @property
    def has_begun(self) -> bool:
        """Whether the engine is to end."""
        return self.begun.is_set()

    def begin(self, why: Leaving) -> None:
        """Begin no attempt any more, and tell everybody."""
        if self.has_begun:
            return
        self.leaving = why
        # At once: duties that are under way may take their time to end.
        self._lanes.hold_all()
        self._since_ms = self._around.now_ms()
        self._ends_within(self.grace_s)
        self.begun.set()

    def cut(self) -> None:
        """End what is in flight at once: what became of it is not known then."""
        # What only waits to be stored has its outcome, and is cut off from nothing.
        self._was_cut = self._was_cut or bool(self._lanes.in_flight)
        self._lanes.cut_all()
        self._ends_within(CUT_S)

    def _ends_within(self, seconds: float) -> None:
        """End by then, or earlier where that was promised: no word puts an end off."""
        self._until_s = min(self._until_s, self._loop.time() + seconds)
        most_ms = round((seconds + CLOSING_S) * 1_000)
        self._until_ms = min(self._until_ms, self._around.now_ms() + most_ms)
        self._tell()

    def _tell(self) -> None:
        """Tell how far it is, where that changed."""
        in_flight = sum(self._lanes.in_flight.values())
        ended = sum(len(one.finished) for one in self._lanes.kept.values())
        drain = Drain(self._since_ms, self._until_ms, in_flight + ended)
        if drain != self._told:
            self._told = drain
            self._committer.on_drain(drain)

    async def flown(self, is_in_vain: Callable[[], bool]) -> None:
        """Wait until every outcome is stored, or the grace is over.

        Args:
            is_in_vain: Whether nothing is stored any more.
        """
        while not is_in_vain() and (left_s := self._until_s - self._loop.time()) > 0:
            self._tell()
            if not self._lanes.is_drained:
                await asyncio.sleep(min(_LOOK_S, left_s))
                continue
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(left_s):
                    # A round that took the last outcomes is over when the next one is.
                    await self._submit(jobs.beat)
                if self._lanes.is_drained:
                    return

    async def close(self) -> None:
        """End workers and channels; what has no outcome by now gets none."""
        self._flying = self._lanes.in_flight
        await self._lanes.close_all()

    async def entered(self) -> bool:
        """Store what is left and that the engine lets go; return whether it is.

        Where the store takes no writes, the last round of all tries once more.
        """
        end = jobs.End(self.leaving, drained=not (self._flying or self._was_cut))
        try:
            await self._submit(end)
        except StoreError:
            self._committer.submit(end)
            return False
        return True

    def is_over(self, layout: Layout) -> bool:
        """Return whether all that channels said is stored; else say what is not.

        To be asked after the last round.
        """
        kept, late = self._lanes.kept, tuple(self._committer.late)
        fault = self._committer.store_fault
        for said in parting_words(layout, self._flying, kept, late, fault):
            log.warning("%s", said)
        if self._was_cut:
            log.warning("attempts in flight were cut off: their outcomes are not known")
        return not (self._flying or self._was_cut or kept or late)
