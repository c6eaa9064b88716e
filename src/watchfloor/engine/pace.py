"""One run's own pace on the engine's loop: attempts take their turns at its bucket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from watchfloor.domain.pacing import Bucket, lead, opened, reopened, take


class Pace:
    """How fast a run's attempts start; it may change while attempts wait.

    Attributes:
        rate_per_s: Attempts per second; None for no pacing.
        is_open: Nobody waits at a closed pace. It is closed at first.
    """

    def __init__(
        self, rate_per_s: float | None, monotonic_s: Callable[[], float]
    ) -> None:
        self.rate_per_s = rate_per_s
        self.is_open = False
        self._monotonic_s = monotonic_s
        self._bucket: Bucket | None = None
        self._stirred = asyncio.Event()

    def lead(self) -> int | None:
        """Return how many intents may be stored ahead; None for any number."""
        rate = self.rate_per_s
        return None if rate is None else lead(rate)

    def open(self) -> None:
        """Let attempts through; what was allowed meanwhile is lost: nothing bursts."""
        self.is_open = True
        self._stirred.clear()
        if self.rate_per_s is not None:
            self._bucket = self._anew(self.rate_per_s)

    def close(self) -> None:
        """Let whoever waits give up."""
        self.is_open = False
        self._stirred.set()

    def set(self, rate_per_s: float | None) -> None:
        """Change the pace at once. What was spent at the old one stays spent."""
        self.rate_per_s = rate_per_s
        if rate_per_s is not None:
            self._bucket = self._anew(rate_per_s)
        self._stirred.set()
        if self.is_open:
            self._stirred = asyncio.Event()

    async def wait(self) -> None:
        """Wait until an attempt could start, or the pace is closed; take nothing."""
        while self.is_open and self.rate_per_s is not None:
            _, wait_s = self._taken(self.rate_per_s)
            if wait_s <= 0:
                return
            # Neither a gate that closes nor a new pace must wait for a slow one.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stirred.wait()

    def took(self) -> bool:
        """Take what an attempt that starts now takes; return whether it was there.

        Nothing is paced, and nothing taken, without a pace or at a closed one.
        """
        if self.rate_per_s is None or not self.is_open:
            return True
        self._bucket, wait_s = self._taken(self.rate_per_s)
        return wait_s <= 0

    def _taken(self, rate_per_s: float) -> tuple[Bucket, float]:
        now_s = self._monotonic_s()
        return take(self._bucket or opened(rate_per_s, now_s), now_s)

    def _anew(self, rate_per_s: float) -> Bucket:
        now_s = self._monotonic_s()
        if self._bucket is None:
            return opened(rate_per_s, now_s)
        return Bucket(rate_per_s, reopened(self._bucket, now_s).tokens, now_s)
