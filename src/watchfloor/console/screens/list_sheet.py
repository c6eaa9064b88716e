"""A sheet that is a list turned page by page, with one row told at length."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, ClassVar, Generic, NamedTuple

from textual import on
from textual.widget import Widget

from watchfloor.console.columns import Column, Row
from watchfloor.console.figures import counted
from watchfloor.console.pieces import Line
from watchfloor.console.reading import Failure
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.session import Session
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.views import RunView

_PAGE = 40

#: By which keys the pages up to this one began; the first began with None.
Trail = tuple[object, ...]
FIRST: Trail = (None,)


class Page(NamedTuple, Generic[Row]):
    """One page of a list.

    Attributes:
        after: Where the next one begins; None where this is the last.
    """

    rows: Sequence[Row]
    after: object = None


class ListSheet(Sheet[Trail, Page[Row]], Generic[Row]):
    """Rows change only on a refresh; pages are turned forward, and back as they came.

    The desk tells only where the next page begins: the sheet remembers where the
    pages before it began.
    """

    #: The columns of the list.
    columns: ClassVar[Sequence[Column[Any]]] = ()
    #: Whether rows can be marked: whether anything is done with those that are.
    markable: ClassVar[bool] = False
    #: What a list without rows says, and one that could not be read.
    nothing: ClassVar[str] = "There is nothing."

    def __init__(self, session: Session, run: RunView | None) -> None:
        super().__init__(session, run, FIRST)
        self.trail = FIRST
        self._next: object = None
        self._ahead = 0

    def body(self) -> Iterable[Widget]:
        """Lay out the list, and room for the row under the cursor at length."""
        yield from self.above()
        yield Grid(
            self.columns,
            self.key,
            empty="Reading …",
            marks=self.markable,
            id="entries",
        )
        yield Panel(id="inside")

    def above(self) -> Iterable[Widget]:
        """Return what stands over the list."""
        return ()

    def key(self, row: Row) -> Hashable:
        """Return what a row is known by."""
        raise NotImplementedError

    async def page(self, after: object, size: int) -> Page[Row]:
        """Ask the desk for a page.

        Args:
            after: What the page before this one told; None for the first.
            size: The most rows.
        """
        raise NotImplementedError

    def at_length(self, row: Row | None, width: int) -> Sequence[Line]:
        """Return what is said about the row under the cursor."""
        raise NotImplementedError

    async def opened(self, row: Row) -> None:
        """Open what is behind a row."""

    @property
    def grid(self) -> Grid[Row]:
        """The list."""
        return self.query_one("#entries", Grid)

    def begin(self) -> None:
        """Put the focus on the list and read its first page."""
        self.grid.focus()
        super().begin()

    async def read(self, wanted: Trail) -> Page[Row]:
        """Ask for one page."""
        return await self.page(wanted[-1], max(_PAGE, self.grid.size.height - 1))

    def show(self, wanted: Trail, found: Page[Row], *, again: bool) -> None:
        """Show a page."""
        is_same = again and wanted == self.trail
        self.trail, self._next = wanted, found.after
        self.grid.empty = self.why_empty()
        changed = self.grid.show(found.rows, keep=is_same, mark=is_same)
        self._at_length()
        if is_same:
            self.say(f"{changed} of {counted(len(found.rows), 'row')} changed", "dim")
        if self._ahead:
            # After whatever else is said of this page.
            self.call_next(self._turn_on)

    def why_empty(self) -> str:
        """Return what a list without rows says."""
        if len(self.trail) > 1:
            key = self.session.keymap.key("page.first")
            return f"Nothing is left on this page; {key} shows the first."
        return self.nothing

    def fail(self, failure: Failure) -> None:
        """Keep the page that stands there and say how old it is."""
        self._ahead = 0
        if self.as_of_ms is None:
            key = self.session.keymap.key("sheet.refresh")
            self.grid.empty = f"Nothing could be read; {key} tries again."
            self.grid.refresh()
        else:
            self._wanted = self.trail
        super().fail(failure)

    def place(self) -> str:
        """Return which page this is."""
        return f"page {len(self.trail)}" if len(self.trail) > 1 else ""

    @on(Grid.Moved)
    def _at_length(self) -> None:
        row = self.grid.current
        self.panel("inside").draw(lambda width: self.at_length(row, width))

    @on(Grid.PageWanted)
    def _turn(self, message: Grid.PageWanted) -> None:
        match message.step:
            case 2:
                key = self.session.keymap.key("page.next")
                said = f"These pages are turned one by one: {key} is the next."
                self.say(said, "dim")
            case -2:
                self._ahead = 0
                self.want(FIRST)
            case step:
                self._ahead += step
                self._turn_on()

    def _turn_on(self) -> None:
        """Turn as many pages as were asked for; where one is read, once it has come."""
        if self.as_of_ms is None or self._wanted != self.trail:
            return
        ahead, self._ahead = self._ahead, 0
        if ahead < 0 and len(self.trail) == 1:
            self.say("First page.")
        elif ahead < 0:
            self.want(self.trail[: max(1, len(self.trail) + ahead)])
        elif ahead and self._next is None:
            self.say("This is the last page.")
        elif ahead:
            self._ahead = ahead - 1
            self.want((*self.trail, self._next))

    @on(Grid.Opened)
    async def _opened(self) -> None:
        row = self.grid.current
        if row is not None:
            await self.opened(row)
