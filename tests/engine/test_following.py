from __future__ import annotations

import asyncio

import pytest

from watchfloor.engine.following import Following
from watchfloor.engine.lanes import Lanes
from watchfloor.engine.ledger import Ledger


class Counting(Lanes):
    """Lanes of which each look at a run takes one turn of the loop."""

    def __init__(self) -> None:
        self.looks: list[str] = []

    async def follow(self, ledger: Ledger) -> None:
        self.looks.append(ledger.run_id)


class Run(Ledger):
    """As much of a ledger as following looks at."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id


def nothing_fails(error: BaseException) -> None:
    raise error


@pytest.fixture
def lanes():
    return Counting()


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_runs_that_changed_while_they_were_followed_are_followed_once_more(lanes):
    following = Following(lanes, lambda: None, nothing_fails)
    one, other = Run("one"), Run("other")

    for ledger in (one, other, one, other):
        following.follow(ledger)
    await turns(20)

    assert sorted(lanes.looks) == ["one", "one", "other", "other"]
    assert not following.is_busy


async def test_two_runs_never_have_each_other_followed_for_ever(lanes):
    runs = [Run("one"), Run("other")]

    def again():
        for ledger in runs:
            following.follow(ledger)

    following = Following(lanes, again, nothing_fails)
    following.follow(runs[0])
    await turns(1)
    again()
    await turns(100)

    assert len(lanes.looks) <= 4
    assert not following.is_busy
