"""Processes that need not import the product anew: forked from one that did.

Starting Python and importing the engine costs a second of a core; forking a process
that has done so costs some milliseconds. What runs is the product's own command line
in a process of its own, which takes signals and may be killed like any other. Tests of
how a process starts, and of what it imports, start Python instead.
"""

from __future__ import annotations

import fcntl
import io
import os
import runpy
import signal
import sys
import termios
import time
from collections.abc import Mapping, Sequence
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
        "textual.drivers.linux_driver",
        "uvloop",
        "watchfloor.channels.webhook",
        "watchfloor.cli.verbs.console",
        "watchfloor.cli.verbs.engine",
        "watchfloor.console.app",
        "watchfloor.engine.running",
        "watchfloor.intake.filter_grammar",
    ]
)


class Preloaded:
    """A program in a process of its own.

    Args:
        arguments: What follows ``watchfloor``; or the path of a script of the tests,
            ending in ``.py``, and what follows it.
        out: A descriptor that takes what it says; the caller's to close. A terminal is
            also what it reads from, and its session is its own then.
        environment: All of it; None for the test's.
    """

    def __init__(
        self,
        *arguments: str,
        out: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        told = Connection(os.dup(out), readable=False)
        known = dict(os.environ if environment is None else environment)
        self._process = _CONTEXT.Process(target=_run, args=(arguments, known, told))
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

    def kill(self) -> None:
        """End it with SIGKILL, wherever it is."""
        self.signal(signal.SIGKILL)


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], out: Connection
) -> None:
    if os.isatty(out.fileno()):
        os.setsid()
        fcntl.ioctl(out.fileno(), termios.TIOCSCTTY, 0)
        os.dup2(out.fileno(), 0)
        # What it was forked from has closed its own.
        read = io.TextIOWrapper(io.FileIO(0, closefd=False))
        vars(sys).update(stdin=read, __stdin__=read)
    for descriptor in (1, 2):
        os.dup2(out.fileno(), descriptor)
    out.close()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    # A shell has its jobs in the background ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if arguments[0].endswith(".py"):
        sys.argv = list(arguments)
        sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
        runpy.run_path(arguments[0], run_name="__main__")
        return
    sys.argv = ["watchfloor", *arguments]
    sys.exit(main(arguments))
