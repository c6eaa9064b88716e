"""Where a run is made sick: a workspace, a provider, and time that can be made to pass.

Nothing here stands in for the product: engine, store, inbox and HTTP requests are the
real ones. Only the clock is a test's, so that ten minutes pass at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.floor import Floor, Running, ids
from tests.support.patience import until
from tests.support.provider import Provider, Reply

from watchfloor.engine import jobs

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
#: About how much of the floor's time is between two beats while a run works.
_BEAT_S = 2.0

#: So patient with a provider that nobody is given up while a test looks.
PATIENT = 'attempts = 100\nbackoff = "1h"\nmax_backoff = "1h"'
#: As patient, and in a hurry.
EAGER = 'attempts = 100\nbackoff = "1ms"\nmax_backoff = "1ms"'
#: No request is given up while a test looks, however long that takes.
UNHURRIED = 'timeout = "20m"'
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

    def watched_at_work(self, run_id: str, engine: Running, each_s: float) -> Patient:
        """Return a run of which some more is done between the two readings."""

        def go_on() -> None:
            self.worked(run_id, engine, self.floor.books(run_id).done + 3, each_s)

        return Patient(run_id, go_on)

    def worked(self, run_id: str, engine: Running, done: int, each_s: float) -> None:
        """Let a run go on until so many records are done; each costs *each_s*.

        That is of the floor's time, which stands still between two answers: neither
        how fast this machine is nor what else it does makes the run a faster one or a
        slower one. The engine beats after every answer, or after two that cost little.
        """
        at_once = max(1, round(_BEAT_S / each_s))
        self.provider.hold()
        with self.floor.clock.still():
            while (books := self.floor.books(run_id)).done < done:
                until(lambda: self.provider.at_once > 0, "somebody to be asked")
                answered = self.provider.answer(min(at_once, done - books.done))
                self.floor.clock.ahead_s += answered * each_s
                self._until_done(run_id, books.done + answered)
                engine.do(jobs.beat)

    def _until_done(self, run_id: str, done: int) -> None:
        until(lambda: self.floor.books(run_id).done >= done, f"{done} records")

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
