"""A new file that is there whole or not at all, and that nobody else may read."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

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


@contextmanager
def made_whole(path: Path) -> Iterator[BinaryIO]:
    """Make *path*, of mode 0600, of what the block writes; a file there is kept.

    Until everything is on the disk the file has no name, where the system can do that:
    then even a process that is killed leaves nothing behind.

    Yields:
        Where to write. It is closed, and the file there, when the block ended well.

    Raises:
        ConfigError: It exists or cannot be made; nothing was written.
    """
    try:
        folder = path.parent.resolve(strict=True)
    except OSError as error:
        raise _not_made(path, error) from error
    target = folder / path.name
    if os.path.lexists(target):
        # Seen early: what the block gathers may take long, and would be for nothing.
        raise _exists(path)
    aside = None
    try:
        file, aside = _begun(folder, target)
        with file:
            yield file
            sealed(file)
            if aside is None:
                _give_name(file.fileno(), target)
            else:
                os.link(aside, target, follow_symlinks=False)
        settle_folder(folder)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise _not_made(path, error) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Make *path* with *content*; see ``made_whole``.

    Raises:
        ConfigError: It exists or cannot be made; nothing was written.
    """
    with made_whole(path) as file:
        file.write(content)


def _begun(folder: Path, target: Path) -> tuple[BinaryIO, Path | None]:
    """Return where to write, and the name that it has meanwhile, if it needs one."""
    handle = _nameless(folder)
    if handle is not None:
        return os.fdopen(handle, "wb"), None
    aside = folder / f".{target.name[:80]}.{secrets.token_hex(6)}.partial"
    return created(aside), aside


def _nameless(folder: Path) -> int | None:
    """Open a file without a name; None where none can be had, or be given one."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path(_DESCRIPTORS).is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in _NO_NAMELESS:
            return None
        raise


def _give_name(handle: int, target: Path) -> None:
    """Give an open file its name; like every link it replaces nothing that is there."""
    descriptors = os.open(_DESCRIPTORS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # With a folder to look in: only then the system follows to the file itself.
        os.link(str(handle), target, src_dir_fd=descriptors, follow_symlinks=True)
    finally:
        os.close(descriptors)


def _exists(path: Path) -> ConfigError:
    return ConfigError(f"{path} exists; nothing was written. Name a file that does not")


def _not_made(path: Path, error: OSError) -> ConfigError:
    why = (error.strerror or "the system says no").lower()
    return ConfigError(f"{path} cannot be made: {why}; nothing was left behind")
