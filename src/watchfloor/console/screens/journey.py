"""The journey of one record, entry by entry, and what went into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import ModalScreen

from watchfloor.console.columns import (
    ENTRY_COLUMNS,
    EntryRow,
    outcome_words,
    state_role,
)
from watchfloor.console.desk import Desk
from watchfloor.console.figures import full_time
from watchfloor.console.keymap import acts, bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pages import Filter, Place, page
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import shown_contact, shown_field, shown_text
from watchfloor.console.reading import Failure, answer
from watchfloor.console.text import wrapped
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import Journey, RecordPage, RecordView, RunView

_MOST_LINES = 3
_NAME = 12
_STEPS = {"page.prev": "Previous record", "page.next": "Next record"}

Reading = Callable[[], Awaitable[Journey]]


class JourneyScreen(ModalScreen[int]):
    """One record at a time; the answer is the record last looked at."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("sheet")

    @dataclass
    class Read(Message):
        """A journey came, or why it did not."""

        answer: Journey | Failure

    def __init__(self, desk: Desk, run: RunView, seq: int, chosen: Filter) -> None:
        super().__init__()
        self._desk = desk
        self._run = run
        self._seq = seq
        self._chosen = chosen
        self._journey: Journey | None = None

    def compose(self) -> ComposeResult:
        """Lay the timeline and the inside of the record out."""
        yield Panel(id="heading", classes="heading")
        yield Grid(
            ENTRY_COLUMNS,
            lambda row: row.place,
            empty="Reading the journey …",
            id="entries",
        )
        yield Panel(id="inside")
        yield Panel(id="message")
        yield Panel(id="keys", classes="footer")

    def on_mount(self) -> None:
        """Read the record that was opened."""
        offers = [
            Offer(act, label=_STEPS.get(act.ident, ""))
            for act in acts("table", "sheet")
            if act.ident in _STEPS or act.scope == "sheet"
        ]
        self.query_one("#keys", Panel).draw(lambda width: (footer(offers, width),))
        self._head()
        self.query_one(Grid).focus()
        self._start(partial(self._exactly, self._seq))

    def _start(self, reading: Reading) -> None:
        begin(self, partial(self._read, reading), "journey")

    async def _read(self, reading: Reading) -> None:
        self.post_message(self.Read(await answer(reading())))

    async def _exactly(self, seq: int) -> Journey:
        return await self._desk.journey(self._run.run_id, seq)

    async def _beside(self, step: int) -> Journey:
        place = Place(after=self._seq) if step > 0 else Place(before=self._seq)
        if place.before == 0:
            found = RecordPage()  # nothing stands before 0; to the desk it is "last"
        else:
            found = await page(self._desk, self._run.run_id, place, self._chosen, 1)
        if not found.records:
            side = "after" if step > 0 else "before"
            msg = f"no record stands {side} {self._seq:,} here"
            raise NotFoundError(msg)
        return await self._exactly(found.records[0].seq)

    @on(Read)
    def _show(self, message: Read) -> None:
        grid: Grid[EntryRow] = self.query_one(Grid)
        said: tuple[Line, ...] = ()
        if isinstance(message.answer, Failure):
            if self._journey is None:
                grid.empty = "There is nothing to show."
                grid.refresh()
            said = ((Piece(f" {message.answer.sentence}", "warn"),),)
        else:
            self._journey = message.answer
            self._seq = message.answer.record.seq
            grid.empty = "Nothing happened to this record yet."
            contact = message.answer.record.contact
            grid.show(
                [
                    EntryRow(place, shown_text(entry, contact))
                    for place, entry in enumerate(message.answer.entries)
                ],
                keep=False,
            )
            grid.action_edge(1)
            self._head()
            self._at_length()
        self.query_one("#message", Panel).draw(lambda _: said)

    def _head(self) -> None:
        parts = [Piece(" Journey ", "key"), Piece(f" record {self._seq:,}", "strong")]
        if self._journey is not None:
            record = self._journey.record
            parts += [
                Piece(f"  {shown_contact(record.contact)}"),
                Piece(f"  {record.state.word}", state_role(record.state)),
                Piece(f"  attempts {record.attempts}", "dim"),
                Piece(f"  {self._run.campaign_name}", "dim"),
            ]
        line = tuple(parts)
        self.query_one("#heading", Panel).draw(lambda _: (line,))

    @on(Grid.Moved)
    def _at_length(self) -> None:
        journey = self._journey
        row: EntryRow | None = self.query_one(Grid).current
        if journey is not None:
            self.query_one("#inside", Panel).draw(
                lambda width: _inside(journey, row, width)
            )

    @on(Grid.PageWanted)
    def _step(self, message: Grid.PageWanted) -> None:
        if message.step in (-1, 1):
            self._start(partial(self._beside, message.step))

    def action_close(self) -> None:
        """Go back to the record last looked at."""
        _ = self.dismiss(self._seq)


