"""Following runs beside each other: what is slow for one holds up no other.

A channel that takes its time to open, or a long suppression list, concerns one run; the
gates of all others close and open meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from watchfloor.domain.errors import StoreError
from watchfloor.domain.text import clean
from watchfloor.engine.lanes import Lanes
from watchfloor.engine.ledger import Ledger

log = logging.getLogger(__name__)

#: After the store took no writes, before a run is followed again.
REST_S = 1.0


class Following:
    """One task per run that is being followed, on the current loop.

    Args:
        lanes: What follows.
        again: Is called when runs are to be followed anew.
        on_error: Gets what must end the engine.
    """

    def __init__(
        self,
        lanes: Lanes,
        again: Callable[[], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._lanes = lanes
        self._call_again = again
        self._on_error = on_error
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, Ledger] = {}

    @property
    def is_busy(self) -> bool:
        """Whether any run is being followed."""
        return bool(self._tasks)

    def follow(self, ledger: Ledger) -> None:
        """Make a run's lane what its lifecycle wants, now or right after."""
        run_id = ledger.run_id
        if run_id in self._tasks:
            self._again[run_id] = ledger
            return
        task = asyncio.create_task(self._lanes.follow(ledger), name=f"{run_id}-follow")
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._note_end(run_id, done))

    async def close(self) -> None:
        """Leave what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note_end(self, run_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[run_id]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreError):
            # The round's work is kept; the run is followed again.
            log.warning("%s", clean(error))
            asyncio.get_running_loop().call_later(REST_S, self._call_again)
        elif error is not None:
            self._on_error(error)
        ledger = self._again.pop(run_id, None)
        if ledger is not None and error is None and not task.cancelled():
            # This run alone: two that had each other followed anew would never rest.
            self.follow(ledger)
