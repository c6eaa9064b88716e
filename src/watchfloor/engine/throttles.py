"""What several runs share at once: permits and pace of a channel and of the workspace.

Everything here lives on the engine's one loop. A run goes through a ``Line``: it enters
all of its throttles together or none, so that nobody holds one limit's permit, or saves
up one limit's pace, while waiting for another. Lines that wait take turns.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable

from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.pacing import Bucket, lead, opened, refilled, reopened, take
from watchfloor.domain.permits import window


class Throttle:
    """One limit: permits, a pace, both or none. It may change while attempts fly.

    Attributes:
        in_use: Attempts that entered and have not left; counted without limits too, so
            that one set later knows what is in flight.
        waiting: Attempts that wait, here or at another throttle of their line.
        granted: Those that were let in from there and whose task did not run since.
        lines: Those that are open or have attempts in flight.
        turns: Those that wait, whose turn is next first.
        bucket: The pace's; None without one.
    """

    def __init__(
        self,
        permits: int | None,
        rate_per_s: float | None,
        monotonic_s: Callable[[], float],
    ) -> None:
        self.permits: int | None = None
        self.rate_per_s: float | None = None
        self.in_use = 0
        self.waiting = 0
        self.granted = 0
        self.lines: dict[Line, None] = {}
        self.turns: dict[Line, None] = {}
        self._monotonic_s = monotonic_s
        self.bucket: Bucket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.set(permits, rate_per_s)

    @property
    def is_full(self) -> bool:
        """Whether every permit is in use."""
        return self.permits is not None and self.in_use >= self.permits

    @property
    def is_open_to_all(self) -> bool:
        """Whether nobody waits before whoever comes.

        A permit goes to who waits for it the moment it is given back, so where one is
        free nobody waits for it. A token may be there before its timer rings.
        """
        return self.rate_per_s is None or not self.turns

    def set(self, permits: int | None, rate_per_s: float | None) -> None:
        """Change the limits at once; no attempt in flight is cut.

        More permits or a faster pace let waiting attempts in before this returns; with
        fewer permits nobody enters until enough have left. Wake the committing thread
        afterwards: there may be room for more intents.

        Raises:
            ValueError: Nothing could ever enter; nothing was changed.
        """
        if any(one is not None and one <= 0 for one in (permits, rate_per_s)):
            msg = f"{permits} permits and {rate_per_s} per second let nothing through"
            raise ValueError(msg)
        self.permits = permits
        if rate_per_s != self.rate_per_s:
            self.rate_per_s = rate_per_s
            self.bucket = self._bucket_at(rate_per_s)
            self.disarm()
        self.serve()

    def free(self) -> int | None:
        """Return how many more could enter now; None for any number. Any thread."""
        permits, rate = self.permits, self.rate_per_s
        most = [] if permits is None else [permits - self.in_use - self.waiting]
        if rate is not None:
            most.append(lead(rate) - self.waiting)
        return max(0, min(most)) if most else None

    def room(self, line: Line, unfinished: int) -> int | None:
        """Return how many more intents of *line* may be stored; None for any number.

        All runs together store no more than the window of the shared permits, but each
        may have its equal part of it: whoever came first shrinks to that. Any thread.
        """
        permits, rate = self.permits, self.rate_per_s
        if permits is None and rate is None:
            return None
        others_waiting = self.waiting - line.waiting
        rooms: list[int] = []
        if permits is not None:
            whole = window(permits, line.delivery)
            others = self.in_use - line.in_use + others_waiting
            part = math.ceil(whole / max(1, len(self.lines)))
            rooms.append(max(whole - others, part) - unfinished)
        if rate is not None:
            ahead = unfinished - line.in_use
            rooms.append(max(1, lead(rate) - others_waiting) - ahead)
        return min(rooms)

    def holders(self) -> dict[str, int]:
        """Return how many attempts each run has in flight here, most first."""
        held = Counter[str]()
        for line in self.lines:
            held[line.run_id] += line.in_use
        return dict((+held).most_common())

    def serve(self) -> None:
        """Let in whoever waits and may enter, one of each line in turn."""
        while self.turns and not self.is_full:
            for line in self.turns:
                if line.took_its_turn():
                    break  # the turns changed
            else:
                return

    def paced(self) -> Bucket | None:
        """Return the bucket with one token taken, to be kept; None: not yet.

        A timer then serves who waits once the token is there.
        """
        if self.bucket is None or self._timer is not None:
            return None
        taken, wait_s = take(self.bucket, self._monotonic_s(), self.granted)
        if wait_s <= 0:
            return taken
        if self.turns:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait_s, self._ring)
        return None

    def use(self) -> None:
        """Count as started what was let in from its place in the queue.

        Its token is taken at this moment, not when its task was woken.
        """
        if self.bucket is not None:
            self.bucket = refilled(self.bucket, self._monotonic_s(), self.granted)
        self.granted -= 1

    def give_back(self) -> None:
        """Give back the token of an attempt that did not start."""
        if (kept := self.bucket) is not None:
            tokens = min(kept.burst, kept.tokens + 1.0)
            self.bucket = Bucket(kept.rate_per_s, tokens, kept.at_s)
            self.disarm()

    def disarm(self) -> None:
        """Stop waiting for a token: nobody wants it, or it comes at another time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self.serve()

    def _bucket_at(self, rate_per_s: float | None) -> Bucket | None:
        if rate_per_s is None:
            return None
        now_s = self._monotonic_s()
        if self.bucket is None:
            return opened(rate_per_s, now_s)
        # What was spent at the old pace stays spent, or changing it would outrun both.
        return Bucket(rate_per_s, reopened(self.bucket, now_s).tokens, now_s)


