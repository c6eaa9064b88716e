"""Turn worlds by hand: one with its whole log, or many until one does not hold.

``python -m tests.simulation SEED`` replays a seed; ``--seeds N [--from M] [--jobs J]``
turns N seeds from M on.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulation.invariants import ViolationError
from tests.simulation.turning import bench, turned_slice

#: Seeds of one task, so that processes that are slow do not hold up the others.
SLICE = 1_000


def replayed(seed: int) -> int:
    """Print the log of one seed; return how the process is to exit."""
    with bench() as turned:
        world = turned.world(seed)
        print(world.scenario)  # noqa: T201 - its purpose
        wrong: ViolationError | None = None
        try:
            world.run()
        except ViolationError as found:
            wrong = found
        print(*world.log, sep="\n")  # noqa: T201 - its purpose
        for row in (*world.sight.runs.values(), *world.sight.records.values()):
            print(row)  # noqa: T201 - its purpose
        print(wrong or f"every invariant held; the log is {world.digest}")  # noqa: T201 - its purpose
    return 1 if wrong else 0


def turned_many(first: int, count: int, jobs: int) -> int:
    """Turn many seeds on several processes, and say how it went."""
    began_s = time.perf_counter()
    starts = range(first, first + count, SLICE)
    sizes = [min(SLICE, first + count - start) for start in starts]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        found = [
            line for lines in pool.map(turned_slice, starts, sizes) for line in lines
        ]
    took_s = time.perf_counter() - began_s
    print(*found, sep="\n", end="\n" if found else "")  # noqa: T201 - its purpose
    print(f"{count:,} seeds in {took_s:.0f} s, {len(found)} did not hold")  # noqa: T201 - its purpose
    return 1 if found else 0


def main() -> int:
    """Read what is asked for, and do it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    if asked.seeds is not None:
        return turned_many(asked.first, asked.seeds, asked.jobs)
    if asked.seed is None:
        parser.error("give a seed, or --seeds N")
    return replayed(asked.seed)


if __name__ == "__main__":
    sys.exit(main())
