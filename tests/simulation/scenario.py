"""What a seed lets happen: a swarm of features, each on or off and how often.

Not every seed does everything. A world in which everything goes wrong at once never
gets far enough to find what takes two quiet steps and a loud one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.simulation.shapes import SHAPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The features of one seed.

    Attributes:
        weights: How often the provider does what.
        shuffled: Whether whatever is ready may be next.
        round_delay_s: Rounds begin within so long after they were asked for.
        latency_s: The provider answers within these.
        crashes: How many times the engine is killed at most.
        zombies: A killed engine may go on for a while beside the next one.
        steers: Commands of operators.
        retries: Child runs that operators ask for, most of them with a canary.
        drags: How often time passes while something is ready to be done.
        begins_at_ms: Moves the wall clock before anything happens.
        span_s: Operators act and faults strike within so long.
    """

    seed: int
    shape: int
    weights: dict[str, int]
    shuffled: bool
    round_delay_s: float
    latency_s: tuple[float, float]
    crashes: int
    zombies: bool
    steers: int
    repeats_commands: bool
    limits: int
    suppresses: int
    results: int
    resolves: int
    jumps: int
    refusals: int
    shared_permits: int | None
    shared_rate: float | None
    sees: bool
    begins_at_ms: int
    span_s: float
    drags: float
    retries: int


_FAULTS = ("busy", "limit", "down", "gone", "lost", "unreachable", "callback", "late")
_RARE = ("hang", "bug", "garbage", "bounce", "unauthorised")


def drawn(seed: int, chance: random.Random) -> Scenario:
    """Return the scenario of a seed."""

    def some(share: float, *counts: int) -> int:
        return chance.choice(counts) if chance.random() < share else 0

    weights = {"delivered": chance.choice([2, 6, 12])}
    if chance.random() < 0.85:
        for kind in chance.sample(_FAULTS, chance.randint(1, 4)):
            weights[kind] = chance.choice([1, 2, 5])
        for kind in chance.sample(_RARE, some(0.3, 1, 1, 2)):
            weights[kind] = 1
    retries = some(0.25, 1, 2, 2)
    if retries:
        # What is retried must have failed for now, and some of it must fail again.
        weights |= {"busy": chance.choice([4, 12]), "unreachable": 4}
    latency_s = chance.choice([(0.0, 0.002), (0.01, 0.5), (0.5, 4.0)])
    # Most worlds are busy for a few answers' time; what comes later meets callbacks.
    span_s = chance.choice([1, 3, 8]) * max(0.05, latency_s[1])
    return Scenario(
        seed=seed,
        shape=chance.randrange(SHAPES),
        weights=weights,
        shuffled=chance.random() < 0.7,
        round_delay_s=chance.choice([0.0, 0.0, 0.001, 0.02]),
        latency_s=latency_s,
        crashes=some(0.5, 1, 1, 2, 3),
        zombies=chance.random() < 0.3,
        steers=some(0.7, 1, 2, 3, 5),
        repeats_commands=chance.random() < 0.3,
        limits=some(0.2, 1, 2),
        suppresses=some(0.25, 1, 2),
        results=some(0.2, 1, 2),
        resolves=some(0.35, 1, 2),
        jumps=some(0.2, 1, 2),
        refusals=some(0.15, 1, 2),
        shared_permits=chance.choice([None, None, None, 1, 2, 4]),
        shared_rate=chance.choice([None, None, None, None, 5.0]),
        sees=chance.random() < 0.3,
        begins_at_ms=chance.choice([0, 0, 1_700_000, -3_600_000, 39_600_000]),
        span_s=200.0 if chance.random() < 0.15 else span_s,
        drags=chance.choice([0.0, 0.0, 0.02, 0.1]),
        retries=retries,
    )
