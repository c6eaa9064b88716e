"""The looks of the roles, asked of the screen: one set of styles, not one a widget."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget

from watchfloor.console.pieces import ROLES

#: What every screen declares as its component classes; ``console.tcss`` fills them in.
LOOKS = {f"look--{role}" for role in ROLES}


def look(widget: Widget, role: str) -> Style:
    """Return what a role adds to the style beneath it."""
    return widget.screen.get_component_rich_style(f"look--{role}", partial=True)
