"""What a lock file says: who holds the workspace, and what is wrong with its store."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: A lock file is so long from the beginning, so that a fault has its room already.
SIZE: Final = 1_024


def lock_text(owner: str, fault: str = "") -> bytes:
    """Return what a lock file holds: its owner in the first line, then a fault."""
    return _line(owner, SIZE // 4) + _line(fault, SIZE - SIZE // 4)


def owner_in(text: bytes) -> str:
    """Return the owner that a lock file names; or empty."""
    return _lines(text)[0]


def told_in(lock: Path) -> str:
    """Return the fault that the last holder of a lock told in it; or empty."""
    try:
        return _lines(lock.read_bytes()[:SIZE])[1]
    except OSError:
        return ""


def _line(text: str, size: int) -> bytes:
    words = " ".join(text.split())
    told = words.encode(errors="replace")[: size - 1]
    return told.ljust(size - 1) + b"\n"


def _lines(text: bytes) -> tuple[str, str]:
    first, _, rest = text.decode(errors="replace").partition("\n")
    return first.strip(), rest.partition("\n")[0].strip()
