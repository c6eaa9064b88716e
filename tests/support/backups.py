"""A workspace backed up, and what came back of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.floor import ASKER, Floor

from watchfloor.engine.backing_up import BackedUp, back_up
from watchfloor.engine.restoring import Restored, restore


def backed_up(floor: Floor, target: Path) -> BackedUp:
    """Make a backup and say nothing of how far it is."""
    return back_up(floor.layout, target, floor.around, "here")


@contextmanager
def come_back(floor: Floor, backup: Path) -> Iterator[tuple[Restored, Floor]]:
    """Restore a backup beside the floor that it is of; yield what came of it."""
    root = backup.with_name(f"back-{backup.stem}")
    came = restore(backup, root / "restored", floor.around, floor.owner, ASKER)
    other = Floor(root, root / "restored")
    try:
        yield came, other
    finally:
        other.close()
