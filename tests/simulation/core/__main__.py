"""Turn core worlds by hand: one with its whole log, or many on several processes.

``python -m tests.simulation.core SEED`` replays a seed; ``--seeds N [--from M]
[--jobs J]`` turns N seeds from M on.
"""

from __future__ import annotations

import sys

from tests.simulation.core.world import turned_slice, turning
from tests.simulation.invariants import ViolationError
from tests.simulation.turning import asked_for


def replayed(seed: int) -> int:
    """Print the log of one seed; return how the process is to exit."""
    with turning(seed) as world:
        wrong: ViolationError | None = None
        try:
            world.run()
        except ViolationError as found:
            wrong = found
    print(*world.log, sep="\n")  # noqa: T201 - its purpose
    for row in (*world.shelf.runs.values(), *world.shelf.records.items()):
        print(row)  # noqa: T201 - its purpose
    print(wrong or f"every law held; the log is {world.digest}")  # noqa: T201 - its purpose
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asked_for("tests.simulation.core", replayed, turned_slice))