class Line:
    """One run's way through its throttles, all at once; and its gate there.

    Attributes:
        delivery: What the channel promises: how far ahead intents may be stored.
        in_use: Attempts of this line that entered and have not left.
        waiting: Attempts of this line that wait.
        is_open: Nobody enters a closed line. It is closed at first.
    """

    def __init__(
        self, run_id: str, throttles: tuple[Throttle, ...], delivery: Delivery
    ) -> None:
        self.run_id = run_id
        self.delivery = delivery
        self.in_use = 0
        self.waiting = 0
        self.is_open = False
        self._throttles = throttles
        self._queue: deque[asyncio.Future[bool]] = deque()

    def open(self) -> None:
        """Let attempts enter."""
        self.is_open = True
        for throttle in self._throttles:
            throttle.lines[self] = None

    def close(self) -> None:
        """Let nobody enter any more; who waits gives up, having taken nothing."""
        self.is_open = False
        given_up, self._queue = self._queue, deque()
        self._count_waiting(-self.waiting)
        for place in given_up:
            if not place.done():
                place.set_result(False)
        self._unqueue()
        self._forget_if_over()

    async def enter(self) -> bool:
        """Wait until every throttle lets one attempt in.

        Returns:
            Whether it entered and the gate is open at this very moment; then ``leave``
            once it ended. Otherwise the gate closed and nothing was taken.
        """
        if self.entered_at_once():
            return True
        if not self.is_open:
            return False
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self._count_waiting(1)
        for throttle in self._throttles:
            throttle.turns.setdefault(self)
        # A pace may have its next token already; if not, its timer must run.
        self._throttles[0].serve()
        return await self._until_in(place)

    def entered_at_once(self) -> bool:
        """Enter if nobody has to be waited for; return whether that was so."""
        return self.is_open and self._entered(is_in_turn=False)

    def leave(self) -> None:
        """Give back an attempt's permits: it ended."""
        self.in_use -= 1
        for throttle in self._throttles:
            throttle.in_use -= 1
        for throttle in self._throttles:
            if throttle.turns:
                throttle.serve()
        self._forget_if_over()

    def withdraw(self) -> None:
        """Give back an entry that was not used: permits and pace."""
        for throttle in self._throttles:
            throttle.give_back()
        self.leave()

    def room(self, unfinished: int) -> int | None:
        """Return how many more intents may be stored; None for any number. Any thread.

        A line with nothing ahead may always have one: else nobody would wait for a
        limit that is full, and get its turn. Where this is a number, wake the
        committing thread when an attempt entered, not only when one ended.
        """
        asked = (throttle.room(self, unfinished) for throttle in self._throttles)
        least = min((room for room in asked if room is not None), default=None)
        return None if least is None else max(least, 1 - (unfinished - self.in_use))

    def took_its_turn(self) -> bool:
        """Let in the first who waits if every throttle has room. For ``Throttle``.

        Returns:
            Whether the turns changed: one entered, or nobody of this line waits.
        """
        while self._queue and self._queue[0].done():
            # Cancelled, and its task has not run yet to say so.
            self._drop(self._queue[0])
        if self._queue:
            if not self._entered(is_in_turn=True):
                return False
            place = self._queue[0]
            self._drop(place)
            place.set_result(True)
            for throttle in self._throttles:
                throttle.granted += 1
        for throttle in self._throttles:
            if self._queue:  # behind the others
                del throttle.turns[self]
                throttle.turns[self] = None
        return True

    def _entered(self, *, is_in_turn: bool) -> bool:
        """Take of every throttle, or of none."""
        for throttle in self._throttles:
            if throttle.is_full or not (is_in_turn or throttle.is_open_to_all):
                return False
        taken: list[tuple[Throttle, Bucket]] = []
        for throttle in self._throttles:
            if throttle.rate_per_s is not None:
                bucket = throttle.paced()
                if bucket is None:
                    return False
                taken.append((throttle, bucket))
        for throttle, bucket in taken:
            throttle.bucket = bucket
        for throttle in self._throttles:
            throttle.in_use += 1
        self.in_use += 1
        return True

    async def _until_in(self, place: asyncio.Future[bool]) -> bool:
        try:
            entered = await place
        except asyncio.CancelledError:
            if not place.cancelled() and place.done() and place.result():
                self._use()
                self.withdraw()
            elif place in self._queue:
                self._drop(place)
            raise
        if entered:
            self._use()
        if entered and not self.is_open:
            # Let in, and the gate closed before the task could run.
            self.withdraw()
            return False
        return entered

    def _use(self) -> None:
        for throttle in self._throttles:
            throttle.use()

    def _drop(self, place: asyncio.Future[bool]) -> None:
        self._queue.remove(place)
        self._count_waiting(-1)
        if not self._queue:
            self._unqueue()

    def _count_waiting(self, count: int) -> None:
        self.waiting += count
        for throttle in self._throttles:
            throttle.waiting += count

    def _unqueue(self) -> None:
        for throttle in self._throttles:
            throttle.turns.pop(self, None)
            if not throttle.turns:
                throttle.disarm()

    def _forget_if_over(self) -> None:
        if not self.is_open and not self.in_use:
            for throttle in self._throttles:
                throttle.lines.pop(self, None)
