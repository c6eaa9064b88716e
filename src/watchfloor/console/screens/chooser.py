"""Choose one of many by typing: the command palette, and the states to filter by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from watchfloor.console.closing import close
from watchfloor.console.columns import Column
from watchfloor.console.keymap import bindings
from watchfloor.console.pieces import Piece
from watchfloor.console.screens.modal import Modal
from watchfloor.console.text import plain, wrapped
from watchfloor.console.widgets.field import Field
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing to choose.

    Attributes:
        ident: What the chooser answers with.
        hint: A key or a number beside the name.
        obstacle: Why it cannot be chosen now; empty if it can.
    """

    ident: str
    name: str
    hint: str = ""
    tip: str = ""
    obstacle: str = ""

    def matches(self, words: Sequence[str]) -> bool:
        """Whether every word occurs in the name or the tip."""
        text = f"{self.name} {self.tip} {self.ident}".casefold()
        return all(word in text for word in words)


def _role(option: Option) -> str:
    return "dim" if option.obstacle else ""


_COLUMNS: tuple[Column[Option], ...] = (
    Column(title="", width=14, text=lambda o: o.name, role=_role),
    Column(
        title="",
        width=9,
        right=True,
        text=lambda o: o.hint,
        role=lambda o: "dim" if o.obstacle else "key",
    ),
    Column(
        title="",
        width=20,
        grow=1,
        text=lambda o: f"not possible: {o.obstacle}" if o.obstacle else o.tip,
        role=lambda _: "dim",
    ),
)


class Chooser(Modal[str | None]):
    """A field that narrows a list; Enter takes what the cursor stands on.

    What cannot be chosen now says why instead.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("chooser")

    def __init__(self, hint: str, options: Sequence[Option]) -> None:
        super().__init__()
        self._hint = hint
        self._options = tuple(options)

    def compose(self) -> ComposeResult:
        """Lay the field and the list out."""
        with Vertical(id="box"):
            field = Field(
                id="words",
                placeholder=plain(self._hint).plain,
                compact=True,
                max_length=80,
            )
            yield field
            yield Grid(
                _COLUMNS,
                lambda option: option.ident,
                empty="Nothing has such a name. Esc goes back.",
                id="options",
            )
            yield Panel(id="said")

    def on_mount(self) -> None:
        """Show everything there is to choose."""
        grid = self._grid
        grid.can_focus = False
        grid.show(self._options)
        self.query_one(Input).focus()

    @property
    def _grid(self) -> Grid[Option]:
        return self.query_one(Grid)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        words = event.value.casefold().split()
        found = [option for option in self._options if option.matches(words)]
        # What begins with the words stands first; the table's order otherwise.
        start = " ".join(words)
        found.sort(key=lambda option: not option.name.casefold().startswith(start))
        self._grid.show(found, keep=False)
        self._say("")

    @on(Input.Submitted)
    @on(Grid.Opened)
    def _take(self) -> None:
        option = self._grid.current
        if option is None:
            return
        if option.obstacle:
            self._say(f"{option.name} is not possible now: {option.obstacle}.")
        else:
            close(self, option.ident)

    def _say(self, text: str) -> None:
        self.query_one("#said", Panel).draw(
            lambda width: [(Piece(part, "warn"),) for part in wrapped(text, width, 2)]
        )

    def action_row(self, step: int) -> None:
        """Move the cursor."""
        self._grid.action_row(step)
        self._say("")

    def action_close(self) -> None:
        """Choose nothing."""
        close(self)
