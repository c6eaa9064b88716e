"""Turning worlds, one after the other, in one process."""

from __future__ import annotations

import gc
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.simulation.scenario import Scenario, drawn
from tests.simulation.seams import Disk, world_around
from tests.simulation.shapes import Shape, made, workspace
from tests.simulation.wire import WorldChannel
from tests.simulation.world import World

#: Killed processes are cleared away after so many worlds.
WORLDS_PER_SWEEP = 100


class Bench:
    """What the worlds of one process share: a disk, and the shapes that were made."""

    def __init__(self, root: Path) -> None:
        self._disk = Disk()
        self._layout = workspace(root)
        self._shapes: dict[int, Shape] = {}
        self._turned = 0

    def prepare(self, seed: int) -> tuple[Scenario, Shape]:
        """Draw a seed's scenario, and make its shape where nobody made it yet."""
        scenario = drawn(seed, random.Random(f"scenario {seed}"))  # noqa: S311 - replayable
        shape = self._shapes.get(scenario.shape)
        if shape is None:
            shape = made(scenario.shape, self._disk, self._layout)
            self._shapes[scenario.shape] = shape
        return scenario, shape

    def world(self, seed: int) -> World:
        """Return the world of a seed, before its first step."""
        self._turned += 1
        if self._turned % WORLDS_PER_SWEEP == 0:
            gc.collect()
        return World(*self.prepare(seed), self._disk, self._layout)


@contextmanager
def bench() -> Iterator[Bench]:
    """Let worlds turn during the block."""
    with tempfile.TemporaryDirectory() as root, world_around():
        # Whatever Python clears away must be cleared at the same place every time.
        gc.collect()
        gc.disable()
        # What was imported stays: a sweep need not look at it.
        gc.freeze()
        try:
            yield Bench(Path(root))
        finally:
            WorldChannel.provider = None
            gc.unfreeze()
            gc.collect()
            gc.enable()


def turned_slice(first: int, count: int) -> list[str]:
    """Turn some seeds; return one line for each that did not hold."""
    found = []
    with bench() as turned:
        for seed in range(first, first + count):
            try:
                turned.world(seed).run()
            except Exception as error:  # noqa: BLE001 - told, with its seed
                found.append(f"seed {seed}: {error}")
    return found
