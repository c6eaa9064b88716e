"""What is owed beside dispatch: histories, purges, notices, alerts, late results.

None of it holds up a run. Each part may fail for itself; it is tried again. Whoever
asks for a part that is under way waits: two at once would tell people twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

from watchfloor.domain.errors import StoreError, WatchfloorError
from watchfloor.domain.regions import History
from watchfloor.domain.text import clean
from watchfloor.engine.alerting import Crier, Watch, owe_anchor
from watchfloor.engine.auditing import Anchoring, anchor_now, anchor_paths
from watchfloor.engine.collector import MatchParked
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.giving_up import GiveUp
from watchfloor.engine.historian import Historian
from watchfloor.engine.inquiring import Inquirer
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.notices import Postman
from watchfloor.engine.purging import purge
from watchfloor.engine.resolving import RESOLVING, ResolveSlice
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.troubles import Troubles
from watchfloor.store.layout import Layout
from watchfloor.store.reads.history import purges_asked
from watchfloor.store.reads.resolutions import Resolution, open_resolutions

log = logging.getLogger(__name__)

PARKED_S: Final = 2.0
PURGES_S: Final = 1.0
RESOLUTIONS_S: Final = 1.0
NOTICES_S: Final = 2.0
#: How often a run that changed may be looked at, and one that did not.
ALERTS_S: Final = 1.0
ALERTS_MOST_S: Final = 10.0
HOOKS_S: Final = 2.0
ANCHORS_S: Final = 1.0

Duty = Callable[[], Awaitable[None]]
#: The duties, as an operator is told of one that fails.
LATE_RESULTS: Final = "late results"
PURGES: Final = "purges"
RESOLUTIONS: Final = "resolutions"
LOOK_UPS: Final = "look-ups"
NOTICES: Final = "notices"
ALERTS: Final = "alerts"
HOOKS: Final = "hooks of alerts"
ANCHORS: Final = "anchors"


class Afterwork:
    """An engine's work after and beside the runs. Its methods run on the loop.

    Args:
        layout: Where the workspace is.
        committer: For what it knows of the workspace.
        submit: Has jobs done by the committer.
        historian: Creates histories.
        around: The clocks.
    """

    def __init__(
        self,
        layout: Layout,
        committer: Committer,
        submit: Submit,
        historian: Historian,
        around: Surroundings,
    ) -> None:
        self._layout = layout
        self._committer = committer
        self._submit = submit
        self._historian = historian
        last_known = committer.workspace.last_known
        self._inquirer = Inquirer(
            submit, around.monotonic_s, lambda: last_known().reach, around.survived
        )
        self._postman: Postman | None = None
        self._is_resolving = self._is_looking_up = True
        self._workspace = last_known()
        self._match_parked = MatchParked(committer.suppressions.add)
        self._watch = Watch(layout, last_known, submit, around.now_ms)
        self._crier = Crier(last_known, submit, around.now_ms, around.survived)
        self._monotonic_s, self._survived = around.monotonic_s, around.survived
        self._watch_at_s = 0.0
        self._anchoring = Anchoring(
            layout,
            partial(anchor_paths, layout, committer.workspace),
            around.now_ms,
            around.monotonic_s,
        )
        self._told_of_anchors = ""
        self._now_ms = around.now_ms
        # The last link that the hook of anchors was owed by this engine.
        self._owed_link = 0
        self._alone: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._troubles = Troubles(around, committer.on_trouble)

    @property
    def duties(self) -> Mapping[str, tuple[float, Duty]]:
        """What is to be done again and again, by name, with the seconds in between.

        One that fails for a reason nobody expected is told, and rests (``Troubles``).
        """
        duties: Mapping[str, tuple[float, Duty]] = {
            LATE_RESULTS: (PARKED_S, self.match_results),
            PURGES: (PURGES_S, self.purge),
            RESOLUTIONS: (RESOLUTIONS_S, self.resolve),
            LOOK_UPS: (RESOLUTIONS_S, self.look_up),
            NOTICES: (NOTICES_S, self.deliver_notices),
            ALERTS: (ALERTS_S, self.watch),
            HOOKS: (HOOKS_S, self.tell_alerts),
            ANCHORS: (ANCHORS_S, self.anchor),
        }
        return {
            name: (interval_s, self._troubles.guarded(name, duty))
            for name, (interval_s, duty) in duties.items()
        }

    async def now(self, *names: str) -> None:
        """Do some duties now, one after the other, if they do not rest."""
        duties = self.duties
        for name in names:
            _, duty = duties[name]
            await duty()

    def follow(self, ledgers: Iterable[Ledger]) -> None:
        """Begin with the next history, unless one is under way."""
        known = list(ledgers)
        for ledger in known:
            if ledger.standing.lifecycle.is_ended:
                self._anchoring.expect_end(ledger.run_id)
        if not self._committer.room.full:
            self._historian.follow(known)

    def waits_for(self, ledger: Ledger) -> bool:
        """Whether a run that has ended still needs this engine."""
        creating = ledger.standing.lifecycle.history is History.CREATING
        return creating and not self._historian.is_put_off(ledger.run_id)

    async def purge(self) -> None:
        """Take the people out of every run of which that was asked.

        One that fails does not hold up the others; all are tried again.
        """
        async with self._alone["purges"]:
            for run_id in await self._submit(lambda tx: purges_asked(tx.connection)):
                try:
                    if await purge(run_id, self._layout, self._submit):
                        # What was deleted still stands in the log of the store.
                        self._committer.owes_fold = True
                except (WatchfloorError, OSError) as error:
                    log.warning("run %s is not purged yet: %s", run_id, clean(error))

    @property
    def is_resolving(self) -> bool:
        """Whether unknown records are being resolved; yes before anybody looked."""
        failing = self._troubles.is_failing
        return (self._is_resolving and not failing(RESOLUTIONS)) or (
            self._is_looking_up and not failing(LOOK_UPS)
        )

    async def resolve(self) -> None:
        """Go on with every resolution that has only begun."""
        begun = await self._begun(*RESOLVING)
        self._is_resolving = bool(begun)
        for one in begun:
            try:
                while await self._submit(ResolveSlice(one.number)):
                    pass
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - one must not end the engine
                self._survived(error)
                await self._submit(GiveUp(one.number, error))

    async def look_up(self) -> None:
        """Go on with every look-up that was asked for; it may take its time."""
        begun = await self._begun("asking")
        self._is_looking_up = bool(begun)
        for one in begun:
            await self._inquirer.look_up(one.number, one.run_id)

    async def _begun(self, *states: str) -> list[Resolution]:
        found = await self._submit(lambda tx: open_resolutions(tx.connection))
        return [one for one in found if one.state in states]

    async def deliver_notices(self) -> None:
        """Send every notice that is due."""
        async with self._alone["notices"]:
            workspace = self._committer.workspace.last_known()
            if self._postman is None or workspace is not self._workspace:
                self._workspace = workspace
                self._postman = Postman(workspace, self._submit)
                self._postman.survived = self._survived
            await self._postman.deliver()

    def watch_soon(self) -> None:
        """Let the next look come soon: a run has changed."""
        self._watch_at_s = 0.0

    async def watch(self) -> None:
        """Store the alerts that begin and end, where a look is due."""
        async with self._alone["alerts"]:
            if self._monotonic_s() < self._watch_at_s:
                return
            self._watch_at_s = self._monotonic_s() + ALERTS_MOST_S
            if await self._watch.look():
                self._crier.expect()

    async def tell_alerts(self) -> None:
        """Tell hooks what is owed to them."""
        async with self._alone["hooks"]:
            await self._crier.deliver()

    async def anchor(self) -> None:
        """Note the head of the audit chain outside of the store, where that is due."""
        every_ms = self._committer.workspace.last_known().audit.every_ms
        if self._anchoring.is_due(every_ms):
            await self._note_head()

    async def anchor_now(self) -> None:
        """Note the head of the audit chain, if it has gone on; it ends nobody."""
        await self._troubles.guarded(ANCHORS, self._note_head)()

    async def _note_head(self) -> None:
        """Note it; a file that takes nothing is told of once, and holds up nobody."""
        told = ""
        try:
            await asyncio.to_thread(self._anchoring.note)
        except WatchfloorError as error:
            told = clean(error)
            if told != self._told_of_anchors:
                log.warning("the head of the audit chain is not noted: %s", told)
        self._told_of_anchors = told
        await self._owe_head()

    async def _owe_head(self) -> None:
        """Let the hook of anchors be told the head, whatever became of the files."""
        workspace = self._committer.workspace.last_known()
        if not workspace.audit.hook:
            return
        now_ms = self._now_ms()
        head = await asyncio.to_thread(anchor_now, self._layout, now_ms)
        if head is not None and head.link != self._owed_link:
            await self._submit(lambda tx: owe_anchor(tx, workspace, head))
            self._owed_link = head.link
            self._crier.expect()

    async def match_results(self) -> None:
        """Look again for the records of results that came too early."""
        await self._submit(self._match_parked)

    async def close(self) -> None:
        """Leave what is under way; it goes on with the next engine."""
        await self._historian.close()
        await self._crier.close()


async def in_time(afterwork: Afterwork, most_s: float) -> None:
    """Do what is owed before an engine ends by itself, as far as time allows."""
    try:
        async with asyncio.timeout(most_s):
            await afterwork.now(PURGES, NOTICES)
            afterwork.watch_soon()
            await afterwork.now(ALERTS)
            await afterwork.anchor_now()
            await afterwork.now(HOOKS)
    except (TimeoutError, StoreError):
        log.warning("purges, notices or alerts are owed; the next engine does them")
