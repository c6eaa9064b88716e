"""The desk: the engine and its store as every screen and verb sees them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.previews import Preview, preview
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import (
    EngineView,
    EventView,
    Journey,
    Overview,
    PageKey,
    Receipt,
    RecordPage,
    RunView,
)
from watchfloor.engine.journeys import journey
from watchfloor.engine.operations import apply_what_waits, steering_command
from watchfloor.engine.situations import situation
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import ask
from watchfloor.store.layout import Layout
from watchfloor.store.reader import Reader
from watchfloor.store.reads import audit
from watchfloor.store.reads import journal as journal_reads
from watchfloor.store.reads import records as record_reads
from watchfloor.store.reads import runs as run_reads
from watchfloor.store.reads.engine import engine_view


class StoreDesk:
    """Reads snapshots of one workspace and asks its engine for commands.

    Each read is one short transaction of its own. Close it when done.
    """

    def __init__(
        self, layout: Layout, around: Surroundings, asker: Asker, owner: Owner
    ) -> None:
        self._layout = layout
        self._around = around
        self._asker = asker
        self._owner = owner
        self._reader = Reader(layout)

    async def close(self) -> None:
        """Let go of the store."""
        await self._reader.close()

    async def overview(self) -> Overview:
        """Return the newest runs, newest first, and who owns the workspace."""
        return await self._reader.ask(_overview, self._around.now_ms())

    async def pulse(self) -> EngineView:
        """Return the owner and the number of changes."""
        return await self._reader.ask(engine_view)

    async def run(self, run_id: str) -> RunView:
        """Return one run."""
        return await self._reader.ask(run_reads.run_view, run_id)

    async def records(
        self,
        run_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        state: RecordState | None = None,
        size: int = 40,
    ) -> RecordPage:
        """Return a page of records by key; see ``PageKey``."""
        wanted = PageKey(after=after, before=before, state=state, size=size)
        return await self._reader.ask(record_page_of, run_id, wanted)

    async def journey(self, run_id: str, seq: int) -> Journey:
        """Return everything that happened to one record."""
        return await self._reader.ask(journey, run_id, seq)

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        """Return the newest entries of the run's journal, oldest first."""
        return await self._reader.ask(journal_reads.events, run_id, limit=limit)

    async def situation(self, run_id: str) -> Situation:
        """Return what the run's records are up against."""
        return await self._reader.ask(situation, run_id, self._around.now_ms())

    async def counted_books(self, run_id: str) -> Books:
        """Return the run's books counted anew from its rows; slow."""
        return await self._reader.ask(audit.counted_books, run_id)

    async def preview(self, verb: Verb, run_id: str) -> Preview:
        """Return what *verb* would do to the run as it is now."""
        return preview(await self.run(run_id), verb)

    async def ask(self, wanted: Preview, reason: str = "") -> Receipt:
        """Store the command a preview stands for.

        Where nobody owns the workspace, it is applied before this returns.
        """
        command = steering_command(wanted, self._asker, reason, self._around)
        await asyncio.to_thread(ask, self._layout, command)
        await asyncio.to_thread(
            apply_what_waits, self._layout, self._around, self._owner
        )
        return Receipt(
            command_id=command.command_id,
            verb=command.verb,
            run_id=command.run_id,
            state="asked",
            asked_at_ms=command.at_ms,
        )

    async def receipt(self, command_id: str) -> Receipt | None:
        """Return what became of a command; None while the engine has not taken it."""
        return await self._reader.ask(journal_reads.receipt, command_id)

    async def full_id(self, run_id: str) -> str:
        """Return the one run id that begins with *run_id*; itself where none does."""
        found = await self._reader.ask(run_reads.matching_run_ids, run_id)
        return found[0] if len(found) == 1 else run_id


def _overview(connection: Handle, now_ms: int) -> Overview:
    shown = Overview(
        runs=run_reads.run_page(connection), engine=engine_view(connection)
    )
    return replace(shown, as_of_ms=now_ms)


def record_page_of(connection: Handle, run_id: str, wanted: PageKey) -> RecordPage:
    """Return a page of records with their steps by name."""
    steps = run_reads.step_names(connection, run_id)
    return record_reads.record_page(connection, run_id, steps, wanted)
