"""The counter for a command that is given on a sheet, and followed by the jobs."""

from __future__ import annotations

from typing import Any

from watchfloor.console.commands import Counter
from watchfloor.console.limits import Limits
from watchfloor.console.questions import Consent, Question
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.sheet import Sheet
from watchfloor.domain.views import RunView


class AtSheet:
    """Words go to the jobs, which tell the sheet on top; a question to its own sheet.

    Args:
        jobs: The screen beneath, which outlives the sheet.
        sheet: Where the command was given.
    """

    def __init__(self, jobs: Counter, sheet: Sheet[Any, Any]) -> None:
        self._jobs = jobs
        self._sheet = sheet

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator."""
        self._jobs.say(text, role)

    async def consent(self, question: Question) -> Consent | None:
        """Ask on the sheet; None for no, and where another screen stands over it."""
        if not self._sheet.is_active:
            return None
        return await self._sheet.app.push_screen_wait(
            Confirm(question, self._sheet.session)
        )

    async def new_limits(self, run: RunView) -> Limits | None:
        """Let limits be changed where the runs stand: not here."""
        return await self._jobs.new_limits(run)

    async def run_changed(self, run_id: str) -> None:
        """Read one run again and show it."""
        await self._jobs.run_changed(run_id)
