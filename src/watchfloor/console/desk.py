"""The engine as a screen sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from watchfloor.domain.previews import Preview
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import (
    CallbackPage,
    EngineView,
    EventView,
    Journey,
    Overview,
    Receipt,
    RecordPage,
    RunView,
)


class Desk(Protocol):
    """Reads are snapshots of one short transaction each; commands are durable rows.

    Every method may raise ``WatchfloorError`` with a sentence for the operator; a
    screen then keeps what it shows and says how old it is.
    """

    async def overview(self) -> Overview:
        """Return the newest runs, newest first, and who owns the workspace."""
        ...

    async def pulse(self) -> EngineView:
        """Return the owner and the number of changes; one row, cheap enough to poll."""
        ...

    async def run(self, run_id: str) -> RunView:
        """Return one run."""
        ...

    async def records(
        self,
        run_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        state: RecordState | None = None,
        size: int = 40,
    ) -> RecordPage:
        """Return a page by key.

        Args:
            run_id: Whose records.
            after: Only records with a greater seq; None for the first page.
            before: Only records with a smaller seq, the nearest ones; 0 for the last
                page. Not together with *after*.
            state: Only records in this state.
            size: The most records.
        """
        ...

    async def callbacks(
        self, run_id: str, *, after: tuple[int, int] | None = None, size: int = 40
    ) -> CallbackPage:
        """Return promised callbacks, the next one first.

        Args:
            run_id: Whose callbacks.
            after: What the page before this one told; None for the first.
            size: The most callbacks.
        """
        ...

    async def results(self, run_id: str) -> Mapping[str, int]:
        """Return of how many records each kind of result was reported."""
        ...

    async def journey(self, run_id: str, seq: int) -> Journey:
        """Return everything that happened to one record."""
        ...

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        """Return the newest entries of the run's journal, oldest first."""
        ...

    async def preview(self, verb: Verb, run_id: str) -> Preview:
        """Return what *verb* would do to the run as it is now."""
        ...

    async def ask(self, preview: Preview, reason: str = "") -> Receipt:
        """Store the command the preview stands for; it carries what was seen.

        Returns:
            A receipt in state ``asked``: the row is durable, nothing is applied yet.
        """
        ...

    async def order(
        self,
        verb: str,
        run_id: str,
        *,
        reason: str = "",
        payload: Mapping[str, object] | None = None,
    ) -> Receipt:
        """Store a command that carries nothing that was seen.

        Args:
            verb: approve, limit, hide, unhide or close_results.
            run_id: Which run.
            reason: For the journal; may stay empty.
            payload: For a limit its scope, permits and rate_per_s.

        Returns:
            A receipt in state ``asked``, as ``ask`` does.
        """
        ...

    async def receipt(self, command_id: str) -> Receipt | None:
        """Return what became of a command; None while the engine has not taken it."""
        ...
