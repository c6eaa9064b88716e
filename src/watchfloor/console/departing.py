"""The application as far as leaving it goes: by a key, a signal, or a lost terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from watchfloor.console.commands import Patience
from watchfloor.console.figures import counted
from watchfloor.console.in_turn import InTurn
from watchfloor.console.lines import active_runs
from watchfloor.console.parting import parted
from watchfloor.console.questions import Consent, Question
from watchfloor.console.screens.confirm import Confirm
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.session import Session
from watchfloor.console.work import begin

_LEAVING = "leaving"
_DRAIN = "Drain: the runs go on when an engine starts here again: watchfloor engine."
_HEADLESS = (
    "Headless: an engine without a screen takes over as soon as this one has "
    "drained, and outlives this terminal."
)


def draining(active: int) -> tuple[str, ...]:
    """Return what leaving does to the runs of this process's engine."""
    return (
        f"{counted(active, 'run')} not ended yet.",
        "The engine in this process drains: attempts in flight end, none is begun.",
        _DRAIN,
    )


class Departing(InTurn):
    """An application that asks before it is left, and can be left without a terminal.

    Attributes:
        parting: What became of what waited when the console was left.
        is_left: Whether it was left in good order: what breaks after that, as a screen
            that was about to open, concerns nobody.
        goes_headless: Whether an engine without a screen stands by to go on.
        is_told_to_end: Whether a signal has told it to end: it is not to wait for a
            terminal that takes nothing.
    """

    session: Session

    def __init__(
        self,
        *,
        ansi_color: bool | None,
        quit_lines: Callable[[int], tuple[str, ...]],
        patience: Patience,
    ) -> None:
        super().__init__(ansi_color=ansi_color)
        self.parting: tuple[str, ...] = ()
        self.goes_headless = False
        self._quit_lines = quit_lines
        self._patience = patience
        self.is_left = False
        self.is_told_to_end = False

    @property
    def jobs(self) -> JobsScreen:
        """The screen at the bottom of the stack."""
        for screen in self.screen_stack:
            if isinstance(screen, JobsScreen):
                return screen
        raise LookupError("the jobs screen is always open")

    def on_ready(self) -> None:
        """End again where the terminal vanished, or a signal came, before this."""
        if self.is_told_to_end:
            self._end_now()

    async def action_ask_quit(self) -> None:
        """Leave; ask first when something is under way here."""
        waits, runs = self._what_waits(), self._what_runs()
        if not (waits or runs):
            await self._hand_over_and_exit()
            return
        goes_on = bool(runs) and self.session.keeper is not None
        question = Question(
            title="Leave the console?",
            lines=(*waits, *runs, *((_HEADLESS,) if goes_on else ())),
            yes="Drain" if goes_on else "Yes, leave",
            also="Headless" if goes_on else "",
            no="Stay" if goes_on else "No, stay",
        )
        await self.push_screen(Confirm(question, self.session), self._leave)

    def _what_waits(self) -> tuple[str, ...]:
        keeper = self.session.keeper
        awaited = keeper.awaited() if keeper is not None else ""
        return (
            *([awaited] if awaited else ()),
            *(
                f"Not asked yet: {held.words}. Leaving hands it to the engine at once."
                for held in self.session.outgoing.held
            ),
        )

    def _what_runs(self) -> tuple[str, ...]:
        overview = self.jobs.overview
        engine = self.session.sight.engine
        if overview is None or engine is None or engine.released:
            return ()
        if engine.pid != self.session.own_pid:
            return ()
        active = active_runs(overview.runs)
        return self._quit_lines(len(active)) if active else ()

    async def _leave(self, consent: Consent | None) -> None:
        if consent is None:
            return
        if consent.also:
            begin(self, self._go_headless, _LEAVING, exclusive=False)
        else:
            await self._hand_over_and_exit()

    async def _go_headless(self) -> None:
        """Leave once an engine without a screen stands by; stay where none does."""
        keeper = self.session.keeper
        if keeper is None or self.goes_headless:
            return
        self.jobs.say("Starting an engine without a screen …", "dim")
        why = await asyncio.to_thread(keeper.hand_on)
        if why:
            self.jobs.say(f"Not left; the engine here goes on: {why}", "bad")
            return
        self.goes_headless = True
        await self._hand_over_and_exit()

    async def _hand_over_and_exit(self) -> None:
        self.parting = tuple(await parted(self.session, self._patience))
        self.is_left = True
        self.exit(0)

    async def action_quit(self) -> None:
        """Leave as by any other key: Textual's own way out asks and hands over too."""
        if not isinstance(self.screen, Confirm):
            await self.action_ask_quit()

    def end_after_hangup(self) -> None:
        """End the application after its terminal has vanished.

        For a SIGHUP handler, from any thread. The engine is not touched; what was
        confirmed and waits for second thoughts is handed over.
        """
        self.forsake_terminal()
        self._end_soon()

    def forsake_terminal(self) -> None:
        """Paint and read nothing any more. From any thread.

        Points the three standard descriptors at the null device: a terminal that is
        gone would make the reads spin and the writes hang. One that is there is given
        back, if it takes anything at once.
        """
        forsake = getattr(self._driver, "forsake", None)
        give_back = None if forsake is None else forsake()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        if give_back is not None:
            give_back()

    def end_in_good_order(self) -> None:
        """End the application and give its terminal back; for a SIGTERM handler.

        From any thread. What was confirmed and waits is handed over. Where the
        terminal has vanished as well, ``end_after_hangup`` is the way; one that takes
        nothing for a while is forsaken.
        """
        self._end_soon()

    def _end_soon(self) -> None:
        # Before the loop runs, ``on_ready`` does it; after that there is nothing to.
        self.is_told_to_end = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_now)

    def _end_now(self) -> None:
        begin(self, self._hand_over_and_exit, _LEAVING, exclusive=False)
