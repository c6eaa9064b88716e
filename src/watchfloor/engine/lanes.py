"""The lanes of an engine: which runs dispatch, through which open channel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from watchfloor.channels.base import Channel
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import StoreError, WatchfloorError
from watchfloor.domain.lifecycle import may_call_back
from watchfloor.domain.regions import History, Intake, Phase
from watchfloor.domain.text import clean
from watchfloor.engine.campaigns import channel_for, checked_campaign
from watchfloor.engine.committer import Committer, Job
from watchfloor.engine.dispatcher import Dispatcher, Plan
from watchfloor.engine.jobs import Doom, MarkReady, PauseItself, WriteHistory
from watchfloor.engine.ledger import Ledger, Standing
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.reads.runs import campaign_text, column_names

log = logging.getLogger(__name__)
T = TypeVar("T")

#: A channel that takes longer to open or close is taken to be broken.
OPEN_S = 30.0


class Submit(Protocol):
    """Have a job done in the next round and return its result after the commit."""

    def __call__(self, job: Job[T]) -> Awaitable[T]:
        """Raise ``StoreError`` where the store took no writes."""
        ...


class Lane(NamedTuple):
    """A dispatcher with the channel it sends through."""

    dispatcher: Dispatcher
    channel: Channel

    async def close(self) -> None:
        """End the workers, then the channel."""
        await self.dispatcher.close()
        await shut(self.channel)


class Lanes:
    """Opens a lane for every run that may dispatch and closes it at the run's end."""

    def __init__(
        self,
        committer: Committer,
        around: Surroundings,
        submit: Submit,
        wake: Callable[[], None],
    ) -> None:
        self._committer = committer
        self._around = around
        self._submit = submit
        self._wake = wake
        self._lanes: dict[str, Lane] = {}
        self._campaigns: dict[str, Campaign] = {}
        self._held: set[str] = set()

    @property
    def is_drained(self) -> bool:
        """Nothing is in flight anywhere and nothing waits to be stored."""
        return all(lane.dispatcher.is_drained for lane in self._lanes.values())

    async def follow(self, ledger: Ledger) -> None:
        """Make a run's lane what its lifecycle wants now."""
        standing, run_id = ledger.standing, ledger.run_id
        run = standing.lifecycle
        if run.is_ended:
            await self._close(run_id)
            if run.history is History.CREATING:
                await self._submit(WriteHistory(run_id))
                self._campaigns.pop(run_id, None)
            return
        lane = self._lanes.get(run_id)
        if lane is None and _needs_lane(standing):
            lane = await self._open(ledger)
        if lane is None:
            return
        if not ledger.ready:
            await self._submit(MarkReady(run_id))
        if may_call_back(ledger.standing.lifecycle) and run_id not in self._held:
            lane.dispatcher.resume()
        else:
            lane.dispatcher.hold()

    def hold(self, run_ids: set[str]) -> set[str]:
        """Close gates until ``let_follow``; return the runs that have one."""
        held = run_ids & self._lanes.keys()
        self._held |= held
        for run_id in held:
            self._lanes[run_id].dispatcher.hold()
        return held

    def let_follow(self, run_ids: set[str]) -> None:
        """Let gates be what their runs' lifecycles want again."""
        self._held -= run_ids

    def hold_all(self) -> None:
        """Close every gate for good."""
        self.hold(set(self._lanes))

    def end_overdue(self) -> None:
        """End attempts that are far past their channel's deadline."""
        for lane in self._lanes.values():
            lane.dispatcher.end_overdue()

    def cut_all(self) -> None:
        """End every attempt in flight."""
        for lane in self._lanes.values():
            lane.dispatcher.cut_all()

    async def close_all(self) -> None:
        """End every worker and channel; the committer still knows the lanes."""
        for lane in self._lanes.values():
            await lane.close()

    async def campaign(self, run_id: str) -> Campaign:
        """Return the campaign as it was frozen with the run.

        Raises:
            ConfigError: This Watchfloor cannot read it.
        """
        if run_id not in self._campaigns:
            text = await self._ask(campaign_text, run_id)
            self._campaigns[run_id] = checked_campaign(text, "the run's campaign")
        return self._campaigns[run_id]

    async def _close(self, run_id: str) -> None:
        lane = self._lanes.pop(run_id, None)
        if lane is not None:
            await lane.close()
            del self._committer.lanes[run_id]

    async def _open(self, ledger: Ledger) -> Lane | None:
        """Open the channel; only then may the run be launched or go on.

        A channel that refuses its configuration ends a run that is not launched; one
        that is launched is paused with the reason, so that nobody is left out.
        """
        run_id = ledger.run_id
        try:
            campaign = await self.campaign(run_id)
            channel = channel_for(campaign.steps[0])
            async with asyncio.timeout(OPEN_S):
                await channel.__aenter__()
        except StoreError:
            raise
        except WatchfloorError as error:
            await self._submit(_refused(ledger, str(error)))
            return None
        except Exception as error:  # noqa: BLE001 - a channel's bug ends one run
            why = f"{type(error).__name__}: {error}"
            await self._submit(_refused(ledger, why))
            return None
        try:
            columns = await self._ask(column_names, run_id)
        except BaseException:
            # The store took no writes, or the engine stops: nobody else would close it.
            await shut(channel)
            raise
        plan = Plan(
            run_id=run_id,
            family_id=ledger.family_id,
            step=campaign.steps[0].name,
            columns=columns,
            policy=campaign.steps[0].retry,
            limits=campaign.limits,
        )
        lane = Lane(Dispatcher(plan, channel, self._around, self._wake), channel)
        self._lanes[run_id] = lane
        self._committer.lanes[run_id] = lane.dispatcher
        return lane

    async def _ask(self, question: Callable[[Any, str], T], run_id: str) -> T:
        return await self._submit(lambda tx: question(tx.connection, run_id))


async def shut(channel: Channel) -> None:
    """Close a channel; one that cannot be closed is told to the log and left."""
    try:
        async with asyncio.timeout(OPEN_S):
            await channel.__aexit__(None, None, None)
    except Exception as error:  # noqa: BLE001 - a channel's bug must not end others
        log.warning("a channel did not close: %s", clean(repr(error)))


def _needs_lane(standing: Standing) -> bool:
    run = standing.lifecycle
    if standing.is_doomed:
        return False
    if run.phase is Phase.QUEUED:
        complete = run.intake is Intake.DONE and run.intent is None
        return complete and standing.eligible > 0
    return may_call_back(run)


def _refused(ledger: Ledger, why: str) -> Job[object]:
    if ledger.standing.lifecycle.launched:
        return PauseItself(ledger.run_id, f"the channel cannot open: {why}")
    return Doom(ledger.run_id, f"channel refused its configuration: {why}")
