"""A small event loop without a clock, a socket or a thread: the world steps it.

Whoever is ready may be next: in a shuffled schedule any of them is, in an orderly one
the first. Timers ring when the world's time has come to them. What asks for a thread is
done at once, as one more thing that is ready.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from asyncio import events
from collections.abc import Callable
from typing import Any


class VirtualLoop(asyncio.BaseEventLoop):
    """One process of the world: everything that it would still do.

    Args:
        now_s: The world's monotonic time.
        chance: Who is next; None for an orderly schedule.
    """

    _ready: list[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(
        self, now_s: Callable[[], float], chance: random.Random | None
    ) -> None:
        super().__init__()
        self._now_s = now_s
        self._chance = chance
        self._ready = []
        self.is_dead = False
        #: What callbacks raised that nobody took.
        self.faults: list[BaseException] = []
        self.set_exception_handler(_note)

    def time(self) -> float:
        return self._now_s()

    def call_soon(  # type: ignore[override]  # any callback will do
        self, callback: Any, *args: Any, **options: Any
    ) -> asyncio.Handle:
        if self.is_dead:
            # What Python clears away of a dead process must not move anything.
            return asyncio.Handle(callback, args, self)
        return super().call_soon(callback, *args, **options)

    def call_at(  # type: ignore[override]  # any callback will do
        self, when: float, callback: Any, *args: Any, **options: Any
    ) -> asyncio.TimerHandle:
        if self.is_dead:
            return asyncio.TimerHandle(when, callback, args, self)
        return super().call_at(when, callback, *args, **options)

    def call_soon_threadsafe(  # type: ignore[override]  # any callback will do
        self, callback: Any, *args: Any, **options: Any
    ) -> Any:
        return self.call_soon(callback, *args, **options)

    def run_in_executor(  # type: ignore[override]  # any function will do
        self, _: Any, func: Any, *args: Any
    ) -> Any:
        future = self.create_future()

        def run() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_soon(run)
        return future

    def rings_at_s(self) -> float | None:
        """Return when the next timer rings."""
        while self._scheduled and self._scheduled[0].cancelled():
            heapq.heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]  # as the base loop does
        return self._scheduled[0].when() if self._scheduled else None

    def is_ready(self) -> bool:
        """Whether anything can be done now; timers whose time has come are."""
        now_s = self._now_s()
        while (at_s := self.rings_at_s()) is not None and at_s <= now_s:
            self._ready.append(heapq.heappop(self._scheduled))
        return bool(self._ready)

    def step(self) -> None:
        """Do one thing that is ready."""
        place = 0 if self._chance is None else self._chance.randrange(len(self._ready))
        handle = self._ready.pop(place)
        if not handle.cancelled():
            events._set_running_loop(self)
            try:
                handle._run()
            finally:
                events._set_running_loop(None)

    def die(self) -> None:
        """Do nothing any more, as a process that was killed."""
        self.is_dead = True
        self._ready.clear()
        self._scheduled.clear()
        self._closed = True

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time comes."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(loop, VirtualLoop) and error is not None and not loop.is_dead:
        loop.faults.append(error)
