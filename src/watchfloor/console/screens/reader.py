"""A page of lines to read: the help, or the details of a run."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import MouseScrollDown, MouseScrollUp

from watchfloor.console.closing import close
from watchfloor.console.figures import counted
from watchfloor.console.keymap import Keymap, bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pieces import Line, Painter, Piece, spread
from watchfloor.console.screens.modal import Modal
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel


class Reader(Modal[None]):
    """Lines that can be scrolled and closed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    #: The scopes of its keys.
    scopes: ClassVar[tuple[str, ...]] = ("reader",)
    BINDINGS: ClassVar[list[BindingType]] = bindings("reader")

    def __init__(self, title: str, painter: Painter, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap
        self._heading = title
        self._painter = painter

    def compose(self) -> ComposeResult:
        """Lay the page out."""
        yield Panel(id="heading", classes="heading")
        yield Panel(id="page")
        yield Panel(id="keys", classes="footer")

    def on_mount(self) -> None:
        """Show the page from its start."""
        offers = [Offer(act) for act in self._keymap.acts(*self.scopes)]
        self.query_one("#page", Panel).draw(self._painter)
        self._head()
        self.query_one("#keys", Panel).draw(lambda width: (footer(offers, width),))

    def on_resize(self) -> None:
        """Count what does not fit anew, once everything has its place."""
        self.call_after_refresh(self._head)

    def _head(self) -> None:
        hidden = self.query_one("#page", Panel).hidden_below
        more = counted(hidden, "more line") + " below " if hidden else ""
        left: Line = (Piece(f" {self._heading}", "key"),)
        right: Line = (Piece(more, "dim"),)
        self.query_one("#heading", Panel).draw(
            lambda width: (spread(left, right, width),)
        )

    def draw(self, painter: Painter) -> None:
        """Show other lines; the place in them stays."""
        self._painter = painter
        self.query_one("#page", Panel).draw(painter)
        self._head()

    def call(self, heading: str) -> None:
        """Call the page something else."""
        self._heading = heading
        self._head()

    def action_scroll(self, step: int) -> None:
        """Move by so many lines."""
        self.query_one("#page", Panel).scroll_lines(step)
        self._head()

    def action_half(self, sign: int) -> None:
        """Move by half a page."""
        self.action_scroll(sign * max(1, self.size.height // 2))

    def action_close(self) -> None:
        """Go back."""
        close(self)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.action_scroll(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.action_scroll(-3)
