"""The place: the workspace's file, its files' modes, its disk, its inbox."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from watchfloor.cli.checkup.checked import Checked
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.shell_words import quoted, set_aside
from watchfloor.domain.text import clean
from watchfloor.engine.workspace_settings import checked_workspace
from watchfloor.store.accounts import account, uid_of
from watchfloor.store.archive.places import archives
from watchfloor.store.closed_places import open_mode
from watchfloor.store.disk import file_system, shared_disk
from watchfloor.store.inbox import Inbox
from watchfloor.store.layout import Layout
from watchfloor.store.owner_sign import is_owned
from watchfloor.store.reserve import SIZE, AskingReserve, seen_reserve

#: Below this a commit may find no room.
LEAST_FREE_BYTES = 200 * 1024 * 1024
_MIB = 1024 * 1024
_PRIVATE = 0o600


def place(layout: Layout) -> Iterator[Checked]:
    """Check all that can be known without the store."""
    yield _settings(layout)
    yield from _modes(layout)
    yield from missing(layout)
    yield from owner(layout, os.geteuid())
    yield disk(layout)
    yield writable(layout)
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
    for path in (layout.root, layout.settings, layout.campaigns):
        if path.exists():
            mode = open_mode(path)
            yield Checked(
                f"mode of {clean(path.resolve().name)}",
                mode is None,
                "the owner alone writes it"
                if mode is None
                else f"{mode:04o}: others may write it, and so decide what is started "
                "and sent",
                f"see what it holds, then: chmod go-w {quoted(path)}",
            )
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
                f"chmod g-w,o= {quoted(path)}",
            )
    if layout.asks.is_dir():
        mode = stat.S_IMODE(layout.asks.stat().st_mode)
        sound = not mode & 0o007 and (not mode & 0o020 or bool(mode & stat.S_ISVTX))
        action = f"chmod o=,g-r,+t {quoted(layout.asks)}"
        yield Checked("mode of inbox", sound, f"{mode:04o}", action)


def missing(layout: Layout) -> Iterator[Checked]:
    """Yield each folder that is gone from a workspace, with how to make it anew."""
    if not layout.state.exists():
        return
    for path in (layout.asks, layout.uploads, layout.campaigns):
        if not path.is_dir():
            yield Checked(
                f"folder {path.name}",
                False,
                f"{clean(path)} is missing",
                _made_anew(layout, path),
            )


def _made_anew(layout: Layout, path: Path) -> str:
    if layout.file_mode == _PRIVATE:
        return f"mkdir -m 700 {quoted(path)}"
    mode = "2750" if path == layout.campaigns else "3730"
    place, group_of = quoted(path), quoted(layout.state)
    return f"mkdir {place}; chgrp --reference={group_of} {place}; chmod {mode} {place}"


def owner(layout: Layout, asking: int) -> Iterator[Checked]:
    """Check that a workspace is one account's, and say whose it is.

    Args:
        layout: The workspace.
        asking: The user id of who asks.
    """
    uids = {path.name: uid_of(path) for path in _owned(layout)}
    state = uids.get(layout.state.name)
    if state is None:
        return
    name = account(state)
    others = sorted(one for one, uid in uids.items() if uid not in (state, None))
    if others:
        found = f"state.db is {name}'s, and not so: {', '.join(map(clean, others))}"
        action = (
            "one account runs the engine and owns all of it: with the engine stopped, "
            f"as root: chown -R ACCOUNT {quoted(layout.root)}"
        )
        yield Checked("owner", False, found, action)
    elif state != asking:
        found = f"{name}, and you are {account(asking)}"
        action = (
            f"the engine is to be run by {name}: as root it would leave files behind "
            f"that {name} cannot write"
            if asking == 0
            else f"the engine can be run by {name} only; you look and ask, as far as "
            "the modes let you"
        )
        yield Checked("owner", True, found, action, is_note=True)
    else:
        yield Checked("owner", True, name)


def _owned(layout: Layout) -> tuple[Path, ...]:
    files = (layout.settings, layout.state, layout.inbox)
    return (*files, layout.asks, layout.uploads, layout.campaigns)


def writable(layout: Layout, flags: int | None = None) -> Checked:
    """Check that the disk takes writes at all.

    Args:
        layout: The workspace.
        flags: How its disk is mounted; None to ask the system.
    """
    if flags is None:
        where = layout.root if layout.root.is_dir() else Path()
        flags = os.statvfs(where).f_flag
    if flags & os.ST_RDONLY:
        return Checked(
            "mount",
            False,
            "the disk is mounted read-only: it can be looked at, and no engine starts",
            "mount it to be written, as root: mount -o remount,rw MOUNTPOINT; where "
            "the system did that by itself, look at the disk first: dmesg",
        )
    return Checked("mount", True, "it takes writes")


def disk(layout: Layout, mounts: str | None = None) -> Checked:
    """Check that the workspace is on no disk that other machines may write."""
    shared = shared_disk(layout.root, mounts)
    if not shared:
        kind = file_system(layout.root, mounts)
        return Checked("file system", True, kind or "this system does not say which")
    return Checked(
        "file system",
        False,
        f"{shared}: no lock and no log can be relied on",
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
    """Check the room that is kept for outcomes and commands when the disk is full."""
    if not is_owned(layout):
        return Checked("reserve", True, "made when an engine starts")
    seen, whole = seen_reserve(layout), SIZE // _MIB
    found = f"{seen.allocated // _MIB:,} of {whole:,} MiB are allocated"
    if seen.exists and seen.size == SIZE and not seen.is_whole:
        found = f"{found}: the rest is a hole, which is no room"
    keeps_asking = AskingReserve(layout).is_whole
    if seen.is_whole and not keeps_asking:
        found = f"{found}, and not all that is kept for commands"
    return Checked(
        "reserve",
        seen.is_whole and keeps_asking,
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
    anew = "start the engine anew: it makes an empty one, and pauses every run"
    if not layout.inbox.is_file():
        found = f"{clean(layout.inbox)} is missing"
        return Checked("inbox", False, found, f"put the file back, or {anew}")
    inbox = Inbox(layout)
    try:
        return Checked("inbox", True, f"{len(inbox.waiting())} commands wait")
    except StoreError as error:
        aside = f"put the right file back, or {set_aside(layout.inbox)}"
        return Checked("inbox", False, clean(error), f"{aside} and {anew}")
    finally:
        inbox.close()
