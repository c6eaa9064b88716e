"""What an owner keeps beside the one writer: its file's place, a witness, a reserve."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from watchfloor.domain.errors import StoreError
from watchfloor.domain.shell_words import quoted
from watchfloor.engine.committer import Committer
from watchfloor.engine.hearing import first_heard
from watchfloor.store.handle import Handle, Witness, copy_open, fold_log, witness_of
from watchfloor.store.layout import Layout
from watchfloor.store.reserve import AskingReserve, Reserve
from watchfloor.store.store_file import StoreFile
from watchfloor.store.writes.connection import close_writer


class Keeping:
    """The writer of one tenure and what stands beside it, from its opening on."""

    def __init__(self, layout: Layout, connection: Handle, *, dispatches: bool) -> None:
        self._layout = layout
        self._connection = connection
        self._witness: Witness | None = witness_of(layout.state)
        self._file = StoreFile(layout) if dispatches else None
        self._root = layout.root.stat()

    def stand_by(self, committer: Committer) -> None:
        """Let a committer know of the file's place, the reserves and the inbox.

        Raises:
            StoreError: There is no inbox, and none can be made.
        """
        if self._file is not None:
            committer.lost = self._file.lost
            committer.room.keep(self._layout)
            committer.room.deaf = first_heard(self._layout)

    def told(self, error: Exception) -> Exception:
        """Return what to tell of an error: more, where the file is gone from its place.

        What the writer stored is made whole first, and copied where no name leads to
        it any more.
        """
        lost = self._file.lost() if self._file is not None else ""
        if not lost or self._file is None or not isinstance(error, StoreError):
            return error
        return StoreError(
            f"{lost} while the engine ran. Sending stopped at once. "
            f"{self._saved(self._file)}"
        )

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
        self._file.close()

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
            kept = _free_name(state)
            try:
                _make_private(kept)
                copy_open(self._connection, kept)
            except (OSError, StoreError) as error:
                return (
                    f"What it had stored could not be copied to {kept}: {error}. Go "
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


def _remove_reserves(layout: Layout) -> None:
    for reserve in (Reserve(layout), AskingReserve(layout)):
        reserve.remove()


def _free_name(state: Path) -> Path:
    """Return where to save a store; what was saved there before is kept."""
    kept, number = state.with_name(f"{state.name}.rescued"), 1
    while kept.exists():
        number += 1
        kept = state.with_name(f"{state.name}.rescued-{number}")
    return kept


def _make_private(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    os.close(os.open(path, flags, 0o600))
