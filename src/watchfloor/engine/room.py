"""Whether the store has room for new work, or only for what is in flight.

Once a write found no room, or no store that takes any, nothing new is begun: every run
is paused, and a person resumes it. What is in flight is stored from the reserve.
"""

from __future__ import annotations

from typing import Final

from watchfloor.engine.changes import Transaction, pause_itself
from watchfloor.store.handle import DriverError, is_busy, is_full
from watchfloor.store.reserve import Reserve

#: How often the reserve is looked at while all is well.
LOOK_MS: Final = 10_000
_NO_RESERVE: Final = (
    "the disk has no room for the reserve, from which outcomes are stored when it is "
    "full; make room on the disk, then resume what was paused (watchfloor resume RUN)"
)


class Room:
    """What one committer knows of its store's room.

    Attributes:
        short: Why nothing new is begun; empty where there is room.
    """

    def __init__(self) -> None:
        self.short = ""
        self._reserve: Reserve | None = None
        self._looked_at_ms = 0

    def keep(self, reserve: Reserve) -> None:
        """Have a reserve from now on; without room for it nothing new is begun."""
        self._reserve = reserve
        self.short = "" if reserve.make() else _NO_RESERVE

    def note_refused(self, error: DriverError, fault: str) -> bool:
        """Take that a round was refused; return whether to try it again at once.

        A store that somebody locks for a while has room: it is only waited for.
        """
        if is_busy(error):
            return False
        self.short = fault
        return is_full(error) and self._reserve is not None and self._reserve.give()

    def look(self, now_ms: int) -> None:
        """Begin new work again where the reserve is whole. After a commit.

        One that somebody took away is made anew, or nothing new is begun.
        """
        if not self.short and now_ms < self._looked_at_ms + LOOK_MS:
            return
        self._looked_at_ms = now_ms
        if self._reserve is None or self._reserve.make():
            self.short = ""
        elif not self.short:
            self.short = _NO_RESERVE

    def pause_all(self, tx: Transaction) -> None:
        """Pause every run: where work stood still, only a person lets it go on."""
        if self.short:
            for ledger in tx.ledgers.values():
                pause_itself(tx, ledger, self.short)
