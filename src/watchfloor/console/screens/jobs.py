"""The jobs screen's keys: what an operator can do on it, and why not."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.binding import BindingType

from watchfloor.console.approval import no_approval
from watchfloor.console.bulk import VERBS as FOR_MANY
from watchfloor.console.bulk import give_all
from watchfloor.console.commands import (
    VIEWER,
    Counter,
    Patience,
    disarmed,
    follow,
    give,
)
from watchfloor.console.engine_key import engine_obstacle, turn_engine_key
from watchfloor.console.figures import counted
from watchfloor.console.keymap import Act, bindings, shown_keys
from watchfloor.console.limits import Limits
from watchfloor.console.lines import Offer
from watchfloor.console.one_command import OneCommand
from watchfloor.console.orders import approve, close_results, hide, limit, not_ended
from watchfloor.console.questions import Consent, Question
from watchfloor.console.screens.at_sheet import AtSheet
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.jobs_look import NO_RUN, JobsLook
from watchfloor.console.screens.jobs_news import COMMANDS
from watchfloor.console.screens.limits import LimitsDialog
from watchfloor.console.screens.sheet import Sheet
from watchfloor.console.screens.wizard import LaunchWizard
from watchfloor.console.session import Session
from watchfloor.console.wizard_steps import Draft
from watchfloor.console.work import begin
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.lifecycle import refusal
from watchfloor.domain.regions import Verb
from watchfloor.domain.roles import ACTS
from watchfloor.domain.views import Receipt, RunView

_VERBS = {
    "run.pause": Verb.PAUSE,
    "run.resume": Verb.RESUME,
    "run.stop": Verb.STOP,
    "run.cancel": Verb.CANCEL,
}
#: Orders that concern a run that has ended.
_ABOUT_ENDED = {"run.hide": "hide", "run.close_results": "close_results"}
#: What the footer of a console that only looks leaves out.
_FOR_WRITERS = ("safety.arm", *_VERBS, "run.approve", "run.limits")
#: Groups of acts that are actions on what is selected.
_ACTIONS = ("Run", "View")
_ENGINE = "engine"
_NEEDS_RUN = {
    *_VERBS,
    *_ABOUT_ENDED,
    "run.approve",
    "run.limits",
    "nav.callbacks",
    "nav.triage",
    "nav.charts",
    "nav.failures",
    "nav.canary",
    "view.events",
    "view.details",
    "run.export",
}


#: Why a session behind a forced command launches nothing.
NO_FILES = "this session looks at no files of this machine"
NO_LAUNCH = "a viewer launches nothing"

Going = Coroutine[Any, Any, None]


class JobsScreen(JobsLook):
    """Runs left, records right; widgets tell, this screen decides, the desk acts."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("main", "nav")

    def __init__(self, session: Session, patience: Patience) -> None:
        super().__init__(session)
        self.patience = patience
        self._draft: Draft | None = None
        session.outgoing.on_change = self._waiting_changed

    # --- what is possible ------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        """Let nothing be done on a page that is too small to be read."""
        names = {
            act.action.partition("(")[0]
            for act in self.session.keymap.acts("main", "table")
        }
        return not (self.is_small and action in names)

    def obstacle(self, act: Act, about: RunView | None = None) -> str:
        """Return why an act is not possible now, by what is shown; or nothing.

        Args:
            act: Which.
            about: For which run; None for the selected one.
        """
        run = self.run if about is None else about
        match act.ident:
            case "run.undo" if not self.session.outgoing.held:
                return "nothing waits to go out"
            case "run.new" if no_launch(self.session):
                return no_launch(self.session)
            case "engine.key":
                return engine_obstacle(self.session)
            case _:
                return self._run_obstacle(act, run)

    def _run_obstacle(self, act: Act, run: RunView | None) -> str:
        acts = act.changes_run or act.ident.startswith("safety.")
        if acts and self.session.read_only:
            return "this session only looks"
        if run is None:
            return NO_RUN if act.ident in _NEEDS_RUN else ""
        if act.ident == "nav.canary" and not run.cohort and not run.retried_by:
            return "the run is no retry and has none"
        return self._declined(act, run) if act.changes_run else ""

    def _declined(self, act: Act, run: RunView) -> str:
        declined = _declined(act.ident, run)
        if declined or self.session.is_armed:
            return declined
        return f"disarmed, press {self.session.keymap.key('safety.arm')} first"

    def offers(self) -> list[Offer]:
        """Return what the footer offers; what is not possible is dim."""
        run = self.run
        left_out = {
            *(("run.new",) if no_launch(self.session) else ()),
            *(_FOR_WRITERS if self.session.read_only else ()),
            *(("run.approve",) if run is None or not run.awaits_approval else ()),
            *(() if self.session.outgoing.held else ("run.undo",)),
        }
        return [
            Offer(act, not self.obstacle(act))
            for act in self.session.keymap.acts("table", "nav", "main", "app")
            if act.ident not in left_out
        ]

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
        back = self.session.outgoing.take_all_back()
        what = counted(back, "command")
        self.say(f"Disarmed; taken back: {what}, never asked." if back else "Disarmed.")
        self.paint_head()

    def action_verb(self, name: str) -> None:
        """Give the selected run, or every marked one, a command, if this may."""
        verb, marked = Verb(name), self.marked_runs
        if len(marked) < len(self.runs.marks):
            away = len(self.runs.marks) - len(marked)
            key = self.session.keymap.key("back")
            self.say(
                f"{counted(away, 'marked run')} not listed here: nothing was asked. "
                f"{key} clears the filter, then the marks.",
                "warn",
            )
        elif not marked:
            self._carry(name, partial(give, verb=verb))
        elif verb in FOR_MANY:
            self._carry_all(verb, marked)
        else:
            key = self.session.keymap.key("back")
            self.say(
                f"{name.capitalize()} is asked run by run, and "
                f"{counted(len(marked), 'run')} are marked; {key} clears the marks.",
                "warn",
            )

    def action_approve(self) -> None:
        """Give the word the selected run waits for, after a preview."""
        self._carry("approve", approve)

    def action_limits(self) -> None:
        """Change permits and pace of the selected run."""
        self._carry("limit", limit)

    def action_hide_run(self) -> None:
        """Keep the selected run off the list, after a question."""
        self._carry("hide", hide)

    def action_close_results(self) -> None:
        """Close the results of the selected run, after a question."""
        self._carry("close the results of", close_results)

    def action_engine(self) -> None:
        """Start the engine here, or take it over; one after the other."""
        if any(one.group == _ENGINE for one in self.workers):
            self.say("The engine is being seen to already.", "warn")
            return
        counter = OneCommand(self.session, self)
        going = partial(turn_engine_key, self.session, counter, self.patience)
        begin(self, going, _ENGINE, exclusive=False)

    def action_take_back(self) -> None:
        """Take back what was confirmed last and has not gone out."""
        if self.session.outgoing.take_back() is None:
            self.say("Nothing waits to go out: there is nothing to take back.", "dim")

    def _waiting_changed(self) -> None:
        if self.stands:
            self.paint_head()
            self.paint_marks()

    async def action_actions(self) -> None:
        """Offer everything that is possible for the selection, and why not the rest."""
        keymap = self.session.keymap
        acts = [act for act in keymap.acts("main", "nav") if act.group in _ACTIONS]
        options = [
            Option(
                ident=act.ident,
                name=act.label,
                hint=" ".join(shown_keys(act)[:1]),
                tip=act.tip,
                obstacle=self.obstacle(act),
            )
            for act in acts
            if act.ident != "run.actions"
        ]
        options.sort(key=lambda option: bool(option.obstacle))
        name = "what to do" if self.run is None else f"for {self.run.campaign_name}"
        await self.app.push_screen(Chooser(name, options), self._act_chosen)

    async def _act_chosen(self, ident: str | None) -> None:
        if ident is not None:
            await self.run_action(self.session.keymap.act(ident).action)

    async def action_new_run(self) -> None:
        """Open the launch wizard where it was left."""
        obstacle = no_launch(self.session)
        if obstacle:
            self.say(f"New run: {obstacle}.", "warn")
            return
        wizard = LaunchWizard(self.session, self._draft)

        def left(run_id: str | None) -> None:
            self._draft = None if run_id else wizard.draft
            if run_id:
                self.show_child(run_id)
            if wizard.unsettled is not None:
                self._follow_launch(wizard.unsettled)

        await self.app.push_screen(wizard, left)

    def _may_carry(self, name: str) -> bool:
        if self.run is None and not self.session.read_only:
            self.say(f"Nothing to {name}: {NO_RUN}.", "warn")
            return False
        return self._may_give()

    def _may_give(self) -> bool:
        if self.session.read_only:
            self.say(VIEWER, "warn")
        elif not self.session.is_armed:
            self.say(disarmed(self.session), "warn")
            self.paint_head()
        else:
            return True
        return False

    def _carry(self, name: str, carrying: Callable[..., Going]) -> None:
        run = self.run
        if run is not None and self._may_carry(name):
            # Its own worker, exclusive of nothing: a command that went out is
            # followed to its end whatever is asked next.
            going = partial(
                carrying,
                self.session,
                OneCommand(self.session, self),
                run_id=run.run_id,
                patience=self.patience,
            )
            begin(self, going, COMMANDS, exclusive=False)
        elif run is None:
            self._may_carry(name)

    def carry_from(
        self, sheet: Sheet[Any, Any], carrying: Callable[[Counter], Going]
    ) -> None:
        """Carry a command that is given on a sheet; it is followed when that has gone.

        Args:
            sheet: Where the question is asked, if it still stands there then.
            carrying: Carries it out at a counter.
        """
        if self._may_give():
            counter = OneCommand(self.session, AtSheet(self, sheet))
            begin(self, partial(carrying, counter), COMMANDS, exclusive=False)

    def _carry_all(self, verb: Verb, runs: Sequence[RunView]) -> None:
        if self._may_carry(verb.value):
            going = partial(self._give_all, OneCommand(self.session, self), verb, runs)
            begin(self, going, COMMANDS, exclusive=False)

    async def _give_all(
        self, counter: OneCommand, verb: Verb, runs: Sequence[RunView]
    ) -> None:
        if await give_all(self.session, counter, verb, runs, self.patience):
            self.runs.clear_marks()
            self.paint_marks()

    def _follow_launch(self, receipt: Receipt) -> None:
        begin(self, partial(self._followed, receipt), COMMANDS, exclusive=False)

    async def _followed(self, receipt: Receipt) -> None:
        name = receipt.run_id
        _ = await follow(self.session, self, receipt, name, self.patience)

    def show_child(self, run_id: str) -> None:
        """Read the runs anew, with the cursor on the one that came of a command."""
        self.run_to_select = run_id
        self.read_runs()

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator, on the view that stands over the jobs too."""
        if not self.stands:
            return
        super().say(text, role)
        top = self.app.screen
        if isinstance(top, Sheet):
            top.say(text, role)

    @property
    def stands(self) -> bool:
        """Whether there is anything left to show words on: not when it has closed."""
        return bool(self.query("#runs")) and bool(self.query("#footer"))

    def is_selected(self, run_id: str) -> bool:
        """Whether the cursor stands on this very run."""
        return self.run is not None and self.run.run_id == run_id

    @property
    def marked_runs(self) -> list[RunView]:
        """The marked runs, in the order in which they stand."""
        rows = self.runs.rows
        return [row.run for row in rows if row.run.run_id in self.runs.marks]

    async def consent(self, question: Question) -> Consent | None:
        """Ask the operator; None for no, and while another screen is open."""
        if not self.is_active:
            return None
        return await self.app.push_screen_wait(Confirm(question, self.session))

    async def new_limits(self, run: RunView) -> Limits | None:
        """Let the operator change limits; None for no, and behind another screen."""
        if not self.is_active:
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
    if ident in _ABOUT_ENDED:
        return not_ended(_ABOUT_ENDED[ident], run)
    ended = ident == "run.limits" and run.lifecycle.is_ended
    return EXPLANATIONS[Refusal.ALREADY_ENDED] if ended else ""


def no_launch(session: Session) -> str:
    """Return why nothing can be launched from a session, whatever runs; or nothing."""
    if session.is_restricted:
        return NO_FILES
    return "" if session.role.may(ACTS["run.new"]) else NO_LAUNCH
