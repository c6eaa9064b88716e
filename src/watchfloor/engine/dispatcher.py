"""A launched run on the engine's loop: long-lived workers over committed intents.

Nothing here writes or decides what becomes of a record. A worker takes an intent that
is committed, waits for the pace, looks at the gate once more, and only then lets the
channel send.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from watchfloor.channels.base import Channel
from watchfloor.domain.campaign import Limits
from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import Dispatch, Outcome, OutcomeClass
from watchfloor.domain.pacing import Bucket, opened, reopened, take
from watchfloor.domain.permits import window
from watchfloor.domain.retries import RetryPolicy
from watchfloor.engine.handing_out import Finished
from watchfloor.engine.soundness import faulty, sound
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.writes.attempts import Claimed

#: Outcomes wait so long for company before they are stored.
GROUP_DELAY_S: Final = 0.002
#: Of a paced run, intents are stored so far ahead of their time and no further.
PACE_LEAD_S: Final = 0.25
#: Beyond a channel's own deadline, before the engine ends the attempt itself.
GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a dispatcher needs to know of its run; nothing of it changes."""

    run_id: str
    family_id: str
    step: str
    columns: tuple[str, ...]
    policy: RetryPolicy
    limits: Limits


class Dispatcher:
    """One run's lane between the committer and its channel.

    Attributes:
        finished: Outcomes to be stored; the committer takes them.
        released: Intents to be taken back unsent; the committer takes them.
    """

    def __init__(
        self,
        plan: Plan,
        channel: Channel,
        around: Surroundings,
        wake: Callable[[], None],
    ) -> None:
        self.run_id = plan.run_id
        self.policy = plan.policy
        self.retry_share = plan.limits.retry_share
        self.finished: deque[Finished] = deque()
        self.released: deque[Claimed] = deque()
        self._plan = plan
        self._channel = channel
        self._around = around
        self._wake = wake
        self._window = window(plan.limits.permits, channel.delivery)
        self._group = max(1, self._window // 2)
        self._loop = asyncio.get_running_loop()
        self._is_open = False
        self._is_closing = False
        self._is_calling = False
        self._in_hand = 0
        self._ready: deque[Claimed] = deque()
        self._parked: deque[asyncio.Future[None]] = deque()
        self._flying: dict[asyncio.Task[None], tuple[float, Claimed]] = {}
        self._overdue: set[asyncio.Task[None]] = set()
        self._bucket: Bucket | None = None
        self._turn = asyncio.Lock()
        self._closed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._workers = [
            self._loop.create_task(self._work(), name=f"{plan.run_id}-{number}")
            for number in range(plan.limits.permits)
        ]

    @property
    def is_open(self) -> bool:
        """Whether attempts may start."""
        return self._is_open

    @property
    def in_flight(self) -> int:
        """Attempts that were handed to the channel and have not ended."""
        return len(self._flying)

    @property
    def is_drained(self) -> bool:
        """Nothing is in flight and nothing waits to be stored."""
        here = self._flying or self._ready or self._in_hand
        return not (here or self.finished or self.released)

    def room(self, unfinished: int) -> int:
        """Return how many more intents may be stored now. Any thread."""
        if not self._is_open:
            return 0
        room = self._window - unfinished
        rate = self._plan.limits.rate_per_s
        if rate is not None:
            # What is not with the channel waits for its time, wherever it is.
            ahead = unfinished - len(self._flying)
            room = min(room, max(1, math.ceil(rate * PACE_LEAD_S)) - ahead)
        return room

    def receive(self, claimed: Sequence[Claimed]) -> None:
        """Take committed intents. Called on the committing thread."""
        self._loop.call_soon_threadsafe(self._take, claimed)

    def hold(self) -> None:
        """Close the gate: no attempt starts after this returns. What is ready goes."""
        self._is_open = False
        self._closed.set()
        self._give_back()

    def resume(self) -> None:
        """Open the gate; what the pace allowed meanwhile is lost: nothing bursts."""
        if self._is_open:
            return
        self._is_open = True
        self._closed.clear()
        rate = self._plan.limits.rate_per_s
        if rate is not None:
            now_s = self._around.monotonic_s()
            self._bucket = (
                opened(rate, now_s)
                if self._bucket is None
                else reopened(self._bucket, now_s)
            )
        self._wake()

    def end_overdue(self) -> None:
        """End attempts that are far past the channel's own deadline."""
        limit = self._around.monotonic_s() - self._channel.deadline_s - GRACE_S
        for task, (since, _) in self._flying.items():
            if since < limit:
                self.cut(task)

    def cut_all(self) -> None:
        """End every attempt in flight; each becomes ambiguous, never a guess."""
        for task in list(self._flying):
            self.cut(task)

    def cut(self, task: asyncio.Task[None]) -> None:
        """End one attempt, once: its channel may need a while to let go."""
        if task not in self._overdue:
            self._overdue.add(task)
            task.cancel()

    async def close(self) -> None:
        """End the workers; what they hold unsent is given back first."""
        self.hold()
        self._is_closing = True
        for worker in self._workers:
            worker.cancel()
        # A channel that will not let go keeps its task, never the whole engine.
        await asyncio.wait(self._workers, timeout=GRACE_S)
        if self._timer is not None:
            self._timer.cancel()

    def _take(self, claimed: Sequence[Claimed]) -> None:
        self._ready.extend(claimed)
        if not self._is_open:
            self._give_back()
            return
        self._call_one()

    def _call_one(self) -> None:
        """Wake one worker; it calls the next. One that never has to wait takes all."""
        if self._ready and self._parked and not self._is_calling:
            self._is_calling = True
            self._parked.popleft().set_result(None)

    def _give_back(self) -> None:
        if self._ready:
            self.released.extend(self._ready)
            self._ready.clear()
            self._wake()

    async def _work(self) -> None:
        task = asyncio.current_task()
        if task is None:  # a coroutine that runs has a task
            return
        while True:
            while not self._ready:
                parked = self._loop.create_future()
                self._parked.append(parked)
                await parked
                self._is_calling = False
            claimed = self._ready.popleft()
            self._in_hand += 1
            self._call_one()
            if self._bucket is not None:
                await self._wait_for_pace(claimed)
            self._in_hand -= 1
            if not self._is_open:
                self.released.append(claimed)
                self._wake()
                continue
            await self._attempt(task, claimed)

    async def _wait_for_pace(self, claimed: Claimed) -> None:
        try:
            async with self._turn:
                while self._is_open and self._bucket is not None:
                    now = self._around.monotonic_s()
                    self._bucket, wait_s = take(self._bucket, now)
                    if wait_s <= 0:
                        break
                    # A gate that closes must not wait for a slow pace.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait_s):
                            await self._closed.wait()
        except asyncio.CancelledError:
            self._in_hand -= 1
            self.released.append(claimed)
            raise

    async def _attempt(self, task: asyncio.Task[None], claimed: Claimed) -> None:
        started_at_ms = self._around.now_ms()
        self._flying[task] = (self._around.monotonic_s(), claimed)
        if self._bucket is not None and not self._ready:
            self._wake()
        try:
            outcome = sound(await self._channel.deliver(self._dispatch(claimed)))
        except asyncio.CancelledError:
            if self._is_closing:
                raise
            # Cut by the engine, or by something inside the channel: not a worker's end.
            was_cut = task in self._overdue
            outcome = CUT_OFF if was_cut else faulty("it was cancelled from inside")
        except Exception as error:  # noqa: BLE001 - a channel's bug is an outcome
            outcome = faulty(f"{type(error).__name__}: {error}")
        finally:
            del self._flying[task]
            self._overdue.discard(task)
        while task.cancelling() and not self._is_closing:
            task.uncancel()
        self._finish(Finished(claimed, started_at_ms, self._around.now_ms(), outcome))

    def _dispatch(self, claimed: Claimed) -> Dispatch:
        plan = self._plan
        return Dispatch(
            key=dedupe_key(
                plan.family_id,
                plan.step,
                bytes.fromhex(claimed.digest),
                claimed.generation,
            ),
            contact=claimed.contact,
            fields=dict(zip(plan.columns, claimed.values, strict=False)),
            number=claimed.attempts + 1,
            run_id=plan.run_id,
            seq=claimed.seq,
            step=plan.step,
        )

    def _finish(self, finished: Finished) -> None:
        self.finished.append(finished)
        gathered = len(self.finished)
        if gathered >= self._group:
            self._wake()
        elif self._timer is None:
            self._timer = self._loop.call_later(GROUP_DELAY_S, self._store)

    def _store(self) -> None:
        self._timer = None
        self._wake()


#: An attempt that the engine ended: what the provider did with it is not known.
CUT_OFF: Final = Outcome(
    outcome_class=OutcomeClass.AMBIGUOUS,
    code="cut_off",
    detail="the channel did not answer within its deadline",
)
