"""What stands on a console's screen, and waiting until something does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from rich.cells import cell_len
from tests.console.unseen import paint_at_rest, painted
from tests.support.patience import DEADLINE_S
from textual.app import App
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.widgets.panel import Panel

#: Turns of the loop; a message that is being handled may send another one.
_CALM_ENOUGH = 12
READS = (
    "overview",
    "records",
    "events",
    "journey",
    "callbacks",
    "results",
    "sheet",
    "poll",
    "healthy",
    "run",
)


def shown(app: WatchfloorApp) -> str:
    """The whole screen as text."""
    lines = painted(app)
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


def laid_out(app: App[Any]) -> list[int]:
    """How wide every line is."""
    lines = painted(app)
    return [cell_len("".join(piece.text for piece in line)) for line in lines]


def check_lines(app: WatchfloorApp) -> None:
    """Every line is exactly as wide as the screen."""
    assert laid_out(app) == [app.size.width] * app.size.height, shown(app)


def panel(app: WatchfloorApp, name: str) -> str:
    """The text of one block of lines."""
    return app.jobs.query_one(f"#{name}", Panel).text


def jobs(app: WatchfloorApp) -> JobsScreen:
    return app.jobs


async def until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    """Wait until something is true; fail with what is shown if it never is."""
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, shown(pilot.app)  # type: ignore[arg-type]  # ours
        await asyncio.sleep(0.005)


def _is_calm(app: WatchfloorApp) -> bool:
    """Whether the first read has come, and nothing is left to read, tell or paint."""
    screen = app.screen
    waits = (
        screen._layout_required,
        screen._repaint_required,
        screen._dirty_widgets,
        screen._callbacks,
        app.has_typed_ahead,
        any(worker.group in READS for worker in app.workers),
        any(
            pump._message_queue.qsize()
            for pump in (app, *screen.walk_children(with_self=True))
        ),
    )
    begun = app.jobs.overview is not None or app.jobs._message
    return bool(begun) and not any(waits)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until every read has come and is painted."""
    app: WatchfloorApp = pilot.app  # type: ignore[assignment]  # ours
    calm = 0
    end = time.monotonic() + DEADLINE_S
    while calm < _CALM_ENOUGH and not app._exit and time.monotonic() < end:
        await asyncio.sleep(0)
        if _is_calm(app):
            calm += 1
        else:
            calm = 0
            await asyncio.sleep(0.001)
    if not app._exit:
        paint_at_rest(app)


def _key(name: str) -> Key:
    if len(name) == 1:
        return Key(name if name.isalnum() else _character_to_key(name), name)
    return Key(name, None)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one after another, each with its reads.

    ``Pilot.press`` waits for the whole process to fall idle after every key; waiting
    for the messages is exact and twenty times faster.
    """
    for key in keys:
        event = _key(key)
        event.set_sender(pilot.app)
        pilot.app.post_message(event)
        await settled(pilot)


async def press_at_once(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys that all wait in the line before the first one is looked at."""
    for key in keys:
        event = _key(key)
        event.set_sender(pilot.app)
        pilot.app.post_message(event)
    await settled(pilot)
