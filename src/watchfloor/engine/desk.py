"""The desk: the engine and its store as every screen and verb sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.blocked_by import Situation
from watchfloor.domain.books import Books
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.filters import FilterError
from watchfloor.domain.previews import PROMISES_NAMED, Preview, preview
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.views import (
    CallbackPage,
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
from watchfloor.engine.operations import apply_what_waits, order, steering_command
from watchfloor.engine.situations import situation
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.filter_language import check_fields, parse_filter
from watchfloor.store.filter_conditions import condition
from watchfloor.store.filtering import record_fields
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Command, ask
from watchfloor.store.layout import Layout
from watchfloor.store.reader import Reader
from watchfloor.store.reads import audit
from watchfloor.store.reads import journal as journal_reads
from watchfloor.store.reads import records as record_reads
from watchfloor.store.reads import runs as run_reads
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.results import result_counts, speaking_kinds


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

    async def callbacks(
        self, run_id: str, *, after: tuple[int, int] | None = None, size: int = 40
    ) -> CallbackPage:
        """Return promised callbacks, the next one first; see ``CallbackPage``."""
        return await self._reader.ask(callback_page_of, run_id, after, size)

    async def results(self, run_id: str) -> Mapping[str, int]:
        """Return of how many records each kind of result was reported."""
        return await self._reader.ask(results_by_kind, run_id)

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
        return await self._reader.ask(preview_of, verb, run_id)

    async def ask(self, wanted: Preview, reason: str = "") -> Receipt:
        """Store the command a preview stands for.

        Where nobody owns the workspace, it is applied before this returns.
        """
        return await self._asked(
            steering_command(wanted, self._asker, reason, self._around)
        )

    async def _asked(self, command: Command) -> Receipt:
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

    async def order(
        self,
        verb: str,
        run_id: str,
        *,
        reason: str = "",
        payload: Mapping[str, object] | None = None,
    ) -> Receipt:
        """Store a command that needs no preview: approve, limit, hide and others.

        Where nobody owns the workspace, it is applied before this returns.
        """
        command = order(
            verb, run_id, self._asker, self._around, why=reason, payload=payload
        )
        return await self._asked(command)

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
    """Return a page of records with their steps by name and what was reported."""
    steps = run_reads.step_names(connection, run_id)
    page = record_reads.record_page(connection, run_id, steps, wanted)
    number = run_reads.run_number(connection, run_id)
    spoken = speaking_kinds(connection, number, [one.seq for one in page.records])
    if not spoken:
        return page
    told = (
        replace(one, result=spoken[one.seq]) if one.seq in spoken else one
        for one in page.records
    )
    return replace(page, records=tuple(told))


def record_page_where(
    connection: Handle, run_id: str, wanted: PageKey, where: str
) -> RecordPage:
    """Return a page of the records for which a filter holds.

    Raises:
        ConfigError: The filter is none, or names a field that there is not.
    """
    steps = run_reads.step_names(connection, run_id)
    columns = run_reads.column_names(connection, run_id)
    try:
        wanted_ones, fields = parse_filter(where), record_fields(columns, steps)
        check_fields(wanted_ones, fields, "the fields of a record")
        asked = condition(wanted_ones, fields)
    except FilterError as error:
        msg = f"--where: {error}"
        raise ConfigError(msg) from error
    return record_reads.record_page(connection, run_id, steps, wanted, asked)


def callback_page_of(
    connection: Handle, run_id: str, after: tuple[int, int] | None, size: int
) -> CallbackPage:
    """Return a page of callbacks with their steps by name."""
    steps = run_reads.step_names(connection, run_id)
    return record_reads.callback_page(connection, run_id, steps, after=after, size=size)


def results_by_kind(connection: Handle, run_id: str) -> Mapping[str, int]:
    """Return of how many records each kind of result was reported."""
    number = run_reads.run_number(connection, run_id)
    return {str(kind): n for kind, n in result_counts(connection, number).items()}


def preview_of(connection: Handle, verb: Verb, run_id: str) -> Preview:
    """Return what a verb would do, with the promises it would drop by name."""
    run = run_reads.run_view(connection, run_id)
    if not run.books.callback or verb not in (Verb.STOP, Verb.CANCEL):
        return preview(run, verb)
    page = callback_page_of(connection, run_id, None, PROMISES_NAMED)
    return preview(run, verb, page.callbacks)
