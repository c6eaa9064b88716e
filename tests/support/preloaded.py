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
import pkgutil
import pwd
import runpy
import signal
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from subprocess import CompletedProcess
from typing import Final, NamedTuple

from tests.support.patience import DEADLINE_S

import watchfloor
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
        # The last: it carries a run out with all of them.
        "tests.support.prepared",
    ]
)


class Account(NamedTuple):
    """An account of the system, and the one group it is a member of."""

    name: str
    group: int


class Preloaded:
    """A program in a process of its own.

    Args:
        arguments: What follows ``watchfloor``; or the path of a script of the tests,
            ending in ``.py``, and what follows it.
        out: A descriptor that takes what it says; the caller's to close. A terminal is
            also what it reads from, and its session is its own then.
        err: One that takes its errors; None for *out*.
        environment: All of it; None for the test's.
        account: As whom it runs; None for the test's own.
    """

    def __init__(
        self,
        *arguments: str,
        out: int,
        err: int | None = None,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
    ) -> None:
        told = [
            Connection(os.dup(one), readable=False)
            for one in (out, out if err is None else err)
        ]
        known = dict(os.environ if environment is None else environment)
        self._process = _CONTEXT.Process(
            target=_run, args=(arguments, known, told, account)
        )
        self._process.start()
        for one in told:
            one.close()

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
            # It may be gone, and who forked it has not said so yet.
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with SIGKILL, wherever it is."""
        self.signal(signal.SIGKILL)


def carried_out(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> CompletedProcess[str]:
    """Run a program to its end; return what it said, as ``subprocess.run`` does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = Preloaded(
            *arguments,
            out=out.fileno(),
            err=err.fileno(),
            environment=environment,
            account=account,
        )
        try:
            code = process.wait(DEADLINE_S)
        finally:
            process.kill()
        said = []
        for one in (out, err):
            one.seek(0)
            said.append(one.read().decode())
    return CompletedProcess(arguments, code, *said)


def _run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    told: Sequence[Connection],
    account: Account | None,
) -> None:
    out, err = told
    if os.isatty(out.fileno()):
        os.setsid()
        fcntl.ioctl(out.fileno(), termios.TIOCSCTTY, 0)
        os.dup2(out.fileno(), 0)
        # What it was forked from has closed its own.
        read = io.TextIOWrapper(io.FileIO(0, closefd=False))
        vars(sys).update(stdin=read, __stdin__=read)
    for descriptor, one in ((1, out), (2, err)):
        os.dup2(one.fileno(), descriptor)
        one.close()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    # A shell has its jobs in the background ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # nohup has whatever it starts ignore it.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if account is not None:
        _become(account)
    if arguments[0].endswith(".py"):
        sys.argv = list(arguments)
        sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
        runpy.run_path(arguments[0], run_name="__main__")
        return
    sys.argv = ["watchfloor", *arguments]
    sys.exit(main(arguments))


def _become(account: Account) -> None:
    """Be another account for good, all imported: Python may lie where only root may."""
    for one in ("encodings.idna", "encodings.utf_8_sig", "getpass"):
        import_module(one)
    for found in pkgutil.walk_packages(watchfloor.__path__, "watchfloor."):
        if not found.name.endswith("__main__") and ".migrations" not in found.name:
            import_module(found.name)
    os.setgroups([])
    os.setresgid(*[account.group] * 3)
    os.setresuid(*[pwd.getpwnam(account.name).pw_uid] * 3)
    os.environ["USER"] = "root"
