"""The failure lens: what failed in a run, in groups of the same cause."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from watchfloor.console.copies import lens_json
from watchfloor.console.figures import counted
from watchfloor.console.keymap import bindings
from watchfloor.console.lens_lines import (
    LENS_COLUMNS,
    TURNS,
    LensRow,
    by_words,
    group_at_length,
    sum_line,
)
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.screens.cohort import CohortScreen
from watchfloor.console.screens.cohort_sheet import Cohort, CohortSheet, shell_words
from watchfloor.console.screens.list_sheet import Page
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.lens import EVERY, Dimension, Lens, LensGroup, why_not

#: So many groups are named that a cohort would take up as well.
_NAMED = 2


class LensScreen(CohortSheet[LensRow]):
    """Groups, the largest first; the marked ones are meant, else the current one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("lens")

    heading = "Failures"
    what = "the failures"
    columns = LENS_COLUMNS
    markable = True
    scopes = ("lens", "cohort", "sheet")
    offered = ("row.open", "row.mark")
    nothing = "Nothing failed in this run, and nothing is unknown or tried again."

    _lens: Lens | None = None

    def above(self) -> Iterable[Widget]:
        """Leave a line for the sum of it."""
        yield Panel(id="fate")

    def key(self, row: LensRow) -> Hashable:
        """Return what its records have in common."""
        return row.group.key

    async def page(self, after: object, size: int) -> Page[LensRow]:  # noqa: ARG002 - the sheet's signature
        """Ask for the run and its failures, grouped as is wanted."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        desk, run_id = self.session.desk, self.run.run_id
        by = self._by
        self.run = await desk.run(run_id)
        self._lens = lens = await desk.lens(run_id, by)
        now_ms = self.session.clock()
        return Page([LensRow(group, lens, now_ms) for group in lens.groups])

    def at_length(self, row: LensRow | None, width: int) -> Sequence[Line]:
        """Return everything known of a group."""
        words = ""
        if row is not None and self.run is not None:
            retry = shell_words(self.run.run_id, row.lens.selection(row.group))
            words = self.session.address.here(retry)
        return group_at_length(row, words, width)

    def name_line(self) -> Line:
        """Return the run, and by what the groups are made."""
        line = super().name_line()
        if self._lens is None:
            return line
        return (*line, Piece(f"  {by_words(self._lens.by)}", "key"))

    def head(self) -> None:
        """Bring the heading and the sum up to date."""
        super().head()
        self._sum()

    @on(Grid.Moved)
    def _sum(self) -> None:
        if self.query("#fate"):
            lens, marked = self._lens, self._marked
            self.panel("fate").draw(lambda _: (sum_line(lens, marked),))

    def on_key(self) -> None:
        """Keep the sum of what is marked true after any key."""
        self.call_after_refresh(self._sum)

    @on(Grid.PageWanted)
    def _no_pages(self, message: Grid.PageWanted) -> None:
        message.prevent_default()
        key = self.session.keymap.key("lens.by")
        self.say(f"All groups stand on this page; {key} groups otherwise.", "dim")

    def action_turn(self, step: int) -> None:
        """Group by something else; marks are of other groups then."""
        by = TURNS[(TURNS.index(self._by) + step) % len(TURNS)]
        self.grid.clear_marks()
        self.say("Reading …", "dim")
        self.want((by,))

    # --- the cohort ------------------------------------------------------------------

    @property
    def _by(self) -> tuple[Dimension, ...]:
        """By what the groups are wanted; a list like others begins with nothing."""
        return cast("tuple[Dimension, ...]", self._wanted[0] or EVERY)

    @property
    def _marked(self) -> list[LensGroup]:
        marks = self.grid.marks
        return [row.group for row in self.grid.rows if row.group.key in marks]

    @property
    def _chosen(self) -> list[LensGroup]:
        row = self.grid.current
        return self._marked or ([] if row is None else [row.group])

    def meant(self) -> Cohort | str:
        """Return the marked groups as one cohort, else the one under the cursor."""
        lens, chosen = self._lens, self._chosen
        if lens is None or not chosen:
            return "no group is selected"
        selection = lens.together(chosen)
        if selection is None:
            return _takes_more(lens, chosen)
        return _cohort(selection, chosen)

    def copied(self) -> str:
        """Return the groups that are meant, as JSON."""
        run, lens = self.run, self._lens
        assert run is not None  # noqa: S101 - rows stand there
        assert lens is not None  # noqa: S101 - rows stand there
        return lens_json(run, lens, self._chosen)

    async def opened(self, row: LensRow) -> None:  # noqa: ARG002 - the sheet's signature
        """Show the records of the group, or of all that are marked."""
        meant, run = self.meant(), self.run
        if isinstance(meant, str):
            await self.explain(meant)
        elif run is not None:
            await self.app.push_screen(CohortScreen(self.session, run, meant))


def _cohort(selection: Selection, chosen: Sequence[LensGroup]) -> Cohort:
    reasons = [why_not(group) for group in chosen]
    words = chosen[0].words
    if len(chosen) > 1:
        words = f"{words} and {counted(len(chosen) - 1, 'more group')}"
    return Cohort(
        selection=selection,
        words=words,
        why_not=reasons[0] if all(reasons) else "",
        has_unknown=any(group.unknown for group in chosen),
    )


def _takes_more(lens: Lens, chosen: Sequence[LensGroup]) -> str:
    """Return why marked groups are not one cohort, and what would make them one."""
    beside = lens.beside(chosen)
    if not beside:
        return "not all groups are known; mark ones that differ in one thing only"
    named = ", ".join(one.words for one in beside[:_NAMED])
    more = f" and {len(beside) - _NAMED:,} more" if len(beside) > _NAMED else ""
    records = sum(one.records for one in beside)
    return (
        f"what these have in common also holds of {records:,} records of "
        f"{named}{more}; mark those too, or fewer"
    )
