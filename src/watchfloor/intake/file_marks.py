"""What tells that a file was changed since it was read, without reading it again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class FileMarks(NamedTuple):
    """What differs after any write to a file, or another file in its place.

    Size and time alone do not: a copy, or an editor, may set the time back. The time
    of the last change to the file's own entry cannot be set by anybody.
    """

    device: int
    number: int
    size: int
    written_ns: int
    changed_ns: int


def marks_of(about: os.stat_result) -> FileMarks:
    """Return the marks of a file that was looked at."""
    return FileMarks(
        about.st_dev,
        about.st_ino,
        about.st_size,
        about.st_mtime_ns,
        about.st_ctime_ns,
    )


def marks_at(path: Path) -> FileMarks | None:
    """Return the marks of the file at a path; None where none can be looked at."""
    try:
        return marks_of(path.stat())
    except OSError:
        return None
