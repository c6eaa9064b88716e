"""Records of which nobody knows whether they arrived, of all runs or of one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from watchfloor.console.keymap import Act, bindings
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.list_sheet import Page, Trail
from watchfloor.console.screens.resolve_counter import ResolveCounter
from watchfloor.console.screens.scoped_sheet import Choice, ScopedSheet
from watchfloor.console.session import Session
from watchfloor.console.unknown_lines import (
    UNKNOWN_COLUMNS,
    UnknownRow,
    unknown_at_length,
    what_to_do,
)
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.cohorts import MOST_NAMED, Selection
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RunView

#: Acts that concern every unknown record of one run.
_OF_ONE_RUN = ("unknowns.all", "unknowns.look_all", "unknowns.withdraw")


class UnknownsScreen(ScopedSheet[UnknownRow]):
    """Nothing is guessed: what is known, what it means, and whom to ask."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("unknowns")

    heading = "Unknown"
    what = "the unknown records"
    columns = UNKNOWN_COLUMNS
    markable = True
    scopes = ("unknowns", "sheet")
    nothing = "No record is unknown: of every attempt it is known how it ended."

    def __init__(self, session: Session, run: RunView | None) -> None:
        super().__init__(session, run)
        self._told: tuple[str, str] | None = None

    @dataclass
    class RunRead(Message):
        """The run of a record that is to be opened came, or why it did not."""

        seq: int
        answer: RunView | Failure

    def above(self) -> Iterable[Widget]:
        """Leave a line for what cannot be done here."""
        yield Panel(id="fate")

    def begin(self) -> None:
        """Say what can be done here, then read."""
        self._tell_marks()
        super().begin()

    def show(self, wanted: Trail, found: Page[UnknownRow], *, again: bool) -> None:
        """Show a page; what is marked on others stays marked."""
        super().show(wanted, found, again=again)
        self._tell_marks()
        if self._told is not None:
            # What became of a command says more than how many rows changed.
            self.say(*self._told)
            self._told = None

    @on(Grid.Marked)
    def _tell_marks(self) -> None:
        keymap, marked = self.session.keymap, len(self.grid.marks)
        self.panel("fate").draw(lambda _: (what_to_do(keymap, marked),))

    def key(self, row: UnknownRow) -> Hashable:
        """Return the run and the record's number."""
        return (row.unknown.run_id, row.unknown.record.seq)

    async def part(self, choice: Choice, after: object, size: int) -> Page[UnknownRow]:
        """Ask for a page of unknown records."""
        found = await self.session.desk.unknowns(
            choice.run_id, after=cast("tuple[str, int] | None", after), size=size
        )
        now_ms = self.session.clock()
        rows = [UnknownRow(one, now_ms, found.of) for one in found.unknowns]
        return Page(rows, found.after)

    def at_length(self, row: UnknownRow | None, width: int) -> Sequence[Line]:
        """Return what is known of a record and what that means."""
        return unknown_at_length(row, width)

    def place(self) -> str:
        """Return how many there are, and which page this is."""
        row = self.grid.current
        of = "" if row is None else f"{row.of:,} in all"
        return ", ".join(part for part in (super().place(), of) if part)

    # --- acting ----------------------------------------------------------------------

    @property
    def counter(self) -> ResolveCounter:
        """Where records are resolved."""
        return ResolveCounter(self, self.session, self.say, self._read_again)

    def _read_again(self, text: str, role: str) -> None:
        self._told = (text, role)
        # What was resolved is not here any more; neither are its marks.
        self.grid.clear_marks()
        self.action_refresh_now()

    def obstacle(self, act: Act) -> str:
        """Return why one of the acts of this screen is not possible now; or nothing."""
        if not act.changes_run:
            return ""
        if not self.grid.rows and not self.grid.marks:
            return "no record is unknown here"
        if act.ident in _OF_ONE_RUN and not self._run_id:
            return "the list is of all runs, and no record is under the cursor"
        return self.counter.obstacle()

    @property
    def _run_id(self) -> str:
        """The run that is meant where all of one are."""
        row = self.grid.current
        return self.choice.run_id or ("" if row is None else row.unknown.run_id)

    def _cohorts(self) -> dict[str, Selection]:
        """Return the marked records by run; without marks, the one under the cursor."""
        row = self.grid.current
        keys = {self.key(row)} if row is not None and not self.grid.marks else set()
        seqs: dict[str, set[int]] = {}
        for run_id, seq in cast("set[tuple[str, int]]", keys or self.grid.marks):
            seqs.setdefault(run_id, set()).add(seq)
        return {
            run_id: Selection(seqs=frozenset(some))
            for run_id, some in sorted(seqs.items())
        }

    def action_resolve(self) -> None:
        """Resolve the marked records, or the one under the cursor."""
        cohorts = self._cohorts()
        most = max((len(one.seqs) for one in cohorts.values()), default=0)
        if not cohorts:
            self.say("Nothing to resolve: no record is under the cursor.", "warn")
        elif most > MOST_NAMED:
            key = self.session.keymap.key("unknowns.all")
            said = f"At most {MOST_NAMED:,} of a run can be marked; {key} takes all."
            self.say(said, "warn")
        else:
            self.counter.resolve(cohorts)

    def action_resolve_all(self) -> None:
        """Resolve every unknown record of the run under the cursor."""
        if self._run_id:
            self.counter.resolve({self._run_id: Selection()})
        else:
            self.say("Nothing to resolve: no run is under the cursor.", "warn")

    def action_look_up(self) -> None:
        """Ask the provider about the record under the cursor."""
        cohorts = self._cohorts()
        if cohorts:
            self.counter.look_up(cohorts)
        else:
            self.say("Nothing to ask about: no record is under the cursor.", "warn")

    def action_look_up_all(self) -> None:
        """Ask the provider about every unknown record of the run under the cursor."""
        if self._run_id:
            self.counter.look_up({self._run_id: Selection()})
        else:
            self.say("Nothing to ask about: no run is under the cursor.", "warn")

    def action_withdraw(self) -> None:
        """End the look-up of the run under the cursor."""
        if self._run_id:
            self.counter.withdraw(self._run_id)
        else:
            self.say("Nothing to end: no run is under the cursor.", "warn")

    def action_arm(self) -> None:
        """Let commands pass for five minutes."""
        self.counter.arm()

    def action_disarm(self) -> None:
        """Let no command pass."""
        self.counter.disarm()

    async def opened(self, row: UnknownRow) -> None:
        """Open the journey, once its run is read: it may not be the selected one."""
        begin(self, partial(self._read_run, row), "run")

    async def _read_run(self, row: UnknownRow) -> None:
        run = await answer(self.session.desk.run(row.unknown.run_id))
        self.post_message(self.RunRead(row.unknown.record.seq, run))

    @on(RunRead)
    async def _open(self, message: RunRead) -> None:
        if isinstance(message.answer, Failure):
            why = message.answer.sentence.rstrip(".")
            self.say(f"Could not open the journey: {why}.", "bad")
            return
        chosen = Filter((RecordState.UNKNOWN,))
        run = message.answer
        await self.app.push_screen(
            JourneyScreen(self.session, run, message.seq, chosen),
            partial(self._left, run.run_id),
        )

    def _left(self, run_id: str, seq: int | None) -> None:
        if seq is not None:
            self.grid.select((run_id, seq))
