"""The thread on which the committer's rounds run, one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

from watchfloor.engine.committer import Committer

OnFatal = Callable[[BaseException], None]

#: After a round that the store refused.
PAUSE_AFTER_FAULT_S = 1.0


class CommitThread:
    """Runs a round whenever it is woken; between rounds it sleeps.

    Args:
        committer: Used by nobody else while the thread runs.
        on_fatal: Called on the thread with the error that ended it: the workspace was
            taken over, the store was changed from outside, or a bug.

    Attributes:
        error: The same; of a last round it is to be read here, after ``stop``: a loop
            that waits for that hears no call.
    """

    error: BaseException | None = None

    def __init__(self, committer: Committer, on_fatal: OnFatal) -> None:
        self._committer = committer
        self._on_fatal = on_fatal
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="watchfloor-commits", daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Ask for a round. Any thread."""
        self._woken.set()

    def stop(self) -> None:
        """End after a last round, and wait for it."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._woken.clear()
            last = self._stopping.is_set()
            try:
                more = self._committer.round()
            except Exception as error:  # noqa: BLE001 - told, and the thread ends
                self.error = error
                self._on_fatal(error)
                self._committer.end()
                return
            if more:
                self._woken.set()
            elif self._committer.store_fault:
                self._stopping.wait(PAUSE_AFTER_FAULT_S)
                self._woken.set()
            if last:
                return
