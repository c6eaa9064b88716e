"""Turn worlds by hand: one with its whole log, or many until one does not hold.

``python -m tests.simulation SEED`` replays a seed; ``--seeds N [--from M] [--jobs J]``
turns N seeds from M on.
"""

from __future__ import annotations

import sys

from tests.simulation.invariants import ViolationError
from tests.simulation.turning import asked_for, bench, turned_slice


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


if __name__ == "__main__":
    sys.exit(asked_for("tests.simulation", replayed, turned_slice))
