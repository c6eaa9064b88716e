"""What the jobs screen reads, and what it makes of the answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from textual import on

from watchfloor.console.closing import stands
from watchfloor.console.columns import RecordRow
from watchfloor.console.figures import clock_time, counted
from watchfloor.console.listing import arranged, listed
from watchfloor.console.pages import Place, anchored, looked_at, turned
from watchfloor.console.pieces import Line, Piece, measured
from watchfloor.console.questions import Question
from watchfloor.console.reading import Failure
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.jobs_news import JobsNews
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.session import Session
from watchfloor.console.snapshots import (
    OverviewRead,
    PulseRead,
    RecordsRead,
    RunRead,
    Snapshots,
    Wanted,
)
from watchfloor.console.text import wrapped
from watchfloor.console.work import begin

#: The cards are polled so often; over a slow line less.
PULSE_S, CALM_PULSE_S = 2.0, 4.0
_SLOW_S = 0.3
_PAGE = 40
#: No sentence takes so many lines.
_LINES = 40


class JobsReads(JobsNews):
    """Reads go on beside the screen; an answer that nobody waits for is dropped."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._snapshots = Snapshots(session.desk, self.post_message)
        self._read_at_ms: dict[str, int] = {}
        self._page_at_ms = 0
        self._changed_runs: int | None = None
        self._turns: list[int] = []
        self._turned: Wanted | None = None
        self._has_said_hindrance = False
        self._unread: tuple[Failure, int | None] = Failure(""), None
        self._of_unread: Line | None = None

    def on_mount(self) -> None:
        """Read when the page stands; poll nothing but cards and owner."""
        self._slow = self.set_timer(_SLOW_S, self.paint, pause=True)
        calm = self.session.wishes.is_calm
        self.set_interval(CALM_PULSE_S if calm else PULSE_S, self._pulse)
        self.call_after_refresh(self.read_runs)
        self.call_after_refresh(self._pulse)

    def on_unmount(self) -> None:
        """Wait for no engine any more, also where the console broke."""
        if self.session.keeper is not None:
            _ = self.session.keeper.give_up()

    def on_resize(self) -> None:
        """Read the records where there is room for them now."""
        self.call_after_refresh(self._read_beside)

    def _read_beside(self) -> None:
        if self.is_two_panes:
            self.want_records(only_if_new=True)

    def read_runs(self) -> None:
        """Read the runs, then the records that are shown."""
        self._expect("Reading the runs …")
        begin(self, self._snapshots.overview, "overview")

    def _expect(self, said: str) -> None:
        """Say what is being read, if it takes long."""
        self._slow.stop()
        self._slow = self.set_timer(_SLOW_S, partial(self._say_reading, said))

    def _say_reading(self, said: str) -> None:
        if self._covered is None:
            self._covered = self._message
        self._show_message((Piece(f" {said}", "dim"),))

    def _has_come(self) -> None:
        """Give back the line that said what was being read."""
        self._slow.stop()
        if self._covered is not None:
            covered, self._covered = self._covered, None
            self._show_message(covered)

    def _pulse(self) -> None:
        # One at a time: a slow store must not be asked ever more, and never answer.
        if not self._is_pulsing:
            self._is_pulsing = True
            begin(self, self._snapshots.pulse, "pulse")

    def want_records(
        self, place: Place | None = None, *, only_if_new: bool = False
    ) -> None:
        """Read a page of the selected run's records.

        Args:
            place: Which page; None for the one that is shown, if it is of this list.
            only_if_new: Not if a page of this very list is shown already.
        """
        run, shown = self.run, self.shown
        if run is None:
            return
        first = Wanted(run.run_id, Place(), self.chosen, self.last_first).beginning
        is_same = shown is not None and shown.beginning == first
        if is_same and only_if_new:
            self._wanted = shown  # what was asked for since is not to be shown here
            self._has_come()
            return
        if place is None:
            place = shown.place if is_same and shown is not None else first.place
        self._wanted = first.at(place)
        size = max(_PAGE, self.records.size.height - 1)
        looks = "Looking through" if self.chosen.is_search else "Reading"
        self._expect(f"{looks} the records …")
        begin(self, partial(self._snapshots.records, self._wanted, size), "records")

    def turn_page(self, step: int) -> None:
        """Turn to another page; while one is read, once it has come.

        Args:
            step: -2 for the first page, -1 previous, 1 next, 2 last.
        """
        if self._wanted is None:
            return
        of = self._wanted.beginning
        if of != self._turned or abs(step) > 1:
            self._turns.clear()
        self._turned = of
        if self._turns and self._turns[-1] == -step:
            self._turns.pop()
        else:
            self._turns.append(step)
        self._turn_on()

    def _turn_on(self) -> None:
        shown = self.shown
        if shown is None or not self._turns:
            return
        if self._wanted != shown and abs(self._turns[0]) == 1:
            return
        if self._turned != shown.beginning:
            self._turns.clear()
            return
        step = self._turns.pop(0)
        place = turned(self.page, shown.place, step, down=shown.down)
        if place is None:
            self._turns.clear()
            self.say("This is the last page." if step > 0 else "First page.")
            return
        self.want_records(place)

    @on(PulseRead)
    def _pulse_read(self, message: PulseRead) -> None:
        if isinstance(message.answer, Failure):
            self.session.sight.fault = message.answer.sentence
        else:
            if self._is_replaced(message.answer):
                self.read_runs()
            self._take_role(message.answer.role)
            self._see(message.answer.engine)
            self._cards = message.answer.cards
            is_news = self.session.sight.is_news(message.answer.alert)
            if is_news and self.session.wishes.rings:
                self.app.bell()
        self._is_pulsing = False
        if self._message is self._of_unread:
            self._say_unread()
        self.paint_head()
        for screen in self.app.screen_stack:
            if isinstance(screen, Sheet) and stands(screen):
                screen.head()

    @on(OverviewRead)
    def _overview_read(self, message: OverviewRead) -> None:
        self._has_come()
        if isinstance(message.answer, Failure):
            key = self.session.keymap.key("view.refresh")
            as_of_ms = None if self.overview is None else self.overview.as_of_ms
            self._unread = message.answer, as_of_ms
            self._say_unread()
            self.runs.empty = f"Nothing could be read; {key} tries again."
            self.runs.refresh()
            return
        self._is_replaced(message.answer)
        is_first, self.overview = self.overview is None, message.answer
        self._see(message.answer.engine)
        self._read_at_ms = {}
        self.all_runs = listed(message.answer, self.session.wishes.dialect)
        selected = self.run
        wanted, self.run_to_select = self.run_to_select, ""
        kept = wanted or ("" if selected is None else selected.run_id)
        changed = self.show_runs(kept=kept, mark=not is_first)
        if wanted:
            self.runs.select(wanted)
        # What was asked for and came of it is told already, with its id.
        self._changed_runs = None if is_first or wanted else changed
        if self.shows_records and self.run is not None:
            self.want_records()
        else:
            self._say_changed(len(self.runs.rows), 0)
        self._say_hindrance()
        self.paint()

    def show_runs(self, *, kept: str = "", mark: bool = False) -> int:
        """Show the runs that pass the filter, in their order.

        Args:
            kept: The id of a run that is listed whatever the filter says.
            mark: Whether what changed is marked.

        Returns:
            How many runs changed.
        """
        rows = arranged(self.all_runs, self.run_filter, self.run_order, kept)
        self.runs.empty = self._why_no_runs()
        changed = self.runs.show(rows, mark=mark)
        if not rows:
            self._forget_records("No run is selected.")
        return changed

    def _why_no_runs(self) -> str:
        key, of = self.session.keymap.key, len(self.all_runs)
        if of:
            words = self.run_filter.words
            return f"0 runs match {words}. {key('back')} shows all {of:,}."
        return f"No runs yet. {key('run.new')} starts one. Or: watchfloor demo"

    @on(RecordsRead)
    def _records_read(self, message: RecordsRead) -> None:
        wanted, page = message.wanted, message.answer
        if wanted != self._wanted:
            return  # a newer page was asked for meanwhile
        self._has_come()
        if isinstance(page, Failure):
            self._records_failed(wanted, page)
            return
        is_same = self._shown == wanted
        self.page, self._page_at_ms = page, self.session.clock()
        searches = wanted.chosen.is_search or page.searched_to is not None
        place = wanted.place
        if not searches:
            place = anchored(page, place, down=wanted.down)
        if self._shown is not None and self._shown.run_id != wanted.run_id:
            self.records.clear_marks()  # they are numbers of another run's records
        self._shown = self._wanted = wanted.at(place)
        rows = [RecordRow(record, self._page_at_ms) for record in page.records]
        if wanted.down:
            rows.reverse()
        self.records.empty = self._why_empty(wanted)
        changed = self.records.show(rows, keep=is_same, mark=is_same)
        if self._message == self._of_search:
            self.say("")  # it spoke of another search
        if page.searched_to is not None:
            self._say_searched(wanted)
        self._say_changed(len(self.runs.rows) + len(rows), changed if is_same else 0)
        self.paint_marks()
        self.paint_titles()
        self._turn_on()

    def _records_failed(self, wanted: Wanted, failure: Failure) -> None:
        self._turns.clear()
        shown = self.shown
        if shown is None:
            key = self.session.keymap.key("view.refresh")
            self._fail("Could not read the records", failure, None)
            self._forget_records(f"The records could not be read; {key} tries again.")
        else:
            did = "Not filtered" if wanted.chosen != shown.chosen else ""
            did = did or "Could not read the records"
            self._fail(did, failure, self._page_at_ms)
            self._of_search = self._message
            is_cut = measured(self._message) > self.size.width
            if wanted.chosen != shown.chosen and is_cut:
                # Where the mistake is must be read to its end.
                note = failure.sentence
                self._show_whole(Question(title=did, note=note, no="Close"))
            # What stands above the rows is what they were read with.
            self._wanted = shown
            self.chosen, self.last_first = shown.chosen, shown.down
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
        self._read_at_ms[fresh.run_id] = self.session.clock()
        dialect = self.session.wishes.dialect
        self.all_runs = listed(self.overview, dialect, self._read_at_ms)
        for row in self.all_runs:
            if row.run.run_id == fresh.run_id:
                self.runs.replace(row)
        self.paint()

    def _why_empty(self, wanted: Wanted) -> str:
        key, run = self.session.keymap.key, self.run
        if self.page.searched_to is not None:
            return f"Nothing was found so far; {self._looks_on(wanted)} looks on."
        if self.page.has_before or self.page.has_after:
            return f"Nothing stands here; {key('page.first')} shows the first page."
        if wanted.chosen.is_set and run is not None:
            total, words = f"{run.books.records:,}", wanted.chosen.words
            said = words if words.startswith('"') else f'"{words}"'
            return f"0 records match {said}. {key('back')} shows all {total}."
        return "This run has no records yet."

    def _say_searched(self, wanted: Wanted) -> None:
        run, page = self.run, self.page
        total = 0 if run is None else run.books.records
        first, last = looked_at(page, wanted.place, total)
        found, key = f"{len(page.records):,} found", self._looks_on(wanted)
        self.say(f"Looked at records {first:,}-{last:,}: {found}, {key} looks on.")
        self._of_search = self._message

    def _looks_on(self, wanted: Wanted) -> str:
        onwards = (wanted.place.before is None) != wanted.down
        return self.session.keymap.key("page.next" if onwards else "page.prev")

    def _say_changed(self, of: int, records: int) -> None:
        if self._changed_runs is not None:
            changed = self._changed_runs + records
            self.say(f"{changed} of {counted(of, 'row')} changed", "dim")
            self._changed_runs = None

    def _say_hindrance(self) -> None:
        """Say once what kept the engine from starting; to its end, what to do next."""
        keeper, said = self.session.keeper, "No engine was started"
        if keeper is None or not keeper.hindrance or self._has_said_hindrance:
            return
        self._has_said_hindrance = True
        words = f"{said}: {keeper.hindrance}"
        self.say(words, "bad")
        if len(wrapped(words, self.size.width - 1, _LINES)) > self._most(3):
            lines = tuple(f"{one}." for one in keeper.hindrance.split(". "))
            self._show_whole(Question(title=said, lines=lines, no="Close"))

    def _show_whole(self, question: Question) -> None:
        if self.is_active:
            self.app.call_later(self.app.push_screen, Confirm(question, self.session))

    def _say_unread(self) -> None:
        """Say why nothing could be read, unless the line of the engine does already."""
        failure, as_of_ms = self._unread
        is_above = self.session.sight.fault == failure.sentence
        if is_above and self._most(2) == self._most(3):
            failure = Failure("the line of the engine says why")
        self._fail("Could not refresh", failure, as_of_ms)
        self._of_unread = self._message

    def _fail(self, did: str, failure: Failure, as_of_ms: int | None) -> None:
        age = "" if as_of_ms is None else f" Rows are from {clock_time(as_of_ms)}."
        self.say(f"{did}: {failure.sentence.rstrip('.')}.{age}", "bad")
