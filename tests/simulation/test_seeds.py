"""Worlds by the hundred: whatever a seed lets happen, every invariant holds.

How many is told by ``WATCHFLOOR_SEEDS``; slices let several processes share them.
"""

from __future__ import annotations

import os

import pytest
from tests.simulation.turning import bench

SEEDS = int(os.environ.get("WATCHFLOOR_SEEDS", "600"))
#: So many that several processes, of which each takes the next, end at the same time.
SLICES = 20


@pytest.fixture(scope="module")
def turned():
    with bench() as made:
        yield made


@pytest.mark.parametrize("part", range(SLICES))
def test_every_invariant_holds_whatever_a_seed_lets_happen(turned, part):
    for seed in range(part * SEEDS // SLICES, (part + 1) * SEEDS // SLICES):
        try:
            turned.world(seed).run()
        except Exception as error:
            error.add_note(f"replay it: python -m tests.simulation {seed}")
            raise


def test_the_swarm_does_what_it_is_there_for(turned):
    kinds: set[str] = set()
    happened: set[str] = set()
    for seed in range(60):
        world = turned.world(seed)
        world.run()
        kinds |= {one.kind for one in world.provider.arrivals}
        happened |= {line.split()[1] for line in world.log}
        happened |= {run["outcome"] for run in world.sight.runs.values()}
        happened |= {one["ending"] for one in world.sight.attempts.values()}
        happened |= {one["code"] for one in world.sight.records.values()}

    # A swarm in which nothing goes wrong would find nothing.
    assert {"delivered", "busy", "gone", "lost", "callback", "late"} <= kinds
    assert {"pause", "resume", "stop", "cancel", "resolve", "suppress"} <= happened
    assert {"retry", "limit", "results", "commit"} <= happened
    assert {"completed", "stopped", "cancelled", "interrupted"} <= happened
    # Whoever was reported as reached is spared, and opt-outs are kept.
    assert {"reached_before", "suppressed"} <= happened
