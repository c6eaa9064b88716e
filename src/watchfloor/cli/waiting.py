"""Commands that nobody has taken: which, and what they wait for."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from watchfloor.cli import compose
from watchfloor.cli.lines import iso
from watchfloor.domain.draining import ABOUT_A_HANG, ABOUT_UNSEEN
from watchfloor.domain.errors import WatchfloorError
from watchfloor.domain.moments import age_text
from watchfloor.domain.shell_words import in_workspace
from watchfloor.domain.text import clean
from watchfloor.domain.views import EngineView
from watchfloor.store.commands import Command
from watchfloor.store.inbox import Inbox
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import seen_engine
from watchfloor.store.waiting_asks import count_waiting

_LONGEST = 200


def not_taken_words(layout: Layout) -> str:
    """Return what to know of a command that was asked and that nobody has taken yet."""
    now_ms = compose.now_ms()
    try:
        with reading(layout) as connection:
            engine = seen_engine(connection, now_ms, layout)
    except WatchfloorError:
        engine = EngineView(heartbeat_at_ms=now_ms)  # who is there is not known
    if engine.hangs or engine.is_unseen:
        action = ABOUT_A_HANG if engine.hangs else ABOUT_UNSEEN
        why, do = "the engine does not answer", action[0].upper() + action[1:]
    elif engine.is_alive(now_ms) or engine.holder:
        return "The command is stored; the engine has not taken it yet."
    else:
        theirs = (
            "Start" if layout.may_own else "Ask whoever owns the workspace to start"
        )
        why, do = "no engine runs", f"{theirs} one: watchfloor engine"
    return (
        f"The command is stored and waits: {why}, and nothing is done until one takes "
        f"it. {in_workspace(do, layout.root)}"
    )


def waiting_for(layout: Layout, run_id: str, engine: EngineView) -> list[Command]:
    """Return the commands on a run that wait for an engine; none where one takes them.

    Only who may own the workspace may read them, of others so many as an engine reads
    in one turn; nothing is taken away, whatever lies there.
    """
    gone = not engine.is_alive(compose.now_ms())
    if not gone or not layout.may_own or not count_waiting(layout):
        return []
    try:
        with closing(Inbox(layout, only_looks=True)) as inbox:
            return [one for one in inbox.waiting() if one.run_id == run_id]
    except WatchfloorError:
        return []  # of an inbox that cannot be read doctor tells


def waiting_lines(commands: list[Command]) -> list[str]:
    """Return a sentence on each: ``stop by daemon waits for an engine, for 3 min``."""
    now_ms = compose.now_ms()
    return [
        f"{_verb(one)} by {_who(one)} waits for an engine, for "
        f"{age_text(min(one.at_ms, now_ms), now_ms)}"
        for one in commands
    ]


def waiting_json(commands: list[Command]) -> list[dict[str, Any]]:
    """Return what waits, for scripts."""
    return [
        {"verb": _verb(one), "by": _who(one), "asked_at": iso(one.at_ms)}
        for one in commands
    ]


def _verb(command: Command) -> str:
    return clean(command.verb, _LONGEST)


def _who(command: Command) -> str:
    """Return who asks: by the system's word, or what the owner's account says of it."""
    asker = command.asker
    is_known = asker is not None and not asker.is_owner
    return clean(asker.name if asker and is_known else command.by, _LONGEST)
