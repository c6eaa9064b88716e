"""``engine``: carry runs out without a screen."""

from __future__ import annotations

import logging
import os
import sys
from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.hangups import Orders, follow_before, follow_signals
from watchfloor.cli.moving import confirmed_moved
from watchfloor.cli.remarks import Remarks
from watchfloor.cli.taking_over import made_way
from watchfloor.domain.errors import ConfigError
from watchfloor.engine.door import Door
from watchfloor.engine.ownership import Taking
from watchfloor.engine.running import run_engine
from watchfloor.engine.supervisor import Supervisor

MOST_PORT = 65_535
#: What a starter is told on stdout, a line each.
WAITING, RUNNING = "waiting", "running"


def engine(options: Namespace) -> int:
    """Own the workspace and carry its runs out until told to stop."""
    layout = compose.layout(options)
    layout.check_exists()
    taking = Taking(patience_s=options.wait)
    if options.take_over:
        taking = made_way(layout, yes=options.yes)
    if options.moved:
        confirmed_moved(layout, yes=options.yes)
        taking = taking._replace(moved=True)
    remarks = Remarks()
    log = logging.getLogger("watchfloor")
    log.addHandler(remarks)
    log.propagate = False
    starter = _Starter() if options.tell_starter else None

    on_hangup = options.on_hangup

    def ended_before(words: str) -> None:
        remarks.tell(words)
        remarks.end()

    def started(supervisor: Supervisor) -> None:
        follow_signals(supervisor, Orders(), on_hangup=on_hangup, tell=remarks.tell)
        words = f"engine of {layout.root} runs (pid {os.getpid()}); SIGTERM drains it"
        remarks.tell(words)
        if starter is not None:
            starter.tell(RUNNING)

    follow_before(on_hangup=on_hangup, end_words=ended_before)
    if starter is not None:
        starter.tell(WAITING)
    try:
        drained = run_engine(
            layout,
            compose.surroundings(),
            compose.owner("engine"),
            until_idle=options.until_idle,
            grace_s=options.grace,
            door=_door(options),
            taking=taking,
            on_start=started,
        )
    finally:
        remarks.end()
        log.removeHandler(remarks)
        log.propagate = True
    return exits.DONE if drained else exits.NOT_DRAINED


class _Starter:
    """Whoever started this engine, and waits to hear how far it is.

    It hears a line each on what was this process's stdout, and no more when it runs.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._descriptor = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)

    def tell(self, word: str) -> None:
        """Say how far it is; who started it may have gone."""
        try:
            os.write(self._descriptor, f"{word}\n".encode())
        except OSError:
            return


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
