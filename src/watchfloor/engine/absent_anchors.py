"""Anchor files that should hold anchors and hold none: a deletion must not pass."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from watchfloor.domain.errors import ConfigError
from watchfloor.engine.auditing import anchor_paths
from watchfloor.store.anchor_file import read_anchors
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reads.chain import chain_head
from watchfloor.store.reads.engine import has_begun_runs, last_run_at


class Absent(NamedTuple):
    """An anchor file of the workspace that holds nothing to hold the chain to.

    Attributes:
        path: Where it should be.
        why: What is there instead, as the rest of a sentence.
        is_awaited: Whether perhaps no engine was to note anything there yet.
    """

    path: Path
    why: str
    is_awaited: bool

    @property
    def said(self) -> str:
        """What that means, in a sentence."""
        if self.is_awaited:
            return f"{self.path} {self.why}; perhaps nothing was to be noted there yet"
        return (
            f"{self.path} {self.why}, though an engine notes its anchors there: "
            "nothing was held to it"
        )


def absent_anchors(connection: Handle, layout: Layout) -> list[Absent]:
    """Return the workspace's anchor files that hold nothing, though it has links."""
    if not chain_head(connection).number:
        return []
    noted_s = _last_noted_s(layout)
    has_noted = last_run_at(connection) is not None and (
        noted_s is not None or has_begun_runs(connection)
    )
    return [
        Absent(path, why, not has_noted or _is_named_since(layout, path, noted_s))
        for path in anchor_paths(layout)
        for why in _why(layout, path)
    ]


def _why(layout: Layout, path: Path) -> Iterator[str]:
    """Yield what is wrong with a file, if it holds nothing.

    What is no plain file, or cannot be opened, is told by whoever reads it.
    """
    try:
        about = path.lstat()
    except FileNotFoundError:
        yield "is not there" if path.parent.is_dir() else "has no folder"
        return
    except OSError as error:
        # To others than the owner it is closed, which they are told elsewhere.
        if layout.may_own:
            yield f"cannot be looked at ({error.strerror})"
        return
    if stat.S_ISLNK(about.st_mode):
        yield "is a link, through which no engine writes"
    elif stat.S_ISREG(about.st_mode) and not about.st_size:
        yield "is empty"


def _last_noted_s(layout: Layout) -> float | None:
    """Return when the file beside the store was last appended to, by its own word."""
    try:
        noted = read_anchors(layout.anchors).anchors
    except ConfigError:
        return None
    return datetime.fromisoformat(noted[-1].at).timestamp() if noted else None


def _is_named_since(layout: Layout, path: Path, noted_s: float | None) -> bool:
    """Whether a file may be named only since the last anchor was noted anywhere."""
    if path == layout.anchors or noted_s is None:
        return False
    try:
        return layout.settings.stat().st_mtime >= noted_s
    except OSError:
        return False
