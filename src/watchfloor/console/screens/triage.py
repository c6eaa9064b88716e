"""Triage: the runbook's checks of one run in their order, and the verdict."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message

from watchfloor.console.about import said_in
from watchfloor.console.commands import Counter, give
from watchfloor.console.keymap import Act, bindings
from watchfloor.console.labels import run_role
from watchfloor.console.lines import Offer
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.list_sheet import ListSheet, Page, Trail
from watchfloor.console.session import Session
from watchfloor.console.triage_lines import (
    TRIAGE_COLUMNS,
    TriageRow,
    evidence_lines,
    in_shell,
    triage_rows,
    verdict_lines,
    verdict_text,
    whole_text,
)
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.work import begin
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Verb
from watchfloor.domain.runbook import Triage
from watchfloor.domain.views import RunView

#: Steering acts, by what they are called on the jobs.
_AS_ON_JOBS = {
    "triage.pause": "run.pause",
    "triage.resume": "run.resume",
    "triage.arm": "safety.arm",
    "triage.disarm": "safety.disarm",
}
#: The counters are read a second time so much later.
WATCH_S = 3.0
_LABELS = {
    "page.prev": "Up",
    "page.next": "Down",
    "row.open": "Evidence",
    "sheet.refresh": "Run again",
}


class TriageScreen(ListSheet[TriageRow]):
    """The first verdict stands at once; the counters are then watched for a while.

    What was found over that time replaces it once, as part of what was asked for.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("triage")

    heading = "Triage"
    what = "the run"
    columns = TRIAGE_COLUMNS
    nothing = "No check was made."
    offered = ("row.open", "page.prev", "page.next", "nav.failures", "nav.charts")
    scopes = ("triage", "sheet")

    @dataclass
    class Watched(Message):
        """The counters were read a second time, or why they were not."""

        first: Triage
        answer: Triage | Failure

    def __init__(self, session: Session, run: RunView | None) -> None:
        super().__init__(session, run)
        self._told: Triage | None = None
        self._shows_evidence = False

    def key(self, row: TriageRow) -> Hashable:
        """Return the check's name, or the section's."""
        return row.key

    async def page(self, after: object, size: int) -> Page[TriageRow]:  # noqa: ARG002 - the sheet's signature
        """Ask for the run judged, its counters read once."""
        if self.run is None:
            raise NotFoundError("no run is selected")
        found = await self.session.desk.triage(self.run.run_id)
        told = in_shell(found, self.session.address)
        self.run, self._told = told.run, told
        return Page(triage_rows(told))

    def show(self, wanted: Trail, found: Page[TriageRow], *, again: bool) -> None:
        """Show the checks, the cause under the cursor, and watch the counters."""
        super().show(wanted, found, again=again)
        told = self._told
        if told is None:
            return
        if not again:
            self.grid.select(told.verdict.cause or found.rows[0].key)
        if not told.run.lifecycle.is_ended:
            begin(self, partial(self._watch, told), "watch")

    async def _watch(self, first: Triage) -> None:
        found = await answer(
            self.session.desk.triage(first.run.run_id, watch_s=WATCH_S)
        )
        self.post_message(self.Watched(first, found))

    @on(Watched)
    def _was_watched(self, message: Watched) -> None:
        if message.first is not self._told:
            return  # another reading was asked for meanwhile
        if isinstance(message.answer, Failure):
            self.fail(message.answer)
            return
        told = in_shell(message.answer, self.session.address)
        self.run, self._told = told.run, told
        self.as_of_ms = self.session.clock()
        self.grid.show(triage_rows(told), keep=True, mark=True)
        self._draw_inside()
        self.head()

    def at_length(self, row: TriageRow | None, width: int) -> Sequence[Line]:
        """Return the verdict or, where it was asked for, a check's evidence."""
        if self._told is None:
            return ()
        if self._shows_evidence and row is not None:
            return evidence_lines(row, self.session.keymap, width)
        return verdict_lines(self._told, self.session.keymap, width)

    def offers(self) -> list[Offer]:
        """Return what the footer offers; what is turned here is what stands below."""
        return [
            replace(offer, label=_LABELS.get(offer.act.ident, ""))
            for offer in super().offers()
        ]

    def name_line(self) -> Line:
        """Return the run and how it stands."""
        line, run = super().name_line(), self.run
        if run is None:
            return line
        return (*line, Piece("  "), Piece(run.label, run_role(run)))

    def under_heading(self, width: int) -> Sequence[Line]:
        """Return how the run does, and who holds it, in a line of its own.

        Beside the name it would be cut before it says who.
        """
        said = "" if self._told is None else self._told.sentence
        return ((Piece(f" {said_in(said, width - 2)}", "dim"),),)

    def _draw_inside(self) -> None:
        row = self.grid.current
        inside = self.panel("inside")
        inside.draw(lambda width: self.at_length(row, width))
        inside.scroll_lines(-len(inside.text))

    @on(Grid.Moved)
    def _from_the_top(self) -> None:
        inside = self.panel("inside")
        inside.scroll_lines(-len(inside.text))

    @on(Grid.PageWanted)
    def _scroll(self, message: Grid.PageWanted) -> None:
        # There is one page of checks: what is turned is what stands below.
        message.prevent_default()
        inside = self.panel("inside")
        half = max(1, inside.size.height // 2)
        if message.step > 0 and not inside.hidden_below:
            self.say("This is all of it.", "dim")
        inside.scroll_lines(half * message.step)

    async def opened(self, row: TriageRow) -> None:
        """Show a check's evidence; again, an example of it or the verdict."""
        run = self.run
        seq = 0 if row.finding is None else row.finding.seq
        if self._shows_evidence and seq and run is not None:
            chosen = Filter((RecordState.FAILED,))
            await self.app.push_screen(JourneyScreen(self.session, run, seq, chosen))
            return
        self._shows_evidence = not self._shows_evidence
        self._draw_inside()
        if self._shows_evidence:
            key = self.session.keymap.key("row.open")
            opens = (
                f"opens record {seq:,} of them" if seq else "shows the verdict again"
            )
            self.say(f"{key} {opens}.", "dim")
        else:
            self.say("")

    # --- steering --------------------------------------------------------------------

    @property
    def _jobs(self) -> JobsScreen:
        found = [one for one in self.app.screen_stack if isinstance(one, JobsScreen)]
        return found[0]

    def obstacle(self, act: Act) -> str:
        """Return why an act on the run is not possible now; as the jobs say it."""
        jobs_act = _AS_ON_JOBS.get(act.ident)
        if jobs_act is None:
            return super().obstacle(act)
        return self._jobs.obstacle(self.session.keymap.act(jobs_act), self.run)

    def action_verb(self, name: str) -> None:
        """Ask the run to pause or to go on; the jobs follow it to its end."""
        run, jobs = self.run, self._jobs
        if run is not None:
            verb = Verb(name)
            going = partial(self._given, jobs, verb, run.run_id)
            jobs.carry_from(self, going)

    async def _given(
        self, jobs: JobsScreen, verb: Verb, run_id: str, counter: Counter
    ) -> None:
        await give(self.session, counter, verb, run_id, jobs.patience)

    def action_arm(self) -> None:
        """Let commands pass for five minutes."""
        self._jobs.action_arm()

    def action_disarm(self) -> None:
        """Let no command pass."""
        self._jobs.action_disarm()

    # --- copies ----------------------------------------------------------------------

    def action_copy_id(self) -> None:
        """Copy the verdict and what it is about."""
        if self._told is not None:
            self._copy(verdict_text(self._told), "the verdict, people masked")

    def action_copy_row(self) -> None:
        """Copy the verdict with every check."""
        if self._told is not None:
            self._copy(whole_text(self._told), "all of the triage, people masked")

    def action_close(self) -> None:
        """Leave the evidence for the verdict, or the verdict for the jobs."""
        if self._shows_evidence:
            self._shows_evidence = False
            self._draw_inside()
            self.say("")
            return
        super().action_close()

    def _copy(self, text: str, said: str) -> None:
        self.app.copy_to_clipboard(self.session.address.anywhere(text))
        self.say(f"Copied {said}, if the terminal allows it (OSC 52).", "dim")
