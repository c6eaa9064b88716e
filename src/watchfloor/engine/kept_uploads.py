"""Contact files that were kept for a launch which nobody ever asked for.

Whoever checks a launch keeps a copy of its contact file, and drops it where they do not
launch. Who is killed before that leaves people behind that belong to no run, so that no
purge ever finds them. The next engine takes them away.
"""

from __future__ import annotations

import fcntl
import logging
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.text import clean
from watchfloor.store.archive.private_files import opened, settle_folder
from watchfloor.store.inbox import is_anything_asked
from watchfloor.store.layout import Layout, upload_id_of
from watchfloor.store.reading import reading
from watchfloor.store.reads.uploads import every_upload

log = logging.getLogger(__name__)

#: Younger ones stay, whoever holds them: one that is just made is held a moment later.
LEAST_AGE_MS: Final = 24 * 60 * 60 * 1_000


class Hold:
    """Tells every engine that somebody considers a launch over an upload.

    It ends with this object, and at the latest with the process.

    Args:
        descriptor: The upload, open; whoever opened it may close it.
    """

    def __init__(self, descriptor: int) -> None:
        own = os.dup(descriptor)
        weakref.finalize(self, os.close, own)
        fcntl.flock(own, fcntl.LOCK_SH)


def sweep_uploads(layout: Layout, now_ms: int) -> int:
    """Remove uploads that are no run's and cannot become one's; return how many.

    To be called by who owns the workspace, before a command is taken. One that cannot
    be looked at stays.
    """
    swept = 0
    try:
        for path in _strays(layout, now_ms):
            with suppress(OSError):
                swept += _is_swept(layout, path)
        if swept:
            settle_folder(layout.uploads)
    except (OSError, WatchfloorError) as error:
        log.warning("uploads that are no run's are not looked for: %s", clean(error))
    if swept:
        log.info("%d uploads that nobody asked to launch are removed", swept)
    return swept


def _strays(layout: Layout, now_ms: int) -> list[Path]:
    """Return uploads of some age that no run was launched over yet."""
    known = _known(layout)
    named = layout.uploads.glob(f"{upload_id_of('*')}.csv")
    return [
        path
        for path in sorted(named)
        if path.stem not in known
        and now_ms - path.lstat().st_mtime_ns // 1_000_000 > LEAST_AGE_MS
    ]


def _is_swept(layout: Layout, path: Path) -> bool:
    """Remove an upload where nobody holds it, and after that nobody had asked.

    In this order: who asks holds it until that is durable, and a command leaves the
    inbox once it is in the store.
    """
    with opened(path) as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if is_anything_asked(layout) or path.stem in _known(layout):
            return False
        path.unlink()
    return True


def _known(layout: Layout) -> set[str]:
    with reading(layout) as connection:
        return {one.upload_id for one in every_upload(connection)}
