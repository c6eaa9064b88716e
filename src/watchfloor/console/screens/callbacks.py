"""The callbacks of one run: what waits until when, the next one first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import ModalScreen

from watchfloor.console.figures import clock_time, counted
from watchfloor.console.keymap import acts, bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece, spread
from watchfloor.console.promises import (
    PROMISE_COLUMNS,
    PromiseRow,
    at_length,
    fate,
    heading,
)
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.session import Session
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import CallbackPage, RunView

_PAGE = 40
_OPEN = "Journey"
_SHOWN = ("callbacks.refresh", "row.open", "page.prev", "page.next", "nav.jobs")

#: By which keys the pages up to this one began; the first began with None.
Trail = tuple[tuple[int, int] | None, ...]
_START: Trail = (None,)


class CallbacksScreen(ModalScreen[None]):
    """Rows change only on a refresh; pages are turned forward, and back as they came.

    The desk tells only where the next page begins: the screen remembers where the
    pages before it began.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("callbacks", "sheet")

    @dataclass
    class Read(Message):
        """The run and a page of its callbacks came, or why they did not."""

        trail: Trail
        answer: tuple[RunView, CallbackPage] | Failure

    def __init__(self, session: Session, run: RunView) -> None:
        super().__init__()
        self._session = session
        self._run = run
        self._page = CallbackPage()
        self._as_of_ms: int | None = None
        self._trail = self._wanted = _START

    def compose(self) -> ComposeResult:
        """Lay the list out, and room for the one under the cursor at length."""
        yield Panel(id="heading", classes="heading")
        yield Panel(id="fate")
        yield Grid(
            PROMISE_COLUMNS,
            lambda row: row.record.seq,
            empty="Reading the callbacks …",
            id="entries",
        )
        yield Panel(id="inside")
        yield Panel(id="message")
        yield Panel(id="keys", classes="footer")

    def on_mount(self) -> None:
        """Read the first page."""
        offers = [
            Offer(act, label=_OPEN if act.ident == "row.open" else "")
            for act in acts("callbacks", "sheet", "table")
            if act.ident in _SHOWN or act.scope == "sheet"
        ]
        self._panel("keys").draw(lambda width: (footer(offers, width),))
        self._head()
        self._grid.focus()
        self._want(_START)

    @property
    def _grid(self) -> Grid[PromiseRow]:
        return self.query_one(Grid)

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    def _want(self, trail: Trail) -> None:
        self._wanted = trail
        size = max(_PAGE, self._grid.size.height - 1)
        begin(self, partial(self._read, trail, size), "callbacks")

    async def _read(self, trail: Trail, size: int) -> None:
        self.post_message(self.Read(trail, await answer(self._both(trail[-1], size))))

    async def _both(
        self, after: tuple[int, int] | None, size: int
    ) -> tuple[RunView, CallbackPage]:
        desk, run_id = self._session.desk, self._run.run_id
        run = await desk.run(run_id)
        return run, await desk.callbacks(run_id, after=after, size=size)

    @on(Read)
    def _show(self, message: Read) -> None:
        if message.trail != self._wanted:
            return  # a newer page was asked for meanwhile
        grid = self._grid
        if isinstance(message.answer, Failure):
            self._fail(message.answer)
            return
        is_same = self._as_of_ms is not None and message.trail == self._trail
        self._trail = message.trail
        self._run, self._page = message.answer
        now_ms = self._as_of_ms = self._session.clock()
        rows = [PromiseRow(one, self._run, now_ms) for one in self._page.callbacks]
        grid.empty = self._why_empty()
        changed = grid.show(rows, keep=is_same, mark=is_same)
        self._head()
        self._at_length()
        said = f"{changed} of {counted(len(rows), 'row')} changed" if is_same else ""
        self._say(said, "dim")

    def _fail(self, failure: Failure) -> None:
        if self._as_of_ms is None:
            self._grid.empty = "Nothing could be read; r tries again."
            self._grid.refresh()
            age = ""
        else:
            age = f" Rows are from {clock_time(self._as_of_ms)}."
        self._wanted = self._trail
        why = failure.sentence.rstrip(".")
        self._say(f"Could not read the callbacks: {why}.{age}", "bad")

    def _why_empty(self) -> str:
        if len(self._trail) > 1:
            return "No callback is left on this page; { shows the first."
        return "No callback is promised in this run."

    def _head(self) -> None:
        run, as_of_ms = self._run, self._as_of_ms
        age = "reading" if as_of_ms is None else f"as of {clock_time(as_of_ms)} UTC"
        place = f", page {len(self._trail)}" if len(self._trail) > 1 else ""
        right: Line = (Piece(f"{age}{place} ", "dim"),)
        self._panel("heading").draw(lambda width: (spread(heading(run), right, width),))
        self._panel("fate").draw(lambda _: (fate(run),))

    def _say(self, text: str, role: str = "") -> None:
        self._panel("message").draw(lambda _: ((Piece(f" {text}", role),),))

    @on(Grid.Moved)
    def _at_length(self) -> None:
        row = self._grid.current
        self._panel("inside").draw(lambda _: at_length(row))

    @on(Grid.PageWanted)
    def _turn(self, message: Grid.PageWanted) -> None:
        match message.step:
            case 1 if self._page.after is not None:
                self._want((*self._trail, self._page.after))
            case 1:
                self._say("This is the last page.")
            case -1 if len(self._trail) > 1:
                self._want(self._trail[:-1])
            case -1:
                self._say("First page.")
            case 2:
                self._say("These pages are turned one by one: ] is the next.", "dim")
            case _:
                self._want(_START)

    @on(Grid.Opened)
    async def _opened(self, message: Grid.Opened) -> None:
        if not isinstance(message.key, int):
            return
        chosen = Filter((RecordState.CALLBACK,))
        journey = JourneyScreen(self._session.desk, self._run, message.key, chosen)
        await self.app.push_screen(journey, self._left)

    def _left(self, seq: int | None) -> None:
        if seq is not None:
            self._grid.select(seq)

    def action_refresh_now(self) -> None:
        """Read the run and this page anew."""
        self._want(self._trail)

    def action_close(self) -> None:
        """Go back to the jobs."""
        _ = self.dismiss(None)
