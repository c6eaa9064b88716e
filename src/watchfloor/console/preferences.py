"""How one operator wants the console: colours, words, keys, columns."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from watchfloor.console.keymap import Keymap
from watchfloor.console.themes import NAMES
from watchfloor.domain.labels import Dialect
from watchfloor.domain.measures import duration_ms

#: So long a stop or cancel can be taken back before it is asked for.
UNDO_S: Final = 8.0
_MOST_UNDO_S: Final = 60
_MOST_BYTES: Final = 64 * 1024
_LISTS: Final = ("runs", "records")


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
        rings: Whether the terminal's bell rings once for each alert.
        is_calm: A slow line: few colours, and cards that are polled seldom.
    """

    theme: str = ""
    dialect: Dialect = Dialect.WATCHFLOOR
    keymap: Keymap = field(default_factory=Keymap)
    undo_s: float = UNDO_S
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    is_calm: bool = False
    rings: bool = False


def read_preferences(path: Path) -> tuple[Preferences, tuple[str, ...]]:
    """Return what a preferences file says, and a sentence for every mistake in it.

    What is wrong is left as it is by default: nobody may be kept out of the console by
    a typing error in a file about colours. Keys are changed all together or not at all.
    A file that does not exist says nothing.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            return Preferences(), (f"{path} is larger than 64 KiB; it was not read",)
        said = tomllib.loads(text.decode("utf-8"))
    except FileNotFoundError:
        return Preferences(), ()
    except RecursionError:
        return Preferences(), (f"{path} is nested too deeply; it was not read",)
    except (OSError, ValueError) as error:
        return Preferences(), (f"{path} cannot be used: {error}",)
    chosen = _Chosen(said)
    return chosen.preferences(), tuple(chosen.mistakes)


class _Chosen:
    """What a file says, taken piece by piece; mistakes are collected."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._said = said
        self.mistakes = [
            f"{key}: there is no such preference; there are {', '.join(_KNOWN)}"
            for key in said
            if key not in _KNOWN
        ]

    def preferences(self) -> Preferences:
        """Return what could be used."""
        return Preferences(
            theme=self._one_of("theme", NAMES, ""),
            dialect=Dialect(
                self._one_of("words", tuple(map(str, Dialect)), Dialect.WATCHFLOOR)
            ),
            keymap=self._keymap(),
            undo_s=self._undo_s(),
            hidden=self._hidden(),
            is_calm=self._flag("calm"),
            rings=self._flag("bell"),
        )

    def _one_of(self, key: str, known: tuple[str, ...], default: str) -> str:
        value = self._said.get(key, default)
        if value == default or value in known:
            return str(value)
        self.mistakes.append(f"{key}: {value!r} is none of {', '.join(known)}")
        return default

    def _flag(self, key: str) -> bool:
        value = self._said.get(key, False)
        if not isinstance(value, bool):
            self.mistakes.append(f"{key}: write true or false")
        return value is True

    def _undo_s(self) -> float:
        value = self._said.get("undo")
        if value is None:
            return UNDO_S
        try:
            seconds = duration_ms(value, least_ms=0) / 1000
        except ValueError as error:
            self.mistakes.append(f"undo: {value!r} {error}; write 8s, or 0s for none")
            return UNDO_S
        if seconds > _MOST_UNDO_S:
            self.mistakes.append(f"undo: {value} is longer than {_MOST_UNDO_S}s")
            return UNDO_S
        return seconds

    def _table(self, key: str) -> Mapping[str, Any]:
        value = self._said.get(key, {})
        if isinstance(value, dict):
            return value
        self.mistakes.append(f"{key}: write a table, [{key}]")
        return {}

    def _keymap(self) -> Keymap:
        wanted = self._table("keys")
        wrong = [key for key, value in wanted.items() if not isinstance(value, str)]
        self.mistakes += [
            f'keys.{key}: write keys as text, "P" or "p,ctrl+g"' for key in wrong
        ]
        if wrong:
            return Keymap()
        keymap, mistakes = Keymap().remapped(wanted)
        self.mistakes += mistakes
        return keymap

    def _hidden(self) -> dict[str, frozenset[str]]:
        hidden: dict[str, frozenset[str]] = {}
        for name, titles in self._table("hide_columns").items():
            if name not in _LISTS:
                self.mistakes.append(f"hide_columns.{name}: there are runs and records")
            elif not isinstance(titles, list) or not all(
                isinstance(title, str) for title in titles
            ):
                self.mistakes.append(f'hide_columns.{name}: write ["ELAPSED", "ETA"]')
            else:
                hidden[name] = frozenset(title.upper() for title in titles)
        return hidden


_KNOWN: Final = ("theme", "words", "calm", "bell", "undo", "keys", "hide_columns")
