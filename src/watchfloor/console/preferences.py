"""How one operator wants the console: colours, words, keys, columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchfloor.console.keymap import Keymap
from watchfloor.domain.labels import Dialect

#: So long a stop or cancel can be taken back before it is asked for.
UNDO_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What an operator chose.

    Attributes:
        theme: dark, light, high-contrast, ansi or plain; empty for what suits the
            terminal.
        dialect: Whose words runs are called by.
        keymap: The keys in force.
        undo_s: So long a stop or cancel can be taken back; 0 for not at all.
        hidden: Titles of columns that are left out, by the name of the list.
        is_calm: A slow line: few colours, and cards that are polled seldom.
    """

    theme: str = ""
    dialect: Dialect = Dialect.WATCHFLOOR
    keymap: Keymap = field(default_factory=Keymap)
    undo_s: float = UNDO_S
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_calm: bool = False
