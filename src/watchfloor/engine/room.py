"""Whether anything new may be begun, or only what is in flight is stored.

Once a write found no room, or no store that takes any, once the disk is all but full or
no command can be heard, nothing new is begun: every run is paused, and a person resumes
it. What is in flight is stored, from the reserve where there is no other room.
"""

from __future__ import annotations

from typing import Final

from watchfloor.engine.changes import Transaction, pause_itself
from watchfloor.store.disk import LEAST_FREE
from watchfloor.store.handle import DriverError, is_busy, is_full
from watchfloor.store.layout import Layout
from watchfloor.store.reserve import (
    ASKING_SIZE,
    LEAST_BESIDE,
    AskingReserve,
    Reserve,
    free_beside,
)

#: How often the reserve is looked at while all is well.
LOOK_MS: Final = 10_000
_DO: Final = (
    "make room on the disk, then resume what was paused (watchfloor resume RUN)"
)
_NO_RESERVE: Final = (
    "the disk has no room for the reserve, from which outcomes are stored when it is "
    f"full; {_DO}"
)
#: Who may not take of the reserve for commands finds room that the engine gave of it;
#: the other half is kept from whatever goes on filling the disk.
_KEPT_FOR_ASKERS: Final = ASKING_SIZE // 2


class Room:
    """What one committer knows of its store's room, and of whether it is heard.

    Attributes:
        full: Why only what is in flight may be stored; empty where there is room.
        deaf: Why no command can be heard; empty where each can. Set on the loop.
    """

    def __init__(self) -> None:
        self.deaf = ""
        self.full = ""
        self._layout: Layout | None = None
        self._reserves: tuple[Reserve, AskingReserve] | None = None
        self._looked_at_ms = 0

    @property
    def short(self) -> str:
        """Why nothing new is begun; empty where it may be."""
        return self.full or self.deaf

    def keep(self, layout: Layout) -> None:
        """Have reserves from now on; without room for them nothing new is begun."""
        self._layout = layout
        self._reserves = (Reserve(layout), AskingReserve(layout))
        self.full = "" if self._made() else _NO_RESERVE

    def note_refused(self, error: DriverError, fault: str) -> bool:
        """Take that a round was refused; return whether to try it again at once.

        A store that somebody locks for a while has room: it is only waited for.
        """
        if is_busy(error):
            return False
        self.full = fault
        return (
            is_full(error) and self._reserves is not None and self._reserves[0].give()
        )

    def look(self, now_ms: int) -> None:
        """Begin new work again where the reserves are whole. After a commit.

        One that somebody took away is made anew, or nothing new is begun.
        """
        if self.full:
            if self._made():
                self.full = ""
        elif now_ms >= self._looked_at_ms + LOOK_MS:
            self._looked_at_ms = now_ms
            whole = all(one.is_whole for one in self._reserves or ())
            if not whole and not self._made():
                self.full = _NO_RESERVE

    def look_at_disk(self) -> bool:
        """Ask what is free, on the loop; return whether that is too little since now.

        SQLite writes over old pages of its log: on a full disk commits succeed, maybe
        for minutes, and whoever asks for a pause meanwhile needs room of their own.
        """
        if self._layout is None or self._reserves is None:
            return False
        free = free_beside(self._layout.root)
        if free is None or free >= LEAST_BESIDE:
            return False
        if free < LEAST_FREE:
            self._reserves[1].give(leaving=_KEPT_FOR_ASKERS)
        if self.full:
            return False
        left = f"{free // 1024:,} KiB are left beside the reserve"
        self.full = f"{left}: the disk counts as full; {_DO}"
        return True

    def pause_all(self, tx: Transaction) -> None:
        """Pause every run: where work stood still, only a person lets it go on."""
        if tx.short:
            for ledger in tx.ledgers.values():
                pause_itself(tx, ledger, tx.short)

    def _made(self) -> bool:
        # Each, also where one before it could not be.
        made = [one.make() for one in self._reserves or ()]
        return all(made)
