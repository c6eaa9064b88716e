"""A list over all runs that one key narrows to the selected run."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from watchfloor.console.columns import Row
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.screens.jobs_page import JobsPage
from watchfloor.console.screens.list_sheet import FIRST, ListSheet, Page, Trail
from watchfloor.domain.views import RunView


class Choice(NamedTuple):
    """What a list is narrowed to.

    Attributes:
        run_id: Only of this run; empty for all.
        text: Only what this occurs in; or empty.
    """

    run_id: str = ""
    text: str = ""


class ScopedSheet(ListSheet[Row]):
    """The first thing in a trail is the choice: heading and rows always agree on it."""

    @property
    def choice(self) -> Choice:
        """What the rows are narrowed to; before there are any, what is wanted."""
        first = (self._wanted if self.as_of_ms is None else self.trail)[0]
        return first if isinstance(first, Choice) else Choice()

    @property
    def subject(self) -> RunView | None:
        """The run that the rows are narrowed to; None where they are of several."""
        return self.run if self.choice.run_id else None

    async def part(self, choice: Choice, after: object, size: int) -> Page[Row]:
        """Ask the desk for a page.

        Args:
            choice: What to narrow it to.
            after: What the page before this one told; None for the first.
            size: The most rows.
        """
        raise NotImplementedError

    async def page(self, after: object, size: int) -> Page[Row]:
        """Ask for a page of what is chosen."""
        first = self._wanted[0]
        choice = first if isinstance(first, Choice) else Choice()
        return await self.part(choice, None if after is choice else after, size)

    def want(self, wanted: Trail) -> None:
        """Read what is wanted, of what is chosen."""
        super().want((self.choice,) if wanted == FIRST else wanted)

    def narrow(self, choice: Choice) -> None:
        """Read the first page of something else; what stands there stays until then."""
        self.say("Reading …", "dim")
        self.want((choice,))

    def name_line(self) -> Line:
        """Return what the rows are narrowed to."""
        of = "all runs"
        if self.choice.run_id and self.run is not None:
            of = self.run.campaign_name
        line: Line = (Piece(f" {self.heading}  ", "key"), Piece(of, "strong"))
        if self.choice.text:
            line = (*line, Piece(f'  "{self.choice.text}"', "warn"))
        return line

    def action_one_run(self) -> None:
        """Narrow the list to the selected run, or widen it to all of them."""
        if self.choice.run_id:
            self.narrow(self.choice._replace(run_id=""))
        elif self.run is None:
            self.say("All runs stand here; no run is selected.", "warn")
        else:
            self.narrow(self.choice._replace(run_id=self.run.run_id))

    def show_run(self, run_id: str) -> None:
        """Leave for the jobs and select a run there."""
        # By the application: a screen cannot wait for its own end.
        self.app.call_later(partial(self._go_to_run, run_id))

    async def _go_to_run(self, run_id: str) -> None:
        app = self.app
        await app.run_action("app.view('jobs')")
        jobs = app.screen
        if not isinstance(jobs, JobsPage):
            return
        jobs.runs.action_pane(-1)
        if not jobs.runs.select(run_id):
            jobs.say(f"Run {run_id} is not among the runs listed here.", "warn")
