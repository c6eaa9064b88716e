"""What was asked, read from the inbox on a thread of its own beside the loop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar, TypeVarTuple

from watchfloor.domain.errors import StoreError
from watchfloor.domain.roles import RoleRules
from watchfloor.domain.text import clean
from watchfloor.engine import jobs
from watchfloor.engine.commands import RefuseCommand, TakeCommand
from watchfloor.engine.committer import Committer, Submit
from watchfloor.engine.onlookers import Onlookers
from watchfloor.store.inbox import Command, Inbox, create_inbox
from watchfloor.store.layout import Layout

log = logging.getLogger(__name__)
T = TypeVar("T")
A = TypeVarTuple("A")


class Hearing:
    """The inbox as an engine's loop has it.

    Channels put what blocks into the loop's own few threads, as many calls as there are
    permits. Behind them a pause would be read when all of them are over.

    Args:
        layout: Where the workspace is.
        committer: Its room is told while no command is heard.
        submit: Has a round done: of what is asked, or one in which every run is paused
            since nobody is heard.
        monotonic_s: By which a minute is one.
    """

    def __init__(
        self,
        layout: Layout,
        committer: Committer,
        submit: Submit,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._inbox = Inbox(layout)
        self._committer = committer
        self._submit = submit
        self._onlookers = Onlookers(self.rules, monotonic_s)
        self._is_heard = False
        self._told = ""
        self._thread = ThreadPoolExecutor(1, "watchfloor-inbox")

    def rules(self) -> RoleRules:
        """Return who is what, as the workspace's file last could be used."""
        return self._committer.workspace.last_known().roles

    async def waiting(self) -> list[Command]:
        """Return what was asked, by the owner and by others; see ``owners``."""
        return await self.owners() + await self.others()

    async def owners(self) -> list[Command]:
        """Return what the owner asked; see ``Inbox.owners``.

        While it cannot be read, every run is paused and nothing was asked: who cannot
        be stopped must not send. That it can be read again is told, and resumes none.

        Raises:
            StoreError: The store takes no writes, so that no pause is stored yet.
        """
        room = self._committer.room
        self._is_heard = False
        try:
            commands = await self._apart(self._inbox.owners)
        except StoreError as error:
            if self._committer.lost():
                # The store is what is wrong, and the inbox went with it: the engine
                # drains, and its start anew is the word that lets runs go on.
                return []
            is_new, room.deaf = str(error) != room.deaf, str(error)
            self._tell(room.deaf)
            if is_new:
                await self._submit(jobs.beat)
            return []
        if room.deaf:
            self._tell(room.deaf)
            # In this round every run is paused, if in none before it.
            await self._submit(jobs.beat)
            room.deaf = ""
            self._tell("the inbox can be read; paused runs wait for a resume")
        self._is_heard = True
        return commands

    async def others(self) -> list[Command]:
        """Return what others asked, in one turn; nothing while the owner is not heard.

        What accounts that only look ask beyond some commands a minute is taken away.
        """
        if not self._is_heard:
            return []
        return await self._apart(self._inbox.others, self._onlookers.most_of)

    async def take(self, command: Command, rules: RoleRules) -> None:
        """Have a command answered, by these rules of who is what.

        Raises:
            StoreError: The store took no writes; the command waits on.
        """
        try:
            await self._submit(TakeCommand(command, rules))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - nonsense must not stop the engine
            await self._submit(RefuseCommand(command, error))

    async def forget(self, commands: Sequence[Command]) -> None:
        """Remove what is answered and stored; see ``Inbox.forget``."""
        self._onlookers.note(commands)
        await self._apart(self._inbox.forget, [one.command_id for one in commands])

    def close(self) -> None:
        """Close the inbox, when nobody is reading it."""
        self._thread.shutdown()
        self._inbox.close()

    def _tell(self, what: str) -> None:
        if what != self._told:
            self._told = what
            log.warning("%s", clean(what))

    async def _apart(self, work: Callable[[*A], T], *args: *A) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, *args)


def first_heard(layout: Layout) -> str:
    """Look at the inbox before anything is sent; return why every run is to be paused.

    One that is missing is made anew, right and empty: only here, where the lock is held
    and nothing is in flight. What was asked through the other may have been a pause.

    Raises:
        StoreError: It cannot be made; nothing was sent.
    """
    if not os.path.lexists(layout.inbox):
        try:
            create_inbox(layout)
        except OSError as error:
            msg = f"the inbox {layout.inbox} cannot be made: {error}. Nothing was sent"
            raise StoreError(msg) from error
        return (
            f"the inbox {layout.inbox} was missing, and an empty one was made: what "
            "was asked and not taken is lost; look at each run, then: watchfloor "
            "resume RUN"
        )
    with closing(Inbox(layout)) as inbox:
        try:
            inbox.waiting()
        except StoreError as error:
            return str(error)
    return ""
