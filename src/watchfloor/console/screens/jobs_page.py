"""What the jobs screen shows: layout, reads and paint, without any key."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from watchfloor.console.about import about
from watchfloor.console.columns import (
    RECORD_COLUMNS,
    RUN_COLUMNS,
    RecordRow,
    RunRow,
)
from watchfloor.console.details import details
from watchfloor.console.figures import clock_time, counted, percent
from watchfloor.console.labels import list_label, run_role
from watchfloor.console.lines import Offer, cards, engine_line, footer, header
from watchfloor.console.pages import FIRST, Filter, Place, anchored
from watchfloor.console.pieces import Line, Piece, measured, spread
from watchfloor.console.reading import Failure
from watchfloor.console.session import Session
from watchfloor.console.snapshots import (
    OverviewRead,
    PulseRead,
    RecordsRead,
    RunRead,
    Snapshots,
    Wanted,
)
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.views import EngineView, Overview, RecordPage, RunView

PULSE_S = 2.0
_SLOW_S = 0.3
_LEAST_WIDTH, _LEAST_HEIGHT, _TWO_PANES = 60, 16, 100
_PAGE = 40
_READING: Line = (Piece(" Reading …", "dim"),)
_NO_RUNS = "No runs yet. Launch one: watchfloor launch CAMPAIGN.toml --upload FILE.csv"


class JobsPage(Screen[None]):
    """Rows change only on a refresh or as the effect of one's own command."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  as Textual declares it
        (0, "-tiny"),
        (_LEAST_WIDTH, "-narrow"),
        (_TWO_PANES, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  as Textual declares it
        (0, "-short"),
        (_LEAST_HEIGHT, "-flat"),
        (30, "-tall"),
        (50, "-deep"),
    ]
    AUTO_FOCUS = "#runs"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.overview: Overview | None = None
        self.chosen = Filter()
        self.page = RecordPage()
        self._snapshots = Snapshots(session.desk, self.post_message)
        self._engine: EngineView | None = None
        self._pulse_fault = ""
        self._wanted: Wanted | None = None
        self._shown: Wanted | None = None
        self._message: Line = ()
        self._covered: Line = ()
        self._changed_runs: int | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out; nothing is read before it stands."""
        yield Panel(id="header")
        yield Panel(id="engine")
        yield Panel(id="cards")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Panel(id="runs-title")
                yield Grid(
                    RUN_COLUMNS,
                    lambda row: row.run.run_id,
                    empty="Reading the runs …",
                    id="runs",
                )
                yield Panel(id="detail")
            with Vertical(id="right"):
                yield Panel(id="records-title")
                yield Grid(
                    RECORD_COLUMNS,
                    lambda row: row.record.seq,
                    empty="Reading the records …",
                    id="records",
                )
        yield Panel(id="about")
        yield Panel(id="message")
        yield Panel(id="footer", classes="footer")
        yield Panel(id="small")

    def on_mount(self) -> None:
        """Paint first; read when the page stands."""
        self._slow = self.set_timer(_SLOW_S, self._say_reading, pause=True)
        self.paint()
        self.set_interval(PULSE_S, self._pulse)
        self.call_after_refresh(self.read_runs)

    @property
    def runs(self) -> Grid[RunRow]:
        """The list of runs."""
        return self.query_one("#runs", Grid)

    @property
    def records(self) -> Grid[RecordRow]:
        """The list of records."""
        return self.query_one("#records", Grid)

    @property
    def run(self) -> RunView | None:
        """The selected run."""
        row = self.runs.current
        return None if row is None else row.run

    @property
    def is_two_panes(self) -> bool:
        """Whether runs and records stand side by side."""
        return self.size.width >= _TWO_PANES

    @property
    def is_small(self) -> bool:
        """Whether the terminal is too small to act in."""
        width, height = self.size
        return width < _LEAST_WIDTH or height < _LEAST_HEIGHT

    @property
    def shows_records(self) -> bool:
        """Whether the records stand on the screen."""
        return self.is_two_panes or self.has_class("-in-records")

    def on_resize(self) -> None:
        """Keep what the operator looks at in sight."""
        if not self.is_two_panes and self.focused is self.records:
            self.add_class("-in-records")
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        if self.focused is None and not self.is_small:
            (self.records if self.has_class("-in-records") else self.runs).focus()
        if self.is_two_panes:
            self.want_records(only_if_new=True)
        self.paint()

    # --- reads -----------------------------------------------------------------------

    def read_runs(self) -> None:
        """Read the runs, then the records that are shown."""
        self._slow.stop()
        self._slow = self.set_timer(_SLOW_S, self._say_reading)
        begin(self, self._snapshots.overview, "overview")

    def _say_reading(self) -> None:
        self._covered = self._message
        self._show_message(_READING)

    def _pulse(self) -> None:
        begin(self, self._snapshots.pulse, "pulse")

    def want_records(
        self, place: Place | None = None, *, only_if_new: bool = False
    ) -> None:
        """Read a page of the selected run's records.

        Args:
            place: Which page; None for the one that is shown, if it is of this run.
            only_if_new: Not if a page of this very list is shown already.
        """
        run = self.run
        if run is None:
            return
        first = Wanted(run.run_id, FIRST, self.chosen)
        is_same = self._shown is not None and self._shown.at(FIRST) == first
        if is_same and only_if_new:
            return
        if place is None:
            place = self._shown.place if is_same and self._shown else FIRST
        self._wanted = first.at(place)
        size = max(_PAGE, self.records.size.height - 1)
        read = partial(self._snapshots.records, self._wanted, size)
        begin(self, read, "records")

    @on(PulseRead)
    def _pulse_read(self, message: PulseRead) -> None:
        if isinstance(message.answer, Failure):
            self._pulse_fault = message.answer.sentence
        else:
            self._pulse_fault, self._engine = "", message.answer
        self.paint_head()

    @on(OverviewRead)
    def _overview_read(self, message: OverviewRead) -> None:
        self._slow.stop()
        if isinstance(message.answer, Failure):
            self._fail("refresh", message.answer)
            self.runs.empty = "Nothing could be read; r tries again."
            self.runs.refresh()
            return
        is_first = self.overview is None
        self.overview = message.answer
        self._engine, self._pulse_fault = message.answer.engine, ""
        self.runs.empty = _NO_RUNS
        as_of_ms = message.answer.as_of_ms
        rows = [RunRow(run, as_of_ms) for run in message.answer.runs]
        changed = self.runs.show(rows, mark=not is_first)
        self._changed_runs = None if is_first else changed
        if not rows:
            self.records.show(())
        if self.shows_records and rows:
            self.want_records()
        else:
            self._say_changed(len(rows), 0)
        self.paint()

    @on(RecordsRead)
    def _records_read(self, message: RecordsRead) -> None:
        if message.wanted != self._wanted:
            return  # a newer page was asked for meanwhile
        if isinstance(message.answer, Failure):
            self._fail("read the records", message.answer)
            return
        is_same = self._shown == message.wanted
        self.page = message.answer
        self._shown = message.wanted.at(anchored(message.answer))
        now_ms = self.session.clock()
        rows = [RecordRow(record, now_ms) for record in message.answer.records]
        self.records.empty = self._why_empty()
        changed = self.records.show(rows, keep=is_same, mark=is_same)
        self._say_changed(len(self.runs.rows) + len(rows), changed if is_same else 0)
        self.paint_titles()

    @on(RunRead)
    def _run_read(self, message: RunRead) -> None:
        fresh = message.answer
        if isinstance(fresh, Failure) or self.overview is None:
            return
        runs = tuple(
            fresh if run.run_id == fresh.run_id else run for run in self.overview.runs
        )
        self.overview = replace(self.overview, runs=runs)
        self.runs.replace(RunRow(fresh, self.session.clock()))
        self.paint()

    def _why_empty(self) -> str:
        if self.chosen.states and self.run is not None:
            total = f"{self.run.books.records:,}"
            return f'0 records match "{self.chosen.words}". Esc shows all {total}.'
        return "This run has no records yet."

    def _say_changed(self, of: int, records: int) -> None:
        if self._changed_runs is not None:
            changed = self._changed_runs + records
            self.say(f"{changed} of {counted(of, 'row')} changed", "dim")
            self._changed_runs = None
        elif self._message == _READING:
            self._show_message(self._covered)

    def _fail(self, what: str, failure: Failure) -> None:
        age = ""
        if self.overview is not None:
            age = f" Rows are from {clock_time(self.overview.as_of_ms)}."
        self.say(f"Could not {what}: {failure.sentence.rstrip('.')}.{age}", "bad")

    # --- paint -----------------------------------------------------------------------

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator; it stays until there is something newer."""
        self._show_message((Piece(f" {text}", role),))

    def _show_message(self, line: Line) -> None:
        self._message = line
        marks = len(self.runs.marks) + len(self.records.marks)
        right: Line = (Piece(f"{marks} marked ", "warn"),) if marks else ()
        self._panel("message").draw(lambda width: (spread(line, right, width),))

    def paint_marks(self) -> None:
        """Say how many rows are marked."""
        self._show_message(self._message)

    def paint(self) -> None:
        """Bring every line up to date; only those that differ are sent."""
        self.paint_head()
        self.paint_titles()
        self.paint_run()

    def paint_head(self) -> None:
        """Bring header, engine, cards and footer up to date."""
        session, overview, engine = self.session, self.overview, self._engine
        known = engine or EngineView()
        fault = self._pulse_fault
        self._panel("header").draw(
            lambda width: (header(session, overview, known, width),)
        )
        self._panel("engine").draw(
            lambda width: (engine_line(session, engine, fault, width),)
        )
        self._panel("cards").draw(lambda width: (cards(overview, width),))
        offers = self.offers()
        self._panel("footer").draw(lambda width: (footer(offers, width),))
        said = f" Watchfloor needs {_LEAST_WIDTH}x{_LEAST_HEIGHT}."
        self._panel("small").draw(
            lambda width: (
                (Piece(said, "warn"),),
                cards(overview, width),
                (Piece(" q quit"),),
            )
        )

    def offers(self) -> list[Offer]:
        """Return what the footer offers."""
        return []

    def paint_titles(self) -> None:
        """Bring the lines above the lists up to date."""
        runs, run, page = len(self.runs.rows), self.run, self.page
        name: Line = (Piece(" Runs ", "key"), Piece(f"{runs:,}"))
        order: Line = (Piece("newest first ", "dim"),)
        self._panel("runs-title").draw(lambda width: (spread(name, order, width),))
        trail, now_ms = not self.is_two_panes, self.session.clock()
        total = 0 if run is None else self.chosen.count(run.books)
        which = _which(page, self.chosen, total)
        self._panel("records-title").draw(
            lambda width: (
                _whose(run, now_ms, which, width)
                if trail
                else _beside(run, which, width),
            )
        )

    def paint_run(self) -> None:
        """Bring what is said about the selected run up to date."""
        run, now_ms = self.run, self.session.clock()
        self._panel("about").draw(lambda width: about(run, width, now_ms))
        self._panel("detail").draw(lambda _: details(run, now_ms))

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)


