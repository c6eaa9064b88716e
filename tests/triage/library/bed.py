"""Where a run is made sick: a workspace, a provider, and time that can be made to pass.

Nothing here stands in for the product: engine, store, inbox and HTTP requests are the
real ones. Only the clock is a test's, so that ten minutes pass at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.floor import Floor, Running, ids
from tests.support.patience import DEADLINE_S
from tests.support.provider import Provider, Reply

from watchfloor.engine import jobs

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S

#: So patient with a provider that nobody is given up while a test looks.
PATIENT = 'attempts = 100\nbackoff = "1h"\nmax_backoff = "1h"'
#: As patient, and in a hurry.
EAGER = 'attempts = 100\nbackoff = "1ms"\nmax_backoff = "1ms"'
NO_BREAKER = "[guard]\nbreaker_after = 0"


def nothing() -> None:
    """Let the world stand still."""


class Patient(NamedTuple):
    """A run as triage finds it.

    Attributes:
        run_id: The run.
        meanwhile: What happens between the two readings of its counters.
    """

    run_id: str
    meanwhile: Callable[[], None] = nothing


class Bed(NamedTuple):
    """What a plant works with: a workspace nobody used yet, and a provider."""

    floor: Floor
    provider: Provider

    @contextmanager
    def engine(self) -> Iterator[Running]:
        """Run an engine; when it is to end, nothing keeps it."""
        with self.floor.engine() as running:
            try:
                yield running
            finally:
                self.provider.otherwise = Reply()
                self.provider.replies = {}
                self.provider.let_go()

    def later(self, engine: Running, seconds: float) -> None:
        """Let so much time pass; the engine beats as it did all along."""
        self.floor.clock.ahead_s += seconds
        engine.do(jobs.beat)

    def watched(self, run_id: str, engine: Running) -> Patient:
        """Return a run of which the counters are read two seconds apart."""
        return Patient(run_id, lambda: self.later(engine, 2.0))

    def costing(self, seconds: float, reply: Reply | None = None) -> None:
        """Let every request cost so much of the floor's time, and be answered."""
        answer = reply or Reply(after_s=0.01)

        def answered() -> Reply:
            self.floor.clock.ahead_s += seconds
            return answer

        self.provider.otherwise = answered

    def worked(self, run_id: str, engine: Running, done: int) -> None:
        """Let a run go on until so many records are done; every span is sampled."""

        give_up = time.monotonic() + DEADLINE_S
        run = self.floor.view(run_id)
        # Without a rest: the floor's time goes by in a hurry, and an engine beats once
        # in every second of it.
        while run.books.done < done and not run.lifecycle.is_ended:
            engine.do(jobs.beat)
            run = self.floor.view(run_id)
            assert time.monotonic() < give_up, f"{done} records were never done"
        # From here on requests take real time alone: nobody is looked at in a hurry.
        self.provider.otherwise = Reply(after_s=0.02)
        engine.do(jobs.beat)

    def upload(self, header: str, rows: list[str], name: str = "list.csv") -> Path:
        """Write a contact file; return where it is."""
        path = self.floor.root / name
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        return path


#: Makes one run sick (or leaves it well) for as long as the block lasts.
Plant = Callable[[Bed], AbstractContextManager[Patient]]


def numbers(count: int, prefix: str = "+1202555", digits: int = 4) -> list[str]:
    """Return valid phone numbers that begin alike."""
    return [f"{prefix}{number:0{digits}}" for number in range(100, 100 + count)]


def phones(text: str, region: str = "US") -> str:
    """Return a campaign over ids as one over phone numbers of the same column."""
    return text.replace('kind = "id"', f'kind = "phone"\nregion = "{region}"')


def many() -> list[str]:
    """Return so many contacts that no run over them ends while a test looks."""
    return ids(2_000)
