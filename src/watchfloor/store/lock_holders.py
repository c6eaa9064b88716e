"""Who else holds the locks of a store, as far as the system tells.

The store itself is not opened for that: closing it would let go of the locks that this
process holds on it, as POSIX has it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from watchfloor.domain.text import clean

#: Where Linux lists every lock; other systems list them nowhere.
_LOCKS: Final = Path("/proc/locks")
#: ``1: POSIX ADVISORY WRITE 4711 fd:00:1234 120 120``, see proc(5).
_FIELDS: Final = 8
_MOST_NAMED: Final = 3


def lock_holders(state: Path, locks: str | None = None) -> str:
    """Return who keeps others from writing: ``sqlite3 (pid 4711)``; or nothing.

    One that is stopped is told with what lets it go on.

    Args:
        state: The store; its log's index carries the lock of who writes.
        locks: What ``/proc/locks`` says; None to read it.
    """
    if locks is None:
        try:
            locks = _LOCKS.read_text(encoding="ascii", errors="replace")
        except OSError:
            return ""
    files = {_place(path) for path in (state, state.with_name(f"{state.name}-shm"))}
    pids: dict[int, None] = {}
    for line in locks.splitlines():
        fields = line.replace("->", "").split()
        if len(fields) < _FIELDS or fields[3] != "WRITE" or fields[5] not in files:
            continue
        pid = int(fields[4]) if fields[4].isdecimal() else 0
        if pid not in (0, os.getpid()):
            pids[pid] = None
    return " and ".join(_named(pid) for pid in list(pids)[:_MOST_NAMED])


def _place(path: Path) -> str:
    """Return a file as the list of locks names it; or nothing."""
    try:
        found = path.stat()
    except OSError:
        return ""
    major, minor = os.major(found.st_dev), os.minor(found.st_dev)
    return f"{major:02x}:{minor:02x}:{found.st_ino}"


def _named(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        name = "a process"
    # It holds the lock until somebody lets it go on, or ends it.
    stopped = f", stopped: kill -CONT {pid} lets it go on" if _is_stopped(pid) else ""
    return f"{clean(name.strip(), 40)} (pid {pid}{stopped})"


def _is_stopped(pid: int) -> bool:
    """Whether a signal has stopped a process; see proc_pid_stat(5)."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # Its name stands in brackets before that, and may hold some.
    return told.rpartition(")")[2].split()[:1] in (["T"], ["t"])
