"""What stands beside the screens: the desk, and the engine of this process."""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from watchfloor.cli import compose, exits
from watchfloor.cli.handing_on import Successor
from watchfloor.console.desk import Desk
from watchfloor.domain.errors import OwnedError, WatchfloorError
from watchfloor.domain.leaving import Leaving
from watchfloor.domain.roles import Role
from watchfloor.domain.text import clean
from watchfloor.store.layout import Layout


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
        self._turn = Lock()
        self._is_left = False

    def start_engine(self, *, patience_s: float = 0.0, seizes: bool = False) -> None:
        """Start the engine, where this process has none and is not being left.

        Raises:
            WatchfloorError: It cannot be started, as where another process owns the
                workspace.
        """
        from watchfloor.engine.ownership import Taking  # noqa: PLC0415 - see console
        from watchfloor.engine.running import EngineThread  # noqa: PLC0415 - likewise

        with self._turn:
            if self._is_left or (self.engine and self.engine.is_running):
                return
            engine = EngineThread(
                self.layout,
                compose.surroundings(),
                compose.owner("console"),
                Taking(patience_s=patience_s, seizes=seizes),
            )
            engine.start()
            self.engine = engine

    def start(self, *, patience_s: float = 0.0, seizes: bool = False) -> str:
        """See ``Keeper``."""
        if patience_s:
            from watchfloor.cli.taking_over import patience_for  # noqa: PLC0415 - see console

            patience_s = max(patience_s, patience_for(self.layout))
        try:
            self.start_engine(patience_s=patience_s, seizes=seizes)
        except WatchfloorError as error:
            return str(error)
        return ""

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

    def left(self) -> RunningEngine | None:
        """Return the engine that is to be ended; none is started from now on."""
        with self._turn:
            self._is_left = True
            return self.engine


def ended(engine: RunningEngine | None) -> int:
    """Wait for an engine that was told to end, and return the exit code for that."""
    return exits.DONE if engine is None or engine.join() else exits.NOT_DRAINED
