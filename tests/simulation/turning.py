"""Turning worlds, one after the other, in one process."""

from __future__ import annotations

import argparse
import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

from tests.simulation.scenario import Scenario, drawn
from tests.simulation.seams import Disk, world_around
from tests.simulation.shapes import Shape, made, workspace
from tests.simulation.wire import WorldChannel
from tests.simulation.world import World

Replayed: TypeAlias = Callable[[int], int]
Turned: TypeAlias = Callable[[int, int], list[str]]
#: Few enough that processes which are slow do not hold up the others.
SEEDS_PER_TASK = 500
#: Killed processes are cleared away after so many worlds.
WORLDS_PER_SWEEP = 100


class Bench:
    """What the worlds of one process share: a disk, and the shapes that were made."""

    def __init__(self, root: Path) -> None:
        self._disk = Disk()
        self._layout = workspace(root)
        self._shapes: dict[int, Shape] = {}
        self._turned = 0
        self._last: World | None = None

    def prepare(self, seed: int) -> tuple[Scenario, Shape]:
        """Draw a seed's scenario, and make its shape where nobody made it yet."""
        scenario = drawn(seed, random.Random(f"scenario {seed}"))  # noqa: S311 - replayable
        shape = self._shapes.get(scenario.shape)
        if shape is None:
            shape = made(scenario.shape, self._disk, self._layout)
            self._shapes[scenario.shape] = shape
        return scenario, shape

    def world(self, seed: int) -> World:
        """Return the world of a seed, before its first step.

        The one before it is over, and nobody looks at it any more.
        """
        if self._last is not None:
            self._last.clear()
            self._last = None
        self._turned += 1
        if self._turned % WORLDS_PER_SWEEP == 0:
            gc.collect()
            # What was made meanwhile and stays: no later sweep need look at it.
            gc.freeze()
        self._last = World(*self.prepare(seed), self._disk, self._layout)
        return self._last


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


def asked_for(name: str, replayed: Replayed, turned: Turned) -> int:
    """Read what a command line asks for, and do it; return how to exit.

    Args:
        name: The module that is run.
        replayed: Prints one seed with its log, and returns how to exit.
        turned: Turns some seeds; returns a line for each that did not hold. It is
            called in processes of its own.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    if asked.seeds is not None:
        return _turned_many(turned, asked.first, asked.seeds, asked.jobs)
    if asked.seed is None:
        parser.error("give a seed, or --seeds N")
    return replayed(asked.seed)


def _turned_many(turned: Turned, first: int, count: int, jobs: int) -> int:
    began_s = time.perf_counter()
    starts = range(first, first + count, SEEDS_PER_TASK)
    sizes = [min(SEEDS_PER_TASK, first + count - start) for start in starts]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        found = [line for lines in pool.map(turned, starts, sizes) for line in lines]
    took_s = time.perf_counter() - began_s
    print(*found, sep="\n", end="\n" if found else "")  # noqa: T201 - its purpose
    print(f"{count:,} seeds in {took_s:.0f} s, {len(found)} did not hold")  # noqa: T201 - its purpose
    return 1 if found else 0


def told_anew(code: str, hash_seed: str) -> list[str]:
    """Return the words that a process of its own prints, with its own hashing."""
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.split()
