"""Opening a file that somebody named, whatever may lie under its name meanwhile."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path
from stat import S_ISDIR, S_ISREG


class NoFileError(OSError):
    """What lies there can be opened and is no file; its text says what it is."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.strerror = f"is {what}"


def opened(path: Path, *, follows: bool = True) -> tuple[FileIO, int]:
    """Open a plain file to read, unbuffered; return it with its size in bytes.

    What was opened is looked at, not what was there before: a pipe in its place is not
    waited for.

    Args:
        path: The file.
        follows: Whether a link is gone through: what others lay down for this account
            to read must not lead to what only this account may read.

    Raises:
        NoFileError: It is a directory, a pipe or a device; nothing was read.
        OSError: It cannot be opened.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    flags |= 0 if follows else os.O_NOFOLLOW
    descriptor = os.open(path, flags)
    found = os.fstat(descriptor)
    if not S_ISREG(found.st_mode):
        os.close(descriptor)
        is_folder = S_ISDIR(found.st_mode)
        raise NoFileError("a directory" if is_folder else "no regular file")
    return FileIO(descriptor, "rb"), found.st_size
