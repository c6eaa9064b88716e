"""The disk that a workspace lies on; one that other machines may write will not do.

SQLite's log needs memory that every process of one machine shares, and locks that hold.
Over a network there is neither, nor between a virtual machine and its host: two
machines would both take themselves for the owner.
"""

from __future__ import annotations

import errno
import os
import re
import resource
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from watchfloor.domain.errors import StoreError

#: Where Linux tells what is mounted where; other systems tell nothing there.
_MOUNTS: Final = Path("/proc/self/mountinfo")
#: File systems that several machines may have mounted at once, by the kernel's names.
_NETWORK: Final = frozenset(
    [
        "acfs",
        "afs",
        "afpfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "cvfs",
        "davfs",
        "fhgfs",
        "gfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "ibrix",
        "lustre",
        "ncp",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "orangefs",
        "panfs",
        "pvfs2",
        "smb2",
        "smb3",
        "smbfs",
        "snfs",
        "wekafs",
        "fuse.alluxio-fuse",
        "fuse.blobfuse",
        "fuse.blobfuse2",
        "fuse.ceph",
        "fuse.ceph-fuse",
        "fuse.curlftpfs",
        "fuse.davfs",
        "fuse.gcsfuse",
        "fuse.glusterfs",
        "fuse.goofys",
        "fuse.gvfsd-fuse",
        "fuse.juicefs",
        "fuse.lizardfs",
        "fuse.mfs",
        "fuse.moosefs",
        "fuse.orangefs",
        "fuse.pvfs2",
        "fuse.rclone",
        "fuse.s3backer",
        "fuse.s3fs",
        "fuse.s3ql",
        "fuse.seaweedfs",
        "fuse.smbnetfs",
        "fuse.sshfs",
    ]
)
#: Folders of the machine that hosts this one: it may write them, and so may others that
#: it hosts, and neither sees a lock of this one.
_HOSTED: Final = frozenset(
    [
        "9p",
        "drvfs",
        "fakeowner",
        "fuse.grpcfuse",
        "fuse.osxfs",
        "fuse.prl_fsd",
        "fuse.vmhgfs-fuse",
        "prl_fs",
        "v9fs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    ]
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
    return _mount_of(path, mounts)[1]


def _mount_of(path: Path, mounts: str | None) -> tuple[Path, str]:
    """Return where the file system of *path* is mounted, and its type."""
    place = path.absolute().resolve()
    found, kind = Path(place.anchor), ""
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return found, kind
    best, around = -1, {place, *place.parents}
    for point, type_ in _told_mounts(mounts):
        depth = len(point.parts)
        # Of two on one point the later one covers the earlier.
        if depth >= best and point in around:
            best, found, kind = depth, point, type_
    return found, kind


# It hardly ever changes, and every verb looks more than once.
@lru_cache(maxsize=1)
def _told_mounts(mounts: str) -> list[tuple[Path, str]]:
    """Return every point that is told of, in that order, and what is mounted there."""
    found = []
    for line in mounts.splitlines():
        told, _, about = line.partition(" - ")
        fields, types = told.split(" "), about.split(" ")
        if len(fields) < 5 or not types[0]:  # noqa: PLR2004 - see proc(5)
            continue
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        found.append((point, types[0]))
    return found


def shared_disk(path: Path, mounts: str | None = None) -> str:
    """Return what a disk is that other machines may write as well; empty for no such.

    Args:
        path: A file or folder, which may be missing.
        mounts: As for ``file_system``.
    """
    point, kind = _mount_of(path, mounts)
    if kind in _NETWORK:
        return f"a network disk ({kind})"
    # A container or a small machine may have its own root so: no folder of others.
    if kind in _HOSTED and point != Path(point.anchor):
        return f"a folder of the machine that hosts this one ({kind})"
    return ""


def check_disk(root: Path, mounts: str | None = None) -> None:
    """Refuse a workspace on a disk that other machines may write as well.

    Raises:
        StoreError: It is on one; nothing was changed or sent.
    """
    shared = shared_disk(root, mounts)
    if shared:
        msg = (
            f"the workspace {root} lies on {shared}, where no lock and "
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
