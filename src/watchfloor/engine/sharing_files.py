"""A workspace that a group of the system shares: who may look, and who may ask."""

from __future__ import annotations

import grp
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.text import clean
from watchfloor.store.layout import Layout

#: Listed by the group, written by nobody but the owner; new files are the group's.
_LOOKED_AT: Final = 0o2750
#: Written into by the group and listed by the owner alone, who also takes away; nobody
#: renames or removes what another laid in.
_LAID_INTO: Final = 0o3730
_READ: Final = 0o640


def share(layout: Layout, group: int) -> None:
    """Let a group look at a workspace and ask its engine.

    The lock stays the owner's alone: whoever can open it could hold it.

    Raises:
        ConfigError: The files could not be given to the group; some may have been.
    """
    folders = {
        layout.root: _LOOKED_AT,
        layout.campaigns: _LOOKED_AT,
        layout.asks: _LAID_INTO,
        layout.uploads: _LAID_INTO,
    }
    try:
        for path in (layout.settings, layout.state):
            os.chown(path, -1, group)
            path.chmod(_READ)
        for folder, mode in folders.items():
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(folder, -1, group)
            folder.chmod(mode)
    except OSError as error:
        msg = (
            f"the workspace {layout.root} cannot be shared: {error}. Be a member of "
            "the group, and the owner of the files"
        )
        raise ConfigError(msg) from error
    leave_for_readers(layout)


def group_of(layout: Layout) -> str:
    """Return the group that a workspace is shared with; empty for none."""
    if layout.file_mode != _READ:
        return ""
    gid = layout.state.stat().st_gid
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def share_again(layout: Layout, group: str, names: Iterable[str]) -> None:
    """Share a workspace that was made anew as the one before was.

    Args:
        layout: The workspace, with folders and files of this account.
        group: What ``group_of`` said of the one before.
        names: Of the files that its group could read, relative to the workspace.

    Raises:
        ConfigError: There is no such group, or the files cannot be given to it.
    """
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError as error:
        msg = f"this system has no group {clean(group, 100)}"
        raise ConfigError(msg) from error
    try:
        share(layout, gid)
        for name in names:
            _share_file(layout, layout.root / name, gid)
    except (ConfigError, OSError) as error:
        msg = f"its files cannot be given to the group {clean(group, 100)}"
        raise ConfigError(msg) from error


def _share_file(layout: Layout, path: Path, group: int) -> None:
    os.chown(path, -1, group)
    path.chmod(_READ)
    # What people laid out themselves; all others have the modes that they need.
    for folder in path.parents:
        if folder in (layout.root, layout.campaigns, layout.uploads):
            return
        os.chown(folder, -1, group)
        folder.chmod(_LOOKED_AT)


def leave_for_readers(layout: Layout) -> None:
    """Leave an empty log for who may read and not write, after the last writer.

    SQLite removes the log and its index with the last connection. Who may not make
    them anew could not open the store then, although everything is in its file.
    """
    if layout.file_mode == _READ:
        for end in ("-wal", "-shm"):
            path = layout.state.with_name(layout.state.name + end)
            with suppress(OSError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                os.close(os.open(path, flags, _READ))
                path.chmod(_READ)
