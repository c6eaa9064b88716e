"""One owner per workspace: an exclusive file lock, kept while the process lives."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from watchfloor.domain.draining import FOR_A_MOMENT, Drain
from watchfloor.domain.errors import OwnedError, StoreError
from watchfloor.store.disk import trouble_of
from watchfloor.store.layout import Layout
from watchfloor.store.lock_text import (
    DRAIN_AT,
    SIZE,
    TROUBLE_AT,
    drain_text,
    fresh_text,
    lock_text,
    owner_in,
    trouble_text,
)

#: What is said of one that goes on.
REACHED: Final = "Commands reach that engine through the inbox."
_TURN_S: Final = 0.02
_TURNS: Final = 250


class Taking(NamedTuple):
    """How a workspace is taken that somebody may own.

    Attributes:
        patience_s: How long to wait for whoever owns it to let go.
        seizes: Whether one that holds the lock and does not answer is passed over,
            unless it beats again. Its next write changes nothing (the epoch is newer),
            and it begins no attempt before that: see ``Proof``.
        moved: Whether a person said that the workspace was moved to where it is.
    """

    patience_s: float = 0.0
    seizes: bool = False
    moved: bool = False


#: Where another engine owns it, it keeps it.
TAKES: Final = Taking()


class Ownership:
    """The workspace's lock. The kernel lets go of it when the process dies.

    The lock keeps a second engine from starting; the epoch in the store keeps a
    process that lost the lock (a restored disk, a stolen file) from writing.
    """

    def __init__(self, descriptor: int, owner: str, place: Path | None = None) -> None:
        self._descriptor: int | None = descriptor
        self._owner = owner
        self._place = place

    @classmethod
    def taken(
        cls,
        layout: Layout,
        owner: str,
        *,
        waits: bool = False,
        patience_s: float = 0.0,
        about: Callable[[], str] = lambda: REACHED,
    ) -> Ownership:
        """Take the lock of a workspace.

        Args:
            layout: Where the workspace is.
            owner: Who takes it, for whoever finds it held.
            waits: Whether to wait some seconds for a holder of one moment: a verb
                that applies its command must not keep an engine from starting.
            patience_s: How long to wait for any holder.
            about: Returns what to say besides of one that keeps it.

        Raises:
            OwnedError: Another process holds it; nothing was changed.
            StoreError: The lock file cannot be made, or not be written.
        """
        give_up = time.monotonic() + patience_s
        while True:
            descriptor = _opened(layout.lock, os.O_CREAT)
            holder = _holder(descriptor, turns=_TURNS if waits else 1)
            if holder is None and _stands_at(layout.lock, descriptor):
                break
            os.close(descriptor)
            if holder is None:
                continue  # the file was replaced meanwhile by who seized the workspace
            if time.monotonic() < give_up:
                time.sleep(_TURN_S)
                continue
            msg = (
                f"the workspace {layout.root} is owned by {holder or 'another process'}"
                f"; nothing was changed. {about()}"
            )
            raise OwnedError(msg)
        try:
            # In place, then its length: that needs no room on a full disk.
            os.pwrite(descriptor, fresh_text(owner), 0)
            os.ftruncate(descriptor, SIZE)
        except OSError as error:
            os.close(descriptor)
            raise _unusable(layout.lock, "written", error) from error
        return cls(descriptor, owner)

    @classmethod
    def beside(cls, layout: Layout, owner: str) -> Ownership:
        """Make a lock beside the one that is held; ``put_in_place`` makes it the lock.

        Raises:
            StoreError: It cannot be made; nothing was changed.
        """
        place = layout.lock.with_name(f"{layout.lock.name}.{os.getpid()}")
        with suppress(OSError):  # one that cannot go is found in the way, and told
            place.unlink(missing_ok=True)
        descriptor = _opened(place, os.O_CREAT | os.O_EXCL)
        made = cls(descriptor, owner, place)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(descriptor, fresh_text(owner), 0)
        except OSError as error:
            made.release()
            raise _unusable(place, "written", error) from error
        return made

    def is_passed_over(self, layout: Layout) -> bool:
        """Whether who seized the workspace has put another lock in this one's place.

        To be asked in a transaction that writes: a lock is replaced in no other.
        """
        held = self._descriptor
        if held is None or self._place is not None:
            return False
        return not _stands_at(layout.lock, held)

    def put_in_place(self, layout: Layout) -> None:
        """Make this the workspace's lock, whoever holds the file that was it.

        To be called in a transaction that is fenced already, once the newer epoch is
        stored: the other owner writes no more, and the lock of a newer one stays.

        Raises:
            StoreError: It cannot be; the other owner writes no more all the same.
        """
        if self._place is None:
            return
        try:
            self._place.replace(layout.lock)
        except OSError as error:
            msg = (
                f"the lock {layout.lock} cannot be replaced: {error.strerror}. The "
                "engine before was passed over, and nothing was sent. Let the folder "
                "be written (mount, chmod), end that engine, then start one: "
                "watchfloor engine"
            )
            raise StoreError(msg) from error
        self._place = None

    def tell(self, fault: str) -> None:
        """Say in the lock file why the store takes no writes; empty for: it does again.

        Where even that cannot be written, whoever asks looks at the disk instead.
        """
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, lock_text(self._owner, fault), 0)

    def tell_trouble(self, trouble: str) -> None:
        """Say in the lock file which duties fail; empty for: none. Any thread."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, trouble_text(trouble), TROUBLE_AT)

    def tell_drain(self, drain: Drain) -> None:
        """Say in the lock file how far the owner is that drains. Any thread."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, drain_text(drain), DRAIN_AT)

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._place is not None:
            self._place.unlink(missing_ok=True)
            self._place = None


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(path, "opened", error) from error


def _unusable(path: Path, what: str, error: OSError) -> StoreError:
    """Return why a lock cannot be opened or written; what it is of was not touched."""
    seen = trouble_of(path.parent) or f"{error.strerror}"
    return StoreError(
        f"the lock {path} cannot be {what}: {seen}. Nothing was changed or sent. "
        "Let the folder be written (room, mount, chmod), then try again; until then "
        "watchfloor runs shows what is stored"
    )


def _stands_at(path: Path, descriptor: int) -> bool:
    """Whether the file that is locked is still the one that others will find."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


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
