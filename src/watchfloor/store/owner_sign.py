"""What the owner's lock tells without the store: whether it lives, and a fault.

An owner whose store takes no writes cannot store that it lives, nor why it stands. It
writes the why into its lock file, in place: that needs no room on a full disk.
"""

from __future__ import annotations

import fcntl
import os
from typing import Final, NamedTuple

from watchfloor.domain.views import EngineView
from watchfloor.store.disk import trouble_of
from watchfloor.store.layout import Layout

#: A lock file is so long from the beginning, so that a fault has its room already.
SIZE: Final = 1_024


class OwnerSign(NamedTuple):
    """What a reader sees of an owner that something is wrong with.

    Attributes:
        lives: Its process holds the lock; not asked where nothing is wrong.
        fault: Why the store takes no writes; empty where nobody can tell.
    """

    lives: bool = False
    fault: str = ""


def owner_sign(layout: Layout, engine: EngineView, now_ms: int) -> OwnerSign:
    """Return what is known of an owner beside its heartbeat.

    One that let go in good order needs no look; one whose heartbeat came lately is only
    asked what it says itself.
    """
    if engine.released:
        return OwnerSign()
    told, beats = _told(layout), engine.is_alive(now_ms)
    if (beats and not told) or not is_owned(layout):
        return OwnerSign()
    return OwnerSign(lives=True, fault=told or trouble_of(layout.root))


def is_owned(layout: Layout) -> bool:
    """Whether a living process holds the workspace's lock."""
    try:
        descriptor = os.open(layout.lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Only the owner's account may look; everybody else has the heartbeat.
        return False
    except OSError:
        return True
    try:
        # Asking by taking: another asker may be refused for this moment, and asks on.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock_text(owner: str, fault: str = "") -> bytes:
    """Return what a lock file holds: its owner in the first line, then a fault."""
    return _line(owner, SIZE // 4) + _line(fault, SIZE - SIZE // 4)


def owner_in(text: bytes) -> str:
    """Return the owner that a lock file names; or empty."""
    return _lines(text)[0]


def _line(text: str, size: int) -> bytes:
    words = " ".join(text.split())
    told = words.encode(errors="replace")[: size - 1]
    return told.ljust(size - 1) + b"\n"


def _lines(text: bytes) -> tuple[str, str]:
    first, _, rest = text.decode(errors="replace").partition("\n")
    return first.strip(), rest.partition("\n")[0].strip()


def _told(layout: Layout) -> str:
    try:
        return _lines(layout.lock.read_bytes()[:SIZE])[1]
    except OSError:
        return ""
