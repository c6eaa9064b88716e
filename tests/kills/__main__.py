"""The long run, by command: thousands of kills, and a table of what came of them."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter

from tests.kills.failpoints import POINTS
from tests.kills.harness import Harness, harness, scratch
from tests.kills.promises import Breach
from tests.kills.story import PERMITS

RECORDS = 60
DEPTH = 3
KILLS_OF_A_STORY = 40
MOST_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Kill, and say what came of it; 1 where anything was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with scratch() as root, harness(root, RECORDS) as made:
        unhit: list[str] = []
        if options.kills >= DEPTH * len(POINTS):
            with scratch() as place:
                found = made.at_failpoints(place, POINTS, DEPTH)
            unhit = [one.name for one in POINTS if not found[one.name]]
        for seed in itertools.count(options.seed):
            left = options.kills - sum(made.tally.kills.values())
            if left <= 0:
                break
            with scratch() as place:
                made.at_random(place / "story", seed, min(left, KILLS_OF_A_STORY))
            _progress(made, began)
        made.tally.seconds = time.monotonic() - began
        print(table(made, unhit))
        return 1 if made.tally.broken or unhit else 0


def _progress(made: Harness, began: float) -> None:
    kills = sum(made.tally.kills.values())
    rate = kills / (time.monotonic() - began)
    told = f"{kills:,} kills, {rate:.1f}/s, {len(made.tally.broken)} broken promises"
    print(f"\r{told}", end="", file=sys.stderr, flush=True)


def table(made: Harness, unhit: list[str]) -> str:
    """Return what came of it all, for a person."""
    tally = made.tally
    kills = sum(tally.kills.values())
    broken = Counter(one.breach for _, one in tally.broken)
    rows = [
        ("kills", f"{kills:,}"),
        ("of them at a failpoint", f"{kills - tally.kills['at random']:,}"),
        ("of them at a random moment", f"{tally.kills['at random']:,}"),
        ("failpoints never hit", ", ".join(unhit) or "0"),
        ("stories, commands, requests", _counts(made)),
        *((breach.value, f"{broken[breach]:,}") for breach in Breach),
        (f"unknown per kill, at most (permits {PERMITS})", str(tally.doubted)),
        ("restarts a second", f"{kills / max(tally.seconds, 0.001):.1f}"),
    ]
    lines = [f"{name:<42}{value:>12}" for name, value in rows]
    points = [f"{n:>8,}  {name}" for name, n in sorted(tally.kills.items())]
    told = [f"seed {seed}: {one.told}" for seed, one in tally.broken[:MOST_SHOWN]]
    return "\n".join(["", *lines, "", *points, *told])


def _counts(made: Harness) -> str:
    tally = made.tally
    return f"{tally.stories:,}, {tally.commands:,}, {tally.requests:,}"


if __name__ == "__main__":
    sys.exit(main())
