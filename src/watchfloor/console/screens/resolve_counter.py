"""Where a screen over the jobs lets records be resolved, and tells what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textual.screen import Screen

from watchfloor.console.closing import stands
from watchfloor.console.commands import (
    VIEWER,
    Counter,
    Patience,
    disarmed,
)
from watchfloor.console.limits import Limits
from watchfloor.console.questions import Consent, Question
from watchfloor.console.resolutions import (
    WAYS,
    Cohorts,
    look_up,
    resolve,
    withdraw,
)
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.jobs_page import JobsPage
from watchfloor.console.session import Session
from watchfloor.console.work import begin
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.domain.views import RunView

Say = Callable[[str, str], None]


class ResolveCounter:
    """One screen's counter: questions stand over it, words on it and on the jobs.

    What went out is followed by the jobs, which stay when the screen is left.

    Args:
        screen: Which.
        session: Whose.
        say: Shows a line on the screen.
        changed: Reads the screen anew, and shows the last line on it again.
    """

    def __init__(
        self,
        screen: Screen[Any],
        session: Session,
        say: Say,
        changed: Say,
    ) -> None:
        self._screen = screen
        self._session = session
        self._say = say
        self._changed = changed
        self._last = ("", "")

    def obstacle(self) -> str:
        """Return why nothing can be resolved by this console now; or nothing."""
        if self._session.read_only:
            return "this session only looks"
        if self._session.is_armed:
            return ""
        key = self._session.keymap.key("safety.arm")
        return f"disarmed, press {key} first"

    def arm(self) -> None:
        """Let commands pass for five minutes."""
        if self._session.read_only:
            self._say(VIEWER, "warn")
            return
        self._session.catch.arm(self._session.clock())
        self._say("Armed for five minutes; M disarms.", "warn")

    def disarm(self) -> None:
        """Let no command pass."""
        self._session.catch.disarm()
        back = self._session.outgoing.take_all_back()
        said = f"Disarmed; taken back: {back}, never asked." if back else "Disarmed."
        self._say(said, "")

    def resolve(self, cohorts: Cohorts) -> None:
        """Let records be resolved, if this console may."""
        self._carry(partial(resolve, self._session, self, cohorts, Patience()))

    def look_up(self, cohorts: Cohorts) -> None:
        """Let the provider be asked, if this console may."""
        self._carry(partial(look_up, self._session, self, cohorts, Patience()))

    def withdraw(self, run_id: str) -> None:
        """Let a look-up be ended, if this console may."""
        self._carry(partial(withdraw, self._session, self, run_id, Patience()))

    def _carry(self, going: Callable[[], Any]) -> None:
        if self._session.read_only:
            self._say(VIEWER, "warn")
        elif not self._session.is_armed:
            self._say(disarmed(self._session), "warn")
        else:
            jobs = self._jobs
            begin(jobs or self._screen, going, "commands", exclusive=False)

    @property
    def _jobs(self) -> JobsPage | None:
        stack = self._screen.app.screen_stack
        return next((one for one in stack if isinstance(one, JobsPage)), None)

    @property
    def _stands(self) -> bool:
        return stands(self._screen)

    # --- the counter -----------------------------------------------------------------

    def say(self, text: str, role: str = "") -> None:
        """Show a line on the screen while it stands, and on the jobs."""
        self._last = (text, role)
        jobs = self._jobs
        if jobs is not None:
            jobs.say(text, role)
        if self._stands:
            self._say(text, role)

    async def way(
        self, name: str, ways: Mapping[ResolveAs, tuple[int, str]]
    ) -> ResolveAs | None:
        """Let it be chosen as what records are resolved."""
        if not self._screen.is_active:
            return None
        options = [
            Option(
                ident=one.value,
                name=one.value,
                hint=f"{count:,}",
                tip=WAYS[one],
                obstacle=why,
            )
            for one, (count, why) in ways.items()
        ]
        chosen = await self._screen.app.push_screen_wait(Chooser(name, options))
        return None if chosen is None else ResolveAs(chosen)

    async def consent(self, question: Question) -> Consent | None:
        """Ask the operator; None for no, and behind another screen."""
        if not self._screen.is_active:
            return None
        return await self._screen.app.push_screen_wait(Confirm(question, self._session))

    async def new_limits(self, run: RunView) -> Limits | None:  # noqa: ARG002  nothing here changes them
        """Change no limits."""
        return None

    async def run_changed(self, run_id: str) -> None:
        """Read the screen anew, and the run on the jobs."""
        jobs: object = self._jobs
        if isinstance(jobs, Counter):
            await jobs.run_changed(run_id)
        if self._stands:
            self._changed(*self._last)
