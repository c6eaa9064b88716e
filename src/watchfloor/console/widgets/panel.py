"""A block of lines that repaints only those that differ."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from watchfloor.console.pieces import SPACE, Line, Painter
from watchfloor.console.text import cut
from watchfloor.console.widgets.looks import look
from watchfloor.domain.text import clean


def _nothing(_: int) -> tuple[Line, ...]:
    return ()


class Panel(Widget):
    """Lines of text with roles, drawn as a painter says for the width there is."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  Textual's own name
        super().__init__(id=id, classes=classes)
        self._painter: Painter = _nothing
        self._lines: tuple[Line, ...] = ()
        self._top = 0

    @property
    def text(self) -> str:
        """What stands in the panel, for tests and copies."""
        return "\n".join("".join(piece.text for piece in line) for line in self._lines)

    @property
    def hidden_below(self) -> int:
        """How many lines do not fit below the last one shown."""
        return max(0, len(self._lines) - self._top - self.size.height)

    def draw(self, painter: Painter) -> None:
        """Show what *painter* returns, now and after every resize."""
        self._painter = painter
        new = tuple(painter(self.size.width)) if self.size.width else ()
        old = self._lines
        if new == old:
            return
        self._lines = new
        height = self.styles.height
        if height is not None and height.is_auto and len(new) != self.size.height:
            self.refresh(layout=True)
        longest = max(len(old), len(new))
        for number in range(longest):
            if old[number : number + 1] != new[number : number + 1]:
                y = number - self._top
                if 0 <= y < self.size.height:
                    self.refresh(Region(0, y, self.size.width, 1))
        # With fewer lines than before the place in them may be past the end.
        self.scroll_lines(0)

    def get_content_height(
        self,
        container: Size,  # noqa: ARG002  Textual's signature
        viewport: Size,  # noqa: ARG002  Textual's signature
        width: int,
    ) -> int:
        """Return the lines there are, for panels whose height is auto."""
        return len(self._painter(width))

    def scroll_lines(self, step: int) -> None:
        """Show later or earlier lines; stops at both ends."""
        last = max(0, len(self._lines) - self.size.height)
        top = max(0, min(last, self._top + step))
        if top != self._top:
            self._top = top
            self.refresh()

    def on_resize(self) -> None:
        """Paint anew for the new width."""
        self.draw(self._painter)
        self.scroll_lines(0)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, base = self.size.width, self.rich_style
        number = y + self._top
        if number >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[number]
        texts = [clean(piece.text, limit=max(500, width)) for piece in line]
        room = max(0, width - sum(cell_len(text) for text in texts))
        segments: list[Segment] = []
        left = width
        for piece, text in zip(line, texts, strict=True):
            shown = " " * room if piece is SPACE else text
            style = base
            if piece.role and piece is not SPACE:
                style = base + look(self, piece.role)
            if cell_len(shown) > left:
                segments.append(Segment(cut(shown, left), style))
                break
            segments.append(Segment(shown, style))
            left -= cell_len(shown)
        return Strip(segments).adjust_cell_length(width, base)

    def notify_style_update(self) -> None:
        """Repaint in the new colours."""
        super().notify_style_update()
        self.refresh()
