"""The desk of the screens: the engine's, with the runbook beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from watchfloor.domain.runbook import Triage
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
