from __future__ import annotations

import asyncio
from typing import Any

import pytest

from watchfloor.engine.following import Following


class Counting:
    """Lanes of which each look at a run takes one turn of the loop."""

    def __init__(self) -> None:
        self.looks: list[str] = []

    async def follow(self, ledger: Any) -> None:
        self.looks.append(ledger.run_id)


class Run:
    """As much of a ledger as following looks at."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id


@pytest.fixture
def lanes():
    return Counting()


async def turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_runs_that_changed_while_they_were_followed_are_followed_once_more(lanes):
    following = Following(lanes, lambda: None, pytest.fail)
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

    following = Following(lanes, again, pytest.fail)
    following.follow(runs[0])
    await turns(1)
    again()
    await turns(100)

    assert len(lanes.looks) <= 4
    assert not following.is_busy
