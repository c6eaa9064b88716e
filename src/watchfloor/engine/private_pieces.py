"""A new workspace's pieces: made by us, for us alone, where nothing was before."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import ConfigError
from watchfloor.store.archive.private_files import created
from watchfloor.store.layout import Layout

#: Who else may change what a folder holds could put another file in a file's place.
_CHANGED_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
#: What SQLite leaves beside a store; of any other file none of these is there.
_BESIDE_A_STORE: Final = ("", "-wal", "-shm", "-journal")


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


class NewPieces:
    """Makes the pieces of a workspace, and can take away again what it made."""

    def __init__(self) -> None:
        self._files: list[Path] = []
        self._folders: list[Path] = []

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, for this user alone whatever the umask is.

        One that is there stays as open to readers as it is, and is closed to writers.

        Raises:
            OSError: It cannot be made.
        """
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            # What somebody else made meanwhile is not ours to take away.
            with suppress(FileExistsError):
                one.mkdir(mode=0o700)
                self._folders.append(one)
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & _CHANGED_BY_OTHERS:
            folder.chmod(mode & ~_CHANGED_BY_OTHERS)

    def make_file(self, path: Path, text: str = "") -> None:
        """Make a file that was not there.

        Raises:
            OSError: It cannot be made, or is there.
        """
        with created(path) as file:
            self._files.append(path)
            file.write(text.encode())

    def take_away(self) -> None:
        """Remove the files that were made, and the folders that nobody put a file in.

        Best effort: a disk may be mounted read-only meanwhile.
        """
        for path in self._files:
            for end in _BESIDE_A_STORE:
                with suppress(OSError):
                    path.with_name(path.name + end).unlink()
        for folder in reversed(self._folders):
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def new_pieces() -> Iterator[NewPieces]:
    """Take away what was made in the block, if the block does not end well."""
    pieces = NewPieces()
    try:
        yield pieces
    except BaseException:
        pieces.take_away()
        raise
