"""The details of a run; what providers reported is read when they are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual import on
from textual.message import Message

from watchfloor.console.details import details
from watchfloor.console.pieces import Line
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.reader import Reader
from watchfloor.console.session import Session
from watchfloor.console.work import begin
from watchfloor.domain.regions import Results
from watchfloor.domain.views import RunView


class Details(Reader):
    """Stands at once with what is known; the results follow, once."""

    @dataclass
    class Read(Message):
        """The results came, or why they did not."""

        answer: Mapping[str, int] | Failure

    def __init__(self, session: Session, run: RunView) -> None:
        self._session = session
        self._run = run
        self._now_ms = session.clock()
        super().__init__("Details", lambda _: self._told(), session.keymap)

    def on_mount(self) -> None:
        """Read what was reported, where anything can have been."""
        if self._run.lifecycle.results is not Results.NONE or self._run.books.attempts:
            begin(self, self._read, "results")

    async def _read(self) -> None:
        counts = await answer(self._session.desk.results(self._run.run_id))
        self.post_message(self.Read(counts))

    @on(Read)
    def _show(self, message: Read) -> None:
        told = message.answer
        if isinstance(told, Failure):
            fault = told.sentence
            self.draw(lambda _: self._told(fault=fault))
        else:
            self.draw(lambda _: self._told(told))

    def _told(
        self, results: Mapping[str, int] | None = None, fault: str = ""
    ) -> tuple[Line, ...]:
        dialect = self._session.wishes.dialect
        return details(self._run, self._now_ms, results, fault, dialect=dialect)
