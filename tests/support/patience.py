"""Waiting for a condition: polled, bounded, and never a blind sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Far beyond what a busy machine needs: reaching it is a failure, not slowness.
DEADLINE_S = 90.0
#: Rare enough to leave an engine in the same process its time.
POLL_S = 0.01


def until(found: Callable[[], T], what: str = "the condition") -> T:
    """Ask until the answer is true, and return it.

    Raises:
        AssertionError: It never was within the deadline.
    """
    give_up = time.monotonic() + DEADLINE_S
    while not (answer := found()):
        assert time.monotonic() < give_up, f"waited in vain for {what}"
        time.sleep(POLL_S)
    return answer
