"""Files nobody else may read, on the disk for good before they count."""

from __future__ import annotations

import errno
import json
import os
import stat
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def make_folder(path: Path) -> None:
    """Make a folder and those above it, for this user alone whatever the umask says."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    # One by one: what makes them all at once leaves those above as the umask has it.
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def created(path: Path) -> BinaryIO:
    """Create a file to write; one that is there, or a link, is an ``OSError``."""
    return os.fdopen(os.open(path, _NEW, 0o600), "wb")


def opened(path: Path) -> BufferedReader:
    """Open a file to read; a link or what is no file is an ``OSError``.

    A pipe in its place is not waited for.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return os.fdopen(descriptor, "rb")


def sealed(file: BinaryIO) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def settle_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: object) -> None:
    """Replace a file by *value* as JSON: after a crash it is the old or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with created(fresh) as file:
        file.write(json.dumps(value, indent=1).encode())
        sealed(file)
    fresh.replace(path)
    settle_folder(path.parent)


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return what a file says.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON.
    """
    with opened(path) as file:
        return json.loads(file.read())


def sha256_of(path: Path) -> str:
    """Return the file's sha-256 in hexadecimal."""
    with opened(path) as file:
        return file_digest(file, "sha256").hexdigest()
