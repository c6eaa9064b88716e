"""A new workspace's pieces: made by us, for us alone, where nothing was before."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.private_files import created, make_folder
from watchfloor.store.layout import Layout

#: Who else may change what a folder holds could put another file in a file's place.
_CHANGED_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def check_free(layout: Layout) -> None:
    """Refuse to make a workspace where one of its files is, be it only a link.

    Raises:
        ConfigError: With the first that is; nothing was made.
    """
    ours = (layout.settings, layout.state, layout.inbox, layout.lock, layout.anchors)
    for path in ours:
        if os.path.lexists(path):
            msg = (
                f"{path} is there already; nothing was made. Move it away, or name "
                "another folder"
            )
            raise ConfigError(msg)
    for folder in (layout.campaigns, layout.uploads, layout.asks):
        if folder.is_symlink():
            msg = f"{folder} is a link; nothing was made. Put a folder in its place"
            raise ConfigError(msg)


def made_private(folder: Path) -> None:
    """Make a folder and those above it, for this user alone whatever the umask says.

    One that is there stays as open to readers as it is, and is closed to writers.

    Raises:
        OSError: It cannot be made.
    """
    make_folder(folder)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & _CHANGED_BY_OTHERS:
        folder.chmod(mode & ~_CHANGED_BY_OTHERS)


def write_private(path: Path, text: str = "") -> None:
    """Make a file that was not there.

    Raises:
        OSError: It cannot be made, or is there.
    """
    with created(path) as file:
        file.write(text.encode())
