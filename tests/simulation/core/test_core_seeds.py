"""The core's decisions under ten thousand schedules: whatever a seed lets happen.

How many is told by ``WATCHFLOOR_CORE_SEEDS``; slices let several processes share them.
"""

from __future__ import annotations

import os

import pytest
from tests.simulation.bugs import planted
from tests.simulation.core.plants import MOST_SEEDS, PLANTS, finding
from tests.simulation.core.world import World, turned
from tests.simulation.turning import told_anew

SEEDS = int(os.environ.get("WATCHFLOOR_CORE_SEEDS", "10000"))
#: So many that several processes, of which each takes the next, end at the same time.
SLICES = 20
TOLD = """
from tests.simulation.core.world import turned
print(*(turned(seed) for seed in range(20)))
"""


@pytest.mark.parametrize("part", range(SLICES))
def test_every_law_holds_of_the_core_whatever_a_seed_lets_happen(part):
    for seed in range(part * SEEDS // SLICES, (part + 1) * SEEDS // SLICES):
        try:
            turned(seed)
        except Exception as error:
            error.add_note(f"replay it: python -m tests.simulation.core {seed}")
            raise


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.title)
def test_a_bug_planted_in_a_decision_is_found(plant):
    found = finding(plant)

    assert found is not None, f"{plant.broken}: {MOST_SEEDS} seeds did not find it"
    # It was the bug that was found: without it the same seed holds.
    turned(found.seed)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.title)
def test_a_planted_bug_is_gone_after_its_block(plant):
    before = [vars(place)[plant.name] for place in plant.places]
    with planted(plant):
        assert [vars(place)[plant.name] for place in plant.places] != before

    assert [vars(place)[plant.name] for place in plant.places] == before


def test_the_swarm_does_what_it_is_there_for():
    kinds: set[str] = set()
    verbs: set[str] = set()
    answers: set[str] = set()
    states: set[str] = set()
    outcomes: set[str | None] = set()
    log: set[str] = set()
    for seed in range(400):
        world = World(seed)
        world.run()
        for arrivals in world.provider.arrivals.values():
            kinds |= {one.kind for one in arrivals}
        verbs |= {order.verb for order in world.people.orders}
        answers |= set(world.shelf.answers.values())
        states |= {one.state.word for one in world.shelf.records.values()}
        outcomes |= {run.lifecycle.outcome for run in world.shelf.runs.values()}
        log |= {line.split(" ", 1)[1].rstrip("0123456789") for line in world.log}

    # A swarm in which nothing goes wrong would find nothing.
    assert {"delivered", "busy", "gone", "lost", "callback", "late", "hang"} <= kinds
    assert {"again", "limit", "bounce", "barred"} <= kinds
    steers = {"pause", "resume", "stop", "cancel"}
    assert steers | {"resolve", "look up", "approve", "limit", "suppress"} <= verbs
    refusals = {"DRIFTED", "LAUNCHED_AT", "INTENT_PENDING", "NEEDS_PAUSE"}
    assert refusals | {"ALREADY_ENDED", "ALREADY_PAUSED", "NOT_PAUSED"} <= answers
    final = {"delivered", "failed", "unknown", "not_attempted", "expired", "abandoned"}
    assert states == final
    assert outcomes == {"completed", "stopped", "cancelled", "failed"}
    assert any("is fenced off" in line for line in log)
    assert any("is killed" in line for line in log)
    assert "the disk is full for a while" in log


def test_a_seed_has_the_same_log_in_every_process():
    once, again = told_anew(TOLD, "1"), told_anew(TOLD, "2")

    assert len(set(once)) == 20
    assert once == again
