"""The desk: the engine and its store as every screen and verb sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.canary import CanaryView
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import StoreError
from watchfloor.domain.handover import Handover
from watchfloor.domain.lens import EVERY, Dimension, Lens
from watchfloor.domain.live import (
    AuditPage,
    Charts,
    LiveOps,
    Pulse,
    UnknownPage,
)
from watchfloor.domain.previews import Preview
from watchfloor.domain.prospects import CampaignOffer, Prospect, UploadOffer
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.regions import Verb
from watchfloor.domain.resolutions import ResolveAs, ResolvePreview
from watchfloor.domain.sharing import filed_limits
from watchfloor.domain.views import (
    CallbackPage,
    EventView,
    Journey,
    Overview,
    PageKey,
    Receipt,
    RecordPage,
    RunView,
)
from watchfloor.engine import desk_reads, record_pages
from watchfloor.engine.charting import charts
from watchfloor.engine.handover import handover
from watchfloor.engine.journeys import journey
from watchfloor.engine.lensing import lens_reads
from watchfloor.engine.live_ops import live_ops
from watchfloor.engine.operations import (
    apply_what_waits,
    order,
    resolve_command,
    steering_command,
)
from watchfloor.engine.prospects import Prospects
from watchfloor.engine.retry_previews import retry_command, retry_preview
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.inbox import Command, ask
from watchfloor.store.layout import Layout
from watchfloor.store.reader import Reader
from watchfloor.store.reads import journal as journal_reads
from watchfloor.store.reads import runs as run_reads
from watchfloor.store.reads.canaries import canary_view


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
        self._settings = WorkspaceSettings(layout)
        self._prospects = Prospects(layout, around, asker, owner)
        self._told_store = 0

    async def close(self) -> None:
        """Let go of the store, and of launches that were checked and not asked for."""
        await self._prospects.close()
        await self._reader.close()

    async def overview(self) -> Overview:
        """Return the newest runs, newest first, and who owns the workspace."""
        found = await self._reader.ask(
            desk_reads.overview,
            self._around.now_ms(),
            filed_limits(await asyncio.to_thread(self._settings.last_known)),
            self._layout,
        )
        await self._tell_store(found.store)
        return found

    async def pulse(self) -> Pulse:
        """Return the owner, the number of changes and the cards; cheap to poll."""
        now_ms = self._around.now_ms()
        found = await self._reader.ask(desk_reads.pulse, now_ms, self._layout)
        await self._tell_store(found.store)
        return found

    async def _tell_store(self, store: int) -> None:
        """Take what is told of the store; what was checked against another is void."""
        before, self._told_store = self._told_store, store
        if before not in (0, store):
            await self._prospects.close()

    def _check_store(self) -> None:
        """Refuse what was decided on by looking at another store.

        Where nothing was shown there is nothing to compare: the store stays closed.

        Raises:
            NotFoundError: None stands there any more.
            StoreError: Another one has come since the last pulse or overview.
        """
        if self._told_store and self._told_store != self._reader.number_now():
            msg = (
                f"another workspace stands in {self._layout.root} than the one that "
                "was shown, as after a restore; nothing was asked. Look again"
            )
            raise StoreError(msg)

    async def run(self, run_id: str) -> RunView:
        """Return one run."""
        return await self._reader.ask(run_reads.run_view, run_id)

    async def records(self, run_id: str, wanted: PageKey) -> RecordPage:
        """Return a page of records by key; see ``PageKey`` and ``RecordPage``.

        Raises:
            ConfigError: The filter is none, or names a field that there is not; or the
                text is longer than anybody means.
        """
        return await self._reader.ask(record_pages.record_page_of, run_id, wanted)

    async def callbacks(
        self, run_id: str, *, after: tuple[int, int] | None = None, size: int = 40
    ) -> CallbackPage:
        """Return promised callbacks, the next one first; see ``CallbackPage``."""
        return await self._reader.ask(
            record_pages.callback_page_of, run_id, after, size
        )

    async def results(self, run_id: str) -> Mapping[str, int]:
        """Return of how many records each kind of result was reported."""
        return await self._reader.ask(desk_reads.results_by_kind, run_id)

    async def journey(self, run_id: str, seq: int) -> Journey:
        """Return everything that happened to one record."""
        return await self._reader.ask(journey, run_id, seq)

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        """Return the newest entries of the run's journal, oldest first."""
        return await self._reader.ask(journal_reads.events, run_id, limit=limit)

    async def live(self) -> LiveOps:
        """Return how every run does that has not ended, and who holds shared limits."""
        workspace = await asyncio.to_thread(self._settings.last_known)
        limits = filed_limits(workspace)
        return await self._reader.ask(
            live_ops, self._around.now_ms(), limits, self._layout
        )

    async def charts(self, run_id: str) -> Charts:
        """Return what is drawn of a run: its progress, failures and promises."""
        return await self._reader.ask(charts, run_id, self._around.now_ms())

    async def lens(
        self,
        run_id: str,
        by: Sequence[Dimension] = EVERY,
        states: frozenset[RecordState] = frozenset(),
    ) -> Lens:
        """Return what failed in a run, in groups; see ``Lens``."""
        reads = lens_reads(run_id, by, states)
        try:
            question = next(reads)
            while True:
                question = reads.send(await self._reader.ask(question))
        except StopIteration as ended:
            return cast("Lens", ended.value)

    async def cohort(
        self, run_id: str, selection: Selection, wanted: PageKey
    ) -> RecordPage:
        """Return a page of the records that a selection selects."""
        return await self._reader.ask(
            record_pages.cohort_page_of, run_id, selection, wanted
        )

    async def unknowns(
        self, run_id: str = "", *, after: tuple[str, int] | None = None, size: int = 40
    ) -> UnknownPage:
        """Return unknown records of one run or of all; see ``UnknownPage``."""
        return await self._reader.ask(desk_reads.unknowns, run_id, after, size)

    async def audit(
        self,
        run_id: str = "",
        *,
        text: str = "",
        before: int | None = None,
        size: int = 40,
    ) -> AuditPage:
        """Return entries of the journal, newest first; see ``AuditPage``."""
        return await self._reader.ask(
            journal_reads.audit_page, run_id, text=text, before=before, size=size
        )

    async def handover(self, span_ms: int) -> Handover:
        """Return what the next shift is told of the time since so long ago."""
        workspace = await asyncio.to_thread(self._settings.last_known)
        now_ms = self._around.now_ms()
        since_ms = now_ms - span_ms
        return await self._reader.ask(
            handover, workspace, since_ms, now_ms, self._layout
        )

    async def campaigns(self) -> tuple[CampaignOffer, ...]:
        """Return the workspace's campaign files, by name; faulty ones too."""
        return await self._prospects.campaigns()

    async def campaign(self, path: str) -> CampaignOffer:
        """Return the campaign file at a path, faulty or not."""
        return await self._prospects.campaign(path)

    async def uploads(self, path: str) -> tuple[UploadOffer, ...]:
        """Return the contact files at or under a path, the newest first."""
        return await self._prospects.uploads(path)

    async def prospect(
        self, campaign: str, upload: str, on_progress: Callable[[int], None]
    ) -> Prospect:
        """Check a campaign file against every row of a contact file.

        Raises:
            ConfigError: A mistake in the campaign or a file that cannot be used.
        """
        return await self._prospects.prospect(campaign, upload, on_progress)

    async def launch(self, prospect: Prospect, *, allow_twin: bool = False) -> Receipt:
        """Ask for a launch that was checked.

        Where nobody owns the workspace, it is applied before this returns.
        """
        await asyncio.to_thread(self._check_store)
        return await self._prospects.launch(prospect, allow_twin=allow_twin)

    async def drop_prospect(self, prospect: Prospect) -> None:
        """Forget a launch that was checked, and the copy of its contact file."""
        await self._prospects.drop_prospect(prospect)

    async def preview(self, verb: Verb, run_id: str) -> Preview:
        """Return what *verb* would do to the run as it is now."""
        return await self._reader.ask(desk_reads.preview_of, verb, run_id)

    async def ask(self, preview: Preview, reason: str = "", typed: str = "") -> Receipt:
        """Store the command a preview stands for.

        Where nobody owns the workspace, it is applied before this returns.
        """
        return await self._asked(
            steering_command(preview, self._asker, reason, self._around, typed=typed)
        )

    async def _asked(self, command: Command) -> Receipt:
        await asyncio.to_thread(self._check_store)
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

    async def resolve_preview(
        self, run_id: str, selection: Selection, resolve_as: ResolveAs
    ) -> ResolvePreview:
        """Return what resolving would do to the unknown records of a selection."""
        return await self._reader.ask(
            desk_reads.resolve_preview_of, run_id, selection, resolve_as
        )

    async def resolve(self, preview: ResolvePreview, reason: str) -> Receipt:
        """Store the resolution a preview stands for.

        Where nobody owns the workspace, it is applied before this returns.
        """
        return await self._asked(
            resolve_command(preview, self._asker, reason, self._around)
        )

    async def look_up(self, run_id: str, seq: int | None, reason: str) -> Receipt:
        """Ask the provider about unknown records, which only an engine does."""
        payload = {} if seq is None else {"seq": seq}
        return await self.order("look_up", run_id, reason=reason, payload=payload)

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

    async def retry_preview(
        self, run_id: str, selection: Selection, *, with_unknown: bool = False
    ) -> RetryPreview:
        """Return what a retry of an ended run's records would do."""
        workspace = await asyncio.to_thread(self._settings.last_known)
        return await self._reader.ask(
            retry_preview,
            workspace,
            self._around.now_ms(),
            run_id,
            selection,
            with_unknown=with_unknown,
        )

    async def retry(
        self, preview: RetryPreview, *, canary: bool, reason: str
    ) -> Receipt:
        """Ask for a retry that was shown; the receipt's run id is the child's.

        Where nobody owns the workspace, it is applied before this returns.
        """
        return await self._asked(
            retry_command(
                preview, self._asker, self._around, canary=canary, reason=reason
            )
        )

    async def canary(self, run_id: str) -> CanaryView | None:
        """Return how a retry's canary does; None for a run that has none."""
        return await self._reader.ask(canary_view, run_id)

    async def receipt(self, command_id: str) -> Receipt | None:
        """Return what became of a command; None while the engine has not taken it."""
        return await self._reader.ask(journal_reads.receipt, command_id)

    async def full_id(self, run_id: str) -> str:
        """Return the one run id that begins with *run_id*; itself where none does."""
        found = await self._reader.ask(run_reads.matching_run_ids, run_id)
        return found[0] if len(found) == 1 else run_id
