"""How a console's process ends: which signal means what, and what its engine does."""

from __future__ import annotations

import os
import signal
import sys

from watchfloor.cli import exits
from watchfloor.cli.beside import Beside, ended
from watchfloor.cli.hangups import DRAINING, Orders, follow_signals
from watchfloor.cli.remarks import Remarks
from watchfloor.console.app import WatchfloorApp
from watchfloor.domain.leaving import Leaving


class Departure:
    """Listens to signals while the screens stand, and ends the engine with them.

    The engine drains as soon as a signal says so, and not when the screens have ended:
    a terminal that takes nothing holds up them, and must hold up nobody else.
    """

    def __init__(self, app: WatchfloorApp, beside: Beside, *, on_hangup: str) -> None:
        self._app = app
        self._beside = beside
        self._on_hangup = on_hangup
        self._why = Leaving.QUIT
        self._is_to_drain = False
        self._is_ending = False
        self._orders = Orders()
        self._ends = Orders()

    def listen(self) -> None:
        """Follow the signals that end a console."""
        signal.signal(signal.SIGHUP, self._hung_up)
        signal.signal(signal.SIGTERM, self._asked_to_stop)

    def end(self) -> int:
        """End the engine of this process as the screens were left.

        Returns:
            The exit code: 0 for drained.
        """
        beside, remarks = self._beside, Remarks()
        engine = beside.left()
        goes_on = self._why is Leaving.HANG_UP and not self._is_to_drain
        if engine is not None:
            follow_signals(
                engine,
                self._orders,
                on_hangup="continue" if goes_on else "drain",
                # Neither a key nor a hang-up is an order not to be given twice.
                was_asked=self._why is Leaving.SIGNAL,
                tell=remarks.tell,
            )
            if not goes_on:
                self._drain(self._why)
        # The engine first: a terminal that takes nothing must not hold it up.
        for said in self._app.parting:
            remarks.tell(f"On leaving: {said}")
        if engine is not None and engine.is_running and not goes_on:
            remarks.tell(DRAINING)
        code = ended(engine)
        if self._app.goes_headless and beside.successor is not None:
            successor = beside.successor
            if successor.took_over():
                pid = successor.pid
                remarks.tell(f"An engine without a screen goes on (pid {pid}).")
                remarks.tell("watchfloor console looks at it; SIGTERM drains it.")
            else:
                remarks.tell("NO ENGINE: the one that stood by did not take over; see")
                remarks.tell(f"{successor.words}; the runs wait for: watchfloor engine")
                code = code or exits.REFUSED
        remarks.end()
        return code

    def _hung_up(self, *_: object) -> None:
        self._why = Leaving.HANG_UP
        if self._on_hangup == "drain":
            self._drain(Leaving.HANG_UP)
        self._end_screens()

    def _asked_to_stop(self, number: int, _: object) -> None:
        self._orders.is_echo(number)  # of an order that the engine follows, later on
        if self._why is Leaving.QUIT:
            self._why = Leaving.SIGNAL
        self._drain(Leaving.SIGNAL)
        self._end_screens()

    def _drain(self, why: Leaving) -> None:
        self._is_to_drain = True
        said = Leaving.HANDED_ON if self._app.goes_headless else why
        self._beside.close(said)
        # Not by ``left``: an engine that is just being started has the turn.
        engine = self._beside.engine
        if engine is not None:
            engine.drain(said)

    def _end_screens(self) -> None:
        """End them in good order; the second time at once, whatever is painted.

        A session that ends tells so by more than one signal, and they come together:
        one that follows at once gives no other order.
        """
        is_echo = self._ends.is_echo(signal.SIGTERM)
        if not has_terminal() or (self._is_ending and not is_echo):
            self._app.end_after_hangup()
        elif not self._is_ending:
            self._app.end_in_good_order()
        self._is_ending = True


def has_terminal() -> bool:
    """Whether the terminal this process was started in is still there."""
    try:
        os.tcgetpgrp(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except (OSError, ValueError):
        return False
    return True
