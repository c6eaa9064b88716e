"""Make ``screenshots/`` from the demonstration workspace.

    python benchmarks/screenshots.py [NAME ...]

Every screen of the console, over a real engine. Writes SVG without outside addresses,
and PNG where ``rsvg-convert`` is installed. With names, only those.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from textual.pilot import Pilot

from watchfloor.cli import compose
from watchfloor.cli.beside import Beside
from watchfloor.cli.desk import WholeDesk
from watchfloor.cli.verbs.demo import Scene, staged
from watchfloor.console.app import WatchfloorApp
from watchfloor.console.portrait import portrait_of
from watchfloor.console.preferences import Preferences
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.regions import Gate
from watchfloor.engine.operations import create_workspace
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_page

TARGET = Path(__file__).parents[1] / "screenshots"
WIDE = (120, 36)
#: Long enough for any read here, and for samples that are taken by ten seconds.
PATIENCE_S = 30.0
WATCHED_S = 75.0
#: Groups of workers that a picture waits for.
READS = {
    *("overview", "records", "events", "journey", "callbacks", "results", "sheet"),
    *("healthy", "run", "campaigns", "uploads", "check", "poll"),
}
#: Where the demonstration is made, and what the pictures say instead: as long, so that
#: every line stays as it is.
PLACE, SHOWN_PLACE = "/tmp/wf-picture", "/srv/night-desk"  # noqa: S108 - made anew


class Shot(NamedTuple):
    """One picture.

    Attributes:
        keys: What is pressed before it is taken.
        run: The campaign's name of the run under the cursor.
        size: Columns and lines.
        theme: Its colours.
        empty: Whether it is of a workspace in which nothing was launched.
    """

    keys: tuple[str, ...] = ()
    run: str = "Autumn billing"
    size: tuple[int, int] = WIDE
    theme: str = "dark"
    empty: bool = False


#: Stands for the retry of the run that failed.
RETRY = "the retry of Night mail"
CHOSEN = ("n", *"survey", "enter")
CHECKED = (*CHOSEN, *"messy.c", "enter")
SHOTS = {
    "jobs-80x24": Shot(size=(80, 24)),
    "jobs-120x36": Shot(),
    "jobs-200x60": Shot(size=(200, 60)),
    "jobs-light": Shot(theme="light"),
    "jobs-contrast": Shot(theme="high-contrast"),
    "jobs-ansi": Shot(theme="ansi"),
    "jobs-empty": Shot(empty=True),
    "jobs-too-small": Shot(size=(56, 14)),
    "records": Shot(("l", "f", "j", "j", "space", "j", "space")),
    "faults": Shot(("l", "exclamation_mark", "j")),
    "journey": Shot(("l", "exclamation_mark", "enter")),
    "journey-beside": Shot(("l", "exclamation_mark", "enter", "b")),
    "live": Shot(("2",)),
    "triage": Shot(("3", "j", "j")),
    "charts-120x36": Shot(("x",)),
    "charts-200x60": Shot(("x",), size=(200, 60)),
    "callbacks": Shot(("4", "j"), run="Survey NPS"),
    "unknowns": Shot(("6", "j")),
    "audit": Shot(("5", "j", "j")),
    "events": Shot(("v",), run="Survey NPS"),
    "details": Shot(("d",)),
    "approve": Shot(("m", "A"), run="Price change"),
    "stop-preview": Shot(("m", "s")),
    "cancel-preview": Shot(("m", "c"), run="Appointment reminder"),
    "limits": Shot(("m", "L", *"24")),
    "bulk": Shot(("space", "space", "m", "p")),
    "filter-prompt": Shot(("l", "slash", *'state = "failed"')),
    "columns": Shot(("w",)),
    "order": Shot(("o",)),
    "actions": Shot(("a",)),
    "palette": Shot(("colon", *"re")),
    "help": Shot(("question_mark",)),
    "failures": Shot(("F",), run="Night mail"),
    "cohort": Shot(("F", "b", "enter"), run="Night mail"),
    "retry-preview": Shot(("F", "b", "m", "R"), run="Night mail"),
    "canary": Shot(("8",), run=RETRY),
    "resolve": Shot(("6", "m", "space", "space", "U", "enter")),
    "handover": Shot(("N",)),
    "leave": Shot(("q",)),
    "wizard-1-campaign": Shot(("n", "down")),
    "wizard-2-upload": Shot((*CHOSEN, "down")),
    "wizard-3-checks": Shot(CHECKED),
    "wizard-4-render": Shot((*CHECKED, "pagedown")),
    "wizard-5-review": Shot((*CHECKED, "pagedown", "pagedown", "m")),
    # Last: they change something.
    "undo": Shot(("m", "s", "y"), run="Autumn strategy"),
}


def main() -> None:
    """Stage the demonstration and photograph it."""
    wanted = {name: SHOTS[name] for name in sys.argv[1:]} or SHOTS
    TARGET.mkdir(exist_ok=True)
    place = Path(PLACE)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    try:
        scene = Scene(Layout(place / "demonstration"))
        staged(scene)
        empty = Layout(place / "empty")
        text = default_workspace_text("ws-empty", "Night desk")
        create_workspace(empty, text, compose.surroundings(), compose.owner("camera"))
        beside = Beside(scene.layout, starts=True)
        beside.start_engine()
        scene.play()
        retry = _fall_ill(scene)
        _lay_out_uploads(scene)
        time.sleep(WATCHED_S)  # real time, for curves
        asyncio.run(photograph(scene.layout, empty, wanted, retry))
        assert beside.engine is not None
        beside.engine.stop()
        beside.engine.join()
    finally:
        shutil.rmtree(place)


def _lay_out_uploads(scene: Scene) -> None:
    """Put contact files where the wizard looks for them: in the working folder."""
    lists = scene.layout.root.parent / "lists"
    lists.mkdir()
    for upload in sorted(scene.samples.glob("*.csv")):
        shutil.copy(upload, lists)
    os.chdir(lists)


def _fall_ill(scene: Scene) -> str:
    """Let a run fail and a canary find that it still does; return the retry's id."""
    well = (scene.samples / "demo" / "quick.toml").read_text(encoding="utf-8")
    sick = well.replace("welcome-call", "night-mail").replace(
        "Welcome call", "Night mail"
    )
    sick = sick.replace("transient = 0.08", "transient = 0.4")
    path = scene.layout.root.parent / "night-mail.toml"
    path.write_text(sick.replace("attempts = 3", "attempts = 1"), encoding="utf-8")
    ill = scene.launch(str(path), "clean-200.csv")
    scene.wait_for(ill, lambda run: run.lifecycle.is_ended)
    retry = asyncio.run(_retried(scene.layout, ill))
    scene.wait_for(retry, lambda run: run.lifecycle.gate is not Gate.OPEN)
    return retry


