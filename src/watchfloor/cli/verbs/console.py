"""``console``: the screens, and beside them the engine where nobody owns the place.

Only what the first screen needs is imported before it stands; see ``LateDesk``.
"""

from __future__ import annotations

import os
import sys
import tomllib
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from platformdirs import user_config_path

from watchfloor.cli import compose
from watchfloor.cli.beside import Beside
from watchfloor.cli.bundle_child import ChildBundler
from watchfloor.cli.departure import Departure
from watchfloor.cli.lines import spoken_of
from watchfloor.cli.standing import own_role
from watchfloor.console.app import WatchfloorApp, run_console
from watchfloor.console.late_desk import LateDesk
from watchfloor.console.preferences import Preferences, read_preferences
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.labels import Dialect
from watchfloor.domain.text import clean
from watchfloor.store.layout import Layout


def console(options: Namespace) -> int:
    """Open the console; drain this process's engine when it is left."""
    layout = compose.layout(options)
    layout.check_exists()
    check_terminal()
    role = own_role(layout)
    wishes, greeting = wished(options)
    beside = Beside(layout, starts=not options.read_only, role=role)
    return open_console(
        beside,
        wishes,
        greeting,
        read_only=options.read_only,
        on_hangup=options.on_hangup,
    )


def wished(options: Namespace) -> tuple[Preferences, str]:
    """Return how the operator wants the console, and what to say of mistakes.

    Raises:
        ConfigError: A preferences file was named and cannot be used as it is.
    """
    named = options.preferences
    path = Path(named).expanduser() if named else user_config_path("watchfloor") / FILE
    # A home that others share says nothing of how this operator wants it.
    alone = compose.started_as().is_restricted
    found, mistakes = (Preferences(), ()) if alone else read_preferences(path)
    if named and not path.exists():
        mistakes = (f"{path} does not exist",)
    if named and mistakes:
        raise ConfigError(*mistakes, "Nothing was started.")
    theme = options.theme or found.theme
    if options.calm or found.is_calm:
        theme = theme or "ansi"
    wishes = replace(
        found,
        theme=theme,
        dialect=Dialect(options.words) if options.words else found.dialect,
        is_calm=options.calm or found.is_calm,
    )
    return wishes, _greeting(path, mistakes)


def _greeting(path: Path, mistakes: tuple[str, ...]) -> str:
    """Return what to say of mistakes in a file that nobody named."""
    if not mistakes:
        return ""
    are_keys = any(one.startswith("keys") for one in mistakes)
    keys = "; your keys are NOT in force" if are_keys else ""
    many = f"{len(mistakes)} mistakes, " if len(mistakes) > 1 else ""
    return f"{path.name}: {many}{mistakes[0]}{keys} (--preferences FILE lists them)"


FILE = "console.toml"
_INSTEAD = (
    "Use verbs instead: watchfloor runs, show, records, journey, pause, resume, stop, "
    "engine"
)


def check_terminal() -> None:
    """Refuse where no screen can be drawn, and say what to use instead.

    Raises:
        ConfigError: There is no terminal, or one that cannot place a cursor.
    """
    terminal = os.environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        why = "the console needs a terminal, and there is none"
    elif terminal in ("", "dumb", "unknown"):
        named = f"TERM is {clean(terminal)}" if terminal else "TERM is not set"
        why = f"this terminal cannot place a cursor ({named})"
    else:
        return
    msg = f"{why}; nothing was started. {_INSTEAD}"
    raise ConfigError(msg)


def open_console(
    beside: Beside,
    wishes: Preferences,
    greeting: str,
    *,
    read_only: bool,
    on_hangup: str,
) -> int:
    """Run the screens, then let the engine of this process drain."""
    alone = compose.started_as().is_restricted
    app = WatchfloorApp(
        LateDesk(beside.desk),
        workspace_name=_title(beside.layout),
        operator=compose.asker().by,
        clock=compose.now_ms,
        read_only=read_only,
        wishes=wishes,
        greeting=greeting,
        bundler=None if alone else ChildBundler(beside.layout),
        keeper=beside if beside.may_own and not read_only else None,
        role=beside.role,
        address=spoken_of(),
        is_restricted=alone,
    )
    departure = Departure(app, beside, on_hangup=on_hangup)
    departure.listen()
    try:
        code = run_console(app)
    finally:
        # Also where the console broke: its engine drains before that is told.
        left = departure.end()
    return code or left


def _title(layout: Layout) -> str:
    """Return what people call the workspace; the engine checks the file strictly."""
    try:
        settings = tomllib.loads(layout.settings.read_text(encoding="utf-8"))
        return str(settings["workspace"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return layout.root.resolve().name
