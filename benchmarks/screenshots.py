"""Make ``screenshots/`` from the demonstration workspace.

    python benchmarks/screenshots.py

Writes SVG without outside addresses, and PNG where ``rsvg-convert`` is installed.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from watchfloor.cli import compose
from watchfloor.cli.verbs.console import Beside
from watchfloor.cli.verbs.demo import Scene, staged
from watchfloor.console.app import WatchfloorApp
from watchfloor.engine.desk import StoreDesk
from watchfloor.store.layout import Layout

TARGET = Path(__file__).parents[1] / "screenshots"
SIZES = ((80, 24), (120, 36), (200, 60))
#: Textual points its SVG at a font on the web; a terminal's own font will do.
ADDRESS = re.compile(r"<!-- Generated with .*? -->\n?")
FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


def main() -> None:
    """Stage the demonstration and photograph it."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="watchfloor-screenshots-") as place:
        scene = Scene(Layout(Path(place) / "desk"))
        staged(scene)
        beside = Beside(scene.layout, starts=True)
        beside.start_engine()
        scene.play()
        asyncio.run(photograph(scene.layout))
        assert beside.engine is not None
        beside.engine.stop()
        beside.engine.join()


async def photograph(layout: Layout) -> None:
    """Open the console at every size and save what stands on it."""
    for width, height in SIZES:
        desk = StoreDesk(
            layout, compose.surroundings(), compose.asker(), compose.owner("camera")
        )
        app = WatchfloorApp(
            desk,
            workspace_name="Demonstration",
            operator="operator",
            clock=compose.now_ms,
            own_pid=os.getpid(),
        )
        async with app.run_test(size=(width, height)) as pilot:
            await pilot.pause(1.0)
            save(app, f"jobs-{width}x{height}")
            if (width, height) == SIZES[1]:
                await pilot.press("j", "m", "A")
                await pilot.pause(0.8)
                save(app, "approve-120x36")
                await pilot.press("n", "j", "j", "j")
                await pilot.pause(0.5)
                await pilot.press("4")
                await pilot.pause(0.8)
                save(app, "callbacks-120x36")
                await pilot.press("1", "M", "g")
                await pilot.pause(0.5)
                await pilot.press("m", "s")
                await pilot.pause(0.5)
                save(app, "stop-preview-120x36")
                await pilot.press("escape", "enter")
                await pilot.pause(0.5)
                await pilot.press("enter")
                await pilot.pause(0.5)
                save(app, "journey-120x36")
                await pilot.press("escape", "question_mark")
                await pilot.pause(0.5)
                save(app, "help-120x36")
        await desk.close()


def save(app: WatchfloorApp, name: str) -> None:
    """Write one picture as SVG, and as PNG where that can be made."""
    svg = FONT_FACE.sub("", app.export_screenshot(title="Watchfloor"))
    svg = ADDRESS.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
    # Without it some viewers drop the blanks a line begins with.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
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
