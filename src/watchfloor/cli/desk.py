"""The desk of the screens: the engine's, with the runbook beside it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.live import Pulse, UnknownPage
from watchfloor.domain.roles import Role, role_of
from watchfloor.domain.runbook import Triage
from watchfloor.domain.views import Journey, Overview, PageKey, RecordPage
from watchfloor.engine.desk import StoreDesk
from watchfloor.store.people import identity_of
from watchfloor.triage.examining import gathered
from watchfloor.triage.gathering import counters_of
from watchfloor.triage.reporting import triage


class WholeDesk(StoreDesk):
    """Neither floor knows the other: they meet where everything is put together.

    To whom the workspace's file leaves a viewer's role only, it tells from then on what
    ``ViewersDesk`` tells.
    """

    _is_viewers = False
    _hides_people = False

    async def overview(self) -> Overview:
        """Return the newest runs, and what the workspace is called now."""
        found = await super().overview()
        known = await asyncio.to_thread(self._settings.last_known)
        return replace(found, name=known.name)

    async def pulse(self) -> Pulse:
        """Return what may be polled, and what who asks is to the workspace now."""
        found = await super().pulse()
        name, role = await asyncio.to_thread(self._about)
        self._hides_people = self._is_viewers or role is Role.VIEWER
        return replace(found, name=name, role=role)

    def _about(self) -> tuple[str, Role]:
        workspace = self._settings.last_known()
        who = identity_of(self._layout, os.geteuid())
        role = role_of(who, workspace.roles, asks=self._asker.role)
        return workspace.name, role

    async def triage(self, run_id: str, *, watch_s: float = 0.0) -> Triage:
        """Return a run judged; one that has ended is not watched."""
        clock = self._around.now_ms
        found = await asyncio.to_thread(gathered, self._layout, run_id, clock())
        if watch_s and not found.run.lifecycle.is_ended:
            await asyncio.sleep(watch_s)
            again = await self._reader.ask(counters_of, run_id, clock())
            found = replace(found, again=again)
        return triage(found)

    async def records(self, run_id: str, wanted: PageKey) -> RecordPage:
        """Return a page of records; a viewer's without keys, and nobody is sought."""
        return await super().records(run_id, self._seen(wanted))

    async def cohort(
        self, run_id: str, selection: Selection, wanted: PageKey
    ) -> RecordPage:
        """Return a page of the records that a selection selects; see ``records``."""
        return await super().cohort(run_id, selection, self._seen(wanted))

    def _seen(self, wanted: PageKey) -> PageKey:
        return replace(wanted, hides_people=True) if self._hides_people else wanted

    async def journey(self, run_id: str, seq: int) -> Journey:
        """Return what happened to a record; to a viewer without its key."""
        found = await super().journey(run_id, seq)
        return found.without_key() if self._hides_people else found

    async def unknowns(
        self, run_id: str = "", *, after: tuple[str, int] | None = None, size: int = 40
    ) -> UnknownPage:
        """Return unknown records; to a viewer without their keys."""
        found = await super().unknowns(run_id, after=after, size=size)
        return found.without_keys() if self._hides_people else found


class ViewersDesk(WholeDesk):
    """Tells nothing by which somebody could find out who a person is.

    Screens mask who is told of; a filter that is asked often enough would tell it all
    the same, and so would a key.
    """

    _is_viewers = True
    _hides_people = True
