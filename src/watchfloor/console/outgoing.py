"""What was confirmed and waits a few seconds before it is asked: it can be taken back.

Nothing of it is stored yet. Leaving the console in good order, or its terminal going
away, hands over at once what waits: it was confirmed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from watchfloor.console.figures import clock_time


@dataclass(eq=False, slots=True)
class Held:
    """One command that waits.

    Attributes:
        verb: What was confirmed.
        goes_at_ms: When it will be asked.
        is_taken_back: Whether it will not be asked at all.
    """

    verb: str
    run_id: str
    run_name: str
    goes_at_ms: int
    is_taken_back: bool = False
    _decided: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def words(self) -> str:
        """What waits, and until when."""
        at = clock_time(self.goes_at_ms)
        return f"{self.verb} of {self.run_name} goes out {at} UTC"

    def decide(self, *, taken_back: bool) -> None:
        """Let it go now, or never; what was decided first holds."""
        if not self._decided.is_set():
            self.is_taken_back = taken_back
            self._decided.set()

    async def wait(self, seconds: float) -> None:
        """Wait until its time has come or somebody decided."""
        try:
            async with asyncio.timeout(seconds):
                await self._decided.wait()
        except TimeoutError:
            return


class Outgoing:
    """The commands of one console that were confirmed and not asked yet."""

    def __init__(self) -> None:
        self._held: list[Held] = []
        self._asking = 0
        self._all_asked = asyncio.Event()
        self._all_asked.set()
        self.on_change: Callable[[], None] = _nothing

    @property
    def held(self) -> tuple[Held, ...]:
        """What waits, in the order in which it was confirmed."""
        return tuple(self._held)

    def of_run(self, run_id: str) -> Held | None:
        """Return what waits for a run, or None."""
        return next((one for one in self._held if one.run_id == run_id), None)

    async def hold(self, held: Held, seconds: float) -> bool:
        """Wait, and return whether the command is to be asked.

        The caller asks at once where it is, and then says ``asked``.
        """
        self._held.append(held)
        self.on_change()
        try:
            await held.wait(seconds)
        finally:
            self._held.remove(held)
            if not held.is_taken_back:
                self._asking += 1
                self._all_asked.clear()
            self.on_change()
        return not held.is_taken_back

    def asked(self) -> None:
        """Say that what went out is stored, or could not be."""
        self._asking -= 1
        if not self._asking:
            self._all_asked.set()

    def take_back(self) -> Held | None:
        """Take back what was confirmed last; None where nothing waits."""
        last = self._held[-1] if self._held else None
        if last is not None:
            last.decide(taken_back=True)
        return last

    async def hand_over(self, patience_s: float) -> bool:
        """Let everything go now and wait until it is stored; False where it is not."""
        for one in self.held:
            one.decide(taken_back=False)
        # A turn of the loop: who waited goes on to ask.
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(patience_s):
                await self._all_asked.wait()
        except TimeoutError:
            return False
        return True


def _nothing() -> None:
    """Tell nobody."""
