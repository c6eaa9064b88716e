"""``engine``: carry runs out without a screen."""

from __future__ import annotations

import os
import signal
from argparse import Namespace
from collections.abc import Callable

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import tell
from watchfloor.domain.errors import ConfigError
from watchfloor.engine.running import GRACE_S, run_engine
from watchfloor.engine.supervisor import Door, Supervisor

MOST_PORT = 65_535


def engine(options: Namespace) -> int:
    """Own the workspace and carry its runs out until told to stop."""
    layout = compose.layout(options)

    def started(supervisor: Supervisor) -> None:
        follow_signals(supervisor.stop, on_hangup=options.on_hangup)
        tell(f"engine of {layout.root} runs (pid {os.getpid()}); SIGTERM drains it")

    drained = run_engine(
        layout,
        compose.surroundings(),
        compose.owner("engine"),
        until_idle=options.until_idle,
        door=_door(options),
        on_start=started,
    )
    if not drained:
        tell(f"attempts were still in flight after {GRACE_S:.0f} s; the next start")
        tell("accounts for each of them by its channel's mode")
    return exits.DONE if drained else exits.NOT_DRAINED


def _door(options: Namespace) -> Door | None:
    """Return where results are taken.

    Raises:
        ConfigError: It is no address.
    """
    if options.results is None:
        return None
    host, _, port = options.results.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > MOST_PORT:
        msg = f"--results {options.results!r} is no address; write 127.0.0.1:8787"
        raise ConfigError(msg)
    return Door(host.strip("[]"), int(port), options.results_public)


def follow_signals(stop: Callable[[], None], *, on_hangup: str) -> None:
    """Let SIGTERM and SIGINT drain, a second one not wait; SIGHUP as asked.

    After a hang-up the terminal's descriptors point at nothing: whoever writes to them
    must not spin on errors.
    """

    def asked_to_stop(*_: object) -> None:
        stop()

    def hung_up(*_: object) -> None:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nowhere, descriptor)
        if on_hangup == "drain":
            stop()

    signal.signal(signal.SIGTERM, asked_to_stop)
    signal.signal(signal.SIGINT, asked_to_stop)
    signal.signal(signal.SIGHUP, hung_up)
