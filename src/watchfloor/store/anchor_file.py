"""Files of anchors: a line is appended and never changed, private to their owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from watchfloor.domain.anchors import Anchor, AnchorFile, parsed_anchors
from watchfloor.domain.errors import ConfigError

#: A line every fifteen minutes makes this in some three hundred years.
MOST_BYTES: Final = 64 * 1024 * 1024


def append_anchor(path: Path, anchor: Anchor) -> None:
    """Append an anchor to a file, which is made where it is not there yet.

    When this returns, the line is on the disk. It begins anew behind what a crash left
    of another.

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
            start = "" if _ends_a_line(descriptor) else "\n"
            os.write(descriptor, f"{start}{anchor.line}\n".encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        msg = (
            f"the anchor file {path} cannot be appended to: {error.strerror}; nothing "
            "was written. Make it writable, or name another"
        )
        raise ConfigError(msg) from error


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return not size or os.pread(descriptor, 1, size - 1) == b"\n"


def read_anchors(path: Path) -> AnchorFile:
    """Return every anchor of a file, and which of its lines are none.

    Raises:
        ConfigError: It cannot be read, or is far too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        msg = f"the anchor file {path} cannot be read: {error.strerror}"
        raise ConfigError(msg) from error
    if len(content) > MOST_BYTES:
        msg = f"the anchor file {path} is larger than any; nothing was verified"
        raise ConfigError(msg)
    lines = content.decode("ascii", errors="replace").split("\n")
    return parsed_anchors(lines, str(path))
