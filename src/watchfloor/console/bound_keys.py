"""Which key does a thing on a screen right now, whatever an operator changed."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from watchfloor.console.keymap import shown_key


def bound_key(screen: Screen[Any], ident: str) -> str:
    """Return the key of an act as it stands on a keyboard: the last one it has.

    Questions name it: their first key is Escape, which everybody knows.
    """
    keys = [
        key
        for key, active in screen.active_bindings.items()
        if active.binding.id == ident
    ]
    return shown_key(keys[-1]) if keys else ""
