"""Reads on their way: each asks the desk, tells the screen, and touches no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from textual.message import Message

from watchfloor.console.desk import Desk
from watchfloor.console.pages import Filter, Place, beginning, page
from watchfloor.console.reading import Failure, answer
from watchfloor.domain.live import Pulse
from watchfloor.domain.views import Overview, RecordPage, RunView


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of whose records was asked for.

    Attributes:
        down: Whether the greatest numbers stand first.
    """

    run_id: str
    place: Place
    chosen: Filter
    down: bool = False

    @property
    def beginning(self) -> Wanted:
        """The first page of the same list."""
        return self.at(beginning(down=self.down))

    def at(self, place: Place) -> Wanted:
        """Return the same list at another place."""
        return replace(self, place=place)


@dataclass
class OverviewRead(Message):
    """The runs came, or why they did not."""

    answer: Overview | Failure


@dataclass
class PulseRead(Message):
    """The owner's sign of life came, or why it did not."""

    answer: Pulse | Failure


@dataclass
class RunRead(Message):
    """One run came, or why it did not."""

    answer: RunView | Failure


@dataclass
class RecordsRead(Message):
    """A page of records came, or why it did not."""

    wanted: Wanted
    answer: RecordPage | Failure


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Reads of the desk whose answers are told as messages.

    Attributes:
        tell: Takes a message; a screen's ``post_message``.
    """

    desk: Desk
    tell: Callable[[Message], object]

    async def overview(self) -> None:
        """Read the runs."""
        self.tell(OverviewRead(await answer(self.desk.overview())))

    async def pulse(self) -> None:
        """Read the owner's sign of life."""
        self.tell(PulseRead(await answer(self.desk.pulse())))

    async def run(self, run_id: str) -> None:
        """Read one run."""
        self.tell(RunRead(await answer(self.desk.run(run_id))))

    async def records(self, wanted: Wanted, size: int) -> None:
        """Read a page of records."""
        read = page(self.desk, wanted.run_id, wanted.place, wanted.chosen, size)
        self.tell(RecordsRead(wanted, await answer(read)))
