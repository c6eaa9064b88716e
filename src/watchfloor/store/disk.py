"""The disk that a workspace lies on; one that is shared over a network will not do.

SQLite's log needs memory that every process of one machine shares, and locks that hold.
Over a network there is neither: two machines would both take themselves for the owner.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

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
