"""The place: the workspace's file, its files' modes, its disk, its inbox."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from watchfloor.cli.checkup.checked import Checked
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.text import clean
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.store.archive.places import archives
from watchfloor.store.disk import file_system, is_shared
from watchfloor.store.inbox import Inbox
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned
from watchfloor.store.reserve import SIZE, seen_reserve

#: Below this a commit may find no room.
LEAST_FREE_BYTES = 200 * 1024 * 1024
_MIB = 1024 * 1024


def place(layout: Layout) -> Iterator[Checked]:
    """Check all that can be known without the store."""
    yield _settings(layout)
    yield from _modes(layout)
    yield disk(layout)
    yield _room(layout)
    yield _reserve(layout)
    yield _inbox(layout)


def _settings(layout: Layout) -> Checked:
    name = layout.settings.name
    try:
        found = checked_workspace(layout.settings)
    except ConfigError as error:
        mistakes = "\n".join(clean(one, 2_000) for one in error.mistakes)
        return Checked("settings", False, mistakes, f"correct {name}")
    return Checked("settings", True, f"{found.workspace_id}, {clean(found.name)}")


def _modes(layout: Layout) -> Iterator[Checked]:
    private = (
        layout.state,
        layout.inbox,
        layout.anchors,
        layout.uploads,
        archives(layout),
    )
    for path in private:
        if path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            # A group may look at a workspace; whoever else is on the machine may not.
            # The one who may write the owner's inbox would be taken for the owner.
            # What a group lays uploads into is sticky: nobody takes another's away.
            is_laid_into = path == layout.uploads and bool(mode & stat.S_ISVTX)
            is_private = not mode & (0o007 if is_laid_into else 0o027)
            yield Checked(
                f"mode of {path.name}",
                is_private,
                f"{mode:04o}",
                f"chmod g-w,o= {path}",
            )
    if layout.asks.is_dir():
        mode = stat.S_IMODE(layout.asks.stat().st_mode)
        sound = not mode & 0o007 and (not mode & 0o020 or bool(mode & stat.S_ISVTX))
        yield Checked(
            "mode of inbox", sound, f"{mode:04o}", f"chmod o=,g-r,+t {layout.asks}"
        )


def disk(layout: Layout, mounts: str | None = None) -> Checked:
    """Check that the workspace is on no disk that other machines may write."""
    kind = file_system(layout.root, mounts)
    if not is_shared(kind):
        return Checked("file system", True, kind or "this system does not say which")
    return Checked(
        "file system",
        False,
        f"{kind}, a network disk: no lock and no log can be relied on",
        "move the workspace to a disk of this machine",
    )


def _room(layout: Layout) -> Checked:
    where = layout.root if layout.root.is_dir() else Path()
    free = shutil.disk_usage(where).free
    return Checked(
        "free disk",
        free >= LEAST_FREE_BYTES,
        f"{free // _MIB:,} MiB",
        "make room before the store takes no more writes",
    )


def _reserve(layout: Layout) -> Checked:
    """Check the room that outcomes are stored in when the disk is full."""
    if not is_owned(layout):
        return Checked("reserve", True, "made when an engine starts")
    seen, whole = seen_reserve(layout), SIZE // _MIB
    found = f"{seen.allocated // _MIB:,} of {whole:,} MiB are allocated"
    if seen.exists and seen.size == SIZE and not seen.is_whole:
        found = f"{found}: the rest is a hole, which is no room"
    return Checked(
        "reserve",
        seen.is_whole,
        found if seen.exists else "there is none",
        "make room on the disk: the engine takes it within ten seconds; runs that it "
        "paused go on with: watchfloor resume RUN",
    )


def _inbox(layout: Layout) -> Checked:
    """Check that commands get through; looking must not make a file that is gone."""
    if layout.exists and not layout.may_own:
        may_ask = os.access(layout.asks, os.W_OK | os.X_OK)
        found = "you may ask" if may_ask else "you may look, and ask for nothing"
        return Checked("inbox", True, found)
    restore = "restore the workspace from a backup"
    if not layout.inbox.is_file():
        return Checked("inbox", False, f"{clean(layout.inbox)} is missing", restore)
    inbox = Inbox(layout)
    try:
        return Checked("inbox", True, f"{len(inbox.waiting())} commands wait")
    except StoreError as error:
        return Checked("inbox", False, clean(error), restore)
    finally:
        inbox.close()
