"""Triage: the checks of one run in their order, with evidence and what to do next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from textual import on

from watchfloor.console.about import said_in
from watchfloor.console.columns import Column
from watchfloor.console.diagnosis import JOURNAL, OUTCOMES, Check, Verdict, checks
from watchfloor.console.labels import run_role
from watchfloor.console.lines import Offer
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece, measured
from watchfloor.console.screens.events import Events
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.list_sheet import ListSheet, Page
from watchfloor.console.text import wrapped
from watchfloor.console.widgets.grid import Grid
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.live import Diagnosis

_MOST_LINES = 3
#: Cells that the moment of the reading takes at the end of the heading.
_AS_OF = 46
#: In fewer cells a sentence says nothing.
_LEAST_SAID = 20
_SIGNS = {Verdict.OK: "ok", Verdict.LOOK: "LOOK", Verdict.WRONG: "WRONG"}
_ROLES = {Verdict.OK: "good", Verdict.LOOK: "warn", Verdict.WRONG: "bad"}
_LABELS = {"page.prev": "Evidence up", "page.next": "Evidence down"}

CHECK_COLUMNS: tuple[Column[Check], ...] = (
    Column(title="", width=1, text=lambda c: str(c.place)),
    Column(title="CHECK", width=10, text=lambda c: c.name),
    Column(
        title="IS",
        width=5,
        text=lambda c: _SIGNS[c.judged.verdict],
        role=lambda c: _ROLES[c.judged.verdict],
    ),
    Column(title="FINDING", width=20, grow=1, text=lambda c: c.judged.finding),
)


class TriageScreen(ListSheet[Check]):
    """One list; the check under the cursor with everything it is based on."""

    heading = "Triage"
    what = "the run"
    columns = CHECK_COLUMNS
    nothing = "No check was made."
    offered = ("row.open", "page.prev", "page.next", "nav.charts")

    _told: Diagnosis | None = None

    def key(self, row: Check) -> Hashable:
        """Return the check's name."""
        return row.name

    async def page(self, after: object, size: int) -> Page[Check]:  # noqa: ARG002 - the sheet's signature
        """Ask what is known of the run, and judge it."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        told = await self.session.desk.diagnosis(self.run.run_id)
        self.run, self._told = told.live.run, told
        return Page(checks(told, self.session.keymap))

    def at_length(self, row: Check | None, width: int) -> Sequence[Line]:
        """Return finding, next step and evidence of a check."""
        if row is None:
            return ()
        verdict, finding, next_step = row.judged
        room = max(10, width - 2)
        said = wrapped(finding, room, _MOST_LINES)
        lines: list[Line] = [(Piece(f" {text}", _ROLES[verdict]),) for text in said]
        if next_step:
            then = wrapped(next_step, room, _MOST_LINES)
            lines += [(Piece(f" {text}", "key"),) for text in then]
        return (*lines, (), *row.evidence)

    def offers(self) -> list[Offer]:
        """Return what the footer offers; the evidence is what is turned here."""
        return [
            replace(offer, label=_LABELS.get(offer.act.ident, ""))
            for offer in super().offers()
        ]

    def name_line(self) -> Line:
        """Return the run and how it stands."""
        line, run = super().name_line(), self.run
        if run is None:
            return line
        line = (*line, Piece("  "), Piece(run.label, run_role(run)))
        told = self._told
        if told is None or not told.live.sentence:
            return line
        room = self.size.width - measured(line) - measured(self.warnings()) - _AS_OF
        if room < _LEAST_SAID:
            return line
        said = said_in(told.live.sentence, room)
        return (*line, Piece("  "), Piece(said, "dim"))

    @on(Grid.Moved)
    def _from_the_top(self) -> None:
        inside = self.panel("inside")
        inside.scroll_lines(-len(inside.text))

    @on(Grid.PageWanted)
    def _scroll(self, message: Grid.PageWanted) -> None:
        # There is one page of checks: what is turned is the evidence.
        message.prevent_default()
        inside = self.panel("inside")
        half = max(1, inside.size.height // 2)
        if message.step > 0 and not inside.hidden_below:
            self.say("This is all of the evidence.", "dim")
        inside.scroll_lines(half * message.step)

    async def opened(self, row: Check) -> None:
        """Open what stands behind a check; else say what to do next."""
        run, told = self.run, self._told
        if run is None or told is None:
            return
        groups = told.failures.groups
        if row.name == OUTCOMES and groups:
            chosen, seq = Filter((groups[0].state,)), groups[0].example_seq
            await self.app.push_screen(JourneyScreen(self.session, run, seq, chosen))
        elif row.name == JOURNAL:
            await self.app.push_screen(Events(self.session, run))
        else:
            self.say(row.judged.next_step or "Nothing has to be done about it.")
