"""The callbacks of one run: what waits until when, the next one first."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import cast

from textual.widget import Widget

from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line
from watchfloor.console.promises import (
    PROMISE_COLUMNS,
    PromiseRow,
    at_length,
    fate,
    heading,
)
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.list_sheet import ListSheet, Page
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.records import RecordState


class CallbacksScreen(ListSheet[PromiseRow]):
    """What waits, and what would become of it."""

    what = "the callbacks"
    columns = PROMISE_COLUMNS
    nothing = "No callback is promised in this run."

    def above(self) -> Iterable[Widget]:
        """Leave room for what becomes of the promises."""
        yield Panel(id="fate")

    def key(self, row: PromiseRow) -> Hashable:
        """Return the record's number."""
        return row.record.seq

    async def page(self, after: object, size: int) -> Page[PromiseRow]:
        """Ask for the run and a page of its callbacks."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        desk, run_id = self.session.desk, self.run.run_id
        self.run = run = await desk.run(run_id)
        begins = cast("tuple[int, int] | None", after)
        found = await desk.callbacks(run_id, after=begins, size=size)
        now_ms = self.session.clock()
        rows = [PromiseRow(one, run, now_ms) for one in found.callbacks]
        return Page(rows, found.after)

    def at_length(self, row: PromiseRow | None, width: int) -> Sequence[Line]:  # noqa: ARG002 - the sheet's signature
        """Return what was promised and how it stands."""
        return at_length(row)

    async def opened(self, row: PromiseRow) -> None:
        """Open the journey of a promise; coming back selects the one last seen."""
        if self.run is not None:
            chosen = Filter((RecordState.CALLBACK,))
            journey = JourneyScreen(self.session, self.run, row.record.seq, chosen)
            await self.app.push_screen(journey, self._left)

    def _left(self, seq: int | None) -> None:
        if seq is not None:
            self.grid.select(seq)

    def name_line(self) -> Line:
        """Return the run and how many promises it holds."""
        return super().name_line() if self.run is None else heading(self.run)

    def head(self) -> None:
        """Bring the heading and the fate of the promises up to date."""
        super().head()
        run = self.run
        if run is not None:
            self.panel("fate").draw(lambda _: (fate(run),))
