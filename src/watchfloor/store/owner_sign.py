"""What the owner's lock tells without the store: whether it lives, and a fault.

An owner whose store takes no writes cannot store that it lives, nor why it stands. It
writes the why into its lock file, in place: that needs no room on a full disk.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from typing import Final, NamedTuple

from watchfloor.domain.draining import FOR_A_MOMENT, Drain
from watchfloor.domain.views import EngineView
from watchfloor.store.disk import trouble_of
from watchfloor.store.layout import Layout
from watchfloor.store.lock_text import all_told_in, owner_in

_PID: Final = re.compile(r"\(pid (\d+) on ")


class OwnerSign(NamedTuple):
    """What a reader sees of an owner that something is wrong with.

    Attributes:
        lives: Its own process holds the lock; not asked where nothing is wrong.
        fault: Why the store takes no writes; empty where nobody can tell.
        last_words: What was wrong with the store when its process ended.
        trouble: Which of its duties fail, while it goes on.
        drain: How far it is with its end; of one that is silent nobody can tell.
        holder: Who holds the lock in its place, as the lock names it: one that starts,
            or that only applies a command. Such a one does not beat.
        is_unseen: It is silent, and this account may not ask its lock.
    """

    lives: bool = False
    fault: str = ""
    last_words: str = ""
    trouble: str = ""
    drain: Drain | None = None
    holder: str = ""
    is_unseen: bool = False

    @property
    def hangs(self) -> bool:
        """Whether its process lives and is silent, and nothing tells why."""
        return self.lives and not self.fault


def owner_sign(layout: Layout, engine: EngineView, now_ms: int) -> OwnerSign:
    """Return what is known of an owner beside its heartbeat.

    One that let go in good order needs no look; one whose heartbeat came lately is only
    asked what it says itself.
    """
    if engine.released:
        return OwnerSign()
    told, beats = all_told_in(layout.lock), engine.is_alive(now_ms)
    if beats and not told.fault:
        return OwnerSign(trouble=told.trouble, drain=told.drain)
    owned = _owned(layout)
    if owned is None:
        return OwnerSign(is_unseen=True)
    if not owned:
        return OwnerSign(last_words=told.fault)
    # Only now: what was told before the lock was held may be of another holder.
    told = all_told_in(layout.lock)
    fault = told.fault or trouble_of(layout.root)
    lives = is_owner(told.owner, engine)
    return OwnerSign(
        lives=lives,
        fault=fault,
        trouble=told.trouble,
        drain=told.drain if fault else None,
        holder="" if lives else told.owner,
    )


def is_owner(holder: str, engine: EngineView) -> bool:
    """Whether who holds the lock is the owner that the store tells of, and beats."""
    named = f"(pid {engine.pid} on {engine.host})"
    return named in holder and FOR_A_MOMENT not in holder


def is_owned(layout: Layout) -> bool:
    """Whether a living process holds the workspace's lock, as far as one may look."""
    return _owned(layout) or False


def _owned(layout: Layout) -> bool | None:
    """Return whether a living process holds the lock; None where one may not look."""
    try:
        descriptor = os.open(layout.lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Only the owner's account may look; everybody else has the heartbeat.
        return None
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


def way_to_stop(layout: Layout) -> str:
    """Return how an engine is stopped that no command reaches; empty without one."""
    if not is_owned(layout):
        return ""
    owner = ""
    with suppress(OSError):
        owner = owner_in(layout.lock.read_bytes())
    found = _PID.search(owner)
    if found is None:
        return "An engine owns the workspace: have it stopped with SIGTERM"
    return (
        f"To stop the engine all the same ({owner}), once what is in flight has ended: "
        f"kill {found[1]}"
    )
