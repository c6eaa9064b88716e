"""What is brought into a round of the committer, and what is taken from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

from watchfloor.engine.booking import Finished
from watchfloor.engine.rules import Rules
from watchfloor.store.writes.attempts import Claimed


class Lane(Protocol):
    """A launched run as the committer sees it; the dispatcher is the one there is."""

    run_id: str
    rules: Rules
    finished: deque[Finished]
    released: deque[Claimed]

    def room(self, unfinished: int) -> int:
        """Return how many more intents may be stored now."""
        ...

    def receive(self, claimed: Sequence[Claimed]) -> None:
        """Take intents that are committed. Called on the committing thread."""
        ...


class Share(NamedTuple):
    """What one lane brought into a round."""

    lane: Lane
    finished: list[Finished]
    released: list[Claimed]

    @property
    def has_any(self) -> bool:
        """Whether there is anything to be stored."""
        return bool(self.finished or self.released)

    @property
    def taken_back(self) -> list[Claimed]:
        """Every intent that became no attempt: unsent, or refused by the channel."""
        refused = (one for one in self.finished if one.outcome.is_no_attempt)
        return [*self.released, *(one.claimed for one in refused)]

    def give_back(self) -> None:
        """Let the lane keep what could not be stored: no outcome may be lost."""
        self.lane.finished.extendleft(reversed(self.finished))
        self.lane.released.extendleft(reversed(self.released))


class Answer(NamedTuple):
    """What a job came to: its result, or what it raised."""

    result: Any = None
    error: Exception | None = None

    def tell(self, future: Future[Any]) -> None:
        """Tell whoever waits."""
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self.result)


def share_of(lane: Lane) -> Share:
    """Take what has gathered in a lane."""
    # Other threads append meanwhile; what is counted now is what is taken.
    finished = [lane.finished.popleft() for _ in range(len(lane.finished))]
    released = [lane.released.popleft() for _ in range(len(lane.released))]
    return Share(lane, finished, released)
