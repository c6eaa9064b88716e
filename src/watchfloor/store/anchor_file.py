"""Files of anchors: a line is appended and never changed, private to their owner."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from watchfloor.domain.anchors import Anchor, AnchorFile, parsed_anchors
from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.private_files import settle_folder

#: A line every fifteen minutes makes this in some three hundred years.
MOST_BYTES: Final = 64 * 1024 * 1024


def append_anchor(path: Path, anchor: Anchor) -> None:
    """Append an anchor to a file, which is made where it is not there yet.

    When this returns, the line is on the disk, and the file's name. It begins anew
    behind what a crash left of another.

    Raises:
        ConfigError: It cannot be appended to, or is a link or no plain file; nothing
            was written.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        # What waits for a reader, as a pipe does, is not waited for.
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                msg = f"the anchor file {path} is no plain file; nothing was written"
                raise ConfigError(msg)
            is_new = not os.fstat(descriptor).st_size
            start = "" if _ends_a_line(descriptor) else "\n"
            _append(descriptor, f"{start}{anchor.line}\n".encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            # A folder that takes files and shows none cannot be brought to the disk.
            with suppress(PermissionError):
                settle_folder(path.parent)
    except OSError as error:
        msg = (
            f"the anchor file {path} cannot be appended to: {error.strerror}; nothing "
            "was written. Make it writable, or name another"
        )
        raise ConfigError(msg) from error


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return not size or os.pread(descriptor, 1, size - 1) == b"\n"


def _append(descriptor: int, line: bytes) -> None:
    """Write a whole line, or take back what the disk took of it."""
    before, left = os.fstat(descriptor).st_size, line
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        # A file that takes only appends keeps it: the next line begins behind it.
        with suppress(OSError):
            # Unless somebody else has appended meanwhile.
            if os.fstat(descriptor).st_size == before + len(line) - len(left):
                os.ftruncate(descriptor, before)
        raise


def read_anchors(path: Path, *, may_wait: bool = False) -> AnchorFile:
    """Return every anchor of a file, and which of its lines are none.

    Args:
        path: Of the file; a link is followed.
        may_wait: Whether it may be a pipe, as a shell hands one over, whose writer is
            waited for.

    Raises:
        ConfigError: It cannot be read, is no plain file, or is far too large.
    """
    try:
        content = _content(path, may_wait=may_wait)
    except OSError as error:
        msg = f"the anchor file {path} cannot be read: {error.strerror}"
        raise ConfigError(msg) from error
    if len(content) > MOST_BYTES:
        msg = f"the anchor file {path} is larger than any; nothing was verified"
        raise ConfigError(msg)
    lines = content.decode("ascii", errors="replace").split("\n")
    return parsed_anchors(lines, str(path))


def _content(path: Path, *, may_wait: bool) -> bytes:
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if may_wait else os.O_NONBLOCK)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not may_wait and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        return file.read(MOST_BYTES + 1)
