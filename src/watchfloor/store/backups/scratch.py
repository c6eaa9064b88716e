"""What is made beside the name that it is for: private, and gone at the end.

A process that is killed leaves its own behind, with everybody in it. The next one that
makes something in the same folder removes that: nobody holds its lock any more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from watchfloor.store.archive.private_files import created, settle_folder

#: What a disk says that knows one name for a file only.
_NO_LINKS: Final = {
    errno.EPERM,
    errno.EOPNOTSUPP,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EMLINK,
}
_LOOK: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """Make a folder of one's own beside what is to be made, and remove it at the end.

    Raises:
        OSError: It cannot be made.
    """
    _sweep(beside.parent)
    path, descriptor = _begun(beside)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def give_name(source: Path, target: Path) -> None:
    """Give a file a name on the same disk; a file that has it is kept.

    Raises:
        FileExistsError: It is taken.
        OSError: It cannot be given; nothing has it.
    """
    try:
        # A link replaces nothing.
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        return
    # First the name, then what it is for: in between it is nobody else's.
    created(target).close()
    try:
        source.replace(target)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def settled(path: Path) -> tuple[str, ...]:
    """Bring a name that was given to the disk; return what is to be told of a failure.

    What has the name is there: nothing is taken back for that.
    """
    try:
        settle_folder(path.parent)
    except OSError as error:
        told = (
            f"{path} is whole, but its name may not outlast a power cut "
            f"({path.parent}: {error.strerror}). After one, look whether it is there"
        )
        return (told,)
    return ()


def _begun(beside: Path) -> tuple[Path, int]:
    """Return a new folder and the descriptor that keeps others from sweeping it."""
    while True:
        name = f".{beside.name[:60]}.{secrets.token_hex(6)}.{_here()}"
        path = beside.with_name(name)
        path.mkdir(mode=0o700)
        # It is nobody's for a moment, in which somebody may sweep it.
        try:
            descriptor = os.open(path, _LOOK)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        except OSError:
            pass  # a disk without locks: nobody can take it for left behind either
        if path.exists():
            return path, descriptor
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove what processes of this account and machine left in a folder."""
    is_ours = re.compile(rf"\..+\.[0-9a-f]{{12}}\.{re.escape(_here())}", re.DOTALL)
    # A folder that cannot be listed may be written to all the same.
    with suppress(OSError):
        for path in [one for one in folder.iterdir() if is_ours.fullmatch(one.name)]:
            with suppress(OSError):
                _remove_left(path)


def _remove_left(path: Path) -> None:
    descriptor = os.open(path, _LOOK)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)


def _here() -> str:
    """Return how names end that this machine makes: a lock may reach no farther."""
    machine = re.sub(r"[^\w-]", "_", os.uname().nodename)[:60]
    return f"{machine}.partial"
