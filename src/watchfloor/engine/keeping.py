"""What an owner keeps beside the one writer: places of files, a witness, a reserve."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from watchfloor.domain.errors import StoreError
from watchfloor.domain.shell_words import quoted
from watchfloor.engine.committer import Committer
from watchfloor.engine.hearing import first_heard
from watchfloor.store.handle import (
    Handle,
    Witness,
    copy_open,
    fold_log,
    index_of,
    log_of,
    witness_of,
)
from watchfloor.store.layout import Layout
from watchfloor.store.reserve import AskingReserve, Reserve
from watchfloor.store.store_file import StoreFile
from watchfloor.store.writes.connection import close_writer

#: So long the end of an owner whose log is gone waits for others to end their reads.
_READS_S: Final = 5.0
_LOOK_S: Final = 0.05


class Keeping:
    """The writer of one tenure and what stands beside it, from its opening on."""

    def __init__(self, layout: Layout, connection: Handle, *, dispatches: bool) -> None:
        self._layout = layout
        self._connection = connection
        self._witness: Witness | None = witness_of(layout.state)
        self._file = StoreFile(layout.state) if dispatches else None
        log = log_of(layout.state)
        self._log = _beside(log, "the store's log") if dispatches else None
        index = index_of(layout.state)
        self._index = _beside(index, "the log's index") if dispatches else None
        self._root = layout.root.stat()

    def stand_by(self, committer: Committer) -> None:
        """Let a committer know of the file's place, the reserves and the inbox.

        Raises:
            StoreError: There is no inbox, and none can be made.
        """
        if self._file is not None:
            committer.lost = partial(self._noticed, committer)
            committer.room.keep(self._layout)
            committer.room.deaf = first_heard(self._layout)

    def told(self, error: Exception) -> Exception:
        """Return what to tell of an error: more, where the file is gone from its place.

        What the writer stored is made whole first, and copied where no name leads to
        it any more.
        """
        lost = self._lost()
        if not lost or self._file is None or not isinstance(error, StoreError):
            return error
        saved = self._saved(self._file) if self._file.lost() else self._saved_log()
        return StoreError(
            f"{lost} while the engine ran. Sending stopped at once. {saved}"
        )

    def _lost(self) -> str:
        """Return how the file, its log or the log's index is gone; or nothing.

        Whoever takes all away may do so between two looks: then it is the file.
        """
        if self._file is None:
            return ""
        looks = (one.lost() for one in (self._file, self._log, self._index) if one)
        lost = next(filter(None, looks), "")
        return lost and (self._file.lost() or lost)

    def _noticed(self, committer: Committer) -> str:
        """Return how it is lost; have the next round fold a log that no name leads to.

        From then on a kill takes nothing with it that was stored before.
        """
        lost = self._lost()
        if lost and self._file is not None and not self._file.lost():
            committer.owes_fold = True
        return lost

    def close(self, *, is_well: bool) -> None:
        """Close the writer.

        Args:
            is_well: Nothing failed: the log is folded into the file and the reserves
                go. Otherwise nothing more is synced through this handle, and the next
                owner finds all of it as it is; only where the file is gone from its
                place, the reserves go too.
        """
        if is_well:
            self._dismiss_witness()
        close_writer(self._connection)
        self._dismiss_witness()
        if self._file is None:
            return
        if is_well:
            _remove_reserves(self._layout)
        elif self._file.lost():
            # The store may never come back; where it does they are made anew.
            self._remove_lost(self._file.went_to)
        for one in (self._file, self._log, self._index):
            if one is not None:
                one.close()

    def _remove_lost(self, went_to: Path | None) -> None:
        """Remove the reserves from this tenure's own folder, wherever that is now."""
        for folder in (self._layout.root, *([went_to.parent] if went_to else [])):
            with suppress(OSError):
                if os.path.samestat(folder.stat(), self._root):
                    _remove_reserves(Layout(folder))

    def _dismiss_witness(self) -> None:
        if self._witness is not None:
            self._witness.close()
            self._witness = None

    def _saved(self, file: StoreFile) -> str:
        """Save what was stored; return where it is and what to do with it."""
        state, went_to = self._layout.state, file.went_to
        with suppress(StoreError):
            fold_log(self._connection)
        if went_to is not None:
            kept = went_to
        elif file.is_deleted:
            kept = _free_name(state, "rescued")
            if why_not := self._not_copied(kept):
                return (
                    f"What it had stored could not be copied to {kept}: {why_not}. Go "
                    "back to a backup: watchfloor restore"
                )
        else:
            return "Bring the folder back as it was, then: watchfloor engine"
        told = f"Everything up to its end is in {kept}."
        if state.exists():
            return (
                f"{told} Decide which of the two files is right; a backup is put in "
                "place with watchfloor restore alone, which sends nothing twice"
            )
        place = state
        if not state.parent.exists() and kept.name == state.name:
            kept, place = kept.parent, state.parent
        back = f"mv {quoted(kept)} {quoted(place)}"
        return f"{told} Put it back: {back}; then: watchfloor engine"

    def _saved_log(self) -> str:
        """Put all that only the log holds into the file; return what to do next."""
        state, log = self._layout.state, log_of(self._layout.state)
        until_s = time.monotonic() + _READS_S
        while not (is_folded := self._folded()) and time.monotonic() < until_s:
            time.sleep(_LOOK_S)
        try:
            # Read at the next start, it would undo what this owner stored.
            aside = _put_aside(log) if self._log and self._log.lost() else ""
        except OSError as error:
            aside = f"Move {log}, which is not its log, elsewhere: {error.strerror}. "
        if is_folded:
            return f"{aside}{state} holds everything. Next: watchfloor engine"
        kept = _free_name(state, "rescued")
        if why_not := self._not_copied(kept):
            return (
                f"{aside}What only the log held could neither be put into {state} nor "
                f"be copied to {kept}: {why_not}. Go back to a backup: watchfloor "
                "restore"
            )
        return (
            f"{aside}Everything up to its end is in {kept}, and not all of it in "
            f"{state}, which somebody reads. End whoever does (a console, a backup); "
            f"put it in place: mv {quoted(kept)} {quoted(state)}; then: watchfloor "
            "engine"
        )

    def _not_copied(self, kept: Path) -> str:
        """Copy what the writer sees to a private file; return why it cannot be."""
        try:
            _make_private(kept)
            copy_open(self._connection, kept)
        except (OSError, StoreError) as error:
            return str(error)
        return ""

    def _folded(self) -> bool:
        try:
            return fold_log(self._connection)
        except StoreError:
            return False


