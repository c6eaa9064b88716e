"""A full screen over the jobs: what it shows is read once, and again when asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Generic, TypeVar, cast

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from watchfloor.console.closing import close
from watchfloor.console.figures import clock_time
from watchfloor.console.flow import MOST_SAID, read_whole
from watchfloor.console.keymap import Act, bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pieces import Line, Piece, measured, spread
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.modal import Modal
from watchfloor.console.session import Session
from watchfloor.console.text import cut
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView

#: What is asked for, and what comes of it.
Wanted = TypeVar("Wanted")
Found = TypeVar("Found")

#: The role of the name in a heading, and the fewest cells that still tell it.
_NAME = "strong"
_LEAST_NAME = 8


class Sheet(Modal[None], Generic[Wanted, Found]):
    """A heading with its age, a body, a line for words, and the keys.

    A sheet says what it reads (``read``), shows it (``show``) and lays out its own
    body (``body``). Nothing is read again unless the operator asks, except where a
    sheet polls figures.

    Args:
        first: What is wanted first.

    Attributes:
        run: The run that was selected when it was opened, as last read; or None.
        as_of_ms: When what stands there was read; None before.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("sheet", "nav")

    #: What stands first in the heading.
    heading: ClassVar[str] = ""
    #: What is read, in words: 'Could not read ...'.
    what: ClassVar[str] = ""
    #: Names of acts of lists and views that the footer offers beside the sheet's own.
    offered: ClassVar[tuple[str, ...]] = ("row.open", "page.prev", "page.next")
    #: The sheet's own scope, and those of its widgets.
    scopes: ClassVar[tuple[str, ...]] = ("sheet",)

    @dataclass
    class Read(Message):
        """What was read came, or why it did not.

        Attributes:
            wanted: What was asked for; an answer to something else is late.
        """

        wanted: object
        answer: object

    def __init__(self, session: Session, run: RunView | None, first: Wanted) -> None:
        super().__init__()
        self._wanted = first
        self.session = session
        self.run = run
        self.as_of_ms: int | None = None

    def compose(self) -> ComposeResult:
        """Lay the sheet out."""
        yield Panel(id="heading", classes="heading")
        yield from self.body()
        yield Panel(id="message")
        yield Panel(id="keys", classes="footer")

    def body(self) -> Iterable[Widget]:
        """Return what stands between heading and keys."""
        raise NotImplementedError

    async def read(self, wanted: Wanted) -> Found:
        """Ask the desk; the answer goes to ``show``."""
        raise NotImplementedError

    def show(self, wanted: Wanted, found: Found, *, again: bool) -> None:
        """Show what was read.

        Args:
            wanted: What was asked for.
            found: What ``read`` returned.
            again: Whether the same was shown before: what differs may be marked.
        """
        raise NotImplementedError

    def on_mount(self) -> None:
        """Stand first, then read."""
        offers = self.offers()
        self.panel("keys").draw(lambda width: (footer(offers, width),))
        self.head()
        self.begin()

    def begin(self) -> None:
        """Read for the first time."""
        self.want(self._wanted)

    @property
    def subject(self) -> RunView | None:
        """The one run that the sheet is about; None where it is about several."""
        return self.run

    def panel(self, name: str) -> Panel:
        """Return one of the panels."""
        return self.query_one(f"#{name}", Panel)

    def offers(self) -> list[Offer]:
        """Return what the footer offers."""
        own = self.session.keymap.acts(*self.scopes)
        others = self.session.keymap.acts("table", "nav")
        return [
            *(Offer(act) for act in own if act.rank),
            *(Offer(act) for act in others if act.ident in self.offered),
        ]

    def obstacle(self, act: Act) -> str:  # noqa: ARG002 - for sheets that act
        """Return why an act of the sheet's own is not possible now; or nothing."""
        return ""

    # --- reads -----------------------------------------------------------------------

    def want(self, wanted: Wanted) -> None:
        """Read what is wanted; an older question that is still open is given up."""
        self._wanted = wanted
        begin(self, partial(self._read, wanted), "sheet")

    async def _read(self, wanted: Wanted) -> None:
        self.post_message(self.Read(wanted, await answer(self.read(wanted))))

    @on(Read)
    def _was_read(self, message: Read) -> None:
        if message.wanted != self._wanted:
            return
        if isinstance(message.answer, Failure):
            self.fail(message.answer)
            return
        again = self.as_of_ms is not None
        self.as_of_ms = self.session.clock()
        self.say("")
        self.show(self._wanted, cast("Found", message.answer), again=again)
        self.head()

    def fail(self, failure: Failure) -> None:
        """Keep what stands there and say how old it is."""
        age = ""
        if self.as_of_ms is not None:
            age = f" This is from {clock_time(self.as_of_ms)}."
        why = failure.sentence.rstrip(".")
        self.say(f"Could not read {self.what}: {why}.{age}", "bad")

    # --- paint -----------------------------------------------------------------------

    def name_line(self) -> Line:
        """Return what stands at the left of the heading."""
        line: Line = (Piece(f" {self.heading}  ", "key"),)
        if self.run is None:
            return line
        return (*line, Piece(self.run.campaign_name, "strong"))

    def under_heading(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - for sheets that say more
        """Return what stands below the heading, where the style leaves room for it."""
        return ()

    def place(self) -> str:
        """Return where in a longer list this is; or nothing."""
        return ""

    def warnings(self) -> Line:
        """Return what must stand on every screen: no engine, and what waits."""
        alarm = self.session.sight.alarm(self.session.clock())
        warning: Line = (Piece(f" {alarm} ", "alarm"), Piece("  ")) if alarm else ()
        if held := self.session.outgoing.held:
            back = self.session.keymap.key("sheet.undo")
            out = f"{back} takes back: {held[-1].words}  "
            warning = (*warning, Piece(out, "warn"))
        return warning

    def head(self) -> None:
        """Bring the heading up to date."""
        if not self.query("#heading"):
            return  # told of the engine before it was laid out
        title, place = self.name_line(), self.place()
        key = self.session.keymap.key("sheet.refresh")
        ages = ["reading …"]
        if self.as_of_ms is not None:
            read = f"as of {clock_time(self.as_of_ms)} UTC"
            ages = [f"{read}, {key} refreshes", read]
        where = f"{place}  " if place else ""
        warning = self.warnings()
        rights: list[Line] = [
            (*warning, Piece(f"{where}{age} ", "dim")) for age in ages
        ]
        self.panel("heading").draw(
            lambda width: (_heading(title, rights, width), *self.under_heading(width))
        )

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator, once there is anything to show it on."""
        if not self.query("#message"):
            return  # told before it was laid out, or after it was closed
        line: Line = (
            (Piece(f" {self.session.address.here(text)}", role),) if text else ()
        )
        self.panel("message").draw(lambda width: read_whole(line, (), width, MOST_SAID))

    # --- keys ------------------------------------------------------------------------

    @on(Grid.MarkWanted)
    def _unmarkable(self) -> None:
        self.say("Nothing is marked here; runs and records are, on the jobs.", "dim")

    def action_refresh_now(self) -> None:
        """Read what stands here anew."""
        self.want(self._wanted)

    def action_close(self) -> None:
        """Go back."""
        close(self)


def _heading(title: Line, rights: Sequence[Line], width: int) -> Line:
    """Return title and age; where both do not fit it is the name that is cut."""
    for right in rights:
        if measured(title) + measured(right) < width:
            return spread(title, right, width)
    right = rights[-1]
    over = measured(title) + measured(right) + 1 - width
    shorter = tuple(
        Piece(_shorter(piece.text, over), piece.role) if piece.role == _NAME else piece
        for piece in title
    )
    return spread(shorter, right, width)


def _shorter(name: str, over: int) -> str:
    text = clean(name)
    return cut(text, max(_LEAST_NAME, cell_len(text) - over))
