"""Signals of a process without a screen, and the end of its terminal."""

from __future__ import annotations

import math
import os
import signal
import stat
import time
from collections.abc import Callable
from typing import Final, Protocol

from watchfloor.domain.leaving import Leaving

#: Signals by which a terminal stops a job. An engine that stands still holds attempts
#: in flight and beats no more: it goes on.
_OF_JOB_CONTROL: Final = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

#: ``timeout`` signals its child and then their group, a service manager beside a shell
#: the same process: nobody who means a second order is as fast.
ECHO_S: Final = 0.3

#: Said when an engine has heard that it is to end.
DRAINING: Final = (
    "Draining: attempts in flight end, none is begun (a second ctrl+c or SIGTERM: do "
    "not wait)."
)

#: Said when it has heard that a second time.
NOT_WAITING: Final = (
    "Not waiting: attempts in flight are cut off; the next engine accounts for them."
)


class Stoppable(Protocol):
    """An engine, as far as ending it goes."""

    def stop(self, why: Leaving = ...) -> None:
        """Ask it to drain; a second time, not to wait."""
        ...

    def drain(self, why: Leaving) -> None:
        """Ask it to drain, however often."""
        ...


class Orders:
    """The signals that a process was ended by: which is an order, which its echo.

    Args:
        monotonic_s: A clock that does not jump.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._taken_s: dict[int, float] = {}

    def is_echo(self, number: int) -> bool:
        """Take a signal; return whether it only repeats the order that it gave last.

        One that is kept pressed is a second order after a moment: an echo does not
        lengthen its own time.
        """
        now_s = self._monotonic_s()
        if now_s - self._taken_s.get(number, -math.inf) < ECHO_S:
            return True
        self._taken_s[number] = now_s
        return False


def follow_signals(
    engine: Stoppable,
    orders: Orders,
    *,
    on_hangup: str,
    was_asked: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Let SIGTERM and SIGINT drain, a second one not wait; SIGHUP as asked.

    A shell and the kernel each tell of the same hang-up, and a session that ends sends
    SIGTERM besides, or sends it twice: only a second order means not to wait.

    Args:
        engine: Whom they end.
        orders: What this process was told before.
        on_hangup: ``drain`` or ``continue``.
        was_asked: Whether somebody has asked for its end already.
        tell: Says what goes on.
    """

    def asked_to_stop(number: int, _: object) -> None:
        nonlocal was_asked
        if orders.is_echo(number):
            return
        # Noted and told first: another signal may come in the midst of the rest, and
        # then it is the one whose order to drain is heard first.
        is_second, was_asked = was_asked, True
        tell(NOT_WAITING if is_second else DRAINING)
        engine.drain(Leaving.SIGNAL)
        if is_second:
            engine.stop(Leaving.SIGNAL)

    def hung_up(*_: object) -> None:
        leave_terminal()
        if on_hangup == "drain":
            engine.drain(Leaving.HANG_UP)
            tell(DRAINING)

    signal.signal(signal.SIGTERM, asked_to_stop)
    signal.signal(signal.SIGINT, asked_to_stop)
    signal.signal(signal.SIGHUP, hung_up)
    for one in _OF_JOB_CONTROL:
        signal.signal(one, signal.SIG_IGN)


def follow_before(*, on_hangup: str, end_words: Callable[[str], None]) -> None:
    """Let the end of a terminal, or SIGTERM, find an engine that does not run yet.

    It may wait for its workspace for as long as another one drains. A hang-up that it
    was told to outlive it outlives; of what ends it, it says so, and then dies by that.

    Args:
        on_hangup: ``drain`` or ``continue``.
        end_words: Says the last words, and waits until they are taken.
    """

    def ended(number: int, _: object) -> None:
        name = signal.Signals(number).name
        end_words(
            f"Ended by {name} before an engine ran here: nothing was begun. The runs "
            "wait for: watchfloor engine"
        )
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def outlived(*_: object) -> None:
        leave_terminal()

    signal.signal(signal.SIGTERM, ended)
    # nohup: whoever started it wants it to live on.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, ended if on_hangup == "drain" else outlived)


def leave_terminal() -> None:
    """Point those of the three standard descriptors at nothing that are a terminal.

    Whoever reads from a terminal that is gone, or writes to it, would spin or fail. A
    file or a service manager's log goes on to be written.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        # Not asked of the terminal itself: one that is gone says that it is none.
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            os.dup2(nowhere, descriptor)
    os.close(nowhere)
