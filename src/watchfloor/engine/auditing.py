"""Verifying the chain, and noting its head outside of the store."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from watchfloor.domain.anchors import Anchor, AnchorFile, anchor_at
from watchfloor.domain.chain_walk import Break, ChainWalk
from watchfloor.domain.errors import ConfigError
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.anchor_file import append_anchor, read_anchors
from watchfloor.store.handle import Handle
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.chain import chain_head, chain_slice, unwalked

Reads = Callable[[], AbstractContextManager[Handle]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of walking a chain.

    Attributes:
        links: How many fit, from the first on.
        entries: How many entries of the journal are among what they stand for.
        late_entries: The last entry that was chained only afterwards; 0 for none.
        taken_out: Links whose words a purge took out.
        anchors: How many anchors there are to hold it to.
        held: How many of them name a link as it is.
        not_reached: How many of them are of links behind the last that fits.
        anchored: The last link that an anchor names as it is; 0 for none.
        not_here: How many of the anchors are of what came after the backup that the
            workspace says it was restored from: it was not held to them.
        broken: The first thing that does not fit; None where all does.
        head: The hash of the last link that fits.
        last_entry: The last entry of the journal that a fitting link stands for.
    """

    links: int
    entries: int
    late_entries: int
    taken_out: int
    anchors: int
    held: int
    not_reached: int
    anchored: int
    not_here: int
    broken: Break | None
    head: bytes
    last_entry: int

    @property
    def not_here_said(self) -> str:
        """What is not proven by anchors, in a sentence; empty where nothing is."""
        if not self.not_here:
            return ""
        return (
            f"NOT PROVEN by {self.not_here:,} anchors: they are of after the backup "
            "that this workspace says it was restored from. If nobody restored one, "
            "its chain was written anew"
        )


def verified(
    layout: Layout,
    anchors: Sequence[Anchor],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Walk the chain in slices, beside whoever writes, and hold it to its anchors.

    Each slice is a read transaction of its own, so that nobody waits for this one.

    Args:
        layout: Whose store.
        anchors: What was noted outside of it.
        on_progress: Is told after each slice how many links fit.

    Raises:
        NotFoundError: There is no workspace.
        StoreError: The store cannot be read.
    """
    return walked(partial(reading, layout), anchors, on_progress)


def walked(
    reads: Reads,
    anchors: Sequence[Anchor],
    on_progress: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Walk the chain of any store; see ``verified``.

    Args:
        reads: Opens a read transaction on it.
        anchors: What was noted outside of it.
        on_progress: Is told after each slice how many links fit.
    """
    walk = ChainWalk(anchors)
    while walk.broken is None:
        with reads() as connection:
            part = chain_slice(
                connection, after=walk.number, last_entry=walk.last_entry
            )
            walk.take(part)
            if not part.links:
                # In the snapshot in which no link follows, nothing may be without one.
                walk.end(unwalked(connection, walk.last_entry))
                walk.compare(chain_head(connection).instance)
                break
        on_progress(walk.number)
    return Verified(
        links=walk.number,
        entries=walk.entries,
        late_entries=walk.late_entries,
        taken_out=walk.taken_out,
        anchors=len(anchors),
        held=walk.held,
        not_reached=walk.not_reached,
        anchored=walk.anchored,
        not_here=walk.not_here,
        broken=walk.broken,
        head=walk.hash,
        last_entry=walk.last_entry,
    )


def anchor_paths(
    layout: Layout, settings: WorkspaceSettings | None = None
) -> list[Path]:
    """Return the workspace's own anchor files, as its file names them now.

    One that cannot be used names none: the file beside the store stays.

    Args:
        layout: The workspace.
        settings: Whoever read its file before; None to read it.
    """
    try:
        path = (settings or WorkspaceSettings(layout)).now().audit.path
    except ConfigError:
        path = ""
    return [layout.anchors, *([Path(path)] if path else [])]


def readable_anchors(layout: Layout) -> tuple[list[AnchorFile], list[Path]]:
    """Return what the workspace's own anchor files hold, and which were not read.

    They are their owner's: whoever else verifies is not told that they are missing.

    Raises:
        ConfigError: One is there and cannot be used; one that the owner cannot read is.
    """
    read, closed = [], []
    for path in anchor_paths(layout):
        if layout.may_own or not _is_closed(path):
            read.append(path)
        else:
            closed.append(path)
    return known_anchors(read), closed


def _is_closed(path: Path) -> bool:
    try:
        path.lstat()
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK)


