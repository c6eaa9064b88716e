"""The lanes of an engine: which runs dispatch, through which open channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from watchfloor.channels.base import Channel
from watchfloor.domain.campaign import Campaign
from watchfloor.domain.errors import StoreError, WatchfloorError
from watchfloor.domain.lifecycle import may_call_back
from watchfloor.domain.reach import Reach
from watchfloor.domain.regions import Intake, Mode, Phase
from watchfloor.engine.campaigns import checked_campaign
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.dispatcher import Dispatcher
from watchfloor.engine.jobs import MarkReady, PauseItself, Unopened
from watchfloor.engine.lane import (
    CLOSE_S,
    Breakers,
    OpenLane,
    opened,
    rules_of,
    shut,
    step_lanes,
)
from watchfloor.engine.lane_plan import Plan
from watchfloor.engine.ledger import Ledger, Standing
from watchfloor.engine.openings import Zones
from watchfloor.engine.shared_limits import Throttles
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.unstored import Kept
from watchfloor.store.reads.runs import campaign_text, column_names
from watchfloor.store.reads.zones import zone_names

T = TypeVar("T")


class Lanes:
    """Opens a lane for every run that may dispatch and closes it at the run's end."""

    def __init__(
        self,
        committer: Committer,
        around: Surroundings,
        submit: Submit,
        wake: Callable[[], None],
        throttles: Throttles,
    ) -> None:
        self._committer = committer
        self._around = around
        self._submit = submit
        self._wake = wake
        self._throttles = throttles
        self._breakers = Breakers()
        self._lanes: dict[str, OpenLane] = {}
        self._campaigns: dict[str, Campaign] = {}
        self._held: set[str] = set()
        self._is_over = self._is_closing = False
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def is_drained(self) -> bool:
        """Nothing is in flight anywhere and nothing waits to be stored."""
        return all(lane.dispatcher.is_drained for lane in self._lanes.values())

    @property
    def in_flight(self) -> Mapping[str, int]:
        """How many attempts of each run have no outcome yet."""
        flying = ((run_id, one.dispatcher) for run_id, one in self._lanes.items())
        return {run_id: one.in_flight for run_id, one in flying if one.in_flight}

    @property
    def kept(self) -> Mapping[str, Kept]:
        """What of each run waits to be stored."""
        return {
            run_id: Kept(tuple(lane.dispatcher.finished), len(lane.dispatcher.released))
            for run_id, lane in self._lanes.items()
            if lane.dispatcher.finished or lane.dispatcher.released
        }

    async def follow(self, ledger: Ledger) -> None:
        """Make a run's lane what its lifecycle and its limits want now."""
        standing, run_id = ledger.standing, ledger.run_id
        if standing.lifecycle.is_ended:
            self._close(run_id)
            return
        lane = self._lanes.get(run_id)
        if lane is None and _needs_lane(standing):
            lane = await self._open(ledger)
        if lane is None:
            return
        if not ledger.ready:
            await self._submit(MarkReady(run_id))
        dispatcher = lane.dispatcher
        dispatcher.set_limits(ledger.standing.permits, ledger.standing.rate_per_s)
        if self._is_over or not _may_go(ledger.standing) or run_id in self._held:
            dispatcher.hold()
        elif dispatcher.is_open or await self._looked_again(ledger, dispatcher):
            dispatcher.resume()

    def hold(self, run_ids: set[str]) -> set[str]:
        """Close gates until ``let_follow``, those too that are about to be opened."""
        self._held |= run_ids
        for run_id in run_ids & self._lanes.keys():
            self._lanes[run_id].dispatcher.hold()
        return run_ids

    def let_follow(self, run_ids: set[str]) -> None:
        """Let gates be what their runs' lifecycles want again."""
        self._held -= run_ids

    def hold_all(self) -> None:
        """Close every gate for good, also those that would be opened later."""
        self._is_over = True
        self.hold(set(self._lanes))

    def end_overdue(self) -> None:
        """End attempts that are far past their channel's deadline."""
        if self._is_closing:
            return  # Every one was ended, and nobody takes the place of its worker.
        for lane in self._lanes.values():
            lane.dispatcher.end_overdue()

    def cut_all(self) -> None:
        """End every attempt in flight."""
        for lane in self._lanes.values():
            lane.dispatcher.cut_all()

    async def close_all(self) -> None:
        """End every worker and channel; the committer still knows the lanes.

        All at once, each within its grace and ``CLOSE_S``: however many there are,
        everybody was told when this is over.
        """
        self._is_closing = True
        lanes = self._lanes.values()
        await asyncio.gather(*(one.close(CLOSE_S) for one in lanes), self._closed())

    async def _closed(self) -> None:
        """Wait for the lanes of runs that ended lately; cut short what takes long."""
        if self._closing:
            _, slow = await asyncio.wait(self._closing, timeout=CLOSE_S)
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    async def campaign(self, run_id: str) -> Campaign:
        """Return the campaign as it was frozen with the run.

        Raises:
            ConfigError: This Watchfloor cannot read it.
        """
        if run_id not in self._campaigns:
            text = await self._ask(campaign_text, run_id)
            self._campaigns[run_id] = checked_campaign(text, "the run's campaign")
        return self._campaigns[run_id]

    def _close(self, run_id: str) -> None:
        lane = self._lanes.pop(run_id, None)
        self._campaigns.pop(run_id, None)
        if lane is None:
            return
        # The committer forgets the run once its history is written; by then it must
        # know no lane of it. Nothing is in flight any more: the run has ended.
        self._committer.lanes.pop(run_id, None)
        # A channel that is slow to close must not hold up the gates of other runs.
        closing = asyncio.create_task(lane.close(), name=f"{run_id}-close")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _looked_again(self, ledger: Ledger, dispatcher: Dispatcher) -> bool:
        """Read suppression lists that changed; return whether the run may go on.

        Nobody is contacted without a list that the campaign names: the run is paused.
        """
        campaign = await self.campaign(ledger.run_id)
        try:
            lists = await self._committer.suppressions.lists_of(campaign.audience)
        except WatchfloorError as error:
            await self._submit(PauseItself(ledger.run_id, str(error)))
            return False
        asked = self._committer.suppressions.asked_with(lists)
        dispatcher.rules.is_suppressed = asked
        # While they were read, somebody may have closed the gate.
        standing = ledger.standing
        is_held = self._is_over or ledger.run_id in self._held
        return _may_go(standing) and not is_held

    async def _open(self, ledger: Ledger) -> OpenLane | None:
        """Open the channels; only then may the run be launched or go on.

        A channel that refuses its configuration ends a run that is not launched; one
        that is launched is paused with the reason, so that nobody is left out.
        """
        run_id = ledger.run_id
        try:
            campaign = await self.campaign(run_id)
            channels = await opened(campaign.steps, self._reach)
        except StoreError:
            raise
        except WatchfloorError as error:
            await self._submit(Unopened(run_id, str(error)))
            return None
        except Exception as error:  # noqa: BLE001 - a channel's bug ends one run
            why = self._around.survived(error)
            await self._submit(Unopened(run_id, why))
            return None
        try:
            lane = await self._built(ledger, campaign, channels)
        except WatchfloorError as error:
            await shut(channels)
            if isinstance(error, StoreError):
                raise
            await self._submit(Unopened(run_id, str(error)))
            return None
        except BaseException:
            # The engine stops: nobody else would close them.
            await shut(channels)
            raise
        self._lanes[run_id] = lane
        self._committer.lanes[run_id] = lane.dispatcher
        return lane

    def _reach(self) -> Reach:
        """Return whom webhooks may contact now, as the file last could be used."""
        return self._committer.workspace.last_known().reach

    async def _built(
        self, ledger: Ledger, campaign: Campaign, channels: tuple[Channel, ...]
    ) -> OpenLane:
        run_id = ledger.run_id
        columns = await self._ask(column_names, run_id)
        lists = await self._committer.suppressions.lists_of(campaign.audience)
        rules = rules_of(
            campaign,
            columns,
            channels,
            self._breakers,
            suppressions=self._committer.suppressions,
            lists=lists,
            zones_of=self._zones,
            is_retry=ledger.cohort > 0,
        )
        rules.reached = ledger.reached
        plan = Plan(
            run_id=run_id,
            family_id=ledger.family_id,
            steps=step_lanes(run_id, campaign, channels, self._throttles),
            columns=columns,
        )
        dispatcher = Dispatcher(
            plan,
            rules,
            self._around,
            self._wake,
            self._committer.proof,
            late=self._committer.late,
            permits=ledger.permits,
            rate_per_s=ledger.rate_per_s,
        )
        return OpenLane(dispatcher, channels)

    def _zones(self, zone_no: int) -> Zones:
        """Return a set of zones. Asked within a transaction, on its thread."""
        names = self._committer.asked(zone_names, zone_no)
        return tuple(ZoneInfo(name) for name in names)

    async def _ask(self, question: Callable[[Any, str], T], run_id: str) -> T:
        return await self._submit(lambda tx: question(tx.connection, run_id))


def _may_go(standing: Standing) -> bool:
    """Whether attempts may start; of a doomed run nobody is contacted any more."""
    return may_call_back(standing.lifecycle) and not standing.is_doomed


def _needs_lane(standing: Standing) -> bool:
    run = standing.lifecycle
    if standing.is_doomed:
        return False
    if run.phase is Phase.QUEUED:
        admits = run.intake is Intake.DONE or (
            run.mode is Mode.STREAMING and run.intake is Intake.FILTERING
        )
        is_free = run.intent is None and not standing.waits
        return admits and is_free and standing.eligible > 0
    return may_call_back(run)
