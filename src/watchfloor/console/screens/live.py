"""Live ops: how every run does that has not ended, and who holds what they share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.message import Message
from textual.widget import Widget

from watchfloor.console.alerts import alerts, fitted
from watchfloor.console.figures import clock_time, counted
from watchfloor.console.live_lines import (
    LIVE_COLUMNS,
    LiveRow,
    engine_line,
    live_at_length,
    shared_lines,
)
from watchfloor.console.pieces import Line, Piece, spread
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.jobs_page import JobsPage
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.session import Session
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.live import LiveOps, LiveRun
from watchfloor.domain.views import RunView

POLL_S = 5.0
#: A slow line is asked less of.
_CALM_POLL_S = 20.0
_SMALL, _TALL = 20, 30


class LiveScreen(Sheet[None, LiveOps]):
    """Figures are polled; no row moves, comes or goes before the operator asks.

    Attributes:
        run: The run under the cursor.
    """

    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-short"),
        (_SMALL, "-flat"),
        (_TALL, "-tall"),
    ]

    heading = "Live ops"
    what = "how the runs do"
    offered = ("row.open", "nav.triage", "nav.charts")

    @dataclass
    class Polled(Message):
        """Newer figures came, or why they did not."""

        answer: LiveOps | Failure

    def __init__(self, session: Session, run: RunView | None) -> None:
        super().__init__(session, run, None)
        self._ops = LiveOps()
        self._rows: dict[str, LiveRun] = {}
        self._ordered_at_ms = 0
        self._is_failing = False
        self._is_polling = False

    def body(self) -> Iterable[Widget]:
        """Lay out owner, alerts, the list, shared limits, and one run at length."""
        yield Panel(id="owner")
        yield Panel(id="alerts")
        yield Grid(
            LIVE_COLUMNS,
            lambda row: row.live.run.run_id,
            empty="Reading …",
            id="entries",
            marks=False,
        )
        yield Panel(id="shared")
        yield Panel(id="inside")

    @property
    def grid(self) -> Grid[LiveRow]:
        """The list."""
        return self.query_one("#entries", Grid)

    def begin(self) -> None:
        """Read for the first time, and poll from then on."""
        self.grid.focus()
        super().begin()
        is_calm = self.session.wishes.is_calm
        self.set_interval(_CALM_POLL_S if is_calm else POLL_S, self.poll)

    async def read(self, wanted: None) -> LiveOps:  # noqa: ARG002 - the sheet's signature
        """Ask how the runs do."""
        return await self.session.desk.live()

    def show(self, wanted: None, found: LiveOps, *, again: bool) -> None:  # noqa: ARG002 - the sheet's signature
        """Show every run, the one that needs somebody most first."""
        self._is_failing = False
        self._ordered_at_ms = found.as_of_ms
        self._rows = {live.run.run_id: live for live in found.runs}
        self.grid.empty = "Every run has ended: nothing is live."
        changed = self._take(found)
        if again:
            self.say(f"{changed} of {counted(len(found.runs), 'row')} changed", "dim")
        elif self.run is not None:
            self.grid.select(self.run.run_id)
        self._selected()

    def fail(self, failure: Failure) -> None:
        """Keep what stands there and say how old it is."""
        if self.as_of_ms is None:
            key = self.session.keymap.key("sheet.refresh")
            self.grid.empty = f"Nothing could be read; {key} tries again."
            self.grid.refresh()
        else:
            self.as_of_ms = self._ops.as_of_ms
        super().fail(failure)

    # --- polls -----------------------------------------------------------------------

    def poll(self) -> None:
        """Ask for newer figures, unless nobody sees them."""
        is_seen = self.as_of_ms is not None and self.app.screen is self
        if is_seen and not self._is_polling:
            self._is_polling = True
            begin(self, self._ask, "poll")

    async def _ask(self) -> None:
        self.post_message(self.Polled(await answer(self.session.desk.live())))

    @on(Polled)
    def _was_polled(self, message: Polled) -> None:
        self._is_polling = False
        if isinstance(message.answer, Failure):
            self._is_failing = True
            self.fail(message.answer)
            return
        if message.answer.as_of_ms < self._ops.as_of_ms:
            return  # a refresh overtook it
        if self._is_failing:
            self._is_failing = False
            self.say("")
        self._take(message.answer)
        self._selected()
        self.head()

    def _take(self, ops: LiveOps) -> int:
        """Show newer figures in the order that stands; return how many rows changed."""
        self._ops = ops
        told = {live.run.run_id: live for live in ops.runs}
        self._rows = {
            run_id: told.get(run_id, old) for run_id, old in self._rows.items()
        }
        rows = [
            LiveRow(live, ops.engine, ops.as_of_ms, is_gone=run_id not in told)
            for run_id, live in self._rows.items()
        ]
        owner = engine_line(ops.engine, ops.as_of_ms, self.session.own_pid)
        self.panel("owner").draw(lambda _: (owner,))
        found = alerts(ops, self.session.keymap, self.session.address)
        panel = self.panel("alerts")
        panel.draw(lambda _: fitted(found, max(1, panel.size.height)))
        uses = self.panel("shared")
        uses.draw(lambda width: shared_lines(ops, width, max(1, uses.size.height)))
        return self.grid.show(rows)

    # --- paint -----------------------------------------------------------------------

    def name_line(self) -> Line:
        """Return how many runs there are."""
        if self.as_of_ms is None:
            return (Piece(f" {self.heading}", "key"),)
        runs = counted(len(self._rows), "run")
        return (Piece(f" {self.heading}  ", "key"), Piece(runs, "strong"))

    def head(self) -> None:
        """Say of when the order is, and how many runs came since."""
        if self.as_of_ms is None or not self.query("#heading"):
            super().head()
            return
        key = self.session.keymap.key("sheet.refresh")
        more = sum(live.run.run_id not in self._rows for live in self._ops.runs)
        since = f"{more:,} more since, " if more else ""
        age = f"in the order of {clock_time(self._ordered_at_ms)} UTC"
        title = self.name_line()
        right: Line = (
            *self.warnings(),
            Piece(f"{age}, ", "dim"),
            Piece(since, "warn"),
            Piece(f"{key} refreshes ", "dim"),
        )
        self.panel("heading").draw(lambda width: (spread(title, right, width),))

    @on(Grid.Moved)
    def _selected(self) -> None:
        row = self.grid.current
        if row is not None:
            self.run = row.live.run
        since, keymap = self._ordered_at_ms, self.session.keymap
        self.panel("inside").draw(
            lambda width: live_at_length(row, since, keymap, width)
        )

    # --- keys ------------------------------------------------------------------------

    @on(Grid.Opened)
    def _opened(self) -> None:
        """Go to the jobs with this run selected."""
        jobs = next(
            (one for one in self.app.screen_stack if isinstance(one, JobsPage)), None
        )
        row = self.grid.current
        if row is None or jobs is None:
            return
        if not jobs.runs.select(row.live.run.run_id):
            self.say("That run is not on the jobs screen; refresh that one.", "warn")
            return
        self.action_close()

    @on(Grid.PageWanted)
    def _one_page(self) -> None:
        self.say("All live runs stand on this page.")
