"""What a lock file says: who holds the workspace, and what is wrong there."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

#: A lock file is so long from the beginning, so that a fault has its room already.
SIZE: Final = 2_048
_OWNER: Final = 256
_FAULT: Final = 768
#: Where a trouble stands: it is written without what stands before it.
TROUBLE_AT: Final = _OWNER + _FAULT


def lock_text(owner: str, fault: str = "") -> bytes:
    """Return what a lock file holds but for troubles: its owner, then a fault."""
    return _line(owner, _OWNER) + _line(fault, _FAULT)


def trouble_text(trouble: str) -> bytes:
    """Return the last line of a lock file: which of its owner's duties fail."""
    return _line(trouble, SIZE - TROUBLE_AT)


def owner_in(text: bytes) -> str:
    """Return the owner that a lock file names; or empty."""
    return _lines(text)[0]


class Told(NamedTuple):
    """What the last holder of a lock told in it.

    Attributes:
        fault: Why the store takes no writes; empty when it does.
        trouble: Which of its duties fail, while it goes on; empty for none.
    """

    fault: str = ""
    trouble: str = ""


def all_told_in(lock: Path) -> Told:
    """Return everything that the last holder of a lock told in it."""
    try:
        _, fault, trouble = _lines(lock.read_bytes()[:SIZE])
    except OSError:
        return Told()
    return Told(fault, trouble)


def told_in(lock: Path) -> str:
    """Return the fault that the last holder of a lock told in it; or empty."""
    return all_told_in(lock).fault


def _line(text: str, size: int) -> bytes:
    words = " ".join(text.split())
    told = words.encode(errors="replace")[: size - 1]
    return told.ljust(size - 1) + b"\n"


def _lines(text: bytes) -> tuple[str, str, str]:
    first, _, rest = text.decode(errors="replace").partition("\n")
    second, _, rest = rest.partition("\n")
    return first.strip(), second.strip(), rest.partition("\n")[0].strip("\0 ")
