"""A desk that is built while the first screen already stands on the glass."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from watchfloor.console.desk import Desk
from watchfloor.domain.canary import CanaryView
from watchfloor.domain.cohorts import Selection
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
from watchfloor.domain.runbook import Triage
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


class LateDesk:
    """Stands for the desk that *build* makes, on a thread, when it is first asked.

    Importing the store and starting an engine take longer than an operator should look
    at nothing. What *build* raises, every question raises that was asked by then; with
    the next one it is built anew.
    """

    def __init__(self, build: Callable[[], Desk]) -> None:
        self._build = build
        self._building: asyncio.Task[Desk] | None = None

    async def close(self) -> None:
        """See ``Desk``; one that was never asked anything is not built for it."""
        if self._building is not None:
            await (await self._desk()).close()

    async def overview(self) -> Overview:
        """See ``Desk``."""
        return await (await self._desk()).overview()

    async def pulse(self) -> Pulse:
        """See ``Desk``."""
        return await (await self._desk()).pulse()

    async def run(self, run_id: str) -> RunView:
        """See ``Desk``."""
        return await (await self._desk()).run(run_id)

    async def records(self, run_id: str, wanted: PageKey) -> RecordPage:
        """See ``Desk``."""
        return await (await self._desk()).records(run_id, wanted)

    async def callbacks(
        self, run_id: str, *, after: tuple[int, int] | None = None, size: int = 40
    ) -> CallbackPage:
        """See ``Desk``."""
        desk = await self._desk()
        return await desk.callbacks(run_id, after=after, size=size)

    async def results(self, run_id: str) -> Mapping[str, int]:
        """See ``Desk``."""
        return await (await self._desk()).results(run_id)

    async def journey(self, run_id: str, seq: int) -> Journey:
        """See ``Desk``."""
        return await (await self._desk()).journey(run_id, seq)

    async def events(self, run_id: str, *, limit: int = 200) -> tuple[EventView, ...]:
        """See ``Desk``."""
        return await (await self._desk()).events(run_id, limit=limit)

    async def live(self) -> LiveOps:
        """See ``Desk``."""
        return await (await self._desk()).live()

    async def triage(self, run_id: str, *, watch_s: float = 0.0) -> Triage:
        """See ``Desk``."""
        return await (await self._desk()).triage(run_id, watch_s=watch_s)

    async def charts(self, run_id: str) -> Charts:
        """See ``Desk``."""
        return await (await self._desk()).charts(run_id)

    async def lens(
        self,
        run_id: str,
        by: Sequence[Dimension] = EVERY,
        states: frozenset[RecordState] = frozenset(),
    ) -> Lens:
        """See ``Desk``."""
        return await (await self._desk()).lens(run_id, by, states)

    async def cohort(
        self, run_id: str, selection: Selection, wanted: PageKey
    ) -> RecordPage:
        """See ``Desk``."""
        return await (await self._desk()).cohort(run_id, selection, wanted)

    async def unknowns(
        self, run_id: str = "", *, after: tuple[str, int] | None = None, size: int = 40
    ) -> UnknownPage:
        """See ``Desk``."""
        return await (await self._desk()).unknowns(run_id, after=after, size=size)

    async def audit(
        self,
        run_id: str = "",
        *,
        text: str = "",
        before: int | None = None,
        size: int = 40,
    ) -> AuditPage:
        """See ``Desk``."""
        desk = await self._desk()
        return await desk.audit(run_id, text=text, before=before, size=size)

    async def handover(self, span_ms: int) -> Handover:
        """See ``Desk``."""
        return await (await self._desk()).handover(span_ms)

    async def campaigns(self) -> tuple[CampaignOffer, ...]:
        """See ``Desk``."""
        return await (await self._desk()).campaigns()

    async def campaign(self, path: str) -> CampaignOffer:
        """See ``Desk``."""
        return await (await self._desk()).campaign(path)

    async def uploads(self, path: str) -> tuple[UploadOffer, ...]:
        """See ``Desk``."""
        return await (await self._desk()).uploads(path)

    async def prospect(
        self, campaign: str, upload: str, on_progress: Callable[[int], None]
    ) -> Prospect:
        """See ``Desk``."""
        return await (await self._desk()).prospect(campaign, upload, on_progress)

    async def launch(self, prospect: Prospect, *, allow_twin: bool = False) -> Receipt:
        """See ``Desk``."""
        return await (await self._desk()).launch(prospect, allow_twin=allow_twin)

    async def drop_prospect(self, prospect: Prospect) -> None:
        """See ``Desk``."""
        await (await self._desk()).drop_prospect(prospect)

    async def preview(self, verb: Verb, run_id: str) -> Preview:
        """See ``Desk``."""
        return await (await self._desk()).preview(verb, run_id)

    async def ask(self, preview: Preview, reason: str = "", typed: str = "") -> Receipt:
        """See ``Desk``."""
        return await (await self._desk()).ask(preview, reason, typed)

    async def resolve_preview(
        self, run_id: str, selection: Selection, resolve_as: ResolveAs
    ) -> ResolvePreview:
        """See ``Desk``."""
        desk = await self._desk()
        return await desk.resolve_preview(run_id, selection, resolve_as)

    async def resolve(self, preview: ResolvePreview, reason: str) -> Receipt:
        """See ``Desk``."""
        return await (await self._desk()).resolve(preview, reason)

    async def look_up(self, run_id: str, seq: int | None, reason: str) -> Receipt:
        """See ``Desk``."""
        return await (await self._desk()).look_up(run_id, seq, reason)

    async def order(
        self,
        verb: str,
        run_id: str,
        *,
        reason: str = "",
        payload: Mapping[str, object] | None = None,
    ) -> Receipt:
        """See ``Desk``."""
        desk = await self._desk()
        return await desk.order(verb, run_id, reason=reason, payload=payload)

    async def retry_preview(
        self, run_id: str, selection: Selection, *, with_unknown: bool = False
    ) -> RetryPreview:
        """See ``Desk``."""
        desk = await self._desk()
        return await desk.retry_preview(run_id, selection, with_unknown=with_unknown)

    async def retry(
        self, preview: RetryPreview, *, canary: bool, reason: str
    ) -> Receipt:
        """See ``Desk``."""
        desk = await self._desk()
        return await desk.retry(preview, canary=canary, reason=reason)

    async def canary(self, run_id: str) -> CanaryView | None:
        """See ``Desk``."""
        return await (await self._desk()).canary(run_id)

    async def receipt(self, command_id: str) -> Receipt | None:
        """See ``Desk``."""
        return await (await self._desk()).receipt(command_id)

    async def _desk(self) -> Desk:
        # A task, so that a worker that is cancelled does not cancel the building.
        if self._building is None:
            self._building = asyncio.create_task(asyncio.to_thread(self._build))
            self._building.add_done_callback(self._was_built)
        return await asyncio.shield(self._building)

    def _was_built(self, building: asyncio.Task[Desk]) -> None:
        if building.cancelled() or building.exception() is not None:
            self._building = None
