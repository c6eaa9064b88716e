"""The console: an application over a desk, and the door for who starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Event, Key, MouseDown, Paste, Resize

from watchfloor.console.commands import Patience
from watchfloor.console.departing import Departing, draining
from watchfloor.console.desk import Desk
from watchfloor.console.handing_over import Bundler, hand_over
from watchfloor.console.help_lines import help_lines
from watchfloor.console.keeper import Keeper
from watchfloor.console.keymap import Act, bindings, shown_keys
from watchfloor.console.preferences import Preferences
from watchfloor.console.reading import answer
from watchfloor.console.screens.chooser import Chooser, Option
from watchfloor.console.screens.jobs import JobsScreen
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.reader import Reader
from watchfloor.console.screens.views import VIEWS, subject_of
from watchfloor.console.session import Session
from watchfloor.console.themes import ANSI, PLAIN, THEMES, suited
from watchfloor.console.work import begin
from watchfloor.domain.roles import Role
from watchfloor.domain.shell_words import Address
from watchfloor.domain.views import RunView

_CLEAR = "\x1b[2J"
_BUNDLES = "bundles"
_PALETTE = ("app.palette", "sheet.palette")


class WatchfloorApp(Departing):
    """The console of one workspace.

    Args:
        desk: The only way to engine and store.
        clock: Milliseconds since 1970, UTC.
        read_only: Whether every command is refused here already.
        own_pid: This process, to tell its engine from another's.
        wishes: How the operator wants the console; NO_COLOR makes it plain.
        on_quit_with_active_runs: Told how many runs are not ended, returns the
            sentences of the question that is asked before leaving; none for no
            question. Only asked while the engine runs in this process.
        patience: How receipts are followed.
        greeting: What is said at once, as of a mistake in the preferences; or nothing.
        bundler: Writes bundles; None where there is nobody who does.
        keeper: Has the engine of this process; None where there cannot be one.
        thrifty: Whether the driver may leave out what stands on the glass already.
        role: What the operator is to the workspace.
        is_restricted: Whether no file of this machine is looked at or written for them.
    """

    TITLE = "Watchfloor"
    CSS_PATH = "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    ENABLE_COMMAND_PALETTE = False

    def __init__(  # noqa: PLR0913  every one is a choice of the composition root
        self,
        desk: Desk,
        *,
        workspace_name: str,
        operator: str,
        clock: Callable[[], int],
        read_only: bool = False,
        own_pid: int | None = None,
        wishes: Preferences | None = None,
        on_quit_with_active_runs: Callable[[int], tuple[str, ...]] = draining,
        patience: Patience | None = None,
        greeting: str = "",
        bundler: Bundler | None = None,
        keeper: Keeper | None = None,
        thrifty: bool = True,
        role: Role = Role.ADMIN,
        address: Address = Address(),  # noqa: B008 - a value that nothing changes
        is_restricted: bool = False,
    ) -> None:
        self._thrifty = thrifty
        wishes = wishes or Preferences()
        # Told to Textual now, or it would turn the terminal's own colours into black.
        theme = wishes.theme or suited(
            os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
        )
        is_own = "NO_COLOR" in os.environ or theme in (ANSI.name, PLAIN.name)
        super().__init__(
            ansi_color=True if is_own else None,
            quit_lines=on_quit_with_active_runs,
            patience=patience or Patience(),
        )
        self.animation_level = "none"
        self.session = Session(
            desk=desk,
            workspace_name=workspace_name,
            operator=operator,
            clock=clock,
            read_only=read_only or role is Role.VIEWER,
            own_pid=os.getpid() if own_pid is None else own_pid,
            wishes=wishes,
            bundler=bundler,
            keeper=keeper,
            role=role,
            address=address,
            is_restricted=is_restricted,
        )
        self.set_keymap(wishes.keymap.changed)
        for one in THEMES:
            self.register_theme(one)
        self.theme = PLAIN.name if self.no_color else theme
        self._greeting = greeting

    def get_default_screen(self) -> JobsScreen:
        """Return the screen the console opens on."""
        return JobsScreen(self.session, self._patience)

    def get_driver_class(self) -> type[Driver]:
        """Return the thrifty driver where the terminal is known to bear it."""
        chosen = super().get_driver_class()
        safe = (
            self._thrifty
            and chosen.__name__ == "LinuxDriver"
            and os.environ.get("TERM", "dumb") != "dumb"
            and sys.__stdin__ is not None
            and sys.__stdin__.isatty()
        )
        if not safe:
            return chosen
        # Not to be imported where there is no termios.
        from watchfloor.console.driver import ThriftyDriver  # noqa: PLC0415 - see above

        return ThriftyDriver

    def on_mount(self) -> None:
        """Say what there is to say at once."""
        if self._greeting:
            self.call_after_refresh(self.jobs.say, self._greeting, "warn")

    async def on_unmount(self) -> None:
        """Let go of the desk, whose faults concern nobody any more."""
        await answer(self.session.desk.close())

    def on_resize(self, event: Resize) -> None:
        """Forget what stood on the glass: a terminal may have thrown it away."""
        self._forget_glass()
        self.screen.refresh()
        measure_again = getattr(self._driver, "measure_again", None)
        if measure_again is not None:
            measure_again(event.size)

    def action_help_quit(self) -> None:
        """Say what ctrl+c, which copies what is selected, does not do."""
        key = self.session.keymap.key("app.quit")
        say = getattr(self.screen, "say", self.jobs.say)
        say(f"{key} leaves; nothing was stopped.", "dim")

    def action_redraw(self) -> None:
        """Paint the whole screen again, whatever stands there."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(_CLEAR)
        self._forget_glass()
        self.screen.refresh()

    def _forget_glass(self) -> None:
        forget = getattr(self._driver, "forget", None)
        if forget is not None:
            forget()

    async def action_help(self) -> None:
        """Show every key."""
        keymap, scopes = self.session.keymap, getattr(self.screen, "scopes", ())
        painter = partial(help_lines, keymap, scopes=scopes)
        await self.push_screen(Reader("Keys", painter, keymap))

    async def action_view(self, name: str) -> None:
        """Show one of the views over the jobs; the jobs themselves by closing it.

        It is of the run that the screen before was about; else of the selected one.
        """
        about = getattr(self.screen, "run", None)
        while self.screen is not self.jobs:
            await self.pop_screen()
        if isinstance(about, RunView):
            self.jobs.runs.select(about.run_id)
        obstacle = self.jobs.obstacle(self.session.keymap.act(f"nav.{name}"))
        if obstacle:
            self.jobs.say(f"{name.capitalize()}: {obstacle}.", "warn")
        elif name in VIEWS:
            await self.push_screen(VIEWS[name](self.session, about or self.jobs.run))

    async def action_palette(self) -> None:
        """Let the operator find any act by name: the screen's own, and all others."""
        options = [
            Option(
                ident=act.ident,
                name=act.label,
                hint=" ".join(shown_keys(act)[:1]),
                tip=act.tip,
                obstacle=self._obstacle(act),
            )
            for act in self._offered()
            if act.ident not in _PALETTE
        ]
        await self.push_screen(Chooser("find a command by name", options), self._act)

    def _offered(self) -> list[Act]:
        if self.screen is self.jobs:
            return self.session.keymap.acts("main", "nav", "app", "table")
        own = getattr(self.screen, "scopes", ())
        return [
            *(act for scope in own for act in self.session.keymap.acts(scope)),
            *self.session.keymap.acts("nav", "main", "app"),
        ]

    def _obstacle(self, act: Act) -> str:
        """Return why an act is not possible: for the run the screen is about."""
        own = getattr(self.screen, "obstacle", None)
        if own is not None and act.scope in getattr(self.screen, "scopes", ()):
            return str(own(act))
        if self.screen is self.jobs or act.scope != "main":
            return self.jobs.obstacle(act)
        about = subject_of(self.screen)
        if about is None and act.changes_run:
            return "this view is not of one run"
        return self.jobs.obstacle(act, about)

    async def _act(self, ident: str | None) -> None:
        act = next((act for act in self._offered() if act.ident == ident), None)
        if act is None:
            return
        if act.scope == "main" and self.screen is not self.jobs:
            # What is done to a run is asked and answered where the runs stand.
            about = subject_of(self.screen)
            await self.action_view("jobs")
            if about is not None and not self.jobs.is_selected(about.run_id):
                back = self.session.keymap.key("back")
                self.jobs.say(
                    f"{about.campaign_name} is not listed here; {back} clears the "
                    "filter. Nothing was asked.",
                    "warn",
                )
                return
        await self.run_action(act.action, self._where(act))

    def action_bundle(self) -> None:
        """Write the bundle of the run that the screen is about."""
        run = self.jobs.run if self.screen is self.jobs else subject_of(self.screen)
        bundler = self.session.bundler
        if run is None:
            self._say("No bundle: this view is not of one run.", "warn")
        elif bundler is None:
            self._say("No bundle can be written here: watchfloor bundle RUN.", "warn")
        elif any(one.group == _BUNDLES for one in self.workers):
            self._say("A bundle is being written already; one after the other.", "warn")
        else:
            going = partial(hand_over, bundler, run, self._say)
            begin(self, going, _BUNDLES, exclusive=False)

    def _say(self, text: str, role: str) -> None:
        """Show a line on the jobs and on whatever stands over them."""
        self.jobs.say(text, role)
        if isinstance(self.screen, JourneyScreen):
            self.screen.say(text, role)

    def action_take_back(self) -> None:
        """Take back what was confirmed last, from whatever screen."""
        self.jobs.action_take_back()

    def _where(self, act: Act) -> DOMNode:
        if act.scope in ("app", "nav"):
            return self
        jobs = self.jobs
        if act.scope == "main":
            return jobs
        if act.scope == "table":
            return jobs.focused if jobs.focused is not None else jobs.runs
        return self.screen

    def action_next_theme(self) -> None:
        """Change to the next palette."""
        names = [one.name for one in THEMES]
        place = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(place + 1) % len(names)]
        self.jobs.say(f"Theme: {self.theme}", "dim")

    async def on_event(self, event: Event) -> None:
        """Count every key before anything is done with it."""
        catch = self.session.catch
        if isinstance(event, Key):
            catch.keys += 1
            if event.is_forwarded:
                # It is looked up now; others may have come since it was handed on.
                catch.input_s = event.time
        elif isinstance(event, MouseDown) and not event.is_forwarded:
            catch.input_s = event.time
        await super().on_event(event)

    async def obey(self, event: Key | Paste) -> None:
        """Obey no stray key, and know of every other one when it was typed."""
        if isinstance(event, Key) and self._is_stray(event.key):
            self.jobs.tell_strays()
            return
        self.session.catch.keys += 1
        self.session.catch.input_s = event.time
        await super().obey(event)

    def _is_stray(self, key: str) -> bool:
        """Whether a key was meant for a question that went away by itself."""
        catch, now_ms = self.session.catch, self.session.clock()
        if not catch.ignores_typing(now_ms):
            return False
        if key in self.session.keymap.act("back").keys.split(","):
            catch.obey_again()
        else:
            catch.ignore_typing(now_ms)
        return True

    @property
    def failure(self) -> Exception | None:
        """What broke the console; None while nothing did."""
        return None if self.is_left else self._exception

    def _fatal_error(self) -> None:
        # Textual would print a traceback with the values of every variable: people's
        # numbers among them. ``run_console`` raises the error instead.
        self._close_messages_no_wait()


def run_console(app: WatchfloorApp) -> int:
    """Run a console until the operator leaves; blocks, and starts no engine.

    Returns:
        The exit code, 0 where it was left in good order.

    Raises:
        Exception: What broke the console; the terminal is given back by then.
    """
    app.run()
    if app.failure is not None:
        raise app.failure
    return 0 if app.is_left else app.return_code or 0
