"""Commands on their way out of the console: those that wait, and those being asked.

A stop waits a few seconds after its yes, and can be taken back: nothing of it is stored
yet. Leaving the console in good order, or its terminal going away, hands over at once
what waits: it was confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from watchfloor.console.figures import clock_time
from watchfloor.console.reading import Failure
from watchfloor.console.text import shortened
from watchfloor.domain.views import Receipt

_LONGEST_NAME = 20


@dataclass(eq=False, slots=True)
class Held:
    """One command that waits.

    Attributes:
        verb: What was confirmed.
        goes_at_ms: When it will be asked.
        is_taken_back: Whether it will not be asked at all.
        is_over: Whether that is because its run was found to have ended.
    """

    verb: str
    run_id: str
    run_name: str
    goes_at_ms: int
    is_taken_back: bool = False
    is_over: bool = False
    _decided: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """What waits."""
        return f"{self.verb} of {shortened(self.run_name, _LONGEST_NAME)}"

    @property
    def words(self) -> str:
        """What waits, and until when."""
        return f"{self.name}, out {clock_time(self.goes_at_ms)}"

    def decide(self, *, taken_back: bool) -> None:
        """Let it go now, or never; what was decided first holds."""
        if not self._decided.is_set():
            self.is_taken_back = taken_back
            self._decided.set()

    def find_over(self) -> None:
        """Let it never go: its run has ended; what was decided first holds."""
        self.is_over = not self._decided.is_set()
        self.decide(taken_back=True)

    async def wait(self, seconds: float) -> None:
        """Wait until its time has come or somebody decided."""
        try:
            async with asyncio.timeout(seconds):
                await self._decided.wait()
        except TimeoutError:
            return


class Outgoing:
    """The commands of one console between a yes and the store.

    Attributes:
        on_change: Called when something begins or ends to wait.
        ending: Ids of runs for which a stop or cancel is on its way, from its key to
            its answer: a second one must not be confirmed meanwhile.
        asked_last: What the store took, or why it did not, since leaving began.
    """

    def __init__(self) -> None:
        self._held: list[Held] = []
        self._asking = 0
        self._is_leaving = False
        self._all_asked = asyncio.Event()
        self._all_asked.set()
        self.on_change: Callable[[], None] = _nothing
        self.ending: set[str] = set()
        self.asked_last: list[Receipt | Failure] = []

    @property
    def held(self) -> tuple[Held, ...]:
        """What waits, in the order in which it was confirmed."""
        return tuple(self._held)

    @property
    def is_asking(self) -> bool:
        """Whether something has gone out and is not known to be stored."""
        return bool(self._asking)

    @property
    def is_busy(self) -> bool:
        """Whether something waits or is being asked."""
        return bool(self._held or self._asking)

    def of_run(self, run_id: str) -> Held | None:
        """Return what waits for a run, or None."""
        return next((one for one in self._held if one.run_id == run_id), None)

    async def hold(self, held: Held, seconds: float) -> bool:
        """Wait, and return whether the command is to be asked.

        Where it is, asking has begun: the caller says ``asked`` in any case.
        """
        self._held.append(held)
        self.on_change()
        try:
            await held.wait(0 if self._is_leaving else seconds)
        finally:
            self._held.remove(held)
            if not held.is_taken_back:
                self.begin()
            self.on_change()
        return not held.is_taken_back

    def begin(self) -> None:
        """Say that something is being asked; ``asked`` must follow."""
        self._asking += 1
        self._all_asked.clear()

    def asked(self, answer: Receipt | Failure | None = None) -> None:
        """Say that what was being asked is stored, or why it is not."""
        if self._is_leaving and answer is not None:
            self.asked_last.append(answer)
        self._asking -= 1
        if not self._asking:
            self._all_asked.set()

    def take_back(self) -> Held | None:
        """Take back what was confirmed last; None where nothing waits."""
        last = self._held[-1] if self._held else None
        if last is not None:
            last.decide(taken_back=True)
        return last

    def take_all_back(self) -> int:
        """Take back everything that waits; return how much that was."""
        for one in self._held:
            one.decide(taken_back=True)
        return len(self._held)

    async def hand_over(self, patience_s: float) -> bool:
        """Let everything go now and wait until it is stored; False where it is not."""
        self._is_leaving = True
        for one in self.held:
            one.decide(taken_back=False)
        # A turn of the loop: who waited goes on to ask.
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(patience_s):
                while self.is_busy:
                    await self._all_asked.wait()
                    await asyncio.sleep(0)
        except TimeoutError:
            return False
        return True


def _nothing() -> None:
    """Tell nobody."""
