"""The real engine killed with SIGKILL at every failpoint and at random moments.

Every story is a workspace with runs of both promises, a retry with a canary, words
about unknown records, a purge, a cancel, a mail server, a hook and a real provider. The
long run: ``python -m tests.kills --kills 5000``.
"""

from __future__ import annotations

import pytest
from tests.kills.failpoints import POINTS
from tests.kills.harness import harness, scratch
from tests.kills.plants import PLANTS
from tests.kills.story import PERMITS

RECORDS = 40
#: Each failpoint on its first hits, up to so many.
DEPTH = 2
#: With the hundred and seventeen at failpoints there are some more than two hundred.
KILLS = 22


@pytest.fixture(scope="module")
def killing():
    with scratch() as root, harness(root, RECORDS) as made:
        yield made


@pytest.fixture
def place():
    with scratch() as root:
        yield root


@pytest.mark.parametrize("half", [0, 1], ids=["first half", "second half"])
def test_nothing_is_lost_or_repeated_wherever_the_engine_dies(killing, place, half):
    points = POINTS[half * len(POINTS) // 2 : (half + 1) * len(POINTS) // 2]

    found = killing.at_failpoints(place, points, DEPTH)

    assert killing.tally.broken == []
    assert [one.name for one in points if not found[one.name]] == []
    assert 0 < killing.tally.doubted <= PERMITS


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_or_repeated_over_kills_at_random_moments(killing, place, seed):
    before = sum(killing.tally.kills.values())

    killing.at_random(place / "story", seed, KILLS)

    assert killing.tally.broken == []
    assert sum(killing.tally.kills.values()) == before + KILLS
    assert killing.tally.doubted <= PERMITS


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found(killing, place, plant):
    """The harness can tell: what breaks a promise is found, and named as that."""
    # Some need what is under way just then: the next story has it.
    tries = (killing.with_a_plant(place / str(n), plant, 9) for n in range(5))
    found = next((breaches for breaches in tries if breaches), ())

    assert PLANTS[plant].breach in {one.breach for one in found}, found
