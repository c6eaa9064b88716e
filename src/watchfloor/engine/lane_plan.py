"""What the lane of a run is made of; nothing of it changes while it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from watchfloor.channels.base import Channel
from watchfloor.domain.outcomes import Delivery
from watchfloor.engine.throttles import Line


class StepLane(NamedTuple):
    """One step of the strategy: its open channel, and its way to a permit."""

    name: str
    channel_name: str
    channel: Channel
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a dispatcher needs to know of its run; nothing of it changes."""

    run_id: str
    family_id: str
    steps: tuple[StepLane, ...]
    columns: tuple[str, ...]

    @property
    def delivery(self) -> Delivery:
        """What the channels promise; of several the strictest."""
        promises = {step.channel.delivery for step in self.steps}
        if Delivery.AT_MOST_ONCE in promises:
            return Delivery.AT_MOST_ONCE
        return Delivery.IDEMPOTENT

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every way to a permit, once."""
        return tuple(dict.fromkeys(step.line for step in self.steps))
