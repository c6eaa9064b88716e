"""Attempts in flight: since when, which were cut, and which their channel keeps."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

from watchfloor.domain.outcomes import Outcome, OutcomeClass
from watchfloor.engine.lane_plan import StepLane
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.writes.attempts import Claimed

#: Beyond a channel's own deadline, before the engine ends the attempt itself; and so
#: long again, before it goes on without the channel's word.
GRACE_S: Final = 5.0


class Flight(NamedTuple):
    """One attempt that began; by the wall clock at ``started_at_ms``."""

    since_s: float
    started_at_ms: int
    claimed: Claimed
    step: StepLane


#: The same, without a name for its parts: one is made for every attempt.
_Began = tuple[float, int, Claimed, StepLane]


class Flights:
    """The attempts of one dispatcher, each in the task of its worker."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._flying: dict[asyncio.Task[None], _Began] = {}
        self._cut_at_s: dict[asyncio.Task[None], float] = {}

    def __len__(self) -> int:
        return len(self._flying)

    def begin(self, task: asyncio.Task[None], claimed: Claimed, step: StepLane) -> int:
        """Note an attempt that begins in a task; return when, by the wall clock."""
        now_ms = self._around.now_ms()
        self._flying[task] = (self._around.monotonic_s(), now_ms, claimed, step)
        return now_ms

    def end(self, task: asyncio.Task[None]) -> bool:
        """Note that it ended; return whether it was not given up before."""
        if self._cut_at_s:
            self._cut_at_s.pop(task, None)
        return self._flying.pop(task, None) is not None

    def was_cut(self, task: asyncio.Task[None]) -> bool:
        """Whether the engine itself ended what flies in a task; or gave it up."""
        return task in self._cut_at_s or task not in self._flying

    def cut_overdue(self) -> None:
        """End attempts that are far past their channel's own deadline."""
        limit = self._around.monotonic_s() - GRACE_S
        for task, (since_s, _, _, step) in self._flying.items():
            if since_s < limit - step.channel.deadline_s:
                self._cut(task)

    def cut_all(self) -> None:
        """End every attempt; each becomes ambiguous, never a guess."""
        for task in self._flying:
            self._cut(task)

    def give_up(self) -> list[Flight]:
        """Return attempts that their channel kept although they were cut, and forget.

        Their tasks are the channel's: whatever it says of them later comes too late.
        """
        limit = self._around.monotonic_s() - GRACE_S
        kept = [task for task, at_s in self._cut_at_s.items() if at_s < limit]
        for task in kept:
            del self._cut_at_s[task]
        return [Flight(*self._flying.pop(task)) for task in kept]

    def _cut(self, task: asyncio.Task[None]) -> None:
        """End one attempt, once: its channel may need a while to let go."""
        if task not in self._cut_at_s:
            self._cut_at_s[task] = self._around.monotonic_s()
            task.cancel()


#: An attempt that the engine ended: what the provider did with it is not known.
CUT_OFF: Final = Outcome(
    outcome_class=OutcomeClass.AMBIGUOUS,
    code="cut_off",
    detail="the channel did not answer within its deadline",
)


def kept_by(step: StepLane) -> Outcome:
    """Return the outcome of an attempt that a channel keeps although it was ended.

    It blames the run: a channel that does so for some records would for more.
    """
    told = (
        f"channel {step.channel_name} of step {step.name} does not let go of what was "
        "ended"
    )
    return Outcome(
        outcome_class=OutcomeClass.AMBIGUOUS,
        code="not_let_go",
        detail=f"{told}; whether it sends it yet is not known",
        run_fault=f"{told}: its code swallows the cancellation",
        is_kept=True,
    )
