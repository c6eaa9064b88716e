"""The screen as one command sees it, from the key that began it to its end."""

from __future__ import annotations

from watchfloor.console.commands import Counter
from watchfloor.console.limits import Limits
from watchfloor.console.questions import Consent, Question
from watchfloor.console.session import Session
from watchfloor.domain.views import RunView


class OneCommand:
    """A counter at which questions that come late are not asked.

    When other keys were pressed since the command's own, an answer could be a key that
    was meant for the page. A question that wants something typed may come late.
    """

    def __init__(self, session: Session, counter: Counter) -> None:
        self._session = session
        self._counter = counter
        self._keys = session.catch.keys
        self._was_late = False

    @property
    def _is_late(self) -> bool:
        return self._session.catch.keys != self._keys

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator; nothing more after a question came late."""
        if not self._was_late:
            self._counter.say(text, role)

    async def consent(self, question: Question) -> Consent | None:
        """Ask, unless the operator went on to something else meanwhile."""
        if self._is_late and question.yes and not question.typed:
            title = question.title.rstrip("?")
            self.say(f"{title}: came late and was not asked. Ask again.", "warn")
            self._was_late = True
            return None
        return await self._counter.consent(question)

    async def new_limits(self, run: RunView) -> Limits | None:
        """Let the operator change limits, unless they went on to something else."""
        if self._is_late:
            self.say("The limits came late and were not shown. Ask again.", "warn")
            self._was_late = True
            return None
        return await self._counter.new_limits(run)

    async def run_changed(self, run_id: str) -> None:
        """Read one run again and show it."""
        await self._counter.run_changed(run_id)
