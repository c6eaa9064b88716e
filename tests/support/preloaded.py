"""Processes that need not import the product anew: forked from one that did.

Starting Python and importing the engine costs a second of a core; forking a process
that has done so costs some milliseconds. What runs is the product's own command line
in a process of its own, which takes signals and may be killed like any other. Tests of
how a process starts, and of what it imports, start Python instead.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final

from watchfloor.cli.main import main

_CONTEXT: Final = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        __name__,
        # Loaded when they are needed.
        "aiosmtplib",
        "uvloop",
        "watchfloor.channels.webhook",
        "watchfloor.cli.verbs.engine",
        "watchfloor.engine.running",
        "watchfloor.intake.filter_grammar",
    ]
)


class Preloaded:
    """``watchfloor ARGUMENTS`` in a process of its own.

    Args:
        arguments: What follows the program's name.
        out: A descriptor that takes what it says; the caller's to close.
    """

    def __init__(self, *arguments: str, out: int) -> None:
        told = Connection(os.dup(out), readable=False)
        self._process = _CONTEXT.Process(
            target=_run, args=(arguments, dict(os.environ), told)
        )
        self._process.start()
        told.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return how it ended, below 0 by a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, patience_s: float) -> int:
        """Wait for its end; return how it ended.

        Raises:
            TimeoutError: It still runs after *patience_s*.
        """
        self._process.join(patience_s)
        code = self.poll()
        if code is None:
            msg = f"process {self.pid} still runs after {patience_s} s"
            raise TimeoutError(msg)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(arguments: list[str], environment: dict[str, str], out: Connection) -> None:
    for descriptor in (1, 2):
        os.dup2(out.fileno(), descriptor)
    out.close()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.exit(main(arguments))
