"""Where a workspace keeps its files."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.text import clean
from watchfloor.store.lock_text import told_in


def upload_id_of(run_id: str) -> str:
    """Return the id of the upload that a run was launched over; it names a file."""
    return f"u-{run_id}"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of the workspace in one directory."""

    root: Path

    @property
    def settings(self) -> Path:
        """What the workspace is called and how it behaves; people edit it."""
        return self.root / "watchfloor.toml"

    @property
    def state(self) -> Path:
        """The state store. One process writes it, many read it."""
        return self.root / "state.db"

    @property
    def inbox(self) -> Path:
        """What was asked and not yet taken."""
        return self.root / "inbox.db"

    @property
    def asks(self) -> Path:
        """What others than the owner asked: a file a command, see ``store.asks``."""
        return self.root / "inbox"

    @property
    def file_mode(self) -> int:
        """The mode of a new file: readable by a group where the store is.

        The folder's own mode does not count: many are listed by everybody.
        """
        try:
            is_shared = self.state.stat().st_mode & stat.S_IRGRP
        except OSError:
            is_shared = 0
        return 0o640 if is_shared else 0o600

    @property
    def may_own(self) -> bool:
        """Whether this process could write the store, were it the owner's."""
        return os.access(self.state, os.W_OK) and os.access(self.root, os.W_OK)

    @property
    def lock(self) -> Path:
        """Held by the process that owns the workspace."""
        return self.root / "engine.lock"

    @property
    def reserve(self) -> Path:
        """Room on the disk that is kept for outcomes while an engine runs."""
        return self.root / "reserve"

    @property
    def anchors(self) -> Path:
        """What the head of the audit chain was, now and then; lines are appended."""
        return self.root / "anchors.jsonl"

    @property
    def headless_log(self) -> Path:
        """What an engine says that a console handed its runs on to."""
        return self.root / "headless.log"

    @property
    def mishaps(self) -> Path:
        """Where mistakes of Watchfloor's own happened, without anybody's data."""
        return self.root / "mishaps.log"

    @property
    def campaigns(self) -> Path:
        """Campaign files; people edit them."""
        return self.root / "campaigns"

    @property
    def uploads(self) -> Path:
        """Contact files as they were received."""
        return self.root / "uploads"

    def upload(self, upload_id: str) -> Path:
        """Return where one upload lies."""
        return self.uploads / f"{upload_id}.csv"

    @property
    def exists(self) -> bool:
        """Whether a workspace was made here."""
        return self.settings.is_file() and self.state.is_file()

    def check_exists(self) -> None:
        """Raise ``NotFoundError`` where no workspace was made."""
        if self.settings.is_file() and not self.state.exists():
            words = told_in(self.lock)
            more = f" Its last engine said: {clean(words, 1_000)}" if words else ""
            msg = (
                f"the store {self.state} is missing, so there is no workspace in "
                f"{self.root}; nothing was done. Put the file back, or go back to a "
                f"backup: watchfloor restore.{more}"
            )
            raise NotFoundError(msg)
        if not self.exists:
            msg = (
                f"there is no workspace in {self.root}; nothing was done. "
                f"Make one with: watchfloor init {self.root}"
            )
            raise NotFoundError(msg)
