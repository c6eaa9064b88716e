"""A page of lines to read: the help, or the details of a run."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.screen import ModalScreen

from watchfloor.console.closing import close
from watchfloor.console.keymap import Keymap, bindings, shown_keys
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pieces import Line, Painter, Piece
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel

_KEYS = 11
_LABEL = 12
#: From this width on the help stands in two columns.
_TWO_COLUMNS = 116
#: The blocks of the help, and how many of them stand on the left.
_GROUPS = ("Move", "View", "Mark", "Look", "Run", "General")
_LEFT = 3


class Reader(ModalScreen[None]):
    """Lines that can be scrolled and closed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
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
        offers = [Offer(act) for act in self._keymap.acts("reader")]
        self.query_one("#page", Panel).draw(self._painter)
        self.query_one("#heading", Panel).draw(
            lambda _: ((Piece(f" {self._heading}", "key"),),)
        )
        self.query_one("#keys", Panel).draw(lambda width: (footer(offers, width),))

    def draw(self, painter: Painter) -> None:
        """Show other lines; the place in them stays."""
        self._painter = painter
        self.query_one("#page", Panel).draw(painter)

    def action_scroll(self, step: int) -> None:
        """Move by so many lines."""
        self.query_one("#page", Panel).scroll_lines(step)

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


def help_lines(keymap: Keymap, width: int) -> tuple[Line, ...]:
    """Return every key of the table, by groups, in one or two columns."""
    blocks = [_block(keymap, group) for group in _GROUPS]
    if width < _TWO_COLUMNS:
        return tuple(_padded(line, width) for block in blocks for line in block)
    left = [line for block in blocks[:_LEFT] for line in block]
    right = [line for block in blocks[_LEFT:] for line in block]
    half = width // 2
    rows = max(len(left), len(right))
    left += [()] * (rows - len(left))
    right += [()] * (rows - len(right))
    return tuple(
        (*_padded(a, half), *_padded(b, width - half))
        for a, b in zip(left, right, strict=True)
    )


def _block(keymap: Keymap, group: str) -> list[Line]:
    lines: list[Line] = [(), (Piece(f"  {group}", "strong"),)]
    for act in keymap.acts("table", "nav", "main", "app"):
        if act.group != group:
            continue
        keys = " ".join(shown_keys(act)) or "palette"
        lines.append(
            (
                Piece(f"  {keys:<{_KEYS}}", "key"),
                Piece(f"{act.label:<{_LABEL}}"),
                Piece(act.tip, "dim"),
            )
        )
    return lines


def _padded(line: Line, width: int) -> Line:
    out: list[Piece] = []
    for piece in line:
        left = width - 1 - sum(len(shown.text) for shown in out)
        out.append(Piece(piece.text[: max(0, left)], piece.role))
    used = sum(len(piece.text) for piece in out)
    return (*out, Piece(" " * (width - used)))
