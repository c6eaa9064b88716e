"""``console``: the screens, and beside them the engine where nobody owns the place."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace

from watchfloor.cli import compose, exits
from watchfloor.cli.lines import tell
from watchfloor.domain.errors import ConfigError, OwnedError
from watchfloor.engine.desk import StoreDesk
from watchfloor.engine.running import EngineThread
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.intake.workspace_file import parse_workspace
from watchfloor.store.layout import Layout


def console(options: Namespace) -> int:
    """Open the console; drain this process's engine when it is left."""
    layout = compose.layout(options)
    layout.check_exists()
    check_terminal()
    engine = None if options.read_only else started_engine(layout)
    return open_console(
        layout, engine, read_only=options.read_only, on_hangup=options.on_hangup
    )


def check_terminal() -> None:
    """Refuse where no screen can be drawn, and say what to use instead.

    Raises:
        ConfigError: There is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        msg = (
            "the console needs a terminal, and there is none; nothing was started. "
            "Use verbs instead: watchfloor runs, show, records, pause, resume, engine"
        )
        raise ConfigError(msg)


def started_engine(layout: Layout) -> EngineThread | None:
    """Start the engine beside the console; None where another process owns it."""
    engine = EngineThread(layout, compose.surroundings(), compose.owner("console"))
    try:
        engine.start()
    except OwnedError:
        return None
    return engine


def open_console(
    layout: Layout, engine: EngineThread | None, *, read_only: bool, on_hangup: str
) -> int:
    """Run the screens, then let the engine of this process drain."""
    # The screens are the slowest to import and no other verb needs them.
    from watchfloor.console.app import (  # noqa: PLC0415 - see above
        WatchfloorApp,
        run_console,
    )

    around = compose.surroundings()
    name = parse_workspace(read_toml_text(layout.settings), layout.settings.name).name
    app = WatchfloorApp(
        StoreDesk(layout, around, compose.asker(), compose.owner("console")),
        workspace_name=name,
        operator=compose.user(),
        clock=around.now_ms,
        read_only=read_only,
    )
    goes_on = False

    def hung_up(*_: object) -> None:
        nonlocal goes_on
        goes_on = on_hangup == "continue"
        app.end_after_hangup()

    def asked_to_stop(*_: object) -> None:
        app.end_after_hangup()

    signal.signal(signal.SIGHUP, hung_up)
    signal.signal(signal.SIGTERM, asked_to_stop)
    code = run_console(app)
    if engine is None:
        return code
    return code or _leave(engine, goes_on=goes_on)


def _leave(engine: EngineThread, *, goes_on: bool) -> int:
    """Drain the engine; after a hang-up it may go on without a screen until SIGTERM."""

    def asked_to_stop(*_: object) -> None:
        engine.stop()

    signal.signal(signal.SIGTERM, asked_to_stop)
    signal.signal(signal.SIGINT, asked_to_stop)
    if not goes_on:
        tell("Draining: attempts in flight end, none is begun (ctrl+c: do not wait).")
        engine.stop()
    drained = engine.join()
    return exits.DONE if drained else exits.NOT_DRAINED
