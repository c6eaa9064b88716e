"""What was asked, read from the inbox on a thread of its own beside the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from watchfloor.store.inbox import Command, Inbox
from watchfloor.store.layout import Layout

T = TypeVar("T")
A = TypeVarTuple("A")


class Hearing:
    """The inbox as an engine's loop has it.

    Channels put what blocks into the loop's own few threads, as many calls as there are
    permits. Behind them a pause would be read when all of them are over.
    """

    def __init__(self, layout: Layout) -> None:
        self._inbox = Inbox(layout)
        self._thread = ThreadPoolExecutor(1, "watchfloor-inbox")

    async def waiting(self) -> list[Command]:
        """Return what was asked; see ``Inbox.waiting``."""
        return await self._apart(self._inbox.waiting)

    async def forget(self, command_ids: Sequence[str]) -> None:
        """Remove what is stored; see ``Inbox.forget``."""
        await self._apart(self._inbox.forget, command_ids)

    def close(self) -> None:
        """Close the inbox, when nobody is reading it."""
        self._thread.shutdown()
        self._inbox.close()

    async def _apart(self, work: Callable[[*A], T], *args: *A) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, *args)
