"""The journal of one run: who asked what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import ModalScreen

from watchfloor.console.columns import EVENT_COLUMNS
from watchfloor.console.figures import counted, full_time
from watchfloor.console.keymap import bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.reading import Failure, answer
from watchfloor.console.session import Session
from watchfloor.console.text import wrapped
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.views import EventView, RunView

_MOST_LINES = 3


class Events(ModalScreen[None]):
    """The newest entries, oldest first; the one under the cursor at length."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("sheet")

    @dataclass
    class Read(Message):
        """The journal came, or why it did not."""

        answer: tuple[EventView, ...] | Failure

    def __init__(self, session: Session, run: RunView) -> None:
        super().__init__()
        self._session = session
        self._run = run

    def compose(self) -> ComposeResult:
        """Lay the list out."""
        yield Panel(id="heading", classes="heading")
        yield Grid(
            EVENT_COLUMNS,
            lambda event: event.entry_id,
            empty="Reading the events …",
            id="entries",
        )
        yield Panel(id="inside")
        yield Panel(id="keys", classes="footer")

    def on_mount(self) -> None:
        """Read the journal."""
        self._head("")
        acts = self._session.keymap.acts("sheet", "table")
        offers = [Offer(act) for act in acts if act.rank >= _KEPT]
        self.query_one("#keys", Panel).draw(lambda width: (footer(offers, width),))
        self.query_one(Grid).focus()
        begin(self, self._read, "events")

    async def _read(self) -> None:
        self.post_message(
            self.Read(await answer(self._session.desk.events(self._run.run_id)))
        )

    @on(Read)
    def _show(self, message: Read) -> None:
        grid: Grid[EventView] = self.query_one(Grid)
        if isinstance(message.answer, Failure):
            grid.empty = f"Could not read the events: {message.answer.sentence}"
            grid.refresh()
            return
        grid.empty = "Nothing happened to this run yet."
        grid.show(message.answer)
        grid.action_edge(1)
        self._head(counted(len(message.answer), "event"))
        self._at_length()

    def _head(self, count: str) -> None:
        name = self._run.campaign_name
        line = (Piece(" Events  ", "key"), Piece(name, "strong"), Piece(f"  {count}"))
        self.query_one("#heading", Panel).draw(lambda _: (line,))

    @on(Grid.Moved)
    def _at_length(self) -> None:
        event: EventView | None = self.query_one(Grid).current
        self.query_one("#inside", Panel).draw(lambda width: _inside(event, width))

    def action_close(self) -> None:
        """Go back."""
        _ = self.dismiss(None)


#: Acts of lists that make sense here stand behind this rank in the footer.
_KEPT = 50


def _inside(event: EventView | None, width: int) -> tuple[Line, ...]:
    if event is None:
        return ()
    asked = (
        f" {full_time(event.at_ms)}  by {event.by or '-'}  from {event.origin or '-'}"
    )
    said = "  ".join(part for part in (event.why, event.detail) if part) or "-"
    return (
        (Piece(asked, "dim"),),
        *((Piece(f" {text}"),) for text in wrapped(said, width - 2, _MOST_LINES)),
    )
