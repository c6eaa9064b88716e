"""One run's way to its recipients: a dispatcher and an open channel for every step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from watchfloor.channels.base import Channel
from watchfloor.channels.replies import snake_case
from watchfloor.domain.auto_pause import RecentOutcomes
from watchfloor.domain.breaker import Breaker
from watchfloor.domain.campaign import Campaign, CampaignStep
from watchfloor.domain.reach import Reach
from watchfloor.domain.text import clean
from watchfloor.engine.campaigns import channel_for, strategy_of
from watchfloor.engine.dispatcher import Dispatcher
from watchfloor.engine.lane_plan import StepLane
from watchfloor.engine.letting_go import leave
from watchfloor.engine.openings import Openings, Zones
from watchfloor.engine.rules import Rules
from watchfloor.engine.shared_limits import Throttles
from watchfloor.engine.suppressions import Suppressions
from watchfloor.engine.throttles import Line
from watchfloor.intake.suppression_file import SuppressionList

log = logging.getLogger(__name__)

#: A channel that takes longer to open or close is taken to be broken.
OPEN_S = 30.0
#: Where the engine ends, and somebody was told when, all of them get so long to close.
CLOSE_S: Final = 5.0


class OpenLane(NamedTuple):
    """A dispatcher with the channels it sends through."""

    dispatcher: Dispatcher
    channels: tuple[Channel, ...]

    async def close(self, within_s: float = OPEN_S) -> None:
        """End the workers, then the channels; see ``shut``."""
        await self.dispatcher.close()
        await shut(self.channels, within_s)


async def opened(
    steps: Sequence[CampaignStep], reach: Callable[[], Reach]
) -> tuple[Channel, ...]:
    """Open the channel of every step, or none.

    Args:
        steps: Of one campaign.
        reach: Returns whom they may contact now.

    Raises:
        WatchfloorError: One refuses its configuration, or does not open in time.
    """
    channels: list[Channel] = []
    try:
        for step in steps:
            channel = channel_for(step, reach)
            async with asyncio.timeout(OPEN_S):
                await channel.__aenter__()
            channels.append(channel)
    except BaseException:
        await shut(channels)
        raise
    return tuple(channels)


async def shut(channels: Sequence[Channel], within_s: float = OPEN_S) -> None:
    """Close channels; one that cannot be closed is told to the log and left.

    Args:
        channels: Each closes beside the others.
        within_s: How long all of them get together, whether they listen or not.
    """
    closing = [asyncio.create_task(_shut(one)) for one in channels]
    if not closing:
        return
    try:
        await asyncio.wait(closing, timeout=within_s)
    finally:
        for task in closing:
            if not task.done():
                log.warning("a channel did not close: it takes too long")
                leave(task)


async def _shut(channel: Channel) -> None:
    try:
        await channel.__aexit__(None, None, None)
    except Exception as error:  # noqa: BLE001 - a channel's bug must not end others
        log.warning("a channel did not close: %s", clean(repr(error)))


def step_lanes(
    run_id: str,
    campaign: Campaign,
    channels: Sequence[Channel],
    throttles: Throttles,
) -> tuple[StepLane, ...]:
    """Return the steps of a run; those of one channel share their way to permits."""
    lines: dict[str, Line] = {}
    steps = []
    for step, channel in zip(campaign.steps, channels, strict=True):
        if step.channel not in lines:
            shared = throttles.for_channel(step.channel)
            lines[step.channel] = Line(run_id, shared, channel.delivery)
        line = lines[step.channel]
        steps.append(StepLane(step.name, step.channel, channel, line))
    return tuple(steps)


class Breakers:
    """One breaker per target, shared by every run that goes through it."""

    def __init__(self) -> None:
        self._known: dict[str, Breaker] = {}

    def of(self, step: CampaignStep, channel: Channel) -> Breaker:
        """Return the breaker of what a step sends through.

        A channel without a target shares nothing that could fail for others too.
        """
        if not channel.target:
            return Breaker(f"step {step.name}")
        target = f"{step.channel} {channel.target}"
        return self._known.setdefault(target, Breaker(target))


def rules_of(  # noqa: PLR0913 - the last ones are named
    campaign: Campaign,
    columns: Sequence[str],
    channels: Sequence[Channel],
    breakers: Breakers,
    *,
    suppressions: Suppressions,
    lists: Sequence[SuppressionList],
    zones_of: Callable[[int], Zones],
    is_retry: bool,
) -> Rules:
    """Return what a campaign asks of every transaction.

    Raises:
        ConfigError: A step's ``when`` names a column that the upload lacks.
    """
    guard, window = campaign.guard, campaign.window
    steps = campaign.steps
    return Rules(
        policies=tuple(step.retry for step in steps),
        breakers=tuple(
            breakers.of(step, channel)
            for step, channel in zip(steps, channels, strict=True)
        ),
        breaker_after=guard.breaker_after,
        answers=tuple(_answers(step) for step in steps),
        retry_share=campaign.limits.retry_share,
        promise_ms=campaign.callback_expire_ms,
        is_suppressed=suppressions.asked_with(lists),
        has_opted_out=suppressions.has_opted_out,
        openings=None
        if window is None
        else Openings(window, _placed(campaign, zones_of)),
        strategy=strategy_of(campaign, columns, is_retry=is_retry),
        recent=None if guard.pause_when is None else RecentOutcomes(guard.pause_when),
    )


def _answers(step: CampaignStep) -> frozenset[str]:
    """Return the codes by which the provider speaks of the recipient, not of itself."""
    codes = step.settings.get("codes")
    if not isinstance(codes, dict):
        return frozenset()
    folded = {snake_case(str(code)) for code in codes}
    # A mail server's codes are stored under the channel's name.
    return frozenset(folded | {f"{step.channel}_{code}" for code in folded})


def _placed(
    campaign: Campaign, zones_of: Callable[[int], Zones]
) -> Callable[[int], Zones]:
    window = campaign.window
    if window is None or campaign.is_by_recipient:
        return zones_of
    zone = ZoneInfo(window.zone)
    return lambda _: (zone,)
