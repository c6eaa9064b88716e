"""The palettes; which part wears which colour is said in ``console.tcss``.

Colours that stand in many places are taken from the fixed part of the 256-colour
palette: the driver names them by number, in half the bytes.
"""

from __future__ import annotations

from dataclasses import replace

from textual.theme import Theme

DARK = Theme(
    name="dark",
    primary="#5fafd7",
    secondary="#87af87",
    accent="#d7af5f",
    warning="#d7af5f",
    error="#ff8787",
    success="#87af87",
    foreground="#d0d0d0",
    background="#121212",
    surface="#121212",
    panel="#1c1c1c",
    dark=True,
    variables={"cursor": "#2b3a49", "cursor-away": "#262626", "quiet": "#949494"},
)

LIGHT = Theme(
    name="light",
    primary="#005f87",
    secondary="#005f00",
    accent="#875f00",
    warning="#875f00",
    error="#af0000",
    success="#005f00",
    foreground="#262626",
    background="#ffffff",
    surface="#ffffff",
    panel="#eeeeee",
    dark=False,
    variables={"cursor": "#d0e2f2", "cursor-away": "#e4e4e4", "quiet": "#626262"},
)

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#5fd7ff",
    secondary="#ffffff",
    accent="#ffff5f",
    warning="#ffff5f",
    error="#ff8787",
    success="#87ff87",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={"cursor": "#005f87", "cursor-away": "#3a3a3a", "quiet": "#dadada"},
)

_PARTS = (
    "cursor",
    "cursor-away",
    "quiet",
    "ansi-background",
    "ansi-foreground",
    "border-blurred",
    "screen-selection-background",
    "screen-selection-foreground",
    "input-selection-foreground",
    "block-cursor-foreground",
    "block-cursor-background",
    "input-cursor-foreground",
    "input-cursor-background",
    "input-selection-background",
)
_TERMINALS_OWN = dict.fromkeys(_PARTS, "ansi_default")

#: The terminal's sixteen colours: for old terminals, slow lines, and who chose theirs.
ANSI = Theme(
    name="ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_default",
    accent="ansi_yellow",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables=_TERMINALS_OWN,
)

#: No colour at all, everything by attributes: what NO_COLOR gets.
PLAIN = replace(
    ANSI,
    name="plain",
    primary="ansi_default",
    accent="ansi_default",
    warning="ansi_default",
    error="ansi_default",
    success="ansi_default",
)

THEMES = (DARK, LIGHT, HIGH_CONTRAST, ANSI, PLAIN)
NAMES = tuple(theme.name for theme in THEMES)


def suited(terminal: str, colours: str) -> str:
    """Return the theme that suits a terminal nobody chose one for.

    Args:
        terminal: What TERM says.
        colours: What COLORTERM says; a terminal that sets it has far more than 16.
    """
    many = bool(colours) or "256" in terminal or "direct" in terminal
    return DARK.name if many else ANSI.name