def anchor_now(layout: Layout, now_ms: int) -> Anchor | None:
    """Return the anchor of the chain's newest link; None where there is no link.

    Raises:
        NotFoundError: There is no workspace.
        StoreError: The store cannot be read.
    """
    with reading(layout) as connection:
        head = chain_head(connection)
    if not head.number:
        return None
    return anchor_at(head.instance, head.number, head.hash, now_ms)


def known_anchors(paths: Sequence[Path]) -> list[AnchorFile]:
    """Return what the workspace's own anchor files hold, those that are there.

    Raises:
        ConfigError: One is there and cannot be read.
    """
    return [read_anchors(path) for path in paths if _found(path) is not None]


def _found(path: Path) -> os.stat_result | None:
    """Return what a name leads to; None where nothing is, or nobody can look."""
    try:
        return path.stat()
    except OSError:
        return None


def others_file(layout: Layout, path: Path, instance: str) -> str:
    """Return which other workspace an anchor file is of; empty where it is ours.

    A workspace that was made of a backup has the settings of the one before. A line of
    its own in that one's file would be a foreign one there for good.

    Args:
        layout: The workspace; what lies in it is its own.
        path: Any anchor file.
        instance: Which workspace it is.

    Raises:
        ConfigError: It is there and cannot be read.
    """
    about = _found(path)
    if path == layout.anchors or about is None or not stat.S_ISREG(about.st_mode):
        return ""
    noted = read_anchors(path).anchors
    if not noted or noted[-1].instance == instance:
        return ""
    return noted[-1].instance


def _check_ours(layout: Layout, path: Path, instance: str) -> None:
    if other := others_file(layout, path, instance):
        msg = (
            f"the anchor file {path} is of another workspace, {other}; nothing was "
            "written into it. If this one was restored from a backup, name a new file "
            "in [audit] of watchfloor.toml"
        )
        raise ConfigError(msg)


class Anchoring:
    """Notes the chain's head now and then, where it has gone on.

    Args:
        layout: Whose store.
        paths: Returns the files to append to, as the workspace's file now has it.
        now_ms: The clock, for what is noted.
        monotonic_s: For how often: a clock that is put back must not keep it waiting.
    """

    def __init__(
        self,
        layout: Layout,
        paths: Callable[[], Sequence[Path]],
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._layout = layout
        self._paths = paths
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._noted: dict[Path, int] = {}
        self._ended: set[str] = set()
        self._due_s = 0.0

    def expect_end(self, run_id: str) -> None:
        """Let the next look note the head: this run has ended. Told again, it is not.

        Only those that ended lately are told, and each of them again and again.
        """
        if run_id not in self._ended:
            self._ended.add(run_id)
            self._due_s = 0.0

    def is_due(self, every_ms: int) -> bool:
        """Whether the head is to be noted now; the next time is *every_ms* later."""
        now_s = self._monotonic_s()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + every_ms / 1_000
        return True

    def note(self) -> Anchor | None:
        """Append the head to every file that does not have it from here yet.

        Blocks for a sync of the disk for each file.

        Returns:
            What was appended somewhere; None where nothing had to be.

        Raises:
            ConfigError: A file took nothing; the others have it.
            StoreError: The store cannot be read.
        """
        anchor = anchor_now(self._layout, self._now_ms())
        if anchor is None:
            return None
        faults: list[str] = []
        appended = False
        for path in self._paths():
            if self._noted.get(path) == anchor.link:
                continue
            try:
                if path not in self._noted:
                    _check_ours(self._layout, path, anchor.instance)
                append_anchor(path, anchor)
            except ConfigError as error:
                faults += error.mistakes
            else:
                self._noted[path] = anchor.link
                appended = True
        if faults:
            raise ConfigError(*faults)
        return anchor if appended else None
