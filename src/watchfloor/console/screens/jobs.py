"""The jobs screen's keys: what an operator can do on it, and why not."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.binding import BindingType

from watchfloor.console.approval import no_approval
from watchfloor.console.commands import DISARMED, VIEWER, Patience, give
from watchfloor.console.keymap import Act, acts, bindings
from watchfloor.console.limits import Limits
from watchfloor.console.lines import Offer
from watchfloor.console.orders import approve, limit
from watchfloor.console.pages import FAULTS, FIRST, Filter, turned
from watchfloor.console.questions import Consent, Question
from watchfloor.console.screens.callbacks import CallbacksScreen
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.details import Details
from watchfloor.console.screens.events import Events
from watchfloor.console.screens.jobs_page import JobsPage
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.limits import LimitsDialog
from watchfloor.console.session import Session
from watchfloor.console.widgets.grid import Grid
from watchfloor.console.work import begin
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.records import STATE_WORDS
from watchfloor.domain.regions import Verb
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView

_NO_RUN = "no run is selected"
_ALL = "all"
_REST_S = 0.08

_VERBS = {
    "run.pause": Verb.PAUSE,
    "run.resume": Verb.RESUME,
    "run.stop": Verb.STOP,
    "run.cancel": Verb.CANCEL,
}
_NEEDS_RUN = {
    *_VERBS,
    "run.approve",
    "run.limits",
    "nav.callbacks",
    "view.filter",
    "view.faults",
    "view.events",
    "view.details",
}


Going = Coroutine[Any, Any, None]


class JobsScreen(JobsPage):
    """Runs left, records right; widgets tell, this screen decides, the desk acts."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("main")

    def __init__(self, session: Session, patience: Patience) -> None:
        super().__init__(session)
        self._patience = patience

    def on_mount(self) -> None:
        """Begin at rest."""
        self._rest = self.set_timer(_REST_S, self.paint, pause=True)

    # --- what is possible ------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        """Let nothing be done on a page that is too small to be read."""
        names = {act.action.partition("(")[0] for act in acts("main", "table")}
        return not (self.is_small and action in names)

    def obstacle(self, act: Act) -> str:
        """Return why an act is not possible now, by what is shown; or nothing."""
        run = self.run
        if act.changes_run and self.session.read_only:
            return "this session only looks"
        if act.ident.startswith("safety.") and self.session.read_only:
            return "this session only looks"
        if run is None and act.ident in _NEEDS_RUN:
            return _NO_RUN
        if run is None or not act.changes_run:
            return ""
        declined = _declined(act.ident, run)
        if declined:
            return declined
        return "" if self.session.is_armed else "disarmed, press m first"

    def offers(self) -> list[Offer]:
        """Return what the footer offers; what is not possible is dim."""
        waits = self.run is not None and self.run.awaits_approval
        return [
            Offer(act, not self.obstacle(act))
            for act in acts("table", "main", "app")
            if waits or act.ident != "run.approve"
        ]

    # --- moving about ----------------------------------------------------------------

    @on(Grid.Moved, "#runs")
    def _run_moved(self) -> None:
        # A held-down key moves the cursor alone; the rest follows where it rests.
        self._rest.stop()
        self._rest = self.set_timer(_REST_S, self._run_reached)

    def _run_reached(self) -> None:
        self.paint()
        if self.is_two_panes:
            self.want_records(FIRST)

    @on(Grid.Opened, "#runs")
    def _run_opened(self) -> None:
        self._enter_records()
        self.want_records(only_if_new=True)

    def _enter_records(self) -> None:
        self.add_class("-in-records")
        self.paint_titles()
        # In one pane the list is hidden until the next layout and takes no focus.
        self.call_after_refresh(self.records.focus)

    def _leave_records(self) -> None:
        self.remove_class("-in-records")
        self.call_after_refresh(self.runs.focus)

    @on(Grid.Opened, "#records")
    async def _record_opened(self, message: Grid.Opened) -> None:
        run = self.run
        if run is None or not isinstance(message.key, int):
            return
        await self.app.push_screen(
            JourneyScreen(self.session.desk, run, message.key, self.chosen),
            self._record_left,
        )

    def _record_left(self, seq: int | None) -> None:
        if seq is not None:
            self.records.select(seq)

    @on(Grid.PageWanted)
    def _page_wanted(self, message: Grid.PageWanted) -> None:
        if not self.shows_records:
            self.say("Enter opens the records; there the pages are turned.", "dim")
            return
        place = turned(self.page, message.step)
        if place is None:
            self.say("This is the last page." if message.step > 0 else "First page.")
            return
        self.want_records(place)

    @on(Grid.PaneWanted)
    def _pane_wanted(self, message: Grid.PaneWanted) -> None:
        if message.step > 0:
            self._run_opened()
        else:
            self._leave_records()

    def action_back(self) -> None:
        """Clear the filter, else the marks, else go back to the runs."""
        if self.chosen.states:
            self._filter_by(Filter())
        elif self.runs.marks or self.records.marks:
            self.runs.clear_marks()
            self.records.clear_marks()
            self.paint_marks()
        else:
            self._leave_records()

    def on_key(self) -> None:
        """Keep the count of marks true after any key."""
        self.call_after_refresh(self.paint_marks)

    # --- looking ---------------------------------------------------------------------

    def action_refresh_now(self) -> None:
        """Read everything shown anew."""
        self.read_runs()

    def action_faults(self) -> None:
        """Show failed and unknown records only, or all again."""
        is_on = self.chosen.states == FAULTS
        self._filter_by(Filter() if is_on else Filter(FAULTS))

    async def action_choose_filter(self) -> None:
        """Let the operator choose a state."""
        run = self.run
        if run is None:
            self.say(f"No filter: {_NO_RUN}.", "warn")
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
            self._filter_by(Filter() if state is None else Filter((state,)))

    def _filter_by(self, chosen: Filter) -> None:
        self.chosen = chosen
        if self.run is not None:
            self.want_records(FIRST)
            self._enter_records()

    async def action_events(self) -> None:
        """Show the journal of the run."""
        run = self.run
        if run is None:
            self.say(f"No events: {_NO_RUN}.", "warn")
            return
        await self.app.push_screen(Events(self.session.desk, run))

    async def action_details(self) -> None:
        """Show everything known of the run."""
        run = self.run
        if run is None:
            self.say(f"No details: {_NO_RUN}.", "warn")
            return
        await self.app.push_screen(Details(self.session, run))

    async def action_callbacks(self) -> None:
        """Show what waits until when."""
        run = self.run
        if run is None:
            self.say(f"No callbacks: {_NO_RUN}.", "warn")
            return
        await self.app.push_screen(CallbacksScreen(self.session, run))

    def action_copy_id(self) -> None:
        """Copy the id of the run or the number of the record."""
        grid = self.records if self.focused is self.records else self.runs
        if grid.current_key is None:
            return
        text = clean(grid.current_key)
        self.app.copy_to_clipboard(text)
        self.say(f"Copied {text}, if the terminal allows it (OSC 52).", "dim")

    # --- acting ----------------------------------------------------------------------

    def action_arm(self) -> None:
        """Let commands pass for five minutes."""
        if self.session.read_only:
            self.say(VIEWER, "warn")
            return
        self.session.catch.arm(self.session.clock())
        self.say("Armed for five minutes; M disarms.", "warn")
        self.paint_head()

    def action_disarm(self) -> None:
        """Let no command pass."""
        self.session.catch.disarm()
        self.say("Disarmed.")
        self.paint_head()

    def action_verb(self, name: str) -> None:
        """Give the selected run a command, if this console may."""
        self._carry(name, partial(give, verb=Verb(name)))

    def action_approve(self) -> None:
        """Give the word the selected run waits for, after a preview."""
        self._carry("approve", approve)

    def action_limits(self) -> None:
        """Change permits and pace of the selected run."""
        self._carry("limit", limit)

    def _carry(self, name: str, carrying: Callable[..., Going]) -> None:
        run = self.run
        if self.session.read_only:
            self.say(VIEWER, "warn")
        elif run is None:
            self.say(f"Nothing to {name}: {_NO_RUN}.", "warn")
        elif not self.session.is_armed:
            self.say(DISARMED, "warn")
            self.paint_head()
        else:
            # Its own worker, exclusive of nothing: a command that went out is
            # followed to its end whatever is asked next.
            going = partial(
                carrying,
                self.session,
                self,
                run_id=run.run_id,
                patience=self._patience,
            )
            begin(self, going, "commands", exclusive=False)

    async def consent(self, question: Question) -> Consent | None:
        """Ask the operator; None for no, and while another screen is open."""
        if not self.is_current:
            return None
        return await self.app.push_screen_wait(Confirm(question))

    async def new_limits(self, run: RunView) -> Limits | None:
        """Let the operator change limits; None for no, and behind another screen."""
        if not self.is_current:
            return None
        return await self.app.push_screen_wait(LimitsDialog(run))

    async def run_changed(self, run_id: str) -> None:
        """Read one run again and show it."""
        await self._snapshots.run(run_id)


def _declined(ident: str, run: RunView) -> str:
    """Return why an act cannot change this run as it is shown; or nothing."""
    verb = _VERBS.get(ident)
    if verb is not None:
        declined = refusal(run.lifecycle, verb)
        return "" if declined is None else EXPLANATIONS[declined]
    if ident == "run.approve":
        missing = no_approval(run)
        return "" if missing is None else missing[1]
    ended = ident == "run.limits" and run.lifecycle.is_ended
    return EXPLANATIONS[Refusal.ALREADY_ENDED] if ended else ""
