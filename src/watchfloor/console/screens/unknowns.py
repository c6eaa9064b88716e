"""Records of which nobody knows whether they arrived, of all runs or of one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from watchfloor.console.keymap import bindings
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.list_sheet import Page
from watchfloor.console.screens.scoped_sheet import Choice, ScopedSheet
from watchfloor.console.unknown_lines import (
    NO_WAY,
    UNKNOWN_COLUMNS,
    UnknownRow,
    unknown_at_length,
)
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RunView


class UnknownsScreen(ScopedSheet[UnknownRow]):
    """Nothing is guessed: what is known, what it means, and whom to ask."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("unknowns")

    heading = "Unknown"
    what = "the unknown records"
    columns = UNKNOWN_COLUMNS
    scopes = ("unknowns", "sheet")
    nothing = "No record is unknown: of every attempt it is known how it ended."

    @dataclass
    class RunRead(Message):
        """The run of a record that is to be opened came, or why it did not."""

        seq: int
        answer: RunView | Failure

    def above(self) -> Iterable[Widget]:
        """Leave a line for what cannot be done here."""
        yield Panel(id="fate")

    def begin(self) -> None:
        """Say what this list cannot do, then read it."""
        self.panel("fate").draw(lambda _: ((Piece(NO_WAY, "dim"),),))
        super().begin()

    def key(self, row: UnknownRow) -> Hashable:
        """Return the run and the record's number."""
        return (row.unknown.run_id, row.unknown.record.seq)

    async def part(self, choice: Choice, after: object, size: int) -> Page[UnknownRow]:
        """Ask for a page of unknown records."""
        found = await self.session.desk.unknowns(
            choice.run_id, after=cast("tuple[str, int] | None", after), size=size
        )
        now_ms = self.session.clock()
        rows = [UnknownRow(one, now_ms, found.of) for one in found.unknowns]
        return Page(rows, found.after)

    def at_length(self, row: UnknownRow | None, width: int) -> Sequence[Line]:
        """Return what is known of a record and what that means."""
        return unknown_at_length(row, width)

    def place(self) -> str:
        """Return how many there are, and which page this is."""
        row = self.grid.current
        of = "" if row is None else f"{row.of:,} in all"
        return ", ".join(part for part in (super().place(), of) if part)

    async def opened(self, row: UnknownRow) -> None:
        """Open the journey, once its run is read: it may not be the selected one."""
        begin(self, partial(self._read_run, row), "run")

    async def _read_run(self, row: UnknownRow) -> None:
        run = await answer(self.session.desk.run(row.unknown.run_id))
        self.post_message(self.RunRead(row.unknown.record.seq, run))

    @on(RunRead)
    async def _open(self, message: RunRead) -> None:
        if isinstance(message.answer, Failure):
            why = message.answer.sentence.rstrip(".")
            self.say(f"Could not open the journey: {why}.", "bad")
            return
        chosen = Filter((RecordState.UNKNOWN,))
        run = message.answer
        await self.app.push_screen(
            JourneyScreen(self.session, run, message.seq, chosen),
            partial(self._left, run.run_id),
        )

    def _left(self, run_id: str, seq: int | None) -> None:
        if seq is not None:
            self.grid.select((run_id, seq))
