"""Threads for what blocks, which hold up no end: of an engine, nor of its process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_Call = tuple[Future[Any], Callable[[], Any]]

#: As many as a loop's own executor has.
MOST: Final = min(32, (os.cpu_count() or 1) + 4)


class LooseThreads(ThreadPoolExecutor):
    """What a loop gives ``asyncio.to_thread`` to, where somebody's code may block.

    A loop that closes waits without limit for the threads of its executor, and so does
    the interpreter before it exits. Then one call without a time-out keeps a process,
    and the workspace's lock, for good. Here every thread is the process's to end.

    A loop accepts no executor of another class. Nothing else of that class is used.

    Args:
        most: How many calls run at once; others wait for a thread.
    """

    def __init__(self, most: int = MOST) -> None:
        super().__init__(most)
        self._most = most
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._spare = threading.Semaphore(0)
        self._started = 0
        self._is_over = False
        self._submitting = threading.Lock()

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Have a function called on a thread; return its answer to come.

        Raises:
            RuntimeError: It was shut down.
        """
        future: Future[T] = Future()
        with self._submitting:
            if self._is_over:
                raise RuntimeError("no function is called after a shutdown")
            self._calls.put((future, partial(fn, *args, **kwargs)))
            if not self._spare.acquire(blocking=False) and self._started < self._most:
                name = f"watchfloor-blocking-{self._started}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
                self._started += 1
        return future

    def shutdown(
        self,
        wait: bool = True,  # noqa: ARG002 - the signature of its class
        *,
        cancel_futures: bool = True,  # noqa: ARG002 - the signature of its class
    ) -> None:
        """Wait for no call, and begin none that still waits for a thread.

        What would begin now would contact somebody behind the engine's end.
        """
        with self._submitting:
            self._is_over = True
            with suppress(Empty):
                while True:
                    if call := self._calls.get_nowait():
                        call[0].cancel()
            for _ in range(self._started):
                self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            _carry_out(*call)
            # Whatever it holds, it must not hold it until the next one comes.
            del call
            self._spare.release()


def _carry_out(future: Future[T], called: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        answer = called()
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits
        future.set_exception(error)
    else:
        future.set_result(answer)
