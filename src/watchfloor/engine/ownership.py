"""One owner per workspace: an exclusive file lock, kept while the process lives."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import Final

from watchfloor.domain.errors import OwnedError, StoreError
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import SIZE, lock_text, owner_in

#: What the lock says of a holder that only applies a command.
FOR_A_MOMENT: Final = "for a moment"
_TURN_S: Final = 0.02
_TURNS: Final = 250


class Ownership:
    """The workspace's lock. The kernel lets go of it when the process dies.

    The lock keeps a second engine from starting; the epoch in the store keeps a
    process that lost the lock (a restored disk, a stolen file) from writing.
    """

    def __init__(self, descriptor: int, owner: str) -> None:
        self._descriptor: int | None = descriptor
        self._owner = owner

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
        os.pwrite(descriptor, lock_text(owner), 0)
        return cls(descriptor, owner)

    def tell(self, fault: str) -> None:
        """Say in the lock file why the store takes no writes; empty for: it does again.

        Where even that cannot be written, whoever asks looks at the disk instead.
        """
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, lock_text(self._owner, fault), 0)

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
            holder = owner_in(os.pread(descriptor, SIZE, 0))
        else:
            return None
        # The first look may find the name of the holder before this one.
        if turn and FOR_A_MOMENT not in holder:
            break
        if turn + 1 < turns:
            time.sleep(_TURN_S)
    return holder
