"""Moving about and looking on the jobs screen: nothing here changes a run."""

from __future__ import annotations

from textual import on

from watchfloor.console.copies import record_json, run_json
from watchfloor.console.screens.details import Details
from watchfloor.console.screens.events import Events
from watchfloor.console.screens.jobs_list import JobsList
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.text import clean

NO_RUN = "no run is selected"
_REST_S = 0.08


class JobsLook(JobsList):
    """Widgets tell; this part moves, reads and shows."""

    def on_mount(self) -> None:
        """Begin at rest."""
        self._rest = self.set_timer(_REST_S, self.paint, pause=True)
        self.runs.at_once = self._go_at_once
        self.records.at_once = self._leave_at_once

    # --- moving about ----------------------------------------------------------------

    @on(Grid.Moved, "#runs")
    def _run_moved(self) -> None:
        # A held-down key moves the cursor alone; the rest follows where it rests.
        self._rest.stop()
        self._rest = self.set_timer(_REST_S, self._run_reached)

    def _run_reached(self) -> None:
        self.paint()
        if self.is_two_panes:
            self.want_records(only_if_new=True)

    @on(Grid.Opened, "#runs")
    def _run_opened(self) -> None:
        self.want_records(only_if_new=True)

    def _enter_records(self) -> None:
        self.add_class("-in-records")
        self.set_focus(self.records, scroll_visible=False)
        self.paint_titles()

    def _go_at_once(self, step: int) -> None:
        if step >= 0:
            self._enter_records()
        else:
            self._leave_records()

    def _leave_records(self) -> None:
        self.remove_class("-in-records")
        self.set_focus(self.runs, scroll_visible=False)

    def _leave_at_once(self, step: int) -> None:
        if step < 0:
            self._leave_records()

    @on(Grid.Opened, "#records")
    async def _record_opened(self, message: Grid.Opened) -> None:
        run = self.run
        if run is None or not isinstance(message.key, int):
            return
        if self.shown is None:  # the rows are still another run's
            self.say(f"The records of {run.campaign_name} are not read yet.", "warn")
            return
        await self.app.push_screen(
            JourneyScreen(self.session, run, message.key, self.chosen),
            self._record_left,
        )

    def _record_left(self, seq: int | None) -> None:
        if seq is not None:
            self.records.select(seq)

    @on(Grid.PageWanted)
    def _page_wanted(self, message: Grid.PageWanted) -> None:
        if not self.shows_records:
            key = self.session.keymap.key("row.open")
            self.say(f"{key} opens the records; there the pages are turned.", "dim")
            return
        self.turn_page(message.step)

    @on(Grid.PaneWanted)
    def _pane_wanted(self, message: Grid.PaneWanted) -> None:
        if message.step > 0:
            self.want_records(only_if_new=True)

    def action_back(self) -> None:
        """Clear the filter, else the marks, else go back to the runs."""
        if self.unfilter():
            return
        if self.runs.marks or self.records.marks:
            self.runs.clear_marks()
            self.records.clear_marks()
            self.paint_marks()
        else:
            self._leave_records()

    @on(Grid.Marked)
    def _were_marked(self) -> None:
        self.paint_marks()

    # --- looking ---------------------------------------------------------------------

    def action_refresh_now(self) -> None:
        """Read everything shown anew."""
        self.read_runs()

    async def action_events(self) -> None:
        """Show the journal of the run."""
        run = self.run
        if run is None:
            self.say(f"No events: {NO_RUN}.", "warn")
            return
        await self.app.push_screen(Events(self.session, run))

    async def action_details(self) -> None:
        """Show everything known of the run."""
        run = self.run
        if run is None:
            self.say(f"No details: {NO_RUN}.", "warn")
            return
        await self.app.push_screen(Details(self.session, run))

    def action_copy_id(self) -> None:
        """Copy the id of the run or the number of the record."""
        grid = self.records if self.in_records else self.runs
        if grid.current_key is None:
            self.say("There is nothing to copy.", "warn")
            return
        text = clean(grid.current_key)
        self._copy(text, text)

    def action_copy_row(self) -> None:
        """Copy the row as JSON, people masked."""
        run, row = self.run, self.records.current
        if not self.in_records and run is not None:
            self._copy(run_json(run), f"run {run.run_id} as JSON")
        elif self.in_records and row is not None and run is not None and self.shown:
            said = f"record {row.record.seq:,} as JSON, masked"
            self._copy(record_json(row.record, run), said)
        else:
            self.say("There is nothing to copy.", "warn")

    def _copy(self, text: str, said: str) -> None:
        self.app.copy_to_clipboard(text)
        self.say(f"Copied {said}, if the terminal allows it (OSC 52).", "dim")
