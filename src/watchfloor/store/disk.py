"""The disk that a workspace lies on; one that is shared over a network will not do.

SQLite's log needs memory that every process of one machine shares, and locks that hold.
Over a network there is neither: two machines would both take themselves for the owner.
"""

from __future__ import annotations

import errno
import os
import re
import resource
from pathlib import Path
from typing import Final, NamedTuple

from watchfloor.domain.errors import StoreError

#: Where Linux tells what is mounted where; other systems tell nothing there.
_MOUNTS: Final = Path("/proc/self/mountinfo")
#: File systems that several machines may have mounted at once.
_SHARED: Final = frozenset(
    (
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    )
)
#: With less room than this SQLite cannot commit.
LEAST_FREE: Final = 64 * 1_024
_PAGE: Final = 4_096
#: What a system says where only room is missing.
NO_ROOM: Final = frozenset((errno.ENOSPC, errno.EDQUOT))
#: What a system says that takes no more of a file, and what is to be done.
_REFUSALS: Final = {
    errno.EFBIG: (
        "this process may write no file beyond {limit} bytes (ulimit -f)",
        "take that limit away (ulimit -f unlimited, or LimitFSIZE= of its unit)",
    ),
    errno.EDQUOT: (
        "the quota of the account is used up",
        "make room, or have the quota raised (quota)",
    ),
    errno.ENOSPC: ("the disk is full", "make room on the disk"),
    errno.EROFS: (
        "the disk takes no more writes: {why}",
        "look at the disk (dmesg), mend it, and mount it to be written",
    ),
}
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def file_system(path: Path, mounts: str | None = None) -> str:
    """Return the type of the file system that *path* is on; empty where nobody tells.

    Args:
        path: A file or folder, which may be missing.
        mounts: What ``/proc/self/mountinfo`` says; None to read it.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    place = path.absolute().resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        told, _, about = line.partition(" - ")
        fields, types = told.split(" "), about.split(" ")
        if len(fields) < 5 or not types[0]:  # noqa: PLR2004 - see proc(5)
            continue
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        depth = len(point.parts)
        # Of two on one point the later one covers the earlier.
        if depth >= best and (place == point or point in place.parents):
            best, kind = depth, types[0]
    return kind


def is_shared(kind: str) -> bool:
    """Whether several machines may write a file system of this type at once."""
    return kind in _SHARED


def check_disk(root: Path, mounts: str | None = None) -> None:
    """Refuse a workspace on a disk that is shared over a network.

    Raises:
        StoreError: It is on one; nothing was changed or sent.
    """
    kind = file_system(root, mounts)
    if is_shared(kind):
        msg = (
            f"the workspace {root} lies on a network disk ({kind}), where no lock and "
            "no log can be relied on; nothing was changed or sent. Move it to a disk "
            "of this machine, or write network_disk = true below [safety] in its "
            "file, if no other machine ever opens it"
        )
        raise StoreError(msg)


def trouble_of(root: Path) -> str:
    """Return what anybody can see to be wrong with a folder's disk; or nothing."""
    try:
        disk = os.statvfs(root)
    except OSError as error:
        return f"the disk does not answer: {error.strerror}"
    if disk.f_flag & os.ST_RDONLY:
        return "the disk is mounted read-only"
    free = disk.f_bavail * disk.f_frsize
    if free < LEAST_FREE:
        return f"the disk is full: {free:,} bytes are free"
    return ""


class RefusedWrite(NamedTuple):
    """Why the system takes no more of a file.

    Attributes:
        said: In an operator's words.
        do: What is to be done before an engine is started anew.
    """

    said: str
    do: str


def refused_write(path: Path) -> RefusedWrite | None:
    """Return why a file cannot grow by a page; None where another could.

    Another file is written, at the place where that one ends, and is gone at once: to
    close a descriptor of the store itself would let go of the locks on it.
    """
    unnamed = getattr(os, "O_TMPFILE", None)
    if unnamed is None:  # not on every platform
        return None
    try:
        flags = unnamed | os.O_RDWR | os.O_CLOEXEC
        descriptor = os.open(path.parent, flags, 0o600)
    except OSError as error:
        # A file system that knows no such file tells nothing.
        return _told(error) if error.errno in _REFUSALS else None
    try:
        longest = max(_size(path.with_name(path.name + end)) for end in ("", "-wal"))
        os.pwrite(descriptor, bytes(_PAGE), longest)
        os.fsync(descriptor)
    except OSError as error:
        return _told(error)
    finally:
        os.close(descriptor)
    return None


def _told(error: OSError) -> RefusedWrite:
    said, do = _REFUSALS.get(error.errno or 0, ("{why}", "look at the disk (dmesg)"))
    limit = f"{resource.getrlimit(resource.RLIMIT_FSIZE)[0]:,}"
    return RefusedWrite(said.format(why=error.strerror, limit=limit), do)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def at_rest(path: Path) -> dict[str, str]:
    """Return what a reader's address says more of a database that cannot change.

    On a disk that is read-only no log can be made beside it, and none is needed.
    """
    try:
        is_still = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return {}
    log = path.with_name(f"{path.name}-wal")
    if not is_still or log.exists():
        return {}
    return {"immutable": "1"}