def _beside(path: Path, what: str) -> StoreFile | None:
    """Return a file beside a store that was just opened; None where SQLite keeps none.

    It makes the log and its index at its opening, and the same files serve until the
    last connection is closed, however often the log is folded and emptied. Without
    memory that processes share it keeps a journal instead, which comes and goes. Who
    opens the store where only the index is gone makes another, and sees nothing of
    what is stored from then on.
    """
    try:
        return StoreFile(path, what)
    except FileNotFoundError:
        return None


def _put_aside(log: Path) -> str:
    """Move another log out of the way; return what to tell of it.

    One without a byte was made by who opened the store to read it, and harms nobody.
    """
    try:
        if not log.stat().st_size:
            return ""
    except FileNotFoundError:
        return ""
    aside = _free_name(log, "other")
    log.rename(aside)
    return f"What stood in the log's place is in {aside} now. "


def _remove_reserves(layout: Layout) -> None:
    for reserve in (Reserve(layout), AskingReserve(layout)):
        reserve.remove()


def _free_name(file: Path, why: str) -> Path:
    """Return where to save a file; what was saved there before is kept."""
    kept, number = file.with_name(f"{file.name}.{why}"), 1
    while kept.exists():
        number += 1
        kept = file.with_name(f"{file.name}.{why}-{number}")
    return kept


def _make_private(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    os.close(os.open(path, flags, 0o600))