async def _retried(layout: Layout, run_id: str) -> str:
    """Retry some of what failed for now, a canary first."""
    desk = WholeDesk(
        layout, compose.surroundings(), compose.asker(), compose.owner("camera")
    )
    seqs = frozenset(range(1, 121))
    seen = await desk.retry_preview(run_id, Selection(seqs=seqs))
    receipt = await desk.retry(seen, canary=True, reason="the provider is back")
    while (answer := await desk.receipt(receipt.command_id)) is None:  # noqa: ASYNC110 - asked for, as anybody does
        await asyncio.sleep(0.05)
    assert answer.state == "settled", answer
    await desk.close()
    return receipt.run_id


async def photograph(
    layout: Layout, empty: Layout, wanted: dict[str, Shot], retry: str
) -> None:
    """Open a console for every picture and save what stands on it."""
    for name, shot in wanted.items():
        await _taken(empty if shot.empty else layout, name, shot, retry)


async def _taken(layout: Layout, name: str, shot: Shot, retry: str) -> None:
    with reading(layout) as connection:
        listed = [run for run in run_page(connection)[::-1] if run.run_id != retry]
        runs = {run.campaign_name: run.run_id for run in listed} | {RETRY: retry}
    desk = WholeDesk(
        layout, compose.surroundings(), compose.asker(), compose.owner("camera")
    )
    app = WatchfloorApp(
        desk,
        workspace_name="Night desk" if shot.empty else "Demonstration",
        operator="operator",
        clock=compose.now_ms,
        own_pid=os.getpid(),
        wishes=Preferences(theme=shot.theme),
    )
    async with app.run_test(size=shot.size) as pilot:
        await _until(pilot, lambda: app.jobs.overview is not None)
        if not shot.empty:
            app.jobs.runs.select(runs[shot.run])
        await _calm(pilot)
        for key in shot.keys:
            await pilot.press(key)
            await _calm(pilot)
        await pilot.pause(0.3)
        save(app, name)
    await desk.close()


async def _calm(pilot: Pilot[Any]) -> None:
    """Wait until nothing is read any more; commands may wait for an answer."""
    await pilot.pause(0.05)
    await _until(
        pilot, lambda: not any(one.group in READS for one in pilot.app.workers)
    )


async def _until(pilot: Pilot[Any], true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < end:
        await pilot.pause(0.02)


def save(app: WatchfloorApp, name: str) -> None:
    """Write one picture as SVG, and as PNG where that can be made."""
    svg = portrait_of(app).svg.replace(PLACE, SHOWN_PLACE)
    path = TARGET / f"{name}.svg"
    path.write_text(svg, encoding="utf-8")
    converter = shutil.which("rsvg-convert")
    if converter:
        subprocess.run(
            [converter, str(path), "-o", str(path.with_suffix(".png"))], check=True
        )
    print(path.name)


if __name__ == "__main__":
    main()
