"""Files that keep room on the disk: for the outcomes of attempts, and for commands.

They say nothing. Where the disk is full one is made smaller, step by step, and whoever
needs room writes into what becomes free. In steps, since whatever filled the disk may
be writing still: it can take no more than one.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from watchfloor.store.disk import trouble_of
from watchfloor.store.layout import Layout

#: Outcomes of 2,000 attempts in flight, each with the longest reply that is kept, come
#: to less than half of this in the log and the file together.
SIZE: Final = 8 * 1024 * 1024
STEP: Final = 1024 * 1024
#: Whole only where so much is free besides: else it would be given up at the next
#: commit.
BESIDE: Final = 4 * 1024 * 1024
#: With less than this beside it, a disk counts as full: some seconds of outcomes. Less
#: than ``BESIDE``, that a disk at the edge is not full at one look and not at the next.
LEAST_BESIDE: Final = 2 * 1024 * 1024
#: What asks is small, but for a batch of results; most of a step is free again when
#: the command is in the inbox.
ASKING_SIZE: Final = 1024 * 1024
ASKING_STEP: Final = 128 * 1024
_BLOCK: Final = 512


class Seen(NamedTuple):
    """What is known of a reserve by looking.

    Attributes:
        size: Its length; 0 also where there is none.
        allocated: So much of the disk it really holds.
    """

    size: int = 0
    allocated: int = 0
    exists: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is as long as it should be, and no holes are in it."""
        return self.size == SIZE and self.allocated >= SIZE


class Reserve:
    """The reserve for outcomes: its owner alone changes it."""

    size: ClassVar[int] = SIZE
    step: ClassVar[int] = STEP

    def __init__(self, layout: Layout) -> None:
        self._path = self._place(layout)

    @staticmethod
    def _place(layout: Layout) -> Path:
        return layout.reserve

    @property
    def is_whole(self) -> bool:
        """Whether all of it is there, whatever is free besides."""
        seen = _seen(self._path)
        return seen.size == self.size and seen.allocated >= self.size

    def make(self) -> bool:
        """Make it whole; return whether it is, with room beside it.

        Where that is not possible it is left as it was.
        """
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
        except OSError:
            return False
        is_whole = False
        try:
            before = os.fstat(descriptor).st_size
            try:
                is_whole = _made_whole(descriptor, self.size, self.step)
            finally:
                # Also what a quota, which no look at the disk tells of, cut short.
                if not is_whole:
                    os.ftruncate(descriptor, before)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return is_whole

    def give(self, *, leaving: int = 0) -> bool:
        """Give a step of it to whoever needs room; return whether any was given.

        Args:
            leaving: So much of it is kept.
        """
        try:
            flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags)
        except OSError:
            return False
        try:
            left = os.fstat(descriptor).st_size
            if left > leaving:
                os.ftruncate(descriptor, max(leaving, left - self.step))
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return left > leaving

    def make_way(self) -> None:
        """Where the disk is full, give a step before anything is opened on it."""
        if trouble_of(self._path.parent):
            self.give()

    def remove(self) -> None:
        """Let go of all of it: nothing is in flight any more."""
        self._path.unlink(missing_ok=True)


class AskingReserve(Reserve):
    """The reserve for commands: the engine makes it, whoever asks takes of it."""

    size = ASKING_SIZE
    step = ASKING_STEP

    @staticmethod
    def _place(layout: Layout) -> Path:
        return layout.asking_reserve


def seen_reserve(layout: Layout) -> Seen:
    """Look at a workspace's reserve for outcomes."""
    return _seen(layout.reserve)


def free_beside(root: Path) -> int | None:
    """Return the bytes that are free on a folder's disk; None where nobody tells."""
    try:
        disk = os.statvfs(root)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def _seen(path: Path) -> Seen:
    try:
        found = path.lstat()
    except OSError:
        return Seen()
    if not stat.S_ISREG(found.st_mode):
        return Seen()
    return Seen(found.st_size, found.st_blocks * _BLOCK, exists=True)


def _made_whole(descriptor: int, size: int, step: int) -> bool:
    """Allocate what is missing; return whether all of it is there, with room beside.

    Also one that is whole has no room beside it, where others have filled the disk.
    """
    found, disk = os.fstat(descriptor), os.fstatvfs(descriptor)
    missing = max(0, size - min(found.st_size, found.st_blocks * _BLOCK))
    if disk.f_bavail * disk.f_frsize < missing + BESIDE:
        return False
    if missing or found.st_size != size:
        _allocate(descriptor, size, step)
        os.ftruncate(descriptor, size)
    return os.fstat(descriptor).st_blocks * _BLOCK >= size


def _allocate(descriptor: int, size: int, step: int) -> None:
    """Take the room: a length alone is a hole, and anybody may fill the disk before."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for at in range(0, size, step):
        os.pwrite(descriptor, bytes(step), at)
