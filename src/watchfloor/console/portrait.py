"""Pictures of the console: its screen as SVG and as text, drawn without a terminal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import NamedTuple

from textual.pilot import Pilot

from watchfloor.console.app import WatchfloorApp
from watchfloor.console.desk import Desk
from watchfloor.console.discreet import DiscreetDesk, Discretion
from watchfloor.console.preferences import Preferences
from watchfloor.console.themes import THEMES
from watchfloor.domain.runbook import Triage

#: Columns and lines.
SIZE = (120, 36)
#: So long for all of it; a bundle does without a picture rather than wait.
PATIENCE_S = 20.0
_POLL_S = 0.02
#: Turns of the loop in which nothing is read or painted any more.
_CALM = 5
#: Textual points its SVG at a font on the web; a terminal's own font will do.
_GENERATED = re.compile(r"<!-- Generated with .*? -->\n?")
_FONT_FACE = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


class Portrait(NamedTuple):
    """What stands on a console's screen."""

    svg: str
    text: str


def portrait_of(app: WatchfloorApp, title: str = "Watchfloor") -> Portrait:
    """Return the screen as it stands, without any outside address."""
    svg = _FONT_FACE.sub("", app.export_screenshot(title=title))
    svg = _GENERATED.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
    # Without it some viewers drop the blanks a line begins with.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    return Portrait(svg, text_of(app))


def text_of(app: WatchfloorApp) -> str:
    """Return the screen's lines as text."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001 - no public way
    lines = ["".join(piece.text for piece in strip).rstrip() for strip in strips]
    return "\n".join(lines) + "\n"


async def run_portrait(
    desk: Desk,
    run_id: str,
    discretion: Discretion,
    *,
    told: Triage,
    workspace_name: str,
    clock: Callable[[], int],
) -> Portrait:
    """Return how the console shows a run to whoever must not know anybody.

    Args:
        desk: Asked through a ``DiscreetDesk``; closed at the end.
        run_id: The run under the cursor.
        discretion: The door out.
        told: The run judged, as it stands in the report beside the picture.
        workspace_name: As it may be told.
        clock: Milliseconds since 1970, UTC.

    Raises:
        TimeoutError: It took longer than anybody should wait.
    """
    app = WatchfloorApp(
        DiscreetDesk(desk, run_id, discretion, told).as_desk,
        workspace_name=workspace_name,
        operator="bundle",
        clock=clock,
        read_only=True,
        wishes=Preferences(theme=THEMES[0].name),
        thrifty=False,
    )
    async with asyncio.timeout(PATIENCE_S):
        async with app.run_test(size=SIZE) as pilot:
            await _until(pilot, lambda: app.jobs.overview is not None)
            await _calm(pilot)
            await app.action_view("triage")
            await _calm(pilot)
            return portrait_of(app)


async def _calm(pilot: Pilot[int]) -> None:
    calm = 0
    while calm < _CALM:
        await pilot.pause(_POLL_S)
        is_busy = any(not one.is_finished for one in pilot.app.workers)
        calm = 0 if is_busy else calm + 1


async def _until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    while not true():
        await pilot.pause(_POLL_S)
