"""A new file that is there whole or not at all, and that nobody else may read."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.private_files import created, sealed, settle_folder

#: What a system says that knows no file without a name, or none in this place.
_NO_NAMELESS = {
    errno.EOPNOTSUPP,
    errno.EISDIR,
    errno.ENOENT,
    errno.EINVAL,
    errno.ENOSYS,
}

#: Where Linux shows a process what it has open.
_DESCRIPTORS = "/proc/self/fd"


def write_whole(path: Path, content: bytes) -> None:
    """Make *path* with *content*, of mode 0600; a file that is there is kept.

    Until everything is on the disk the file has no name, where the system can do that:
    then even a process that is killed leaves nothing behind.

    Raises:
        ConfigError: It exists or cannot be made; nothing was written.
    """
    try:
        folder = path.parent.resolve(strict=True)
    except OSError as error:
        raise _not_made(path, error) from error
    target = folder / path.name
    try:
        if not _written_nameless(folder, target, content):
            _written_aside(folder, target, content)
        settle_folder(folder)
    except FileExistsError as error:
        msg = f"{path} exists; nothing was written. Name a file that does not"
        raise ConfigError(msg) from error
    except OSError as error:
        raise _not_made(path, error) from error


def _written_nameless(folder: Path, target: Path, content: bytes) -> bool:
    """Write a file without a name, then give it one; return whether that works here."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return False
    try:
        handle = os.open(folder, flag | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _NO_NAMELESS:
            return False
        raise
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        sealed(file)
        return _named(handle, target)


def _named(handle: int, target: Path) -> bool:
    """Give an open file its name; like every link it replaces nothing that is there."""
    try:
        descriptors = os.open(_DESCRIPTORS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # With a folder to look in: only then the system follows to the file itself.
        os.link(str(handle), target, src_dir_fd=descriptors, follow_symlinks=True)
    finally:
        os.close(descriptors)
    return True


def _written_aside(folder: Path, target: Path, content: bytes) -> None:
    aside = folder / f".{target.name[:80]}.{secrets.token_hex(6)}.partial"
    file = created(aside)
    try:
        with file:
            file.write(content)
            sealed(file)
        os.link(aside, target, follow_symlinks=False)
    finally:
        aside.unlink(missing_ok=True)


def _not_made(path: Path, error: OSError) -> ConfigError:
    why = (error.strerror or "the system says no").lower()
    return ConfigError(f"{path} cannot be made: {why}; nothing was left behind")
