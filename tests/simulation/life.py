"""One life of the engine: the product's own, stepped by the world until it dies.

Supervisor, lanes, dispatchers, limits, committer and recovery are the product's. Only
what waits for a clock is different: duties come when the world has something for them
instead of twenty times a second, and rounds run in the loop instead of on a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.loop import VirtualLoop
from tests.simulation.seams import CrashError
from tests.simulation.shapes import OWNER

from watchfloor.domain.errors import StoreError
from watchfloor.domain.lifecycle import may_call_back
from watchfloor.engine import jobs
from watchfloor.engine.commit_thread import CommitThread, OnFatal
from watchfloor.engine.committer import Committer
from watchfloor.engine.supervisor import HEARTBEAT_S, INBOX_S, Supervisor
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import _settled_in
from watchfloor.store.asks import MostOf, however_many
from watchfloor.store.handle import Handle
from watchfloor.store.inbox import Command, Inbox
from watchfloor.store.layout import Layout


class PaperInbox(Inbox):
    """What was asked and not yet taken; it outlives every engine."""

    def __init__(self) -> None:
        self.asked: list[Command] = []

    def owners(self) -> list[Command]:
        return list(self.asked)

    def others(self, _: MostOf = however_many) -> list[Command]:
        return []

    def forget(self, command_ids: Any) -> None:
        self.asked = [one for one in self.asked if one.command_id not in command_ids]

    def close(self) -> None:
        """Nothing is open."""


class Rounds(CommitThread):
    """The committer's rounds, each one thing that the loop does."""

    def __init__(self, committer: Committer, on_fatal: OnFatal, life: Life) -> None:
        self._committer = committer
        self._on_fatal = on_fatal
        self._life = life
        self._is_due = False
        self.has_ended = False

    def start(self) -> None:
        """Nothing to start."""

    def wake(self) -> None:
        if not (self._is_due or self.has_ended or self._life.loop.is_dead):
            self._is_due = True
            delay_s = self._life.round_delay_s()
            if delay_s:
                self._life.loop.call_later(delay_s, self._round)
            else:
                self._life.loop.call_soon(self._round)

    def stop(self) -> None:
        self.has_ended = True

    def _round(self) -> None:
        self._is_due = False
        if self.has_ended:
            return
        try:
            if self._committer.round():
                self.wake()
        except Exception as error:  # noqa: BLE001 - told, and the rounds end
            self.has_ended = True
            self._on_fatal(error)
            return
        if self._committer.store_fault:
            self._life.loop.call_later(1.0, self.wake)


class Life:
    """An engine from its start to its death.

    Attributes:
        number: Lives are numbered as they begin; the epoch of each is its own.
        ended_by: What ended it by itself, as when a newer owner exists.
    """

    def __init__(  # noqa: PLR0913 - what a process is given
        self,
        number: int,
        handle: Handle,
        inbox: PaperInbox,
        around: Surroundings,
        layout: Layout,
        loop: VirtualLoop,
        *,
        round_delays: Callable[[], float],
    ) -> None:
        self.number = number
        self.loop = loop
        self.round_delay_s = round_delays
        self.ended_by: BaseException | None = None
        self._bells: dict[str, asyncio.Event] = {}
        self._around = around
        self.committer = _settled_in(handle, around, OWNER, layout, dispatches=True)
        self.supervisor: Supervisor | None = None
        #: After so many more commits it is killed, before anybody hears of the last.
        self.crashes_in: int | None = None
        self._note_fault = self.committer._note_fault
        self.committer._note_fault = self._noted  # type: ignore[method-assign]  # a failpoint after the commit
        self.epoch = self.committer._epoch
        loop.call_soon(self._begin, layout, inbox)

    def _noted(self, fault: str) -> None:
        if self.crashes_in is not None and not fault:
            self.crashes_in -= 1
            if self.crashes_in <= 0:
                raise CrashError
        self._note_fault(fault)

    def _begin(self, layout: Layout, inbox: PaperInbox) -> None:
        def rounds(committer: Committer, on_fatal: OnFatal) -> CommitThread:
            return Rounds(committer, on_fatal, self)

        engine = Supervisor(layout, self.committer, self._around, rounds=rounds)
        engine._inbox._inbox = inbox
        self.supervisor = engine
        self.committer.submit(jobs.begin)
        engine._changed.set()
        duties = {
            "inbox": (INBOX_S, engine._take_commands),
            "heartbeat": (HEARTBEAT_S, engine._beat),
            "parked": (HEARTBEAT_S, engine._afterwork.match_results),
        }
        every, told = engine._every, []
        for name, (interval_s, tick) in duties.items():
            bell = self._bells[name] = asyncio.Event()
            told.append(every(interval_s, self._when_rung(bell, tick)))
        for duty in (*told, every(0.0, engine._follow_changes)):
            self.loop.create_task(duty).add_done_callback(engine._note_duty)
        engine._thread.wake()
        self._bells["inbox"].set()

    def _when_rung(
        self, bell: asyncio.Event, tick: Callable[[], Coroutine[Any, Any, None]]
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        async def rung() -> None:
            await bell.wait()
            bell.clear()
            try:
                await tick()
            except StoreError:
                bell.set()
                raise

        return rung

    def ring(self, duty: str) -> None:
        """Let a duty come now, unless it is under way; then right after."""
        if duty in self._bells:
            self._bells[duty].set()

    @property
    def error(self) -> BaseException | None:
        """What ended it by itself; it does nothing that matters any more."""
        return None if self.supervisor is None else self.supervisor._error

    def wakes_at_ms(self) -> int | None:
        """Return when a record's time comes next, by the wall clock."""
        times = [
            ledger.shut_until_ms
            if ledger.shut_until_ms is not None
            else ledger.next_due_ms
            for ledger in self.committer.ledgers.values()
            if may_call_back(ledger.standing.lifecycle)
        ]
        known = [at_ms for at_ms in times if at_ms is not None]
        return min(known) if known else None

    def overdue_at_s(self) -> float | None:
        """Return when an attempt in flight is past all deadlines."""
        if self.supervisor is None:
            return None
        lanes = self.supervisor._lanes._lanes.values()
        since = [
            since_s
            for lane in lanes
            for since_s, *_ in lane.dispatcher._flights._flying.values()
        ]
        return min(since) + 25.5 if since else None

    def die(self) -> None:
        """Be killed: nothing more is done, whatever was under way."""
        self.loop.die()

    def clear(self) -> None:
        """Let go of everything, once the world is over and nobody looks any more."""
        self.loop.clear()
        for part in (self.supervisor, self.committer, self):
            if part is not None:
                vars(part).clear()
