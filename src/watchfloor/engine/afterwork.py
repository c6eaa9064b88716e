"""What is owed beside dispatch: histories, purges, notices, resolutions, late results.

None of it holds up a run. Each part may fail for itself; it is tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.regions import History
from watchfloor.domain.text import clean
from watchfloor.engine.collector import MatchParked
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.historian import Historian
from watchfloor.engine.inquiring import Inquirer
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.notices import Postman
from watchfloor.engine.purging import purge
from watchfloor.engine.resolving import RESOLVING, ResolveSlice
from watchfloor.store.layout import Layout
from watchfloor.store.reads.history import purges_asked
from watchfloor.store.reads.resolutions import Resolution, open_resolutions

log = logging.getLogger(__name__)


class Afterwork:
    """An engine's work after and beside the runs. Its methods run on the loop.

    Args:
        layout: Where the workspace is.
        committer: For what it knows of the workspace.
        submit: Has jobs done by the committer.
        historian: Creates histories.
        monotonic_s: For the pace of look-ups.
    """

    def __init__(
        self,
        layout: Layout,
        committer: Committer,
        submit: Submit,
        historian: Historian,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._layout = layout
        self._committer = committer
        self._submit = submit
        self._historian = historian
        self._inquirer = Inquirer(submit, monotonic_s)
        self._postman: Postman | None = None
        self._is_resolving = self._is_looking_up = True
        self._workspace = committer.workspace.last_known()
        self._match_parked = MatchParked(committer.suppressions.add)

    def follow(self, ledgers: Iterable[Ledger]) -> None:
        """Begin with the next history, unless one is under way."""
        self._historian.follow(ledgers)

    def waits_for(self, ledger: Ledger) -> bool:
        """Whether a run that has ended still needs this engine."""
        creating = ledger.standing.lifecycle.history is History.CREATING
        return creating and not self._historian.is_put_off(ledger.run_id)

    async def purge(self) -> None:
        """Take the people out of every run of which that was asked.

        One that fails does not hold up the others; all are tried again.
        """
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
        return self._is_resolving or self._is_looking_up

    async def resolve(self) -> None:
        """Go on with every resolution that has only begun."""
        begun = await self._begun(*RESOLVING)
        self._is_resolving = bool(begun)
        for one in begun:
            while await self._submit(ResolveSlice(one.number)):
                pass

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
        workspace = self._committer.workspace.last_known()
        if self._postman is None or workspace is not self._workspace:
            self._workspace = workspace
            self._postman = Postman(workspace, self._submit)
        await self._postman.deliver()

    async def match_results(self) -> None:
        """Look again for the records of results that came too early."""
        await self._submit(self._match_parked)

    async def close(self) -> None:
        """Leave what is under way; it goes on with the next engine."""
        await self._historian.close()


async def in_time(afterwork: Afterwork, most_s: float) -> None:
    """Do what is owed before an engine ends by itself, as far as time allows."""
    try:
        async with asyncio.timeout(most_s):
            await afterwork.purge()
            await afterwork.deliver_notices()
    except TimeoutError:
        log.warning("purges or notices are still owed; the next engine does them")
