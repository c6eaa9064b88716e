"""The canary of a retry: its stages, and what each was judged on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from textual.widget import Widget

from watchfloor.console.canary_lines import (
    STAGE_COLUMNS,
    StageRow,
    canary_line,
    stage_at_length,
)
from watchfloor.console.labels import run_role
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.screens.list_sheet import ListSheet, Page
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.canary import CanaryView
from watchfloor.domain.errors import NotFoundError


class CanaryScreen(ListSheet[StageRow]):
    """Nothing moves unasked: the stages are as they were when they were read."""

    heading = "Canary"
    what = "the canary"
    columns = STAGE_COLUMNS
    offered = ("nav.failures",)
    nothing = "This run has no canary: all of its records are released."

    _canary: CanaryView | None = None
    _parent_id = ""

    def above(self) -> Iterable[Widget]:
        """Leave a line for where it stands as a whole."""
        yield Panel(id="fate")

    def key(self, row: StageRow) -> Hashable:
        """Return the stage's number."""
        return row.stage.number

    async def page(self, after: object, size: int) -> Page[StageRow]:  # noqa: ARG002 - the sheet's signature
        """Ask for the run and its stages; the one under way stands under the cursor."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        desk, run_id = self.session.desk, self.run.run_id
        self.run = await desk.run(run_id)
        if not self.run.cohort and self.run.retried_by:
            # A parent has no canary: what is asked for is how its retry does.
            self._parent_id, run_id = run_id, self.run.retried_by
            self.run = await desk.run(run_id)
        self._canary = found = await desk.canary(run_id)
        if found is None:
            return Page(())
        now_ms, of = self.session.clock(), len(found.stages)
        return Page([StageRow(stage, of, now_ms) for stage in found.stages])

    def show(
        self, wanted: tuple[object, ...], found: Page[StageRow], *, again: bool
    ) -> None:
        """Show the stages; the cursor begins on the one that was released last."""
        super().show(wanted, found, again=again)
        current = None if self._canary is None else self._canary.current
        if not again and current is not None:
            self.grid.select(current.number)
        if self._parent_id and self.run is not None:
            said = f"{self._parent_id} was retried: this is its newest retry"
            self.say(f"{said}, {self.run.run_id}.", "dim")

    def at_length(self, row: StageRow | None, width: int) -> Sequence[Line]:
        """Return what a stage was judged on."""
        return stage_at_length(row, width)

    def name_line(self) -> Line:
        """Return the run and how it stands."""
        line, run = super().name_line(), self.run
        if run is None:
            return line
        return (*line, Piece("  "), Piece(run.label, run_role(run)))

    def head(self) -> None:
        """Bring the heading and the canary as a whole up to date."""
        super().head()
        key = self.session.keymap.key("run.resume")
        canary = self._canary
        self.panel("fate").draw(lambda _: (canary_line(canary, key),))
