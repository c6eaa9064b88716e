"""Narrowing, ordering and widening the lists of the jobs screen."""

from __future__ import annotations

from functools import partial

from watchfloor.console.columns import RECORD_COLUMNS, RUN_COLUMNS
from watchfloor.console.listing import (
    ORDERS,
    RunFilter,
    as_typed,
    typed,
    visible,
)
from watchfloor.console.pages import FAULTS, Filter
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.jobs_page import RECORDS, RUNS
from watchfloor.console.screens.jobs_reads import JobsReads
from watchfloor.console.screens.prompt import Prompt
from watchfloor.console.screens.switches import Switches
from watchfloor.console.session import Session
from watchfloor.domain.records import STATE_WORDS

_ALL = "all"
_REMEMBERED = 20
_RUN_HINT = "words of a name, id, upload or state; nothing for all"
_RECORD_HINT = 'a state, words, or code = "busy"; nothing lists the states'


class JobsList(JobsReads):
    """What is asked is asked of the list that has the focus."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._asked: dict[str, list[str]] = {RUNS: [], RECORDS: []}
        self._last_selected = ""

    @property
    def in_records(self) -> bool:
        """Whether the records have the focus."""
        return self.focused is self.records

    # --- filter ----------------------------------------------------------------------

    async def action_choose_filter(self) -> None:
        """Let the operator say what of the focused list is shown."""
        if not self.in_records:
            await self._ask(RUNS, self.run_filter.text, _RUN_HINT)
        elif self.run is None:
            self.say("No filter: no run is selected.", "warn")
        else:
            await self._ask(RECORDS, as_typed(self.chosen), _RECORD_HINT)

    async def _ask(self, which: str, value: str, hint: str) -> None:
        prompt = Prompt(f"Filter {which}", value, self._asked[which], hint)
        await self.app.push_screen(prompt, partial(self._answered, which))

    async def _answered(self, which: str, words: str | None) -> None:
        if words is None:
            return
        text = words.strip()
        if text:
            known = [one for one in self._asked[which] if one != text]
            self._asked[which] = [*known, text][-_REMEMBERED:]
        if which == RUNS:
            self.filter_runs(RunFilter(text=text, faults=self.run_filter.faults))
        elif text:
            self.filter_records(typed(text))
        else:
            await self._choose_state()

    async def _choose_state(self) -> None:
        run = self.run
        if run is None:
            return
        total = f"{run.books.records:,}"
        options = [Option(ident=_ALL, name=_ALL, hint=total, tip="no filter")]
        options += [
            Option(ident=word, name=word, hint=f"{run.books.count(state):,}")
            for word, state in STATE_WORDS.items()
        ]
        hint = "show the records of one state"
        await self.app.push_screen(Chooser(hint, options), self._state_chosen)

    def _state_chosen(self, word: str | None) -> None:
        if word is not None:
            state = STATE_WORDS.get(word)
            self.filter_records(Filter() if state is None else Filter((state,)))

    def action_faults(self) -> None:
        """Show only what somebody should look at in the focused list, or all again."""
        if not self.in_records:
            faults = not self.run_filter.faults
            self.filter_runs(RunFilter(text=self.run_filter.text, faults=faults))
        elif self.run is not None:
            is_on = self.chosen == Filter(FAULTS)
            self.filter_records(Filter() if is_on else Filter(FAULTS))

    def filter_runs(self, chosen: RunFilter) -> None:
        """Show the runs that pass; the cursor keeps its run where that is one."""
        run = self.run
        if run is not None:
            self._last_selected = run.run_id
        self.run_filter = chosen
        self._rearrange()
        if run is None:
            self.runs.select(self._last_selected)

    def filter_records(self, chosen: Filter) -> None:
        """Read the first page of the records that pass."""
        self.chosen = chosen
        self.want_records(only_if_new=True)

    def unfilter(self) -> bool:
        """Take the filter off the focused list, else off the other one in sight.

        Returns:
            Whether there was one.
        """
        if self.run_filter.is_set and not self.in_records:
            self.filter_runs(RunFilter())
        elif self.chosen.is_set and self.shows_records:
            self.filter_records(Filter())
        else:
            return False
        return True

    def _rearrange(self) -> None:
        before = self.run
        self.show_runs()
        self.paint()
        after = self.run
        is_other = (
            before is not None and after is not None and (before.run_id != after.run_id)
        )
        if self.is_two_panes and (is_other or self.shown is None):
            self.want_records(only_if_new=True)

    # --- order -----------------------------------------------------------------------

    async def action_choose_order(self) -> None:
        """Order the focused list: the runs by a figure, the records by number."""
        if self.in_records:
            self.last_first = not self.last_first
            self.want_records(only_if_new=True)
            first = "last" if self.last_first else "first"
            self.say(f"Records by number, the {first} one first.", "dim")
            return
        options = [
            Option(
                ident=order.name,
                name=order.name,
                hint="now" if order.name == self.run_order else "",
                tip=order.words,
            )
            for order in ORDERS
        ]
        hint = "order the runs"
        await self.app.push_screen(Chooser(hint, options), self._order_chosen)

    def _order_chosen(self, name: str | None) -> None:
        if name is not None:
            self.run_order = name
            self._rearrange()

    # --- columns and room ------------------------------------------------------------

    async def action_choose_columns(self) -> None:
        """Let the operator show or leave out columns of the focused list."""
        which = RECORDS if self.in_records else RUNS
        switches = Switches(
            f"columns of the {which}: Enter shows or leaves out",
            partial(self._columns, which),
            partial(self._switch, which),
        )
        await self.app.push_screen(switches)

    def _columns(self, which: str) -> list[Option]:
        columns = RECORD_COLUMNS if which == RECORDS else RUN_COLUMNS
        hidden = self.hidden.get(which, frozenset())
        return [
            Option(
                ident=column.title,
                name=column.title,
                hint="-" if column.title in hidden else "shown",
                tip=_room_for(column.least),
            )
            for column in columns[1:]
        ]

    def _switch(self, which: str, title: str) -> None:
        self.hidden[which] = self.hidden.get(which, frozenset()) ^ {title}
        hidden = self.hidden[which]
        if which == RECORDS:
            self.records.set_columns(visible(RECORD_COLUMNS, hidden))
        else:
            self.runs.set_columns(visible(RUN_COLUMNS, hidden))

    def action_zoom(self) -> None:
        """Give the focused list the whole screen, or share it again."""
        self.set_class(not self.is_full, "-full")
        self.set_class(self.in_records, "-in-records")
        self.paint()
        if self.is_full:
            key = self.session.keymap.key("view.full")
            self.say(f"The list has the whole screen; {key} shares it again.", "dim")
            return
        self.say("")
        if self.is_two_panes:
            self.want_records(only_if_new=True)


def _room_for(least: int) -> str:
    return f"where the list is {least} cells wide" if least else ""
