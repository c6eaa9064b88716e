"""The desk of the screens: the engine's, with the runbook beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.live import UnknownPage
from watchfloor.domain.runbook import Triage
from watchfloor.domain.views import Journey, PageKey, RecordPage
from watchfloor.engine.desk import StoreDesk
from watchfloor.triage.examining import gathered
from watchfloor.triage.gathering import counters_of
from watchfloor.triage.reporting import triage


class WholeDesk(StoreDesk):
    """Neither floor knows the other: they meet where everything is put together."""

    async def triage(self, run_id: str, *, watch_s: float = 0.0) -> Triage:
        """Return a run judged; one that has ended is not watched."""
        clock = self._around.now_ms
        found = await asyncio.to_thread(gathered, self._layout, run_id, clock())
        if watch_s and not found.run.lifecycle.is_ended:
            await asyncio.sleep(watch_s)
            again = await self._reader.ask(counters_of, run_id, clock())
            found = replace(found, again=again)
        return triage(found)


class ViewersDesk(WholeDesk):
    """Tells nothing by which somebody could find out who a person is.

    Screens mask who is told of; a filter that is asked often enough would tell it all
    the same, and so would a key.
    """

    async def records(self, run_id: str, wanted: PageKey) -> RecordPage:
        """Return a page of records without their keys; no person is looked for."""
        return await super().records(run_id, replace(wanted, hides_people=True))

    async def cohort(
        self, run_id: str, selection: Selection, wanted: PageKey
    ) -> RecordPage:
        """Return a page of the records that a selection selects, without their keys."""
        hidden = replace(wanted, hides_people=True)
        return await super().cohort(run_id, selection, hidden)

    async def journey(self, run_id: str, seq: int) -> Journey:
        """Return what happened to a record, without its key."""
        return (await super().journey(run_id, seq)).without_key()

    async def unknowns(
        self, run_id: str = "", *, after: tuple[str, int] | None = None, size: int = 40
    ) -> UnknownPage:
        """Return unknown records without their keys."""
        found = await super().unknowns(run_id, after=after, size=size)
        return found.without_keys()
