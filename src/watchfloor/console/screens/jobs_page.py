"""What the jobs screen shows: layout, reads and paint, without any key."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from watchfloor.console.about import HEIGHT, about, heading
from watchfloor.console.columns import (
    RECORD_COLUMNS,
    RUN_COLUMNS,
    RecordRow,
    RunRow,
)
from watchfloor.console.details import details
from watchfloor.console.flow import MOST_SAID, read_whole
from watchfloor.console.lines import (
    Offer,
    cards,
    engine_lines,
    footer,
    header,
    too_small,
)
from watchfloor.console.listing import RunFilter, visible
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.session import Session
from watchfloor.console.snapshots import Wanted
from watchfloor.console.timers import Timed
from watchfloor.console.titles import beside, breadcrumb, runs_title, which_records
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.live import Cards
from watchfloor.domain.views import EngineView, Overview, RecordPage, RunView

_LEAST_WIDTH, _LEAST_HEIGHT, _TWO_PANES = 60, 16, 100
#: The lists, by the names under which their columns are left out.
RUNS, RECORDS = "runs", "records"


class JobsPage(Timed, Screen[None]):
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
        self.run_filter = RunFilter()
        self.run_order = "newest"
        self.last_first = False
        self.hidden = dict(session.wishes.hidden)
        self.all_runs: list[RunRow] = []
        self._cards: Cards | None = None
        self.run_to_select = ""
        self._is_pulsing = False
        self._shown: Wanted | None = None
        self._message: Line = ()
        #: What was said last of a search or filter; it ends with the next one.
        self._of_search: Line | None = None
        self._covered: Line | None = None

    def compose(self) -> ComposeResult:
        """Lay the screen out; nothing is read before it stands."""
        yield Panel(id="header")
        yield Panel(id="engine")
        yield Panel(id="cards")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Panel(id="runs-title")
                yield Grid(
                    visible(RUN_COLUMNS, self.hidden.get(RUNS, ())),
                    lambda row: row.run.run_id,
                    empty="Reading the runs …",
                    id="runs",
                )
                yield Panel(id="detail")
            with Vertical(id="right"):
                yield Panel(id="records-title")
                yield Grid(
                    visible(RECORD_COLUMNS, self.hidden.get(RECORDS, ())),
                    lambda row: row.record.seq,
                    empty="Reading the records …",
                    id="records",
                )
        yield Panel(id="about")
        yield Panel(id="message")
        yield Panel(id="footer", classes="footer")
        yield Panel(id="small")

    def on_mount(self) -> None:
        """Paint before anything is read."""
        self.paint()

    @property
    def runs(self) -> Grid[RunRow]:
        """The list of runs."""
        return self.query_one("#runs", Grid)

    @property
    def records(self) -> Grid[RecordRow]:
        """The list of records."""
        return self.query_one("#records", Grid)

    @property
    def row(self) -> RunRow | None:
        """The selected run, and what is known beside it."""
        return self.runs.current

    @property
    def run(self) -> RunView | None:
        """The selected run."""
        row = self.row
        return None if row is None else row.run

    @property
    def is_full(self) -> bool:
        """Whether one list has the whole screen."""
        return self.has_class("-full")

    @property
    def is_two_panes(self) -> bool:
        """Whether runs and records stand side by side."""
        return self.size.width >= _TWO_PANES and not self.is_full

    @property
    def shown(self) -> Wanted | None:
        """What page of the selected run's records is shown; None for none of its."""
        run, shown = self.run, self._shown
        same = run is not None and shown is not None and shown.run_id == run.run_id
        return shown if same else None

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
        self.paint()

    # --- paint -----------------------------------------------------------------------

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator; it stays until there is something newer."""
        self._covered = None
        self._show_message((Piece(f" {self.session.address.here(text)}", role),))

    def _show_message(self, line: Line) -> None:
        self._message = line
        marked = self._marked()
        parts = [part for part in (self._waiting(line), marked) if part]
        right: Line = (Piece(f"{'  '.join(parts)} ", "warn"),) if parts else ()
        self._panel("message").draw(
            lambda width: read_whole(line, right, width, self._most(3))
        )

    def _most(self, least: int) -> int:
        """Return how many lines may be taken from the lists; some rows always stay."""
        return max(least, min(MOST_SAID, self.size.height // 6))

    def _waiting(self, line: Line) -> str:
        """Return what can still be taken back, where the line does not say so."""
        key, held = self.session.keymap.key("run.undo"), self.session.outgoing.held
        if not held or any(one.words in piece.text for one in held for piece in line):
            return ""
        return f"{key} takes back: {held[-1].words}"

    def _marked(self) -> str:
        marks = self.runs.marks | self.records.marks
        shown: set[Hashable] = {row.run.run_id for row in self.runs.rows}
        shown |= {row.record.seq for row in self.records.rows}
        away = len(marks - shown)
        beyond = f", {away:,} not shown" if away else ""
        return f"{len(marks):,} marked{beyond}" if marks else ""

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
        session, overview, engine = (
            self.session,
            self.overview,
            self.session.sight.engine,
        )
        told = self._cards
        known = engine or EngineView()
        fault = session.sight.doubt(session.clock())
        self._panel("header").draw(
            lambda width: (header(session, overview, known, width),)
        )
        self._panel("engine").draw(
            lambda width: engine_lines(session, engine, fault, width, self._most(2))
        )
        self._panel("cards").draw(lambda width: (cards(told, width),))
        offers = self.offers()
        self._panel("footer").draw(lambda width: (footer(offers, width),))
        least, leave = f"{_LEAST_WIDTH}x{_LEAST_HEIGHT}", session.keymap.key("app.quit")
        self._panel("small").draw(lambda width: too_small(told, least, leave, width))

    def offers(self) -> list[Offer]:
        """Return what the footer offers."""
        return []

    def paint_titles(self) -> None:
        """Bring the lines above the lists up to date."""
        among, of = len(self.runs.rows), len(self.all_runs)
        chosen, order = self.run_filter, self.run_order
        self._panel("runs-title").draw(
            lambda width: (runs_title(among, of, chosen, order, width),)
        )
        row, shown, page = self.row, self.shown, self.page
        title = beside if self.is_two_panes else breadcrumb
        books = None if row is None else row.run.books
        by = self.chosen if shown is None else shown.chosen
        which = which_records(page, shown, books)
        self._panel("records-title").draw(lambda width: (title(row, which, by, width),))

    def paint_run(self) -> None:
        """Bring what is said about the selected run up to date."""
        row, most = self.row, 1 if self.is_full else HEIGHT
        self._panel("about").draw(lambda width: about(row, width, most))
        self._panel("detail").draw(lambda _: _strip(row))

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)


def _strip(row: RunRow | None) -> tuple[Line, ...]:
    """Return everything known of a run, under what the list calls it."""
    if row is None:
        return details(None, 0)
    head = heading(row)
    return (*head, *details(row.run, row.as_of_ms)[len(head) :])
