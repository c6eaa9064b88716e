"""``demo``: a ready workspace on the simulator, with runs in many states."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from watchfloor.cli import compose, exits
from watchfloor.cli.beside import Beside
from watchfloor.cli.lines import answer, speak_of, tell
from watchfloor.cli.verbs.console import (
    check_terminal,
    open_console,
    wished,
)
from watchfloor.cli.verbs.looking import print_books
from watchfloor.console.preferences import Preferences
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.previews import preview
from watchfloor.domain.regions import Phase, Verb
from watchfloor.domain.shell_words import Address
from watchfloor.domain.text import clean
from watchfloor.domain.views import RunView
from watchfloor.engine.operations import (
    asked_of_engine,
    create_workspace,
    steering_command,
)
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.running import run_engine
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.inbox import Command
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

PATIENCE_S = 20.0
#: So many promises before the one run is stopped, deliveries before another is paused.
CALLBACKS = 12
DELIVERED = 12
#: The pilot ran so long ago, by a clock that went so many times as fast: its curve
#: needs time, and nobody waits for a demonstration. Faster, the engine would take the
#: clock for one that was put forward.
PILOT_AGO_MS = 3 * 60 * 60 * 1000
PILOT_SPEED = 4
#: What all runs and all simulated calls share: wide enough to slow none down.
SHARED_LIMITS = """
[limits]
permits = 100

[channels.simulator]
permits = 120
rate = "400/s"
"""


def demo(options: Namespace) -> int:
    """Open a workspace that is full of runs; without a terminal, carry two out."""
    is_shown = sys.stdin.isatty() and sys.stdout.isatty()
    if is_shown:
        check_terminal()
    scene = Scene(_workspace(options))
    if is_shown:
        return _shown(scene, *wished(options))
    return _carried_out(scene)


class Scene:
    """A demonstration workspace and the runs on its stage.

    Attributes:
        to_stop: A run that is stopped once it has promised some callbacks.
        to_pause: A run that is paused after some deliveries.
        to_end: Runs that are waited for.
    """

    to_stop: str
    to_pause: str
    to_end: Sequence[str]

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.samples = _samples()
        self._around = compose.surroundings()
        text = default_workspace_text("ws-demo", "Demonstration")
        text += SHARED_LIMITS
        create_workspace(layout, text, self._around, compose.owner("demo"))
        for campaign in sorted(self.samples.glob("**/*.toml")):
            target = layout.campaigns / campaign.name
            target.write_bytes(campaign.read_bytes())

    def launch(self, campaign: str, upload: str) -> str:
        """Launch a sample campaign over a sample upload and return the run's id."""
        prepared = prepared_launch(
            self.layout,
            self.samples / campaign,
            self.samples / upload,
            compose.asker(),
            self._around,
            allow_twin=True,
        )
        self._ask(prepared.command)
        return prepared.run_id

    def pilot(self, campaign: str, upload: str) -> None:
        """Carry a run out to its end in the past, before anything else happens."""
        now, self._around = self._around, _past(self._around)
        self.launch(campaign, upload)
        run_engine(self.layout, self._around, compose.owner("demo"), until_idle=True)
        self._around = now

    def steer(self, verb: Verb, run_id: str, reason: str) -> None:
        """Give a run a command, as its preview stands now."""
        wanted = preview(self.run(run_id), verb)
        asker = compose.asker()
        self._ask(steering_command(wanted, asker, reason, self._around, typed=""))

    def run(self, run_id: str) -> RunView:
        """Return a run as it is now."""
        with reading(self.layout) as connection:
            return run_view(connection, run_id)

    def play(self) -> None:
        """With the engine running, bring every staged run into its state."""
        self.wait_for(self.to_stop, lambda run: run.books.callback > CALLBACKS)
        self.steer(Verb.STOP, self.to_stop, "the survey closed early")
        self.wait_for(self.to_pause, lambda run: run.books.delivered > DELIVERED)
        self.steer(Verb.PAUSE, self.to_pause, "the desk is at lunch")
        for run_id in self.to_end:
            self.wait_for(run_id, lambda run: run.lifecycle.is_ended)

    def wait_for(self, run_id: str, is_so: Callable[[RunView], bool]) -> None:
        """Wait until a run is as it should be, or patience ends."""
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up and not is_so(self.run(run_id)):
            time.sleep(0.05)

    def _ask(self, command: Command) -> None:
        asyncio.run(
            asked_of_engine(
                self.layout,
                command,
                self._around,
                compose.owner("demo"),
                until=lambda receipt: receipt.state != "asked",
                patience_s=PATIENCE_S,
            )
        )


