"""A list that stands for records of one run that can be tried again together."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, NamedTuple

from textual.binding import BindingType

from watchfloor.console.columns import Row
from watchfloor.console.commands import VIEWER, Counter, disarmed
from watchfloor.console.keymap import Act, bindings
from watchfloor.console.privacy import without_contact
from watchfloor.console.questions import Question
from watchfloor.console.retrying import Retry, retry
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.screens.list_sheet import ListSheet, Page, Trail
from watchfloor.console.screens.resolve_counter import ResolveCounter
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.lens import retry_words
from watchfloor.domain.text import clean


class Cohort(NamedTuple):
    """Records that are meant together.

    Attributes:
        words: What they have in common, as a person says it.
        why_not: Why nothing of them can be retried, or nothing.
        has_unknown: Whether the effect of some is not known.
    """

    selection: Selection
    words: str
    why_not: str = ""
    has_unknown: bool = False


class CohortSheet(ListSheet[Row]):
    """What is done to a cohort is asked here, and followed by the jobs."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("cohort")

    _told: tuple[str, str] | None = None

    def meant(self) -> Cohort | str:
        """Return which records are meant now, or why it cannot be said which."""
        raise NotImplementedError

    def copied(self) -> str:
        """Return what is copied as JSON."""
        raise NotImplementedError

    # --- what is possible ------------------------------------------------------------

    def obstacle(self, act: Act) -> str:
        """Return why an act on the cohort is not possible now; or nothing."""
        if act.scope != "cohort":
            return super().obstacle(act)
        if act.changes_run or act.ident == "cohort.arm":
            why = self._no_writing(act)
            if why:
                return why
        if act.ident in ("cohort.arm", "cohort.disarm"):
            return ""
        meant = self.meant()
        if isinstance(meant, str):
            return meant
        if act.ident in ("cohort.resolve", "cohort.unknown"):
            return "" if meant.has_unknown else "none of these is unknown"
        is_json = act.ident == "cohort.json"
        return "" if is_json else meant.why_not

    def _no_writing(self, act: Act) -> str:
        session, run = self.session, self.run
        if session.read_only:
            return "this session only looks"
        if act.ident == "cohort.arm":
            return ""
        is_retry = act.ident != "cohort.resolve"
        if is_retry and run is not None and not run.lifecycle.is_ended:
            return EXPLANATIONS[Refusal.STILL_LIVE]
        if not session.is_armed:
            return f"disarmed, press {session.keymap.key('cohort.arm')} first"
        return ""

    # --- acting ----------------------------------------------------------------------

    @property
    def _jobs(self) -> JobsScreen:
        found = [one for one in self.app.screen_stack if isinstance(one, JobsScreen)]
        return found[0]

    def action_arm(self) -> None:
        """Let commands pass for five minutes."""
        self._jobs.action_arm()

    def action_disarm(self) -> None:
        """Let no command pass."""
        self._jobs.action_disarm()

    def action_retry(self) -> None:
        """Try the records again, a canary first, after a preview."""
        self._retry(canary=True)

    def action_retry_all(self) -> None:
        """Try the records again, all at once, after a preview."""
        self._retry(canary=False)

    def action_retry_unknown(self) -> None:
        """Try the records again, also those that may have been delivered."""
        self._retry(canary=True, with_unknown=True)

    async def explain(self, why: str) -> None:
        """Say at length why no one cohort is meant: a line has no room for it."""
        told = Question(title="There is no one cohort", note=f"{why}.", no="Close")
        await self.app.push_screen(Confirm(told, self.session))

    def _retry(self, *, canary: bool, with_unknown: bool = False) -> None:
        meant, run = self.meant(), self.run
        if self.session.read_only:
            self.say(VIEWER, "warn")
        elif run is None:
            self.say("Nothing to retry: no run is selected.", "warn")
        elif isinstance(meant, str):
            self.app.call_later(self.explain, meant)
        elif not self.session.is_armed:
            self.say(disarmed(self.session), "warn")
        else:
            wanted = Retry(run.run_id, meant.selection, canary, with_unknown)
            self._jobs.carry_from(self, partial(self._carried, self._jobs, wanted))

    async def _carried(self, jobs: JobsScreen, wanted: Retry, counter: Counter) -> None:
        child = await retry(self.session, counter, wanted, jobs.patience)
        if child and jobs.stands:
            jobs.show_child(child)

    def action_resolve(self) -> None:
        """Say what became of the unknown records among these, once they are counted."""
        meant, run = self.meant(), self.run
        if run is None:
            self.say("Nothing to resolve: no run is selected.", "warn")
        elif isinstance(meant, str):
            self.app.call_later(self.explain, meant)
        elif not meant.has_unknown:
            self.say("Nothing to resolve: none of these is unknown.", "warn")
        else:
            counter = ResolveCounter(self, self.session, self.say, self._resolved)
            counter.resolve({run.run_id: meant.selection})

    def _resolved(self, text: str, role: str) -> None:
        self._told = (text, role)
        self.action_refresh_now()

    def show(self, wanted: Trail, found: Page[Row], *, again: bool) -> None:
        """Show a page; what became of a command says more than what changed."""
        super().show(wanted, found, again=again)
        if self._told is not None:
            self.say(*self._told)
            self._told = None

    # --- copies ----------------------------------------------------------------------

    def action_copy_words(self) -> None:
        """Copy what retries the records from a shell."""
        meant, run = self.meant(), self.run
        if isinstance(meant, str) or run is None:
            why = meant if isinstance(meant, str) else "no run is selected"
            self.say(f"Nothing was copied: {why}.", "warn")
            return
        words = shell_words(run.run_id, meant.selection)
        if meant.why_not or not words:
            why = meant.why_not or "its texts cannot be typed in a shell"
            self.say(f"Nothing was copied: {why}.", "warn")
            return
        self._copy(self.session.address.anywhere(words), "the words for a shell")

    def action_copy_json(self) -> None:
        """Copy what the records are as JSON."""
        if self.run is None or not self.grid.rows:
            self.say("There is nothing to copy.", "warn")
            return
        self._copy(self.copied(), "as JSON")

    def _copy(self, text: str, said: str) -> None:
        self.app.copy_to_clipboard(text)
        self.say(f"Copied {said}, if the terminal allows it (OSC 52).", "dim")


def shell_words(run_id: str, selection: Selection) -> str:
    """Return what retries a cohort from a shell; empty where it may not be shown.

    A code made of a person's number is not to be copied, and one with controls in it
    would not be the same.
    """
    words = retry_words(run_id, selection)
    is_plain = clean(words, len(words) + 1) == words and without_contact(words) == words
    return words if is_plain else ""
