"""A list of keyed rows: a refresh repaints only the lines that differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from watchfloor.console.columns import Column, Row
from watchfloor.console.keymap import bindings
from watchfloor.console.text import fit
from watchfloor.console.widgets.grid_rows import (
    GAP,
    GUTTER,
    Drawn,
    Placed,
    changed_rows,
    differing_lines,
    drawn,
    placed,
)
from watchfloor.console.widgets.looks import look

_CURSOR, _MARK = ">", "•"
#: So many cells at the start of its row tell the cursor: all of it would be sent anew.
_BAR = 16
_WHEEL = 3


def _nothing(_: int) -> None:
    return


class Grid(Widget, Generic[Row], can_focus=True):
    """Rows are values and have a key; cursor and marks follow keys, never places.

    Args:
        columns: From the left.
        key: What a row is known by.
        empty: What stands there when there are no rows.
        marks: Whether rows can be marked: whether anything is done with those that are.

    Attributes:
        empty: As given; it may be changed.
        marks: Keys of the rows that are marked.
        at_once: Called before a row is opened (0) and before another pane is gone to
            (-1 or 1): keys that wait in line are for what is there then, and a message
            comes only after them.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    ALLOW_SELECT = False

    @dataclass
    class Said(Message):
        """Something happened in a grid."""

        grid: Grid[Any]

        @property
        def control(self) -> Grid[Any]:
            """The grid that says it."""
            return self.grid

    @dataclass
    class Moved(Said):
        """The cursor stands on another row."""

        key: Hashable

        def can_replace(self, message: Message) -> bool:
            """Let a held-down key send one message, not fifty."""
            return isinstance(message, Grid.Moved) and message.grid is self.grid

    @dataclass
    class Opened(Said):
        """The operator wants what is behind a row."""

        key: Hashable

    @dataclass
    class PageWanted(Said):
        """Another page is wanted: -2 first, -1 previous, 1 next, 2 last."""

        step: int

    @dataclass
    class MarkWanted(Said):
        """A mark is wanted in a list that takes none."""

    @dataclass
    class Marked(Said):
        """Rows were marked, or are marked no more, by a key."""

    @dataclass
    class PaneWanted(Said):
        """The pane to the left (-1) or right (1) is wanted."""

        step: int

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], Hashable],
        *,
        empty: str,
        marks: bool = True,
        id: str | None = None,  # noqa: A002  Textual's own name
    ) -> None:
        super().__init__(id=id)
        self.empty = empty
        self._takes_marks = marks
        self.at_once: Callable[[int], object] = _nothing
        self.marks: set[Hashable] = set()
        self._columns = tuple(columns)
        self._key = key
        self._rows: tuple[Drawn[Row], ...] = ()
        self._cursor = 0
        self._top = 0
        self._worthy = tuple(range(len(self._columns)))

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows shown, in order."""
        return tuple(shown.row for shown in self._rows)

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor].row if self._rows else None

    @property
    def current_key(self) -> Hashable | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def place(self) -> int:
        """Where the cursor stands, from 0."""
        return self._cursor

    # --- rows in ---------------------------------------------------------------------

    def show(
        self, rows: Sequence[Row], *, keep: bool = True, mark: bool = False
    ) -> int:
        """Show these rows instead.

        Args:
            rows: In the order in which they stand.
            keep: The cursor stays on its key; else it goes to the first row.
            mark: Cells that differ are marked until the next rows come.

        Returns:
            How many rows changed or are new, counted by key.
        """
        before = {shown.key: shown for shown in self._rows}
        new = tuple(self._drawn(row, before if mark else {}) for row in rows)
        changed = changed_rows(before, new, self._columns)
        old, self._rows, was = self._rows, new, self._cursor
        self._place_cursor(old, keep=keep)
        worthy, self._worthy = self._worthy, self._with_something_to_say()
        if worthy != self._worthy:
            self.refresh()
        self._repaint(old, {was, self._cursor} if was != self._cursor else set())
        return changed

    def replace(self, row: Row) -> None:
        """Show one row anew, if it is shown at all; the others stay as they are."""
        key = self._key(row)
        for y, shown in enumerate(self._rows):
            if shown.key == key:
                fresh = self._drawn(row, {key: shown})
                self._rows = (*self._rows[:y], fresh, *self._rows[y + 1 :])
                self._paint(y)

    def select(self, key: Hashable) -> bool:
        """Put the cursor on a key; False where no row has it."""
        for y, shown in enumerate(self._rows):
            if shown.key == key:
                self._go(y)
                return True
        return False

    def clear_marks(self) -> None:
        """Forget every mark."""
        marked = [y for y, shown in enumerate(self._rows) if shown.key in self.marks]
        self.marks.clear()
        for y in marked:
            self._paint(y)

    def _drawn(self, row: Row, before: dict[Hashable, Drawn[Row]]) -> Drawn[Row]:
        key = self._key(row)
        return drawn(row, key, self._columns, before.get(key))

    def _with_something_to_say(self) -> tuple[int, ...]:
        rows = self.rows
        return tuple(i for i, one in enumerate(self._columns) if one.worth(rows))

    def _place_cursor(self, old: tuple[Drawn[Row], ...], *, keep: bool) -> None:
        was = old[self._cursor].key if old else None
        places = {shown.key: y for y, shown in enumerate(self._rows)}
        if not keep or was is None:
            self._cursor = 0
        else:
            nearest = min(self._cursor, max(0, len(self._rows) - 1))
            self._cursor = places.get(was, nearest)

    def _repaint(self, old: tuple[Drawn[Row], ...], moved: set[int]) -> None:
        top = self._top
        self._follow_cursor()
        if not old or not self._rows or top != self._top:
            self.refresh()
            return
        for y in sorted(moved | differing_lines(old, self._rows)):
            self._paint(y)

    # --- painting --------------------------------------------------------------------

    def _paint(self, y: int) -> None:
        line = y - self._top + 1
        if 1 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def _follow_cursor(self) -> None:
        room = max(1, self.size.height - 1)
        last_top = max(0, len(self._rows) - room)
        top = min(self._top, self._cursor, last_top)
        self._top = max(top, self._cursor - room + 1)

    def _go(self, to: int) -> None:
        if not self._rows:
            return
        old, top = self._cursor, self._top
        self._cursor = max(0, min(len(self._rows) - 1, to))
        if self._cursor == old:
            return
        self._follow_cursor()
        if self._top != top:
            self.refresh()
        else:
            self._paint(old)
            self._paint(self._cursor)
        self.post_message(self.Moved(self, self._rows[self._cursor].key))

    def _placed(self) -> list[Placed[Row]]:
        return placed(self._columns, self._worthy, self.size.width)

    def render_line(self, y: int) -> Strip:
        """Draw the titles, a row, or that there are none."""
        width, base = self.size.width, self.rich_style
        if y == 0:
            titles = [fit(c.title, w, right=c.right) for _, c, w in self._placed()]
            head = " " * GUTTER + (" " * GAP).join(titles)
            return self._strip([Segment(head, base + look(self, "dim"))], base)
        number = y - 1 + self._top
        if not self._rows and number == 1:
            said = " " * GUTTER + fit(self.empty, max(1, width - GUTTER))
            return self._strip([Segment(said, base + look(self, "dim"))], base)
        if number >= len(self._rows):
            return Strip.blank(width, base)
        return self._row_strip(number, base)

    def _row_strip(self, number: int, base: Style) -> Strip:
        shown = self._rows[number]
        here, marked = number == self._cursor, shown.key in self.marks
        bar = Style.null()
        if here:
            bar = look(self, "cursor" if self.has_focus else "cursor-away")
        sign = (_CURSOR if here else " ") + (_MARK if marked else " ")
        segments = [Segment(sign, base + look(self, "mark") + bar)]
        left = _BAR - GUTTER
        for place, (i, column, width) in enumerate(self._placed()):
            if place:
                segments.append(Segment(" " * GAP, base + bar if left > 0 else base))
            cell = shown.cells[i]
            style = base + look(self, cell.role) if cell.role else base
            if cell.changed:
                style += look(self, "changed")
            if left > 0:
                style += bar
            left -= width + GAP
            segments.append(Segment(fit(cell.text, width, right=column.right), style))
        return self._strip(segments, base)

    def _strip(self, segments: list[Segment], style: Style) -> Strip:
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def notify_style_update(self) -> None:
        """Repaint in the new colours."""
        super().notify_style_update()
        self.refresh()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        top = self._top
        self._follow_cursor()
        if top != self._top:
            self.refresh()

    # --- keys and mouse --------------------------------------------------------------

    def action_row(self, step: int) -> None:
        """Move the cursor by so many rows."""
        self._go(self._cursor + step)

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first (0) or last row."""
        self._go(len(self._rows) if end else 0)

    def action_half(self, sign: int) -> None:
        """Move the cursor half a page."""
        self._go(self._cursor + sign * max(1, self.size.height // 2))

    def action_page(self, step: int) -> None:
        """Ask for another page."""
        self.post_message(self.PageWanted(self, step))

    def action_pane(self, step: int) -> None:
        """Ask for the pane beside this one."""
        self.at_once(step)
        self.post_message(self.PaneWanted(self, step))

    def action_open(self) -> None:
        """Ask for what is behind the row."""
        if self._rows:
            self.at_once(0)
            self.post_message(self.Opened(self, self._rows[self._cursor].key))

    def action_mark(self) -> None:
        """Mark or unmark the row and go on to the next."""
        if not self._takes_marks:
            self.post_message(self.MarkWanted(self))
        elif self._rows:
            self.marks ^= {self._rows[self._cursor].key}
            self._paint(self._cursor)
            self._go(self._cursor + 1)
            self.post_message(self.Marked(self))

    def action_mark_page(self) -> None:
        """Mark every row shown, or none where all are marked."""
        if not self._takes_marks:
            self.post_message(self.MarkWanted(self))
            return
        keys = {shown.key for shown in self._rows}
        self.marks = self.marks - keys if keys <= self.marks else self.marks | keys
        self.refresh()
        self.post_message(self.Marked(self))

    def on_click(self, event: Click) -> None:
        """Go to the row; a double click opens it."""
        number = event.y - 1 + self._top
        if 0 <= number < len(self._rows) and event.y >= 1:
            self._go(number)
            if event.chain > 1:
                self.action_open()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Move the cursor down."""
        event.stop()
        self._go(self._cursor + _WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Move the cursor up."""
        event.stop()
        self._go(self._cursor - _WHEEL)

    def set_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Show other columns; rows, cursor and marks stay as they are."""
        self._columns = tuple(columns)
        self._rows = tuple(self._drawn(row, {}) for row in self.rows)
        self._worthy = self._with_something_to_say()
        self.refresh()
