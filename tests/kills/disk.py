"""A disk under SQLite that notes what it is told, and its images after a loss of power.

What was synced is there; of the rest any sectors may be, in any order, or none.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import apsw

SECTOR = 512
HALF = 0.5
#: What is not on the disk but in memory: SQLite makes the WAL's index anew.
_IN_MEMORY = "-shm"


class Did(NamedTuple):
    """One thing that was done to a file, or ``acked``: a commit had returned.

    Attributes:
        at: Where the data went, what size is left, or which commit was acknowledged.
        is_synced: The folder was synced too: what was deleted in it is gone for good.
    """

    what: Literal["write", "truncate", "sync", "delete", "acked"]
    file: str = ""
    at: int = 0
    data: bytes = b""
    is_synced: bool = False


class Image(NamedTuple):
    """The files as they may be found after a loss of power.

    Attributes:
        acked: The last commit that was acknowledged before it.
    """

    files: dict[str, bytes]
    acked: int


class Disk(apsw.VFS):
    """SQLite's way to the files, which notes everything that reaches them."""

    def __init__(self, name: str) -> None:
        self.did: list[Did] = []
        self.name = name
        super().__init__(name, "")

    def xOpen(  # noqa: N802 - SQLite's name
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        """Open a file that is noted; a nameless one is for the moment only."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if not path or path.endswith(_IN_MEMORY):
            return super().xOpen(name, flags)
        return _File(self, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        """Delete a file."""
        super().xDelete(filename, syncdir)
        self.did.append(Did("delete", Path(filename).name, is_synced=syncdir))


class _File(apsw.VFSFile):
    def __init__(
        self,
        disk: Disk,
        path: str,
        name: str | apsw.URIFilename | None,
        flags: list[int],
    ) -> None:
        self._did = disk.did
        short = Path(path).name
        self._short = short
        # SQLite syncs the folder with the first sync of a journal that it made.
        is_new = not Path(path).exists()
        self._owes_folder = is_new and short.endswith(("-wal", "-journal"))
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._did.append(Did("write", self._short, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        super().xTruncate(newsize)
        self._did.append(Did("truncate", self._short, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        super().xSync(flags)
        self._did.append(Did("sync", self._short, is_synced=self._owes_folder))
        self._owes_folder = False


def images(
    did: Sequence[Did], count: int, chance: random.Random, *, after: int = 0
) -> Iterator[Image]:
    """Give so many images of losses of power at random moments after *after*."""
    moments = sorted(chance.randint(after, len(did)) for _ in range(count))
    stable: dict[str, bytearray] = {}
    waiting: dict[str, list[Did]] = defaultdict(list)
    acked = done = 0
    for moment in moments:
        for one in did[done:moment]:
            if one.what == "acked":
                acked = one.at
            else:
                _keep(stable, waiting, one)
        done = moment
        yield Image(_torn(stable, waiting, chance), acked)


def _keep(
    stable: dict[str, bytearray], waiting: dict[str, list[Did]], one: Did
) -> None:
    """Take one thing in: a sync makes what waited for it stable."""
    if one.what == "sync":
        for earlier in waiting.pop(one.file, []):
            _apply(stable, earlier)
        # A file that was made and synced is there, though nothing is in it.
        stable.setdefault(one.file, bytearray())
        if one.is_synced:
            _sync_folder(stable, waiting)
    elif one.what == "delete" and one.is_synced:
        waiting.pop(one.file, None)
        stable.pop(one.file, None)
    else:
        waiting[one.file].append(one)


def _sync_folder(stable: dict[str, bytearray], waiting: dict[str, list[Did]]) -> None:
    """Make stable that files were deleted; what came after waits on."""
    for file, several in waiting.items():
        deletes = [n for n, one in enumerate(several) if one.what == "delete"]
        if deletes:
            stable.pop(file, None)
            waiting[file] = several[deletes[-1] + 1 :]


def _torn(
    stable: dict[str, bytearray],
    waiting: dict[str, list[Did]],
    chance: random.Random,
) -> dict[str, bytes]:
    """Return the stable files with some of what was not synced."""
    found = {name: bytearray(data) for name, data in stable.items()}
    for several in waiting.values():
        how = chance.choice(("none", "first", "any"))
        if how == "first":
            for one in several[: chance.randint(0, len(several))]:
                _apply(found, one)
        elif how == "any":
            for one in several:
                _apply_some(found, one, chance)
    return {name: bytes(data) for name, data in found.items()}


def _apply_some(files: dict[str, bytearray], one: Did, chance: random.Random) -> None:
    if one.what != "write" and chance.random() < HALF:
        _apply(files, one)
    for start in range(0, len(one.data), SECTOR):
        if chance.random() < HALF:
            part = one.data[start : start + SECTOR]
            _apply(files, Did("write", one.file, one.at + start, part))


def _apply(files: dict[str, bytearray], one: Did) -> None:
    if one.what == "delete":
        files.pop(one.file, None)
        return
    file = files.setdefault(one.file, bytearray())
    end = one.at + len(one.data)
    if one.what == "truncate":
        del file[one.at :]
    if len(file) < end:
        file.extend(bytes(end - len(file)))
    if one.what == "write":
        file[one.at : end] = one.data
