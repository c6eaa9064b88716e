"""The journey of one record, entry by entry, and a healthy one beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message

from watchfloor.console.closing import close
from watchfloor.console.copies import journey_json
from watchfloor.console.figures import clock_time
from watchfloor.console.flow import MOST_SAID, read_whole
from watchfloor.console.journey_lines import (
    STEP_COLUMNS,
    StepRow,
    comparison,
    heading,
    inside,
    step_rows,
)
from watchfloor.console.keymap import Act, bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.modal import Modal
from watchfloor.console.screens.resolve_counter import ResolveCounter
from watchfloor.console.session import Session
from watchfloor.console.walking import Walk, Walked
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.work import begin
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.records import RecordState
from watchfloor.domain.text import clean
from watchfloor.domain.views import Journey, RunView

#: From this width on two records stand side by side.
_TWO_RECORDS = 120
#: So many records are gone past in one read.
_MOST_STEPS = 100
_STEPS = {"page.prev": "Previous record", "page.next": "Next record"}


class JourneyScreen(Modal[int]):
    """One record at a time; the answer is the record last looked at."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("journey", "sheet", "nav")
    AUTO_FOCUS = "#entries"

    #: Whose keys the help tells first.
    scopes: ClassVar[tuple[str, ...]] = ("journey", "sheet")

    @dataclass
    class Read(Message):
        """A journey came, or why it did not."""

        answer: Walked | Failure

    @dataclass
    class HealthyRead(Message):
        """The journey of a delivered record near another one came, or why not."""

        seq: int
        answer: Journey | Failure | None

    def __init__(
        self, session: Session, run: RunView, seq: int, chosen: Filter
    ) -> None:
        super().__init__()
        self._session = session
        self.run = run
        self._seq = seq
        self._walk = Walk(session.desk, run.run_id, chosen)
        self._journey: Journey | None = None
        self._healthy: Journey | None = None
        self._is_beside = False
        self._is_reading = False
        self._ahead = 0
        self._as_of_ms: int | None = None
        self._told: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        """Lay the timeline and the inside of the record out."""
        yield Panel(id="heading", classes="heading")
        with Horizontal(id="timelines"):
            yield self._timeline("entries", "Reading the journey …")
            yield self._timeline("healthy", "")
        yield Panel(id="inside")
        yield Panel(id="message")
        yield Panel(id="keys", classes="footer")

    def _timeline(self, name: str, empty: str) -> Grid[StepRow]:
        columns, key = STEP_COLUMNS, attrgetter("place")
        return Grid(columns, key, empty=empty, marks=False, id=name)

    def on_mount(self) -> None:
        """Read the record that was opened."""
        self.query_one("#healthy").can_focus = False
        acts = self._session.keymap.acts("table", "sheet", "journey")
        offers = [
            Offer(act, label=_STEPS.get(act.ident, ""))
            for act in acts
            if act.ident in _STEPS or act.scope != "table"
        ]
        self._panel("keys").draw(lambda width: (footer(offers, width),))
        self._paint()
        self.action_refresh_now()

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    def _grid(self, name: str = "entries") -> Grid[StepRow]:
        return self.query_one(f"#{name}", Grid)

    @property
    def _is_wide(self) -> bool:
        return self.size.width >= _TWO_RECORDS

    @property
    def _shown(self) -> Journey | None:
        """The record in the list: in one column the healthy one takes its place."""
        if self._is_beside and self._healthy is not None and not self._is_wide:
            return self._healthy
        return self._journey

    # --- reads -----------------------------------------------------------------------

    def action_refresh_now(self) -> None:
        """Read the record again."""
        if not self._is_reading:
            self._begin(0)

    def _begin(self, steps: int) -> None:
        self._is_reading = True
        begin(self, partial(self._read, self._seq, steps), "journey")

    async def _read(self, seq: int, steps: int) -> None:
        self.post_message(self.Read(await answer(self._walk.read(seq, steps))))

    async def _read_healthy(self, seq: int) -> None:
        found = await answer(self._walk.healthy(seq))
        self.post_message(self.HealthyRead(seq, found))

    @on(Read)
    def _show(self, message: Read) -> None:
        self._is_reading = False
        if isinstance(message.answer, Failure):
            self._ahead = 0
            self._fail(message.answer)
            return
        found, missed = message.answer
        if found is not None:
            self._show_journey(found)
        if missed is not None:
            self.say(missed.words(self._session.keymap), "warn")
        self._walk_on()

    def _show_journey(self, found: Journey) -> None:
        is_same = self._journey is not None and found.record.seq == self._seq
        self._journey, self._seq = found, found.record.seq
        self._as_of_ms = self._session.clock()
        self._grid().empty = "Nothing happened to this record yet."
        self.say("")
        if not is_same:
            self._healthy = None
        changed = self._paint(keep=is_same)
        if self._told is not None:
            # What became of a command says more than how many entries changed.
            self.say(*self._told)
            self._told = None
        elif is_same:
            what = "1 entry" if changed == 1 else f"{changed} entries"
            self.say(f"{what} changed", "dim")
        if not is_same:
            self._grid().action_edge(1)
        if self._is_beside:
            begin(self, partial(self._read_healthy, self._seq), "healthy")

    def _fail(self, failure: Failure) -> None:
        if self._as_of_ms is None:
            self._grid().empty = "There is nothing to show."
            self._grid().refresh()
        self.say(f"{failure.sentence.rstrip('.')}.{self._age()}", "bad")

    def _age(self) -> str:
        if self._as_of_ms is None:
            return ""
        return f" This is from {clock_time(self._as_of_ms)}."

    @on(HealthyRead)
    def _show_healthy(self, message: HealthyRead) -> None:
        found = message.answer
        if message.seq != self._seq or not self._is_beside or self._journey is None:
            return
        if isinstance(found, Failure):
            why = found.sentence.rstrip(".")
            self.say(f"No healthy record could be read: {why}.", "bad")
            self._is_beside = self._healthy is not None
            return
        if found is None:
            self._is_beside = False
            self.say("No other record of this run was delivered yet.", "warn")
            return
        self._healthy = found
        self.say("")
        self._paint(keep=True)

    # --- paint -----------------------------------------------------------------------

    def _paint(self, *, keep: bool = False) -> int:
        """Bring lists and lines up to date; tell how many entries changed."""
        journey, shown = self._journey, self._shown
        healthy = self._healthy if self._is_beside else None
        self.set_class(healthy is not None and self._is_wide, "-beside")
        changed = 0
        if journey is not None and shown is not None:
            other = journey if shown is healthy else healthy
            rows = step_rows(shown, other)
            changed = self._grid().show(rows, keep=keep, mark=keep)
            if healthy is not None and self._is_wide:
                self._grid("healthy").show(step_rows(healthy, journey))
                self.call_after_refresh(self._go_along)
        self._head()
        self._at_length()
        return changed

    def _head(self) -> None:
        key = self._session.keymap.key("sheet.refresh")
        ages = ("reading …", "")
        if self._as_of_ms is not None:
            at = clock_time(self._as_of_ms)
            ages = (f"as of {at} UTC, {key} refreshes", f"{at}, {key} refreshes")
        shown, run, seq = self._shown, self.run, self._seq
        beside = self._healthy if self._is_beside else None
        self._panel("heading").draw(
            lambda width: (heading(shown, beside, run, (seq, *ages), width),)
        )

    @on(Grid.Moved, "#entries")
    def _at_length(self) -> None:
        shown, row = self._shown, self._grid().current
        if shown is None:
            return
        journey, run = self._journey or shown, self.run
        healthy = self._healthy if self._is_beside else None
        beside = "" if healthy is None else comparison(journey, healthy)
        self._panel("inside").draw(
            lambda width: inside(shown, run, row, width, beside=beside)
        )
        self._go_along()

    def _go_along(self) -> None:
        """Put the cursor beside on the same entry, once that list has a size."""
        row, other = self._grid().current, self._grid("healthy")
        if row is not None and other.size.height:
            other.select(row.place)

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator."""
        line: Line = (
            (Piece(f" {self._session.address.here(text)}", role),) if text else ()
        )
        self._panel("message").draw(
            lambda width: read_whole(line, (), width, MOST_SAID)
        )

    def on_resize(self) -> None:
        """Put a healthy record beside or in place of this one, as the width allows."""
        if self._healthy is not None:
            self._paint(keep=True)

    # --- keys ------------------------------------------------------------------------

    @on(Grid.PageWanted)
    def _step(self, message: Grid.PageWanted) -> None:
        if message.step in (-1, 1):
            self._ahead += message.step
            self._walk_on()
            return
        key = self._session.keymap.key("page.next")
        self.say(f"Records are gone through one by one: {key} is the next.", "dim")

    def _walk_on(self) -> None:
        """Go all the steps that were asked for, once no read is under way."""
        if self._is_reading or not self._ahead:
            return
        steps = max(-_MOST_STEPS, min(_MOST_STEPS, self._ahead))
        self._ahead -= steps
        self._begin(steps)

    @on(Grid.MarkWanted)
    def _unmarkable(self) -> None:
        self.say("Nothing is marked here; runs and records are, on the jobs.", "dim")

    @property
    def counter(self) -> ResolveCounter:
        """Where the record is resolved."""
        return ResolveCounter(self, self._session, self.say, self._read_again)

    def _read_again(self, text: str, role: str) -> None:
        self._told = (text, role)
        self.action_refresh_now()

    def obstacle(self, act: Act) -> str:
        """Return why one of the acts of this screen is not possible now; or nothing."""
        if not act.changes_run:
            return ""
        return self._not_unknown or self.counter.obstacle()

    @property
    def _not_unknown(self) -> str:
        """Return why there is nothing to resolve; or nothing."""
        shown = self._shown
        if shown is None:
            return "no record is read yet"
        is_unknown = shown.record.state is RecordState.UNKNOWN
        return "" if is_unknown else f"the record is {shown.record.state.word}"

    def _cohort(self) -> dict[str, Selection]:
        """Return the one record as a cohort; none of one that is not unknown."""
        shown, why = self._shown, self._not_unknown
        if shown is None or why:
            self.say(f"Nothing to resolve: {why}.", "warn")
            return {}
        return {self.run.run_id: Selection(seqs=frozenset({shown.record.seq}))}

    def action_resolve(self) -> None:
        """Say what became of an unknown record."""
        if cohort := self._cohort():
            self.counter.resolve(cohort)

    def action_look_up(self) -> None:
        """Ask the provider what became of an unknown record."""
        if cohort := self._cohort():
            self.counter.look_up(cohort)

    def action_withdraw(self) -> None:
        """End the look-up of this record's run."""
        self.counter.withdraw(self.run.run_id)

    def action_arm(self) -> None:
        """Let commands pass for five minutes."""
        self.counter.arm()

    def action_disarm(self) -> None:
        """Let no command pass."""
        self.counter.disarm()

    def action_beside(self) -> None:
        """Show a delivered record of the same run beside this one, or stop that."""
        if self._journey is None:
            return
        self._is_beside = not self._is_beside
        if self._is_beside:
            begin(self, partial(self._read_healthy, self._seq), "healthy")
        else:
            self._healthy = None
            self.say("")
            self._paint(keep=True)

    def action_copy_id(self) -> None:
        """Copy the number of the record."""
        shown = self._shown
        if shown is not None:
            self._copy(clean(shown.record.seq), f"the number {shown.record.seq}")

    def action_copy_row(self) -> None:
        """Copy the record with all its entries as JSON, people masked."""
        shown = self._shown
        if shown is not None:
            said = f"record {shown.record.seq} as JSON, people masked"
            self._copy(journey_json(shown, self.run), said)

    def _copy(self, text: str, said: str) -> None:
        self.app.copy_to_clipboard(text)
        self.say(f"Copied {said}, if the terminal allows it (OSC 52).", "dim")

    def action_close(self) -> None:
        """Go back to the record last looked at."""
        close(self, self._seq)
