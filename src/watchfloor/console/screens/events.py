"""The journal of one run: who asked what, and what came of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from watchfloor.console.columns import EVENT_COLUMNS
from watchfloor.console.event_lines import event_at_length
from watchfloor.console.figures import counted
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.screens.list_sheet import ListSheet, Page, Trail
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.views import EventView

_MOST = 200


class Events(ListSheet[EventView]):
    """The newest entries, oldest first; the one under the cursor at length."""

    heading = "Events"
    what = "the events"
    columns = EVENT_COLUMNS
    nothing = "Nothing happened to this run yet."
    # There is one page of them, and nothing behind a row.
    offered = ()

    def key(self, row: EventView) -> Hashable:
        """Return the entry's number."""
        return row.entry_id

    async def page(self, after: object, size: int) -> Page[EventView]:  # noqa: ARG002 - there is one page
        """Ask for the newest entries."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        return Page(await self.session.desk.events(self.run.run_id, limit=_MOST))

    def show(self, wanted: Trail, found: Page[EventView], *, again: bool) -> None:
        """Show the entries, first from the newest one."""
        super().show(wanted, found, again=again)
        if not again:
            self.grid.action_edge(1)

    def name_line(self) -> Line:
        """Return whose events these are, and how many."""
        line = super().name_line()
        if self.as_of_ms is None:
            return line
        number = len(self.grid.rows)
        said = counted(number, "event")
        if number == _MOST:
            key = self.session.keymap.key("nav.audit")
            said = f"the newest {said}; {key} has all"
        return (*line, Piece(f"  {said}"))

    def at_length(self, row: EventView | None, width: int) -> Sequence[Line]:
        """Return everything about one entry."""
        return event_at_length(row, width)
