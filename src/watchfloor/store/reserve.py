"""A file that keeps room on the disk for the outcomes of what is in flight.

It says nothing. Where the disk is full it is made smaller, step by step, and SQLite
writes into the room that becomes free. In steps, since whatever filled the disk may be
writing still: it can take no more than one.
"""

from __future__ import annotations

import os
import stat
from typing import Final, NamedTuple

from watchfloor.store.disk import trouble_of
from watchfloor.store.layout import Layout

#: Outcomes of 2,000 attempts in flight, each with the longest reply that is kept, come
#: to less than half of this in the log and the file together.
SIZE: Final = 8 * 1024 * 1024
STEP: Final = 1024 * 1024
#: Made whole again only where so much is free besides: else it would be given up at
#: the next commit.
BESIDE: Final = 4 * 1024 * 1024
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
    """The reserve of one owner, who alone changes it."""

    def __init__(self, layout: Layout) -> None:
        self._path = layout.reserve

    def make(self) -> bool:
        """Make it whole; return whether it is, with room beside it.

        Where that is not possible it is left as it was.
        """
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
        except OSError:
            return False
        try:
            before = os.fstat(descriptor).st_size
            if _made_whole(descriptor):
                return True
            os.ftruncate(descriptor, before)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def give(self) -> bool:
        """Give a step of it to whoever needs room; return whether any was left."""
        try:
            flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags)
        except OSError:
            return False
        try:
            left = os.fstat(descriptor).st_size
            os.ftruncate(descriptor, max(0, left - STEP))
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return left > 0

    def make_way(self) -> None:
        """Where the disk is full, give a step before anything is opened on it."""
        if trouble_of(self._path.parent):
            self.give()

    def remove(self) -> None:
        """Let go of all of it: nothing is in flight any more."""
        self._path.unlink(missing_ok=True)


def seen_reserve(layout: Layout) -> Seen:
    """Look at a workspace's reserve."""
    try:
        found = layout.reserve.lstat()
    except OSError:
        return Seen()
    if not stat.S_ISREG(found.st_mode):
        return Seen()
    return Seen(found.st_size, found.st_blocks * _BLOCK, exists=True)


def _made_whole(descriptor: int) -> bool:
    """Allocate what is missing; return whether all of it is there."""
    found = os.fstat(descriptor)
    if found.st_size != SIZE or found.st_blocks * _BLOCK < SIZE:
        disk = os.fstatvfs(descriptor)
        missing = SIZE - min(found.st_size, found.st_blocks * _BLOCK)
        if disk.f_bavail * disk.f_frsize < missing + BESIDE:
            return False
        _allocate(descriptor)
        os.ftruncate(descriptor, SIZE)
    return os.fstat(descriptor).st_blocks * _BLOCK >= SIZE


def _allocate(descriptor: int) -> None:
    """Take the room: a length alone is a hole, and anybody may fill the disk before."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, SIZE)
        return
    for at in range(0, SIZE, STEP):
        os.pwrite(descriptor, bytes(STEP), at)