def _which(page: RecordPage, chosen: Filter, total: int) -> Line:
    """Return which records are shown, of how many, by which filter."""
    seqs = [record.seq for record in page.records]
    span = f"{seqs[0]:,}-{seqs[-1]:,} of {total:,}" if seqs else f"0 of {total:,}"
    return (
        Piece(span, "dim"),
        Piece("  filter: ", "dim"),
        Piece(f"{chosen.words} ", "warn" if chosen.states else "dim"),
    )


def _whose(run: RunView | None, now_ms: int, which: Line, width: int) -> Line:
    """Return the breadcrumb of the one pane; a filter is never what is left out."""
    trail = Piece(" Runs > ", "key")
    if run is None:
        return spread((trail,), which, width)
    name = Piece(run.campaign_name, "strong")
    label = Piece(f"  {list_label(run, now_ms)}", run_role(run))
    done = Piece(f" {percent(run.books.done_share)}", "dim")
    return _first_that_fits(
        ((trail, name, label, done), (trail, name, label), (trail, name)), which, width
    )


def _beside(run: RunView | None, which: Line, width: int) -> Line:
    """Return the title of the records beside the runs."""
    start = Piece(" Records  ", "key")
    if run is None:
        return spread((start,), which, width)
    name = Piece(run.campaign_name, "strong")
    return _first_that_fits(((start, name), (Piece(" "), name)), which, width)


def _first_that_fits(starts: tuple[Line, ...], end: Line, width: int) -> Line:
    for start in starts:
        if measured(start) + measured(end) < width:
            return spread(start, end, width)
    return (Piece(" "), *end)
