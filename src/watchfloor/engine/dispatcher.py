"""A launched run on the engine's loop: long-lived workers over committed intents.

Nothing here writes or decides what becomes of a record. A worker takes an intent that
is committed, waits for the pace, looks at the gate once more, and only then lets the
channel send.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, cast

from watchfloor.domain.identity import dedupe_key
from watchfloor.domain.outcomes import Dispatch, Outcome
from watchfloor.domain.permits import window
from watchfloor.domain.text import clean
from watchfloor.engine.booking import Finished
from watchfloor.engine.flights import (
    CUT_OFF,
    GRACE_S,
    Flights,
    kept_by,
)
from watchfloor.engine.lane_plan import Plan
from watchfloor.engine.late_answers import Late
from watchfloor.engine.letting_go import leave
from watchfloor.engine.pace import Pace
from watchfloor.engine.proof import Proof
from watchfloor.engine.rules import Rules
from watchfloor.engine.soundness import faulty, sound
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.throttles import Line
from watchfloor.store.writes.attempts import Claimed

log = logging.getLogger(__name__)

#: Outcomes wait so long for company before they are stored.
GROUP_DELAY_S: Final = 0.002


class Dispatcher:
    """One run's lane between the committer and its channel.

    Attributes:
        finished: Outcomes to be stored; the committer takes them.
        released: Intents to be taken back unsent; the committer takes them.
    """

    def __init__(  # noqa: PLR0913 - the last ones are named
        self,
        plan: Plan,
        rules: Rules,
        around: Surroundings,
        wake: Callable[[], None],
        proof: Proof,
        *,
        late: deque[Late],
        permits: int,
        rate_per_s: float | None,
    ) -> None:
        self.run_id = plan.run_id
        self.rules = rules
        self.finished: deque[Finished] = deque()
        self.released: deque[Claimed] = deque()
        self._plan = plan
        self._around = around
        self._wake = wake
        self._proof = proof
        self._late = late
        self._lines = plan.lines
        self._pace = Pace(rate_per_s, around.monotonic_s)
        # Of a paced run one attempt at a time asks each way for a permit.
        self._turns = {line: asyncio.Lock() for line in plan.lines}
        self._permits = 0
        self._surplus = 0
        self._loop = asyncio.get_running_loop()
        self._is_open = False
        # Whether a shared limit kept intents back when room was last asked for.
        self._is_shared = False
        self._is_closing = False
        self._is_calling = False
        self._in_hand = 0
        self._ready: deque[Claimed] = deque()
        self._parked: deque[asyncio.Future[None]] = deque()
        self._flights = Flights(around)
        self._timer: asyncio.TimerHandle | None = None
        self._workers: set[asyncio.Task[None]] = set()
        self._staff(permits)

    @property
    def is_open(self) -> bool:
        """Whether attempts may start."""
        return self._is_open

    @property
    def is_drained(self) -> bool:
        """Nothing is in flight and nothing waits to be stored."""
        here = self._flights or self._ready or self._in_hand
        return not (here or self.finished or self.released)

    @property
    def in_flight(self) -> int:
        """How many attempts have no outcome yet; see ``finished`` for the others."""
        return len(self._flights)

    def room(self, unfinished: int) -> int:
        """Return how many more intents may be stored now. Any thread."""
        if not self._is_open:
            return 0
        room = self._window - unfinished
        lead = self._pace.lead()
        if lead is not None:
            # What is not with the channel waits for its time, wherever it is.
            room = min(room, lead - (unfinished - len(self._flights)))
        shared = self._shared_room(unfinished)
        self._is_shared = shared is not None
        return room if shared is None else min(room, shared)

    def _shared_room(self, unfinished: int) -> int | None:
        """Return what the shared limits leave; None where they leave any number.

        Of several channels the widest decides: what the run has under way elsewhere
        does not count against one, and one that is full must not stop the others.
        """
        if len(self._lines) == 1:
            return self._lines[0].room(unfinished)
        rooms = [line.room(line.in_use + line.waiting) for line in self._lines]
        known = [one for one in rooms if one is not None]
        return max(known) if len(known) == len(rooms) else None

    def set_limits(self, permits: int, rate_per_s: float | None) -> None:
        """Change the run's own limits at once; no attempt in flight is cut."""
        if permits != self._permits:
            self._staff(permits)
        if rate_per_s != self._pace.rate_per_s:
            self._pace.set(rate_per_s)
        self._wake()

    def receive(self, claimed: Sequence[Claimed]) -> None:
        """Take committed intents. Called on the committing thread."""
        self._loop.call_soon_threadsafe(self._take, claimed)

    def hold(self) -> None:
        """Close the gate: no attempt starts after this returns. What is ready goes."""
        self._is_open = False
        self._pace.close()
        for line in self._lines:
            line.close()
        self._give_back()

    def resume(self) -> None:
        """Open the gate; what the pace allowed meanwhile is lost: nothing bursts."""
        if self._is_open:
            return
        self._is_open = True
        self._pace.open()
        for line in self._lines:
            line.open()
        self._wake()

    def end_overdue(self) -> None:
        """End attempts that are far past the channel's own deadline.

        Those that their channel does not let go of even then are unknown. Their permits
        are free, and their workers lost: others take their place.
        """
        self._flights.cut_overdue()
        for flight in self._flights.give_up():
            outcome = kept_by(flight.step)
            place = (self.run_id, flight.claimed.seq)
            log.warning("run %s, record %d: %s", *place, clean(outcome.detail))
            flight.step.line.leave()
            self._hire()
            self._end(flight.claimed, flight.started_at_ms, outcome)

    def cut_all(self) -> None:
        """End every attempt in flight; each becomes ambiguous, never a guess."""
        self._flights.cut_all()

    async def close(self) -> None:
        """End the workers; what they hold unsent is given back first."""
        self.hold()
        self._is_closing = True
        for worker in self._workers:
            worker.cancel()
        # A channel that will not let go keeps its task, never the whole engine.
        if self._workers:
            _, kept = await asyncio.wait(self._workers, timeout=GRACE_S)
            for worker in kept:
                leave(worker)
        if self._timer is not None:
            self._timer.cancel()

    def _staff(self, permits: int) -> None:
        """Have as many workers as permits; who is surplus goes when it is idle."""
        self._surplus += self._permits - permits
        self._permits = permits
        self._window = window(permits, self._plan.delivery)
        self._group = max(1, self._window // 2)
        while self._surplus < 0:
            self._surplus += 1
            self._hire()
        for parked in list(self._parked)[: self._surplus]:
            self._parked.remove(parked)
            parked.set_result(None)

    def _hire(self) -> None:
        worker = self._loop.create_task(self._work(), name=self.run_id)
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

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
        # A coroutine that runs has a task.
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while True:
            while not self._ready or self._surplus > 0:
                if self._surplus > 0:
                    self._surplus -= 1
                    self._call_one()
                    return
                parked = self._loop.create_future()
                self._parked.append(parked)
                await parked
                self._is_calling = False
            claimed = self._ready.popleft()
            self._in_hand += 1
            self._call_one()
            line = self._plan.steps[claimed.step].line
            # Most attempts have nothing to wait for, and need no coroutine to find out.
            is_in = self._pace.rate_per_s is None and line.entered_at_once()
            if not is_in:
                is_in = await self._entered(claimed, line)
            self._in_hand -= 1
            if not is_in or not self._may_start(claimed, line):
                self.released.append(claimed)
                self._wake()
                continue
            if not await self._attempt(task, claimed):
                return

    async def _entered(self, claimed: Claimed, line: Line) -> bool:
        """Wait for pace and permits; return whether the attempt got them."""
        try:
            if self._pace.rate_per_s is None:
                return await self._entered_in_time(line)
            async with self._turns[line]:
                return await self._entered_in_time(line)
        except asyncio.CancelledError:
            self._in_hand -= 1
            self.released.append(claimed)
            raise

    async def _entered_in_time(self, line: Line) -> bool:
        """Enter the shared limits once the run's own pace allows an attempt.

        The pace is taken as the attempt starts, not before it waits for others: what
        was allowed one by one meanwhile would start all at once. And it is waited for
        first, so that nothing shared is held, or queued for, by who may not start.
        """
        while True:
            await self._pace.wait()
            if not await line.enter():
                return False
            if self._pace.took():
                return True
            # Another step of the run started an attempt meanwhile.
            line.withdraw()

    def _may_start(self, claimed: Claimed, line: Line) -> bool:
        """Look once more before the first byte; what may not start gives way.

        Between the commit of an intent and its turn the gate may have closed, the
        window may have, and the contact may have opted out or been reached by an
        earlier run after all. Or this process stood still, and somebody else owns the
        workspace by now.
        """
        is_full = len(self._flights) >= self._permits
        may = self._is_open and not is_full and not self._proof.is_old()
        if may and not self._must_not(claimed):
            return True
        line.withdraw()
        return False

    def _must_not(self, claimed: Claimed) -> bool:
        rules = self.rules
        if rules.has_opted_out(claimed.digest):
            return True
        if claimed.seq in rules.reached:
            # Whether that is stored, the store is asked as it takes the intent back.
            rules.reached.discard(claimed.seq)
            return True
        openings = rules.openings
        if openings is None:
            return False
        return not openings.is_open(claimed.zone_no, self._around.now_ms())

    async def _attempt(self, task: asyncio.Task[None], claimed: Claimed) -> bool:
        """Make an attempt; return whether its worker still is one: see ``give_up``."""
        step = self._plan.steps[claimed.step]
        started_at_ms = self._flights.begin(task, claimed, step)
        if self._is_limited and not self._ready:
            self._wake()
        try:
            outcome = sound(await step.channel.deliver(self._dispatch(claimed)))
        except asyncio.CancelledError:
            if self._is_closing:
                raise
            # Cut by the engine, or by something inside the channel: not a worker's end.
            was_cut = self._flights.was_cut(task)
            outcome = CUT_OFF if was_cut else faulty("it was cancelled from inside")
        except Exception as error:  # noqa: BLE001 - a channel's bug is an outcome
            outcome = faulty(self._around.survived(error))
        finally:
            is_ours = self._flights.end(task)
            if is_ours:
                step.line.leave()
        if not is_ours:
            self._tell_late(claimed, started_at_ms, outcome)
            return False
        while task.cancelling() and not self._is_closing:
            task.uncancel()
        self._end(claimed, started_at_ms, outcome)
        # Whoever was told to end, and was not heard by the channel, ends with it.
        return not self._is_closing

    def _end(self, claimed: Claimed, started_at_ms: int, outcome: Outcome) -> None:
        ended_at_ms = self._around.now_ms()
        self._finish(Finished(claimed, started_at_ms, ended_at_ms, outcome))

    def _tell_late(
        self, claimed: Claimed, started_at_ms: int, outcome: Outcome
    ) -> None:
        """Have it told what became of an attempt that is accounted for already."""
        word, code = outcome.outcome_class.word, clean(outcome.code)
        told = (self.run_id, claimed.seq, word, code)
        log.warning("run %s, record %d was let go too late: %s, %s", *told)
        ended_at_ms = self._around.now_ms()
        finished = Finished(claimed, started_at_ms, ended_at_ms, outcome)
        self._late.append(Late(self.run_id, finished))
        self._wake()

    def _dispatch(self, claimed: Claimed) -> Dispatch:
        plan = self._plan
        step = plan.steps[claimed.step].name
        return Dispatch(
            key=dedupe_key(
                plan.family_id,
                step,
                bytes.fromhex(claimed.digest),
                claimed.generation,
            ),
            contact=claimed.contact,
            fields=dict(zip(plan.columns, claimed.values, strict=False)),
            number=claimed.attempts + 1,
            run_id=plan.run_id,
            seq=claimed.seq,
            step=step,
        )

    @property
    def _is_limited(self) -> bool:
        """Whether intents are stored no further ahead than attempts start."""
        return self._is_shared or self._pace.rate_per_s is not None

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
