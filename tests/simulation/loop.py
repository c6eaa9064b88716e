"""A small event loop without a clock, a socket or a thread: the world steps it.

Whoever is ready may be next: in a shuffled schedule any of them is, in an orderly one
the first. Timers ring when the world's time has come to them. What asks for a thread is
done at once, as one more thing that is ready.

A world does some three hundred things, and ten thousand worlds are turned: of a loop's
usual bookkeeping (debugging, contexts, names of tasks) there is only what is used.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import events
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from heapq import heappop, heappush
from typing import Any, ClassVar, Protocol


class _Thing:
    """One thing to be done, as whoever asked for it may call it off."""

    __slots__ = ("args", "at_s", "callback", "is_off")

    def __init__(
        self, callback: Callable[..., Any], args: tuple[Any, ...], at_s: float = 0.0
    ) -> None:
        self.callback = callback
        self.args = args
        self.at_s = at_s
        self.is_off = False

    def cancel(self) -> None:
        self.is_off = True

    def cancelled(self) -> bool:
        return self.is_off

    def when(self) -> float:
        return self.at_s

    def __lt__(self, other: _Thing) -> bool:
        return self.at_s < other.at_s


class Clock(Protocol):
    """Whoever knows what time it is in the world."""

    now_s: float


class VirtualLoop(asyncio.BaseEventLoop):
    """One process of the world: everything that it would still do.

    Args:
        clock: Whose ``now_s`` is the world's monotonic time.
        chance: Who is next; None for an orderly schedule.
    """

    #: Which loop runs: worlds are turned one after the other.
    running: ClassVar[VirtualLoop | None] = None

    def __init__(self, clock: Clock, chance: random.Random | None) -> None:
        super().__init__()
        self._clock = clock
        self._bits = None if chance is None else chance.getrandbits
        self._things: list[_Thing] = []
        self._timers: list[_Thing] = []
        self._tasks: list[Any] = []
        self.is_dead = False
        #: What callbacks raised that nobody took.
        self.faults: list[BaseException] = []
        self.set_exception_handler(_note)

    def time(self) -> float:
        return self._clock.now_s

    def call_soon(  # type: ignore[override]  # any callback will do
        self,
        callback: Any,
        *args: Any,
        context: Context | None = None,  # noqa: ARG002 - one is as good as another
    ) -> Any:
        thing = _Thing(callback, args)
        # What Python clears away of a dead process must not move anything.
        if not self.is_dead:
            self._things.append(thing)
        return thing

    def call_at(  # type: ignore[override]  # any callback will do
        self,
        when: float,
        callback: Any,
        *args: Any,
        context: Context | None = None,  # noqa: ARG002 - one is as good as another
    ) -> Any:
        thing = _Thing(callback, args, when)
        if not self.is_dead:
            heappush(self._timers, thing)
        return thing

    def call_later(  # type: ignore[override]  # any callback will do
        self,
        delay: float,
        callback: Any,
        *args: Any,
        context: Context | None = None,  # noqa: ARG002 - one is as good as another
    ) -> Any:
        return self.call_at(self._clock.now_s + delay, callback, *args)

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there is no thread
    #: Never; every future and every task asks.
    get_debug = staticmethod(bool)  # false, without a frame of its own

    def create_task(  # type: ignore[override]  # nobody asks for its name
        self, coro: Coroutine[Any, Any, Any], **_: object
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self)
        self._tasks.append(task)
        return task

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
        timers = self._timers
        while timers and timers[0].is_off:
            heappop(timers)
        return timers[0].at_s if timers else None

    def is_ready(self) -> bool:
        """Whether anything can be done now; timers whose time has come are."""
        timers = self._timers
        if timers:
            now_s = self._clock.now_s
            while timers and (timers[0].is_off or timers[0].at_s <= now_s):
                thing = heappop(timers)
                if not thing.is_off:
                    self._things.append(thing)
        return bool(self._things)

    def step(self) -> None:
        """Do one thing that is ready; this is the running loop until another steps."""
        things = self._things
        thing = things.pop(0 if self._bits is None else _below(len(things), self._bits))
        if thing.is_off:
            return
        if VirtualLoop.running is not self:
            VirtualLoop.let_run(self)
        try:
            thing.callback(*thing.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - the world looks at it
            if not self.is_dead:
                self.faults.append(error)

    @classmethod
    def let_run(cls, loop: VirtualLoop | None) -> None:
        """Let another loop be the running one, or none."""
        cls.running = loop
        events._set_running_loop(loop)

    def die(self) -> None:
        """Do nothing any more, as a process that was killed."""
        self.is_dead = True
        self._things.clear()
        self._timers.clear()
        self._closed = True

    def clear(self) -> None:
        """Let go of every task of a dead loop: each holds what holds it.

        Whatever their coroutines still do on being closed comes to nothing.
        """
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # nobody waits for it
                with suppress(Exception):
                    task.get_coro().close()
                if task._fut_waiter is not None:
                    task._fut_waiter.cancel()
        self._tasks.clear()

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


def _below(most: int, bits: Callable[[int], int]) -> int:
    """Return what ``Random.randrange(most)`` would, and draw as it does."""
    width = most.bit_length()
    drawn = bits(width)
    while drawn >= most:
        drawn = bits(width)
    return drawn


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if isinstance(loop, VirtualLoop) and error is not None and not loop.is_dead:
        loop.faults.append(error)
