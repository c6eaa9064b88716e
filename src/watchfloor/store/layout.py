"""Where a workspace keeps its files."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import NotFoundError, StoreError
from watchfloor.domain.shell_words import in_workspace, quoted
from watchfloor.domain.text import clean
from watchfloor.store.accounts import account, uid_of
from watchfloor.store.lock_text import told_in

#: Whether the system tells what a process may, where it is not who started it.
_BY_EFFECT: Final = os.access in os.supports_effective_ids


def upload_id_of(run_id: str) -> str:
    """Return the id of the upload that a run was launched over; it names a file."""
    return f"u-{run_id}"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of the workspace in one directory."""

    root: Path

    def in_here(self, words: str) -> str:
        """Return a sentence whose commands are for this workspace, from any folder."""
        return in_workspace(words, clean(self.from_anywhere.root, 4_096))

    @property
    def from_anywhere(self) -> Layout:
        """The same by a path that holds whatever folder somebody stands in."""
        try:
            return Layout(self.root.absolute())
        except OSError:
            return self  # this process stands in a folder that is gone

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
    def asking_reserve(self) -> Path:
        """Room on the disk that is kept for commands while an engine runs."""
        return self.root / "reserve-asking"

    @property
    def anchors(self) -> Path:
        """What the head of the audit chain was, now and then; lines are appended."""
        return self.root / "anchors.jsonl"

    @property
    def headless_log(self) -> Path:
        """What an engine says that a console handed its runs on to."""
        return self.root / "headless.log"

    @property
    def unstored(self) -> Path:
        """Outcomes that an engine knew at its end and could not store; appended to."""
        return self.root / "unstored.jsonl"

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

    @property
    def is_emptied(self) -> bool:
        """Whether the store is a file without a byte: no engine leaves one."""
        try:
            return self.state.stat().st_size == 0
        except OSError:
            return False

    def check_exists(self) -> None:
        """Check that there is a workspace which this account may look at.

        Raises:
            NotFoundError: None was made here, or one of its files is missing.
            StoreError: This account may not read it.
        """
        try:
            self._check_files()
        except PermissionError as error:
            raise self._closed_to_us() from error
        if not os.access(self.state, os.R_OK, effective_ids=_BY_EFFECT):
            raise self._closed_to_us()

    def _check_files(self) -> None:
        has_store, has_settings = self.state.is_file(), self.settings.is_file()
        if has_settings and not has_store:
            words = told_in(self.lock)
            more = f" Its last engine said: {clean(words, 1_000)}" if words else ""
            msg = (
                f"the store {self.state} is missing, so there is no workspace in "
                f"{self.root}; nothing was done. Put the file back, or go back to a "
                f"backup: watchfloor restore.{more}"
            )
            raise NotFoundError(msg)
        if has_store and not has_settings:
            msg = (
                f"the settings {self.settings} are missing, although the store is "
                "there; nothing was done. Put the file back, as from a backup. To "
                "write it anew, it needs three lines at least (and mode 0600): "
                '[workspace], id = "front-desk", name = "The front desk"'
            )
            raise NotFoundError(msg)
        if not has_store:
            msg = (
                f"there is no workspace in {self.root}; nothing was done. "
                f"Make one with: watchfloor init {quoted(self.root)}"
            )
            raise NotFoundError(msg)

    def _closed_to_us(self) -> StoreError:
        uid = uid_of(self.state)
        uid = uid_of(self.root) if uid is None else uid
        whose = "another account" if uid is None else account(uid)
        return StoreError(
            f"{account(os.geteuid())} may not read the workspace {self.root}, which "
            f"belongs to {whose}; nothing was done. Ask {whose} for access: members of "
            "a workspace's group may look (watchfloor init --group)"
        )
