"""Running the engine: on the current thread, or on one of its own beside a console."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import Future

from watchfloor.domain.actors import Owner
from watchfloor.domain.leaving import Leaving
from watchfloor.engine.door import Door, check_door
from watchfloor.engine.kept_uploads import sweep_uploads
from watchfloor.engine.loose_threads import LooseThreads
from watchfloor.engine.ownership import TAKES, Taking
from watchfloor.engine.supervisor import Supervisor
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import tenure
from watchfloor.store.layout import Layout

#: How long a stop waits for attempts in flight.
GRACE_S = 30.0


def run_engine(  # noqa: PLR0913 - the last ones are options, by name
    layout: Layout,
    around: Surroundings,
    owner: Owner,
    *,
    until_idle: bool = False,
    grace_s: float = GRACE_S,
    door: Door | None = None,
    taking: Taking = TAKES,
    on_start: Callable[[Supervisor], None] = lambda _: None,
) -> bool:
    """Own the workspace and carry its runs out; block until told to stop.

    Args:
        layout: Where the workspace is.
        around: Clock and chance.
        owner: Who runs it.
        until_idle: Stop by itself when nothing is left that needs no person.
        grace_s: How long a stop waits for attempts in flight.
        door: Where providers report results; None for nowhere.
        taking: How the workspace is taken where somebody owns it.
        on_start: Gets the supervisor, to stop it by, on the engine's loop.

    Returns:
        Whether everything in flight had its outcome stored.

    Raises:
        WatchfloorError: See ``tenure`` and ``Supervisor.run``.
    """
    with tenure(layout, around, owner, dispatches=True, taking=taking) as committer:
        if door is not None:
            check_door(door, committer)
        sweep_uploads(layout, around.now_ms())
        # What was imported lives as long as the process: looking through it again and
        # again would hold up attempts for tens of milliseconds.
        gc.collect()
        gc.freeze()

        async def carried_out() -> bool:
            asyncio.get_running_loop().set_default_executor(LooseThreads())
            supervisor = Supervisor(layout, committer, around, door)
            on_start(supervisor)
            return await supervisor.run(until_idle=until_idle, grace_s=grace_s)

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(carried_out())


class EngineThread:
    """The engine beside a console: same process, its own thread and loop."""

    def __init__(
        self,
        layout: Layout,
        around: Surroundings,
        owner: Owner,
        taking: Taking = TAKES,
    ) -> None:
        self._arguments = (layout, around, owner)
        self._taking = taking
        self._started: Future[Supervisor] = Future()
        self._ended: Future[bool] = Future()
        self._thread = threading.Thread(
            target=self._run, name="watchfloor-engine", daemon=True
        )

    def start(self) -> None:
        """Begin, and wait until the workspace is owned.

        Raises:
            WatchfloorError: It could not be; no engine runs.
        """
        self._thread.start()
        self._started.result()

    @property
    def is_running(self) -> bool:
        """Whether the engine has not ended."""
        return self._thread.is_alive()

    def stop(self, why: Leaving = Leaving.SIGNAL) -> None:
        """Ask it to drain; a second time, not to wait."""
        if self._started.done() and not self._ended.done():
            self._started.result().stop(why)

    def drain(self, why: Leaving) -> None:
        """Ask it to drain, however often."""
        if self._started.done() and not self._ended.done():
            self._started.result().drain(why)

    def join(self) -> bool:
        """Wait for its end and return whether it was drained.

        Raises:
            WatchfloorError: What ended it before it was told to stop.
        """
        self._thread.join()
        return self._ended.result()

    def _run(self) -> None:
        layout, around, owner = self._arguments
        try:
            drained = run_engine(
                layout,
                around,
                owner,
                taking=self._taking,
                on_start=self._started.set_result,
            )
            self._ended.set_result(drained)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self._ended.set_exception(error)
            if not self._started.done():
                self._started.set_exception(error)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
