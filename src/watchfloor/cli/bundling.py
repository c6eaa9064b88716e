"""Making a bundle: the runbook, the picture and the file, put together.

Textual is imported when the picture is drawn, and only through the console.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from watchfloor import __version__
from watchfloor.channels.secrets import resolved
from watchfloor.cli import compose
from watchfloor.cli.versions import versions
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.runbook import Triage
from watchfloor.store.layout import Layout
from watchfloor.store.whole_file import write_whole
from watchfloor.triage.bundle_around import Around, Judged, Screen
from watchfloor.triage.bundle_content import (
    about,
    members,
    never_told,
    scrubber_of,
)
from watchfloor.triage.bundle_gathering import Material, gathered
from watchfloor.triage.bundle_packing import packed
from watchfloor.triage.bundled_evidence import evidence_told
from watchfloor.triage.bundled_settings import references
from watchfloor.triage.scrubbing import KEY_BYTES, Scrubber

FOLDER = "bundles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants bundled.

    Attributes:
        target: Where it is written; None for the workspace's own folder.
        since_ms: From when on the journal is told; None from the run's beginning.
        symptom: What they saw.
        has_screen: Whether a picture of the console goes with it.
    """

    run_id: str
    target: Path | None = None
    since_ms: int | None = None
    symptom: str = ""
    has_screen: bool = True


class Runbook(Protocol):
    """Triage of one run, in two steps: between them the evidence leaves the house."""

    def gathered(self) -> Mapping[str, Any]:
        """Return the evidence as JSON has it; may take as long as its samples do."""
        ...

    def judged(self, evidence: Mapping[str, Any]) -> Judged:
        """Return what evidence says, as its reader will be told it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A bundle that was written."""

    path: Path
    size: int
    sha256: str
    members: tuple[str, ...]
    no_screen: str = ""


def make_bundle(
    layout: Layout, wish: Wish, runbook: Runbook, progress: Callable[[str], None]
) -> Made:
    """Write the bundle of a run.

    Args:
        layout: Of the workspace.
        wish: What is wanted.
        runbook: Gathers the evidence and judges it.
        progress: Told in words how far it is.

    Raises:
        NotFoundError: No run has this id.
        ConfigError: The file exists or cannot be made; nothing was left behind.
        StoreError: The store cannot be read.
    """
    now_ms = compose.now_ms()
    progress("reading the run")
    material = gathered(
        layout,
        wish.run_id,
        now_ms,
        wish.since_ms,
        lambda what, done, of: progress(f"{what} {done} of {of}"),
    )
    progress("triage")
    evidence = runbook.gathered()
    secrets = _secrets(material)
    key = compose.surroundings().entropy(KEY_BYTES)
    scrubber = scrubber_of(key, material, secrets, evidence)
    judged = runbook.judged(evidence_told(evidence, scrubber))
    screen, why_not = None, "none was asked for"
    if wish.has_screen:
        progress("drawing the console")
        screen, why_not = _screen(layout, material, scrubber, judged.told)
    around = Around(
        symptom=wish.symptom, versions=versions(), screen=screen, no_screen=why_not
    )
    progress("packing")
    parts = members(material, scrubber, judged, around)
    content = packed(parts, about(material, __version__), never_told(material, secrets))
    path = wish.target or _own_place(layout, wish.run_id, now_ms)
    write_whole(path, content)
    return Made(
        path=path,
        size=len(content),
        sha256=sha256(content).hexdigest(),
        members=tuple(parts),
        no_screen="" if screen else why_not,
    )


def _secrets(material: Material) -> frozenset[str]:
    """Return the values of secrets that this process can know, to look for them."""
    found = set()
    for reference in references(material.campaign_text, material.workspace):
        try:
            value = resolved(reference, "bundle")
        except ConfigError:
            continue  # not set here, but in the engine's environment
        # Of "Bearer abc" and of "name:abc" the last part alone tells it as well.
        found |= {value, value.rpartition(" ")[2], value.rpartition(":")[2]}
    return frozenset(found)


def _screen(
    layout: Layout, material: Material, scrubber: Scrubber, told: Triage
) -> tuple[Screen | None, str]:
    """Return a picture of the console, or why there is none."""
    # Only here: everything else works where no screen can be drawn.
    from watchfloor.cli.desk import WholeDesk  # noqa: PLC0415 - see above
    from watchfloor.console.portrait import (  # noqa: PLC0415 - see above
        run_portrait,
    )

    desk = WholeDesk(
        layout, compose.surroundings(), compose.asker(), compose.owner("bundle")
    )
    name = material.workspace.name if material.workspace else ""
    drawing = run_portrait(
        desk,
        material.run.run_id,
        scrubber,
        told=told,
        workspace_name=scrubber.text(name),
        clock=compose.now_ms,
    )
    try:
        drawn = asyncio.run(drawing)
    except Exception as error:  # noqa: BLE001 - a bundle without a picture is one too
        # The kind alone: what an error says may quote anything.
        return None, f"the console could not be drawn: {type(error).__name__}"
    return Screen(svg=drawn.svg, text=drawn.text), ""


def _own_place(layout: Layout, run_id: str, now_ms: int) -> Path:
    """Return a new name in the workspace's folder of bundles, made where it is not."""
    folder = layout.root / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        why = (error.strerror or "the system says no").lower()
        msg = f"{folder} cannot be made: {why}; nothing was written. Name a file: -o"
        raise ConfigError(msg) from error
    if folder.is_symlink() or folder.stat().st_mode & 0o077:
        msg = (
            f"{folder} is a link or open to others; nothing was written. "
            "Close it (chmod 700) or name a file: -o"
        )
        raise ConfigError(msg)
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    plain = "".join(char for char in run_id if char.isalnum() or char in "-_")[:60]
    return folder / f"{plain}-{at:%Y%m%dT%H%M%S}{now_ms % 1000:03}.zip"
