"""What stands beside the screens: the desk, and the engine of this process."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from threading import Event, RLock
from typing import Final, NamedTuple, Protocol

from watchfloor.cli import compose, exits
from watchfloor.cli.handing_on import Successor
from watchfloor.console.desk import Desk
from watchfloor.domain.errors import OwnedError, WatchfloorError
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.roles import Role
from watchfloor.domain.text import clean
from watchfloor.store.layout import Layout

#: So often it is looked whether the workspace was let go of.
_TURN_S: Final = 0.1
_LEFT: Final = "this console is being left"


class RunningEngine(Protocol):
    """The engine of this process, as far as leaving the console goes."""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        ...

    def stop(self, why: Leaving = ...) -> None:
        """Ask it to drain; a second time, not to wait."""
        ...

    def drain(self, why: Leaving) -> None:
        """Ask it to drain, however often."""
        ...

    def join(self) -> bool:
        """Wait for its end and return whether it was drained."""
        ...


class _Awaited(NamedTuple):
    """Who is to let go of the workspace, and for how long that is waited for."""

    owner: str
    patience_s: float

    @property
    def would_be_given_up(self) -> str:
        """What leaving the console would end, for who is asked whether to."""
        return (
            f"This console waits for {self.owner} to let go, to start an engine then. "
            f"Leaving ends that wait: no engine starts here after it. {self._goes_on}."
        )

    @property
    def was_given_up(self) -> str:
        """What leaving the console has ended."""
        return (
            f"nobody waits any more for {self.owner} to let go, and no engine starts "
            f"here after it. {self._goes_on}"
        )

    @property
    def _goes_on(self) -> str:
        wait = math.ceil(self.patience_s)
        return f"To have its runs go on: watchfloor engine --wait {wait}"


class Beside:
    """The desk, and the engine of this process: the screens' ``Keeper``.

    Attributes:
        engine: None while there is none of this process.
        hindrance: See ``Keeper``.
        role: What the operator is to the workspace.
        successor: Stands by to go on without a screen; None where nobody does.
    """

    def __init__(
        self, layout: Layout, *, starts: bool, role: Role = Role.ADMIN
    ) -> None:
        self.layout = layout
        self.role = role
        self.engine: RunningEngine | None = None
        self.hindrance = ""
        self.successor: Successor | None = None
        self._starts = starts
        # A signal may have the engine asked for while it is being asked for.
        self._turn = RLock()
        self._leaving = Event()
        self._closed_by: Leaving | None = None
        self._awaited: _Awaited | None = None

    def start_engine(self, *, patience_s: float = 0.0, seizes: bool = False) -> None:
        """Start the engine, where this process has none and is not being left.

        Whom it waits for it waits for in turns: a console that is left ends it.

        Raises:
            WatchfloorError: It cannot be started, as where another process owns the
                workspace.
        """
        give_up_s = time.monotonic() + patience_s
        while True:
            try:
                self._begin(seizes=seizes)
            except OwnedError:
                if time.monotonic() >= give_up_s:
                    raise
            else:
                return
            while not self._leaving.wait(_TURN_S):
                is_over = self._is_closed() or time.monotonic() >= give_up_s
                if is_over or not self.is_owned():
                    break

    def _begin(self, *, seizes: bool) -> None:
        """Start the engine, or raise at once where another process owns the place."""
        from watchfloor.engine.ownership import Taking  # noqa: PLC0415 - see console
        from watchfloor.engine.running import EngineThread  # noqa: PLC0415 - likewise

        with self._turn:
            if self._is_closed() or (self.engine and self.engine.is_running):
                return
            engine = EngineThread(
                self.layout,
                compose.surroundings(),
                compose.owner("console"),
                Taking(seizes=seizes),
            )
            engine.start()
            self.engine = engine
            if self._closed_by is not None:
                # A signal came while it started, and found none to drain.
                engine.drain(self._closed_by)

    def start(self, *, patience_s: float = 0.0, seizes: bool = False) -> str:
        """See ``Keeper``."""
        try:
            if patience_s:
                patience_s = self._patience(patience_s)
            self.start_engine(patience_s=patience_s, seizes=seizes)
        except WatchfloorError as error:
            return str(error)
        finally:
            self._awaited = None
        return _LEFT if self._is_closed() else ""

    def _patience(self, least_s: float) -> float:
        """Return for how many seconds to wait, and note for whom."""
        from watchfloor.cli.taking_over import patience_for  # noqa: PLC0415 - see console
        from watchfloor.store.lock_text import owner_in  # noqa: PLC0415 - likewise

        owner = ""
        with suppress(OSError):
            owner = owner_in(self.layout.lock.read_bytes())
        owner = owner or "the engine that owns the workspace"
        self._awaited = _Awaited(owner, least_s)
        patience_s = max(least_s, patience_for(self.layout))
        self._awaited = _Awaited(owner, patience_s)
        return patience_s

    def awaited(self) -> str:
        """See ``Keeper``."""
        awaited = self._awaited
        return "" if awaited is None else awaited.would_be_given_up

    def give_up(self) -> str:
        """See ``Keeper``."""
        self._leaving.set()
        awaited = self._awaited
        return "" if awaited is None else awaited.was_given_up

    def is_owned(self) -> bool:
        """See ``Keeper``."""
        from watchfloor.store.owner_sign import is_owned  # noqa: PLC0415 - see console

        return is_owned(self.layout)

    def hand_on(self) -> str:
        """See ``Keeper``."""
        try:
            self.successor = Successor(self.layout)
        except WatchfloorError as error:
            return clean(error)
        return ""

    def desk(self) -> Desk:
        """Return the desk, the engine started where it can be: once, whatever comes.

        One that cannot be started keeps nobody from looking.
        """
        from watchfloor.cli.desk import ViewersDesk, WholeDesk  # noqa: PLC0415 - see console

        starts, self._starts = self._starts and self.may_own, False
        if starts and self.engine is None:
            try:
                self.start_engine()
            except OwnedError:
                pass  # a console of the engine that there is
            except WatchfloorError as error:
                self.hindrance = str(error)
        made = ViewersDesk if self.role is Role.VIEWER else WholeDesk
        return made(
            self.layout,
            compose.surroundings(),
            compose.asker(),
            compose.owner("console"),
        )

    @property
    def may_own(self) -> bool:
        """Whether an engine may be started here for whoever sits before the screens."""
        return self.role is Role.ADMIN and self.layout.may_own

    def close(self, why: Leaving) -> None:
        """Start none from now on: a key may wait in a terminal that takes nothing.

        For a signal's handler: nothing is locked, and nobody waited for.
        """
        self._closed_by = why

    def _is_closed(self) -> bool:
        return self._leaving.is_set() or self._closed_by is not None

    def left(self) -> RunningEngine | None:
        """Return the engine that is to be ended; none is started from now on."""
        self._leaving.set()
        with self._turn:
            return self.engine


def ended(engine: RunningEngine | None) -> int:
    """Wait for an engine that was told to end, and return the exit code for that."""
    return exits.DONE if engine is None or engine.join() else exits.NOT_DRAINED