def _shown(scene: Scene, wishes: Preferences, greeting: str) -> int:
    speak_of(Address(str(scene.layout.root), is_elsewhere=True))
    tell(f"Demonstration workspace: {scene.layout.root} (nobody is contacted)")
    staged(scene)
    beside = Beside(scene.layout, starts=True)
    beside.start_engine()
    tell("Preparing runs in many states, a few seconds ...")
    scene.play()
    code = open_console(beside, wishes, greeting, read_only=False, on_hangup="drain")
    tell("The workspace stays: watchfloor console")
    return code


def staged(scene: Scene) -> None:
    """Launch the demonstration's runs; two are steered before any engine starts."""
    scene.pilot("demo/pilot.toml", "clean-200.csv")
    cancelled = scene.launch("ten-thousand.toml", "ten-thousand.csv")
    scene.steer(Verb.CANCEL, cancelled, "wrong upload")
    queued = scene.launch("messy.toml", "messy.csv")
    scene.steer(Verb.PAUSE, queued, "waits for the legal team")
    scene.launch("demo/broken.toml", "clean-200.csv")
    scene.to_end = [
        scene.launch("demo/quick.toml", "clean-200.csv"),
        scene.launch("demo/careful.toml", "messy.csv"),
    ]
    scene.to_stop = scene.launch("demo/promises.toml", "clean-200.csv")
    scene.to_pause = scene.launch("reminder.toml", "clean-200.csv")
    scene.launch("strategy.toml", "clean-200.csv")
    scene.launch("demo/first-word.toml", "clean-200.csv")
    scene.launch("demo/steady.toml", "ten-thousand.csv")


def _carried_out(scene: Scene) -> int:
    tell("There is no terminal: two sample runs are carried to their end instead.")
    runs = [
        scene.launch("demo/quick.toml", "clean-200.csv"),
        scene.launch("demo/careful.toml", "messy.csv"),
    ]
    run_engine(
        scene.layout,
        compose.surroundings(),
        compose.owner("demo"),
        until_idle=True,
    )
    well = True
    for run_id in runs:
        run = scene.run(run_id)
        well = well and run.lifecycle.phase is Phase.ENDED and not run.books.imbalance
        answer(f"{clean(run.campaign_name)} over {clean(run.upload_name)}: {run.label}")
        print_books(run.books)
    answer(f"workspace: {clean(scene.layout.root)}")
    return exits.DONE if well else exits.UNHEALTHY


def _past(now: Surroundings) -> Surroundings:
    """Return surroundings of some hours ago, in which time flies."""
    began_ms, began_s = now.now_ms(), now.monotonic_s()

    def passed_s() -> float:
        return (now.monotonic_s() - began_s) * PILOT_SPEED

    return now._replace(
        now_ms=lambda: began_ms - PILOT_AGO_MS + round(passed_s() * 1000),
        monotonic_s=lambda: began_s + passed_s(),
    )


def _workspace(options: Namespace) -> Layout:
    if options.workspace is None:
        return Layout(Path(tempfile.mkdtemp(prefix="watchfloor-demo-")))
    return Layout(Path(options.workspace).expanduser())


def _samples() -> Path:
    """Return where the sample data is: in the installed package, or in the checkout."""
    package = Path(str(files("watchfloor")))
    for place in (package / "sample_data", package.parents[1] / "sample_data"):
        if place.is_dir():
            return place
    msg = "the sample data is missing from this installation; install Watchfloor anew"
    raise ConfigError(msg)
