"""The engine's loop: it takes commands, follows its runs, and keeps its duties."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.lifecycle import may_call_back
from watchfloor.domain.text import clean
from watchfloor.domain.workspace import Shared
from watchfloor.engine import jobs
from watchfloor.engine.afterwork import Afterwork, in_time
from watchfloor.engine.commands import held_by
from watchfloor.engine.commit_thread import CommitThread, OnFatal
from watchfloor.engine.committer import Committer, Job
from watchfloor.engine.door import Door, opened_door
from watchfloor.engine.draining import Draining
from watchfloor.engine.extraction import extract, wants_extraction
from watchfloor.engine.following import Following
from watchfloor.engine.hearing import Hearing
from watchfloor.engine.historian import Historian
from watchfloor.engine.lanes import Lanes
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.seeding import seed
from watchfloor.engine.shared_limits import Throttles
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.inbox import Command
from watchfloor.store.layout import Layout

log = logging.getLogger(__name__)
T = TypeVar("T")

#: How often the inbox is looked at: the median command waits half of it.
INBOX_S: Final = 0.05
HEARTBEAT_S: Final = 1.0
RESULTS_S: Final = 60.0
STORE_S: Final = 0.25
#: What goes on while attempts and channels end: whoever looks is told, whoever asks is
#: answered, and a store that is gone is noticed.
_UNTIL_THE_END: Final = ("inbox", "heartbeat", "store")
#: An engine that ends by itself still sends its notices, for so long.
NOTICES_GRACE_S: Final = 15.0


class Supervisor:
    """Runs one owner's engine on the current loop. Use ``run`` once.

    Args:
        rounds: Where the committer's rounds run; by default on a thread of their own.

    Raises:
        ConfigError: The workspace's file cannot be used: without its limits nothing
            is sent.
    """

    def __init__(
        self,
        layout: Layout,
        committer: Committer,
        around: Surroundings,
        door: Door | None = None,
        *,
        rounds: Callable[[Committer, OnFatal], CommitThread] = CommitThread,
    ) -> None:
        self._layout = layout
        self._committer = committer
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._thread = rounds(committer, self._fatal)
        self._workspace = committer.workspace.now()
        self._throttles = Throttles(
            self._workspace, committer.overrides, around.monotonic_s
        )
        self._lanes = Lanes(
            committer, around, self._submit, self._thread.wake, self._throttles
        )
        self._changed = asyncio.Event()
        self._following = Following(self._lanes, self._changed.set, self._end_with)
        historian = Historian(
            layout, self._submit, around.monotonic_s, self._changed.set, around.survived
        )
        self._afterwork = Afterwork(layout, committer, self._submit, historian, around)
        self._door = door
        self._shut_door: Callable[[], Awaitable[None]] | None = None
        self._inbox = Hearing(layout, committer, self._submit, around.monotonic_s)
        self._extraction: asyncio.Task[None] | None = None
        self._taking = False
        self._told = ""
        self._draining = Draining(self._lanes, committer, self._submit, around)
        self._error: BaseException | None = None
        # What is told at the end although everything in flight had its outcome stored.
        self._parting: StoreError | None = None
        committer.on_change = self._note_change
        committer.on_limit = self._note_limit
        committer.on_take_over = partial(self.drain, Leaving.TAKEN_OVER)

    async def run(self, *, until_idle: bool, grace_s: float) -> bool:
        """Carry runs out until told to stop.

        Args:
            until_idle: Stop by itself when nothing is left that needs no person.
            grace_s: How long a stop waits for attempts in flight.

        Returns:
            Whether everything in flight had its outcome stored at the end.

        Raises:
            WatchfloorError: The workspace was taken over or the store is damaged;
                nothing was sent after that was noticed.
        """
        self._draining.grace_s = grace_s
        self._thread.start()
        try:
            if self._door is not None:
                self._shut_door = await opened_door(
                    self._door, self._committer, self._submit, self._around
                )
            await self._carry_out(until_idle=until_idle)
        finally:
            self._thread.stop()
            self._inbox.close()
            # Said and listed whatever ended it: an error does not tell what it cost.
            is_over = self._draining.is_over(self._layout)
        if error := self._error or self._thread.error or self._parting:
            raise error
        return is_over

    async def _carry_out(self, *, until_idle: bool) -> None:
        self._changed.set()
        self._committer.submit(jobs.begin)
        duties = {
            "inbox": self._every(INBOX_S, self._take_commands),
            "heartbeat": self._every(HEARTBEAT_S, self._beat),
            "results": self._every(RESULTS_S, self._close_results),
            "runs": self._every(0.0, self._follow_changes),
            "store": self._every(STORE_S, self._look_at_store),
        }
        for name, (interval_s, tick) in self._afterwork.duties.items():
            duties[name] = self._every(interval_s, tick)
        tasks = {
            name: asyncio.create_task(duty, name=f"watchfloor-{name}")
            for name, duty in duties.items()
        }
        for task in tasks.values():
            task.add_done_callback(self._note_duty)
        kept = [tasks.pop(name) for name in _UNTIL_THE_END]
        try:
            await self._until_stopped(until_idle=until_idle)
        finally:
            # Whatever ended the wait: what is in flight has its grace from here on.
            self._draining.begin(Leaving.SIGNAL)
            await _ended(tasks.values())
            await self._wind_down(kept)

    def stop(self, why: Leaving = Leaving.SIGNAL) -> None:
        """Ask ``run`` to drain and return; a second time, not to wait. Any thread.

        Args:
            why: Told to whoever looks afterwards; what was said first holds.
        """
        # A loop that is closed has nothing left to stop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop, why)

    def drain(self, why: Leaving) -> None:
        """Ask ``run`` to drain and return, however often. Any thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._draining.begin, why)

    def _stop(self, why: Leaving) -> None:
        if self._draining.has_begun:
            self._draining.cut()
        self._draining.begin(why)

    async def _until_stopped(self, *, until_idle: bool) -> None:
        while not self._draining.has_begun:
            with suppress(TimeoutError):
                async with asyncio.timeout(INBOX_S):
                    await self._draining.begun.wait()
            if until_idle and await self._is_idle() and await self._is_idle():
                if deaf := self._committer.room.deaf:
                    self._parting = StoreError(deaf)
                await in_time(self._afterwork, NOTICES_GRACE_S)
                self._draining.begin(Leaving.IDLE)
                return

    async def _is_idle(self) -> bool:
        """Whether nothing is left to do; asked twice, since an asker may be writing."""
        try:
            waiting = await self._inbox.waiting()
        except StoreError:
            # It passes, or somebody is told: no end while attempts may be in flight.
            return False
        if waiting or self._taking or self._extraction is not None:
            return False
        if self._changed.is_set() or self._following.is_busy:
            return False
        if self._afterwork.is_resolving:
            return False
        return not any(self._is_needed_by(ledger) for ledger in self._ledgers())

    def _is_needed_by(self, ledger: Ledger) -> bool:
        if ledger.standing.lifecycle.is_ended:
            return self._afterwork.waits_for(ledger)
        return ledger.standing.needs_engine

    async def _wind_down(self, kept: Sequence[asyncio.Task[None]]) -> None:
        """End everything; the duties that are kept go on until channels are closed."""
        if self._extraction is not None:
            self._extraction.cancel()
            await asyncio.gather(self._extraction, return_exceptions=True)
        self._lanes.hold_all()
        await self._following.close()
        if self._shut_door is not None:
            await self._shut_door()
        await self._afterwork.close()
        await self._draining.flown(lambda: self._error is not None)
        if self._error is not None:
            await _ended(kept)  # Nothing that they would do is stored any more.
        await self._draining.close()
        await _ended(kept)
        # It may have gone with the very last outcome, or go with the last word.
        await self._look_at_store()
        if self._error is None and await self._draining.entered():
            await self._look_at_store()
            if self._parting is None:
                await self._afterwork.anchor_now()

    def _ledgers(self) -> list[Ledger]:
        return list(self._committer.ledgers.values())

    async def _submit(self, job: Job[T]) -> T:
        future = self._committer.submit(job)
        self._thread.wake()
        return await asyncio.wrap_future(future)

    async def _every(
        self, interval_s: float, tick: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            try:
                await tick()
            except StoreError as error:
                # The round's work is kept; the duty comes again.
                if not self._committer.has_ended:
                    log.warning("%s", clean(error))
                self._changed.set()
                await asyncio.sleep(HEARTBEAT_S)
            await asyncio.sleep(interval_s)

    async def _beat(self) -> None:
        self._lanes.end_overdue()
        if not self._draining.has_begun:
            self._afterwork.follow(self._ledgers())
        self._follow_workspace()
        await self._submit(jobs.beat)

    async def _look_at_store(self) -> None:
        """Drain where the store's file is gone; pause all where its disk is full."""
        if (lost := self._committer.lost()) and self._parting is None:
            self._parting = StoreError(lost)
            self._draining.begin(Leaving.STORE_GONE)
            self._draining.leaving = Leaving.STORE_GONE
            self._thread.wake()
        if self._committer.room.look_at_disk():
            # Nobody waits for it: a round that is refused tells that itself.
            self._committer.submit(jobs.beat)
            self._thread.wake()

    def _follow_workspace(self) -> None:
        """Obey the workspace's file where somebody has changed it.

        One that cannot be used changes nothing: the last one that could still holds.
        """
        try:
            workspace = self._committer.workspace.now()
        except ConfigError as error:
            if str(error) != self._told:
                self._told = str(error)
                log.warning("the limits stay as they were: %s", clean(error))
            return
        if workspace is not self._workspace:
            self._workspace, self._told = workspace, ""
            self._throttles.follow(workspace)
            self._thread.wake()

    async def _close_results(self) -> None:
        await self._submit(jobs.close_results)

    async def _take_commands(self) -> None:
        self._wake_for_due()
        if self._parting is not None:
            return  # what is answered now nobody finds any more
        # The owner's before the files of others are read, however many these are.
        for heard in (self._inbox.owners, self._inbox.others):
            if commands := await heard():
                await self._answer(commands)

    async def _answer(self, commands: Sequence[Command]) -> None:
        # Gates close before the answer is stored; none opens in between. The rules that
        # say for whom they close say who is refused: no pause is obeyed beside one.
        rules = self._inbox.rules()
        held = self._lanes.hold(held_by(commands, rules))
        self._taking = True
        try:
            for command in commands:
                await self._inbox.take(command, rules)
            await self._inbox.forget(commands)
        finally:
            self._taking = False
            self._lanes.let_follow(held)
            self._changed.set()

    def _wake_for_due(self) -> None:
        now_ms = self._around.now_ms()
        if any(
            ledger.is_waking(now_ms) and may_call_back(ledger.standing.lifecycle)
            for ledger in self._ledgers()
        ):
            self._thread.wake()

    async def _follow_changes(self) -> None:
        await self._changed.wait()
        self._changed.clear()
        for ledger in self._ledgers():
            self._following.follow(ledger)
        self._begin_extraction()
        self._afterwork.follow(self._ledgers())
        self._afterwork.watch_soon()

    def _begin_extraction(self) -> None:
        """Read one upload at a time: it is work for a whole core."""
        if self._extraction is None:
            for ledger in self._ledgers():
                if wants_extraction(ledger.standing):
                    self._extraction = asyncio.create_task(self._extract(ledger))
                    self._extraction.add_done_callback(self._note_extraction)
                    return

    async def _extract(self, ledger: Ledger) -> None:
        run_id = ledger.run_id
        try:
            campaign = await self._lanes.campaign(run_id)
            known = self._committer.suppressions
            if ledger.cohort:
                await seed(run_id, campaign, self._submit, known)
                return
            path = self._layout.upload(ledger.upload_id)
            await extract(run_id, campaign, path, self._submit, known)
        except ConfigError as error:
            await self._submit(jobs.Doom(run_id, f"misconfigured campaign: {error}"))
        except StoreError as error:
            # The store took no writes; the upload is read on from where it stands.
            log.warning("%s", clean(error))
            await asyncio.sleep(HEARTBEAT_S)
        except Exception as error:  # noqa: BLE001 - one bad upload must not end others
            why = self._around.survived(error)
            await self._submit(jobs.Doom(run_id, f"the upload cannot be read: {why}"))

    def _note_extraction(self, task: asyncio.Task[None]) -> None:
        self._extraction = None
        self._changed.set()
        self._note_duty(task)

    def _note_duty(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._end_with(error)

    def _note_limit(self, scope: str, shared: Shared | None) -> None:
        self._loop.call_soon_threadsafe(self._throttles.obey, scope, shared)
        self._loop.call_soon_threadsafe(self._thread.wake)

    def _note_change(self, _: set[str]) -> None:
        self._loop.call_soon_threadsafe(self._changed.set)

    def _fatal(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._end_with, error)

    def _end_with(self, error: BaseException) -> None:
        self._error = self._error or error
        self._draining.begin(Leaving.SIGNAL)


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
