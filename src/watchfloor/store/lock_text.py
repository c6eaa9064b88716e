"""What a lock file says: who holds the workspace, and what is wrong there."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from watchfloor.domain.draining import Drain

#: A lock file is so long from the beginning, so that a fault has its room already.
SIZE: Final = 2_048
_OWNER: Final = 256
_FAULT: Final = 768
_DRAIN: Final = 64
#: Where a trouble stands, and a drain: each is written without what stands before it.
TROUBLE_AT: Final = _OWNER + _FAULT
DRAIN_AT: Final = SIZE - _DRAIN


def fresh_text(owner: str) -> bytes:
    """Return all that a lock file holds whose owner has just taken it."""
    return lock_text(owner) + trouble_text("") + drain_text(None)


def lock_text(owner: str, fault: str = "") -> bytes:
    """Return the first lines of a lock file: its owner, then a fault."""
    return _line(owner, _OWNER) + _line(fault, _FAULT)


def trouble_text(trouble: str) -> bytes:
    """Return the next line of a lock file: which of its owner's duties fail."""
    return _line(trouble, DRAIN_AT - TROUBLE_AT)


def drain_text(drain: Drain | None) -> bytes:
    """Return the last line of a lock file: how far its owner is that drains."""
    return _line("" if drain is None else " ".join(map(str, drain)), _DRAIN)


def owner_in(text: bytes) -> str:
    """Return the owner that a lock file names; or empty."""
    return _lines(text)[0]


class Told(NamedTuple):
    """What the last holder of a lock told in it.

    Attributes:
        fault: Why the store takes no writes; empty when it does.
        trouble: Which of its duties fail, while it goes on; empty for none.
        drain: How far it is with its end; None while it is told to go on.
        owner: Who it is; empty where nobody can tell.
    """

    fault: str = ""
    trouble: str = ""
    drain: Drain | None = None
    owner: str = ""


def all_told_in(lock: Path) -> Told:
    """Return everything that the last holder of a lock told in it."""
    try:
        owner, fault, trouble, drain = _lines(lock.read_bytes()[:SIZE])
    except OSError:
        return Told()
    return Told(fault, trouble, _drain_of(drain), owner)


def told_in(lock: Path) -> str:
    """Return the fault that the last holder of a lock told in it; or empty."""
    return all_told_in(lock).fault


def _line(text: str, size: int) -> bytes:
    words = " ".join(text.split())
    told = words.encode(errors="replace")[: size - 1]
    return told.ljust(size - 1) + b"\n"


def _lines(text: bytes) -> tuple[str, str, str, str]:
    lines = text.decode(errors="replace").split("\n")
    first, second, third, fourth = (one.strip("\0 ") for one in [*lines, *[""] * 4][:4])
    return first, second, third, fourth


def _drain_of(line: str) -> Drain | None:
    try:
        since_ms, until_ms, in_flight = map(int, line.split())
    except ValueError:
        return None
    return Drain(since_ms, until_ms, in_flight)
