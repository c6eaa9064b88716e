"""One owner per workspace: an exclusive file lock, kept while the process lives."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import OwnedError, StoreError
from watchfloor.store.layout import Layout

#: What the lock says of a holder that only applies a command.
FOR_A_MOMENT: Final = "for a moment"
_TURN_S: Final = 0.02
_TURNS: Final = 250


class Ownership:
    """The workspace's lock. The kernel lets go of it when the process dies.

    The lock keeps a second engine from starting; the epoch in the store keeps a
    process that lost the lock (a restored disk, a stolen file) from writing.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor: int | None = descriptor
        self._path = path

    @classmethod
    def taken(cls, layout: Layout, owner: str, *, waits: bool = False) -> Ownership:
        """Take the lock of a workspace.

        Args:
            layout: Where the workspace is.
            owner: Who takes it, for whoever finds it held.
            waits: Whether to wait some seconds for a holder of one moment: a verb
                that applies its command must not keep an engine from starting.

        Raises:
            OwnedError: Another process holds it; nothing was changed.
            StoreError: The lock file cannot be made.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            descriptor = os.open(layout.lock, flags, 0o600)
        except OSError as error:
            msg = f"the lock {layout.lock} cannot be opened: {error.strerror}"
            raise StoreError(msg) from error
        holder = _holder(descriptor, turns=_TURNS if waits else 1)
        if holder is not None:
            os.close(descriptor)
            msg = (
                f"the workspace {layout.root} is owned by {holder or 'another process'}"
                "; nothing was changed. Commands reach that engine through the inbox."
            )
            raise OwnedError(msg)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{owner}\n".encode(), 0)
        return cls(descriptor, layout.lock)

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int, *, turns: int) -> str | None:
    """Return who holds the lock after so many turns; None where it is ours now."""
    holder = ""
    for turn in range(turns):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
        else:
            return None
        # The first look may find the name of the holder before this one.
        if turn and FOR_A_MOMENT not in holder:
            break
        if turn + 1 < turns:
            time.sleep(_TURN_S)
    return holder


def is_owned(layout: Layout) -> bool:
    """Whether a living process holds the workspace's lock."""
    try:
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
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
