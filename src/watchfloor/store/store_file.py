"""A file of the store as it was opened, to notice that it is gone from its place.

SQLite writes on into a file that was deleted, moved or replaced, and nobody would ever
see what it wrote.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: Looks without opening: a file that is opened and closed beside SQLite takes its locks
#: away, as POSIX has it. Only Linux can; elsewhere nobody knows where a file has gone.
_LOOK_ONLY: Final[int | None] = getattr(os, "O_PATH", None)
_DELETED: Final = " (deleted)"


class StoreFile:
    """A file that an owner has open. ``close`` it.

    Args:
        path: Where it stands.
        what: What it is, for whoever is told that it is gone.
    """

    def __init__(self, path: Path, what: str = "the store") -> None:
        self.path = path
        self._what = what
        self._found = self.path.stat()
        self._descriptor: int | None = None
        if _LOOK_ONLY is not None:
            self._descriptor = os.open(self.path, _LOOK_ONLY | os.O_CLOEXEC)

    def lost(self) -> str:
        """Return how the file is gone from its place; empty where it stands there."""
        try:
            is_there = os.path.samestat(self._found, self.path.stat())
        except OSError as error:
            went = self.went_to
            if went is not None:
                return f"{self._what} {self.path} was moved away, to {went},"
            if self.is_deleted or self._descriptor is None:
                return f"{self._what} {self.path} was deleted"
            return f"{self._what} {self.path} cannot be reached ({error.strerror})"
        return "" if is_there else f"another file was put in place of {self.path}"

    @property
    def is_deleted(self) -> bool:
        """Whether no name leads to the file any more, as far as the system tells."""
        return self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0

    @property
    def went_to(self) -> Path | None:
        """Where the file stands now; None where nobody can tell."""
        if self._descriptor is None or self.is_deleted:
            return None
        try:
            told = Path(f"/proc/self/fd/{self._descriptor}").readlink()
        except OSError:
            return None
        place = Path(str(told).removesuffix(_DELETED))
        try:
            is_it = os.path.samestat(self._found, place.stat())
        except OSError:
            return None
        return place if is_it and place != self.path else None

    def close(self) -> None:
        """Let go of it. Safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
