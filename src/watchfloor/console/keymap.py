"""Every key of the console, from one table, as the operator may have changed it.

Bindings, footer, help, palette and the collision test are all read from
``key_table.txt``. A key that changes a run never also closes or confirms a question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from itertools import combinations
from typing import Final

from textual.binding import Binding, BindingType
from textual.keys import _character_to_key

_TABLE: Final = "key_table.txt"
_NONE: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing a key does.

    Attributes:
        ident: Stable name, by which a key may be changed.
        keys: Textual key names, comma separated; empty for the palette alone.
        scope: Where the keys live: table, nav, main, app, or the name of a screen.
        group: Where it stands in the help; empty for not there.
        rank: Place in the footer, lowest first; 0 for not there.
        changes_run: Needs an armed console that may write.
    """

    ident: str
    keys: str
    action: str
    label: str
    tip: str
    scope: str
    group: str
    rank: int = 0
    changes_run: bool = False


def _read_table() -> tuple[Act, ...]:
    text = (files("watchfloor.console") / _TABLE).read_text(encoding="utf-8")
    return tuple(_act(line) for line in text.splitlines() if line[:1] not in ("#", ""))


def _act(line: str) -> Act:
    ident, keys, action, label, scope, group, rank, changes, tip = (
        "" if part.strip() == _NONE else part.strip() for part in line.split("|")
    )
    return Act(
        ident=ident,
        keys=keys,
        action=action,
        label=label,
        tip=tip,
        scope=scope,
        group=group,
        rank=int(rank),
        changes_run=changes == "yes",
    )


ACTS: Final = _read_table()

#: Keys that must never be bound, and whose they are.
RESERVED: Final = {
    "ctrl+a": "prefix of screen",
    "ctrl+b": "prefix of tmux",
    "ctrl+s": "flow control",
    "ctrl+z": "would stop the engine",
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+j": "newline",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
    "ctrl+c": "copy",
    "ctrl+q": "quit of Textual",
}

#: Which scopes a key is looked up in, innermost first; a modal screen hides the rest.
CHAINS: Final = (
    ("table", "main", "nav", "app"),
    ("sheet", "nav", "table"),
    ("handover", "reader"),
    ("journey", "sheet", "nav", "table"),
    ("triage", "sheet", "nav", "table"),
    ("audit", "sheet", "nav", "table"),
    ("unknowns", "sheet", "nav", "table"),
    ("cohort", "sheet", "nav", "table"),
    ("lens", "cohort", "sheet", "nav", "table"),
    ("wizard",),
    ("confirm",),
    ("limits",),
    ("find",),
    ("reader",),
    ("chooser",),
)

_SHOWN: Final = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "asterisk": "*",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "⇧Tab",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force.

    Attributes:
        table: Every act with its keys.
        changed: What an operator changed, by the name of the act, as Textual takes it.
    """

    table: tuple[Act, ...] = ACTS
    changed: Mapping[str, str] = field(default_factory=dict)

    def acts(self, *scopes: str) -> list[Act]:
        """Return the acts of these scopes, in the table's order."""
        return [act for act in self.table if act.scope in scopes]

    def act(self, ident: str) -> Act:
        """Return one act by its name."""
        return next(act for act in self.table if act.ident == ident)

    def key(self, ident: str) -> str:
        """Return the first key of an act as it stands on a keyboard; or its label."""
        act = self.act(ident)
        return next(iter(shown_keys(act)), act.label)

    def remapped(self, changes: Mapping[str, str]) -> tuple[Keymap, list[str]]:
        """Return the keymap with other keys, and a sentence for every mistake.

        Args:
            changes: Keys by the name of the act: characters or Textual's names, comma
                separated; empty for none.

        Returns:
            The keymap without the changes where there are mistakes.
        """
        known = {act.ident for act in self.table}
        mistakes = [
            f"keys.{ident}: there is no such act"
            for ident in changes
            if ident not in known
        ]
        wanted = {ident: _named(keys) for ident, keys in changes.items()}
        table = tuple(
            replace(act, keys=wanted[act.ident]) if act.ident in wanted else act
            for act in self.table
        )
        mistakes += [f"keys: {said}" for said in collisions(table)]
        mistakes += [f"keys: {said}" for said in dangers(table)]
        if mistakes:
            return self, mistakes
        bound = {ident: keys or _nobodys(ident) for ident, keys in wanted.items()}
        return Keymap(table, bound), []


def _nobodys(ident: str) -> str:
    """Return a key that no keyboard has; Textual would leave "" bound as it is."""
    return f"{_NONE}{ident}"


def _named(keys: str) -> str:
    """Return keys by Textual's names: ``?`` is question_mark."""
    # A comma itself cannot be bound: it parts the keys, for Textual as well.
    parts = [part.strip() for part in keys.split(",")]
    named = [_character_to_key(key) if len(key) == 1 else key for key in parts if key]
    return ",".join(named)


def bindings(*scopes: str) -> list[BindingType]:
    """Return the bindings of these scopes; a changed keymap is Textual's to apply."""
    return [
        Binding(
            # What has no key may be given one: Textual changes only what is bound.
            act.keys or _nobodys(act.ident),
            act.action,
            act.label,
            show=False,
            id=act.ident,
            # A spoiled screen is painted anew whatever stands over the jobs.
            priority=act.ident == "app.redraw",
        )
        for act in ACTS
        if act.scope in scopes and act.action
    ]


def shown_keys(act: Act) -> list[str]:
    """Return the keys as they stand on a keyboard."""
    return [shown_key(key) for key in act.keys.split(",") if key]


def shown_key(key: str) -> str:
    """Return one key as it stands on a keyboard: ``?``, ``^d``, ``Esc``, ``F5``."""
    if key.startswith("ctrl+"):
        return "^" + shown_key(key.removeprefix("ctrl+"))
    if key in _SHOWN:
        return _SHOWN[key]
    return key.upper() if key[0] == "f" and key[1:].isdigit() else key


def collisions(table: Sequence[Act] = ACTS) -> list[str]:
    """Return a sentence for every key that means two things or is not ours to bind."""
    found = [
        f"{key} of {act.ident} is reserved: {RESERVED[key]}"
        for act in table
        for key in act.keys.split(",")
        if key in RESERVED
    ]
    for chain in CHAINS:
        for one, other in combinations([a for a in table if a.scope in chain], 2):
            shared = {*one.keys.split(",")} & {*other.keys.split(",")} - {""}
            found += [f"{key}: {one.ident} and {other.ident}" for key in shared]
    return list(dict.fromkeys(found))


#: What must stay on a key: the way out of a question, and out of a screen.
_NEEDED: Final = ("confirm.no", "sheet.close", "back", "app.quit", "safety.arm")


def dangers(table: Sequence[Act]) -> list[str]:
    """Return a sentence for every key that could do harm where it is.

    The key that opens a question about a run must not be the one that says yes to it,
    and the safe way out must have a key.
    """
    yes = {key for act in table if act.ident in _YES for key in act.keys.split(",")}
    found = [
        f"{key} of {act.ident} also says yes to the question it opens"
        for act in table
        if act.changes_run
        for key in act.keys.split(",")
        if key and key in yes
    ]
    return [
        *found,
        *(f"{a.ident} needs a key" for a in table if a.ident in _NEEDED and not a.keys),
    ]


_YES: Final = ("confirm.yes", "limits.yes", "wizard.launch")