def _inside(journey: Journey, row: EntryRow | None, width: int) -> tuple[Line, ...]:
    record = journey.record
    lines: list[Line] = [
        _named("last", f"{outcome_words(record)}, {full_time(record.updated_at_ms)}"),
        *_block("why", why(record), width),
        _named("key", journey.key or "none yet"),
    ]
    fields = [
        f"{name}={shown_field(value, record.contact)}"
        for name, value in journey.fields.items()
    ]
    none = "none" if record.contact else "purged"
    lines += _block("inputs", "  ".join(fields) or none, width)
    if row is not None and row.entry.detail:
        lines += _block("detail", row.entry.detail, width)
    if record.result:
        lines.insert(1, _named("result", f"{record.result}, as the provider reported"))
    return tuple(lines)


def _named(name: str, text: str) -> Line:
    return (Piece(f" {name:<{_NAME}}", "dim"), Piece(text))


def _block(name: str, text: str, width: int) -> list[Line]:
    parts = wrapped(text, max(10, width - _NAME - 2), _MOST_LINES)
    return [_named("" if i else name, part) for i, part in enumerate(parts)]


_WHY = {
    RecordState.PENDING: "not attempted yet; the run's line says what it waits for",
    RecordState.CLAIMED: "taken up by the engine, not attempted yet",
    RecordState.ATTEMPTING: "an attempt is in flight; its outcome will be stored",
    RecordState.WAITING: "waits for an external or human step",
    RecordState.DELIVERED: "delivered; never attempted again",
    RecordState.UNKNOWN: "may have been delivered; decide with: watchfloor resolve",
    RecordState.NOT_ATTEMPTED: "the run was stopped or cancelled first",
    RecordState.EXPIRED: "its window closed for good",
    RecordState.ABANDONED: "its promise was dropped by a stop or a cancel",
}


def why(record: RecordView) -> str:
    """Return in one sentence why a record stands where it stands."""
    if record.is_held and not record.state.is_final:
        opens = full_time(record.next_at_ms)
        return f"{_held(record)}; its window is closed and opens at {opens}"
    match record.state:
        case RecordState.RETRY:
            return f"will be tried again at {full_time(record.next_at_ms)}"
        case RecordState.CALLBACK:
            return _promised(record)
        case RecordState.FAILED if record.outcome_class is OutcomeClass.PERMANENT:
            return "permanent: never retried"
        case RecordState.FAILED:
            return "every retry the campaign allows was made, or none was allowed"
        case state:
            return _WHY[state]


def _promised(record: RecordView) -> str:
    due_at_ms = record.next_at_ms if record.due_at_ms is None else record.due_at_ms
    said = f"promised for {full_time(due_at_ms)}"
    if record.expires_at_ms is not None:
        said += f", too late from {full_time(record.expires_at_ms)}"
    return said


def _held(record: RecordView) -> str:
    if record.state is RecordState.CALLBACK:
        return _promised(record)
    return "outside window"
