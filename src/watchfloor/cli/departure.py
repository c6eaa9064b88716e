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
    """Listens to signals while the screens stand, and ends the engine after them."""

    def __init__(self, app: WatchfloorApp, *, on_hangup: str) -> None:
        self._app = app
        self._on_hangup = on_hangup
        self._why = Leaving.QUIT
        self._was_asked = False
        self._orders = Orders()

    def listen(self) -> None:
        """Follow the signals that end a console."""
        signal.signal(signal.SIGHUP, self._hung_up)
        signal.signal(signal.SIGTERM, self._asked_to_stop)

    def end(self, beside: Beside) -> int:
        """End the engine of this process as the screens were left.

        Returns:
            The exit code: 0 for drained.
        """
        remarks = Remarks()
        engine = beside.left()
        goes_on = self._why is Leaving.HANG_UP and self._on_hangup == "continue"
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
                why = Leaving.HANDED_ON if self._app.goes_headless else self._why
                engine.drain(why)
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
        if has_terminal():
            self._app.end_in_good_order()  # somebody sent it; the glass is there
        else:
            self._app.end_after_hangup()

    def _asked_to_stop(self, number: int, _: object) -> None:
        is_echo = self._orders.is_echo(number)
        if self._why is Leaving.QUIT:
            self._why = Leaving.SIGNAL
        # A second time: a terminal that takes nothing must not keep us.
        is_again = self._was_asked and not is_echo
        if is_again or not has_terminal():
            self._app.end_after_hangup()
        elif not is_echo:
            self._was_asked = True
            self._app.end_in_good_order()


def has_terminal() -> bool:
    """Whether the terminal this process was started in is still there."""
    try:
        os.tcgetpgrp(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    except (OSError, ValueError):
        return False
    return True
