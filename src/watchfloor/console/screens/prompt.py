"""One line at the foot of the screen to type into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from watchfloor.console.closing import close
from watchfloor.console.keymap import bindings
from watchfloor.console.pieces import Piece
from watchfloor.console.screens.modal import Modal
from watchfloor.console.text import plain
from watchfloor.console.widgets.field import Field
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.text import clean

_LONGEST = 500
_LABEL_MOST = 30


class Prompt(Modal[str | None]):
    """Covers its own line alone; Enter answers with the text, Escape with None.

    Args:
        label: What is asked for.
        value: What stands in the field first.
        history: Earlier answers, the oldest first.
        hint: Stands in the field while it is empty.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("find")

    def __init__(
        self,
        label: str,
        value: str = "",
        history: Sequence[str] = (),
        hint: str = "",
    ) -> None:
        super().__init__()
        self._label = clean(label, limit=_LABEL_MOST)
        self._hint = hint
        # What is being typed stands after the newest of the earlier answers.
        self._entries = [*(clean(one, limit=_LONGEST) for one in history), value]
        self._place = len(history)

    def compose(self) -> ComposeResult:
        """Lay label and field out."""
        with Horizontal(id="prompt"):
            yield Panel(id="label")
            field = Field(
                clean(self._entries[-1], limit=_LONGEST),
                id="text",
                placeholder=plain(self._hint).plain,
                compact=True,
                select_on_focus=False,
                max_length=_LONGEST,
            )
            yield field

    def on_mount(self) -> None:
        """Name what is asked for and stand at the end of the text."""
        line = (Piece(f" {self._label}: ", "key"),)
        label = self.query_one("#label", Panel)
        label.styles.width = cell_len(line[0].text)
        label.draw(lambda _: (line,))
        self._field.focus()
        self._field.action_end()

    @property
    def _field(self) -> Input:
        return self.query_one("#text", Input)

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        close(self, event.value)

    def action_recall(self, step: int) -> None:
        """Show an earlier answer, or a later one; what was typed is kept."""
        self._entries[self._place] = self._field.value
        place = max(0, min(len(self._entries) - 1, self._place + step))
        if place != self._place:
            self._place = place
            self._field.value = self._entries[place]
            self._field.action_end()

    def action_close(self) -> None:
        """Leave it as it is."""
        close(self)
