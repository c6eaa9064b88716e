"""Clock, chance and the book of mistakes, handed down from the composition root."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from watchfloor.domain.errors import WatchfloorError

#: Takes an error that is survived, and returns it as a cause.
Survived = Callable[[BaseException], str]


def named(error: BaseException) -> str:
    """Return an error that nobody expected as it is stored as a cause."""
    return f"{type(error).__name__}: {error}"


class Surroundings(NamedTuple):
    """What the engine may not take from the air.

    Attributes:
        now_ms: Wall clock, milliseconds since 1970 UTC: for what is stored and due.
        monotonic_s: For pace and deadlines; a clock that jumps must not move them.
        chance: In [0, 1): for jitter.
        entropy: *n* random bytes: for ids.
        mishap: Writes a mistake of our own down, with the way to it, and returns in a
            sentence where that stands; empty where it stands nowhere.
        tell: Says a remark to whoever sits before this process. It may block.
    """

    now_ms: Callable[[], int]
    monotonic_s: Callable[[], float]
    chance: Callable[[], float]
    entropy: Callable[[int], bytes]
    mishap: Callable[[BaseException], str] = lambda _: ""
    tell: Callable[[str], None] = lambda _: None

    def survived(self, error: BaseException) -> str:
        """Write a mistake down, unless it was a deliberate no; return it as a cause."""
        if not isinstance(error, WatchfloorError):
            self.mishap(error)
        return named(error)
