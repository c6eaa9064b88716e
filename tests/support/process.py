"""The engine as operators start it: a process of its own, which a test may kill."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.patience import DEADLINE_S, until
from tests.support.preloaded import Preloaded

from watchfloor.store.layout import Layout


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody reaped yet has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return state.rpartition(")")[2].split()[0] == "Z"


def bears(pid: int, number: signal.Signals) -> bool:
    """Whether a process ignores a signal or has a handler for it."""
    return _stands_in(pid, number, "SigIgn", "SigCgt")


def signalled(pid: int, number: signal.Signals) -> None:
    """Send a process a signal, and wait until it has it: two would be one before."""
    os.kill(pid, number)
    until(lambda: not _stands_in(pid, number, "SigPnd", "ShdPnd"))


def descriptors_of(path: Path) -> set[int]:
    """Return this process's descriptors of a file."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone
            if link.readlink() == path:
                found.add(int(link.name))
    return found


def _stands_in(pid: int, number: signal.Signals, *masks: str) -> bool:
    told = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    known = dict(line.split(":", 1) for line in told if ":" in line)
    return any(int(known[mask], 16) >> (number - 1) & 1 for mask in masks)


def stands_still(pid: int) -> bool:
    """Whether a process is stopped, as by ctrl+z in a shell."""
    state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return state.rpartition(")")[2].split()[0] == "T"


class EngineProcess:
    """``watchfloor engine`` over one workspace; killed at the latest when left.

    Args:
        layout: Where the workspace is.
        arguments: More options of the verb.
        tells: A descriptor that takes what it says, in place of ``said``.
    """

    def __init__(
        self, layout: Layout, *arguments: str, tells: int | None = None
    ) -> None:
        self._log = layout.root.parent / "engine.log"
        with self._log.open("ab") as said:
            self._process = Preloaded(
                *("engine", "--workspace", str(layout.root)),
                *arguments,
                out=said.fileno() if tells is None else tells,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> bool:
        """End it with SIGKILL, wherever it is; return whether it still ran."""
        ran = self.is_running
        self._process.signal(signal.SIGKILL)
        return self._process.wait(DEADLINE_S) == -signal.SIGKILL and ran

    def terminate(self) -> None:
        """Ask it to drain, as a service manager does."""
        self._process.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.signal(number)

    @property
    def said(self) -> str:
        """What every engine of this workspace has said."""
        return self._log.read_text(encoding="utf-8")

    def ended(self) -> int:
        """Wait for its own end; return the exit code."""
        return self._process.wait(DEADLINE_S)
