"""Charts of one run: its rate, outcomes, failures, and the callbacks that are due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from watchfloor.console.chart_lines import Chart, Layout, charts_of, laid_out, layout
from watchfloor.console.keymap import bindings
from watchfloor.console.labels import run_role
from watchfloor.console.lines import Offer
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.reading import Failure
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.session import Session
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.live import Charts
from watchfloor.domain.views import RunView

_LABELS = {"page.prev": "Prev chart", "page.next": "Next chart"}
_TURNS = {*_LABELS, "page.first", "page.last"}


class ChartsScreen(Sheet[None, Charts]):
    """As many charts at a time as there is room for; drawn anew only when asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        one
        for one in bindings("table")
        if isinstance(one, Binding) and one.id in _TURNS
    ]

    heading = "Charts"
    what = "the run"
    offered = ("page.prev", "page.next", "nav.triage")

    def __init__(self, session: Session, run: RunView | None) -> None:
        super().__init__(session, run, None)
        self._charts: tuple[Chart, ...] = ()
        self._first = 0
        self._empty = "Reading …"

    def body(self) -> Iterable[Widget]:
        """Lay one block out; what stands in it depends on its size."""
        yield Panel(id="plots")

    def begin(self) -> None:
        """Say that it reads, and read."""
        self._draw()
        super().begin()

    async def read(self, wanted: None) -> Charts:  # noqa: ARG002 - the sheet's signature
        """Ask what is drawn of the run."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        return await self.session.desk.charts(self.run.run_id)

    def show(self, wanted: None, found: Charts, *, again: bool) -> None:  # noqa: ARG002 - the sheet's signature
        """Draw the run as it is now."""
        self.run = found.run
        is_calm = self.session.wishes.is_calm
        self._charts = charts_of(found, self.session.clock(), ascii_only=is_calm)
        self._draw()

    def fail(self, failure: Failure) -> None:
        """Keep the charts that stand there."""
        if not self._charts:
            again = self.session.keymap.key("sheet.refresh")
            self._empty = f"Nothing could be read; {again} tries again."
            self._draw()
        super().fail(failure)

    # --- paint -----------------------------------------------------------------------

    def _draw(self) -> None:
        self.panel("plots").draw(self._lines)

    def _lines(self, width: int) -> Sequence[Line]:
        if not self._charts:
            return ((Piece(f" {self._empty}", "dim"),),)
        height = self.panel("plots").size.height
        columns = self._layout.columns
        return laid_out(self._shown, width, height, columns)

    @property
    def _layout(self) -> Layout:
        width, height = self.panel("plots").size
        return layout(width, height)

    @property
    def _shown(self) -> tuple[Chart, ...]:
        most = self._layout.charts
        first = self._first // most * most
        return self._charts[first : first + most]

    def name_line(self) -> Line:
        """Return the run and how it stands."""
        line, run = super().name_line(), self.run
        if run is None:
            return line
        return (*line, Piece("  "), Piece(run.label, run_role(run)))

    def place(self) -> str:
        """Return which of the charts stand there."""
        of = len(self._charts)
        if not of or self._layout.charts >= of:
            return ""
        first = self._charts.index(self._shown[0]) + 1
        last = first + len(self._shown) - 1
        return f"{first} of {of}" if first == last else f"{first}-{last} of {of}"

    def offers(self) -> list[Offer]:
        """Return what the footer offers."""
        return [
            replace(offer, label=_LABELS.get(offer.act.ident, ""))
            for offer in super().offers()
        ]

    def on_resize(self) -> None:
        """Say anew which charts stand there: there may be room for others."""
        self.call_after_refresh(self.head)

    # --- keys ------------------------------------------------------------------------

    def action_page(self, step: int) -> None:
        """Turn to other charts: -2 first, -1 previous, 1 next, 2 last."""
        of, most = len(self._charts), self._layout.charts
        if not of:
            return
        if most >= of:
            self.say("All charts stand here.", "dim")
            return
        here = self._first // most * most
        to = {-2: 0, 2: of - 1}.get(step, here + step * most)
        if not 0 <= to < of:
            self.say("This is the last one." if step > 0 else "This is the first one.")
            return
        self._first = to
        self.say("")
        self._draw()
        self.head()
