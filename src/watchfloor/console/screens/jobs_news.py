"""What the jobs screen learns unasked: whose engine, which store, which rights."""

from __future__ import annotations

from textual.events import Key

from watchfloor.console.listing import RunFilter
from watchfloor.console.pages import Filter
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.jobs_page import JobsPage
from watchfloor.console.session import Session
from watchfloor.console.snapshots import Wanted
from watchfloor.domain.live import Pulse
from watchfloor.domain.roles import Role, a_role
from watchfloor.domain.taking_over import owner_words
from watchfloor.domain.views import EngineView, Overview, RecordPage

#: Workers that carry a command to its end.
COMMANDS = "commands"
#: Of the commands that were taken back so many are named.
_MOST_NAMED = 3
_STRAYS = (
    "What you typed into went away by itself: those keys were not obeyed. {back}, or a "
    "second without a key, and keys are obeyed again."
)
_REPLACED = (
    "Another workspace stands here now, as after a restore: what was shown, marked, "
    "typed or not yet asked is void. Nothing is armed."
)


class JobsNews(JobsPage):
    """What no longer holds is void at once, and said."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._wanted: Wanted | None = None
        self._notice = ""
        self._news = ""

    def on_key(self, event: Key) -> None:
        """Take a notice as read with any key that does more than read anew."""
        if event.key not in self.session.keymap.act("view.refresh").keys.split(","):
            self._notice = ""

    def say(self, text: str, role: str = "") -> None:
        """Show a line; a notice stands before it until the operator has gone on."""
        self._news = "" if role == "dim" else text
        if self._notice:
            text, role = f"{self._notice} {self._news}".rstrip(), "bad"
        super().say(text, role)

    def tell_strays(self) -> None:
        """Say that keys were not obeyed: they were meant for what went away."""
        strays = _STRAYS.format(back=self.session.keymap.key("back"))
        if strays not in self._notice:
            self._notice = f"{self._notice} {strays}".lstrip()
            self.say(self._news)

    def _see(self, engine: EngineView) -> None:
        """Take what a read told of the engine; say when it went to another process."""
        session = self.session
        before = session.sight.engine
        session.sight.tell(engine, session.clock())
        was_own = before is not None and before.pid == session.own_pid
        if was_own and engine.pid != session.own_pid and not engine.released:
            whose = owner_words(engine, session.clock())
            self.say(f"Taken over; this is a console of it now: {whose}.", "warn")

    def _is_replaced(self, told: Overview | Pulse) -> bool:
        """Void what is shown, where another store stands in the place of its own.

        What the workspace is called is taken whether it does or not: its file may
        change after its store.
        """
        self.session.workspace_name = told.name or self.session.workspace_name
        if not self.session.sight.is_other(told.store):
            return False
        self._void()
        self.overview, self.all_runs = None, []
        self.run_filter, self.chosen = RunFilter(), Filter()
        self.runs.clear_marks()
        self.records.clear_marks()
        self.runs.show(())
        self._forget_records("No run is selected.")
        self.remove_class("-in-records")
        self.set_focus(self.runs, scroll_visible=False)
        self._notice = _REPLACED
        self.say("")
        return True

    def _void(self) -> None:
        """Take back all that waits to go out, and close what stands over the jobs."""
        self.session.outgoing.take_all_back()
        self.session.catch.disarm()
        if self.app.screen is not self:
            self.session.catch.ignore_typing(self.session.clock())
        while self.app.screen is not self:
            # Closed before who waits for its answer is: that would have none to give.
            _ = self.app.screen.dismiss()
        self.workers.cancel_group(self, COMMANDS)

    def _take_role(self, role: Role | None) -> None:
        """Take what the operator is now; with less, nothing half asked is left."""
        session = self.session
        before = session.role
        if role is None or not session.take_role(role):
            return
        became = ""
        if not session.role.may(before):
            became = self._became_of_it()
            self._void()
        self.say(
            f"You are {a_role(session.role)} here now: the workspace's file says so. "
            f"Nothing is armed.{became}",
            "warn",
        )

    def _became_of_it(self) -> str:
        """Return what becomes of what was asked, confirmed, or on its way."""
        outgoing, told = self.session.outgoing, []
        if names := [one.name for one in outgoing.held]:
            more = len(names) - _MOST_NAMED
            rest = f" and {more:,} more" if more > 0 else ""
            told.append(
                f"Taken back, never asked: {', '.join(names[:_MOST_NAMED])}{rest}."
            )
        if any(isinstance(one, Confirm) for one in self.app.screen_stack):
            told.append("The open question was closed: nothing was asked by it.")
        if outgoing.is_asking:
            key = self.session.keymap.key("view.events")
            told.append(
                "A command had gone out already and was not taken back; "
                f"{key} shows what became of it."
            )
        return "".join(f" {one}" for one in told)

    def _forget_records(self, why: str) -> None:
        self.page, self._shown, self._wanted = RecordPage(), None, None
        self.records.empty = why
        self.records.show(())
        self.records.refresh()
