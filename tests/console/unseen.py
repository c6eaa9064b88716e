"""Paintings that nobody sees are not made: a test's console paints what is looked at.

Without a terminal Textual makes every painting and throws it away: a third of what a
console's tests cost. Here a screen is painted where it has come to rest, if anything of
it has changed, and whenever a test looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from weakref import WeakSet

from textual._compositor import Compositor
from textual._context import active_app, visible_screen_stack
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip

_painted: WeakSet[Screen[Any]] = WeakSet()


@contextmanager
def painted_when_seen() -> Iterator[None]:
    """Let consoles without a terminal paint only by what is below."""
    paint = Compositor.render_update

    def put_off(compositor: Compositor, *how: Any, **named: Any) -> Any:
        app = active_app.get()
        if not app.is_headless:
            return paint(compositor, *how, **named)
        if compositor._dirty_regions:
            compositor._dirty_regions.clear()
            _painted.discard(app.screen)
        return None

    with patch.object(Compositor, "render_update", put_off):
        yield


def painted(app: App[Any]) -> list[Strip]:
    """Return the lines of the whole screen, with what shines through from below."""
    _painted.add(app.screen)
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


def paint_at_rest(app: App[Any]) -> None:
    """Paint what has changed since somebody looked at it."""
    if app.screen not in _painted:
        painted(app)
