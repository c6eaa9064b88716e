"""A cohort: the records that one or several groups of failures hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import cast

from textual.widget import Widget

from watchfloor.console.columns import RECORD_COLUMNS, RecordRow
from watchfloor.console.copies import cohort_json
from watchfloor.console.pages import Filter
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.screens.cohort_sheet import Cohort, CohortSheet, shell_words
from watchfloor.console.screens.journey import JourneyScreen
from watchfloor.console.screens.list_sheet import Page
from watchfloor.console.session import Session
from watchfloor.console.text import wrapped
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.views import PageKey, RunView

_MOST_LINES = 3


class CohortScreen(CohortSheet[RecordRow]):
    """Its records, and exactly what a retry of them would do."""

    heading = "Cohort"
    what = "the cohort"
    columns = RECORD_COLUMNS
    scopes = ("cohort", "sheet")
    nothing = "No record is left in this cohort; read the failures anew."

    _preview: RetryPreview | None = None

    def __init__(self, session: Session, run: RunView, cohort: Cohort) -> None:
        super().__init__(session, run)
        self._cohort = cohort

    def above(self) -> Iterable[Widget]:
        """Leave a line for what the records have in common."""
        yield Panel(id="fate")

    def key(self, row: RecordRow) -> Hashable:
        """Return the record's number."""
        return row.record.seq

    async def page(self, after: object, size: int) -> Page[RecordRow]:
        """Ask what a retry would do, and for a page of the records."""
        desk, run = self.session.desk, cast("RunView", self.run)
        selection = self._cohort.selection
        self.run = await desk.run(run.run_id)
        self._preview = await desk.retry_preview(run.run_id, selection)
        wanted = PageKey(after=cast("int | None", after), size=size)
        found = await desk.cohort(run.run_id, selection, wanted)
        now_ms = self.session.clock()
        ends = found.searched_to
        if ends is None and found.has_after:
            ends = found.records[-1].seq
        return Page([RecordRow(one, now_ms) for one in found.records], ends)

    def head(self) -> None:
        """Bring the heading and what the records have in common up to date."""
        super().head()
        words = without_contact(self._cohort.words)
        self.panel("fate").draw(lambda _: ((Piece(f" {words}", "strong"),),))

    def at_length(self, row: RecordRow | None, width: int) -> Sequence[Line]:  # noqa: ARG002 - the sheet's signature
        """Return exactly what a retry of the cohort would do, whatever the row."""
        preview = self._preview
        if preview is None:
            return ()
        room = max(10, width - 4)
        if preview.refusal is not None:
            note = f"{preview.refusal}: {preview.explanation}."
            said = wrapped(f"{note} {preview.counts.told}".rstrip(), room, _MOST_LINES)
            return [(Piece(f" {text}", "warn"),) for text in said]
        lines: list[Line] = []
        for sentence in preview.lines():
            first, *rest = wrapped(sentence, room, _MOST_LINES)
            lines.append((Piece(" • ", "dim"), Piece(first)))
            lines += [(Piece(f"   {text}"),) for text in rest]
        return lines

    def meant(self) -> Cohort | str:
        """Return the cohort; with why nothing of it can be retried, where it is so."""
        preview = self._preview
        if preview is None or preview.refusal is None:
            return self._cohort
        return self._cohort._replace(why_not=preview.explanation)

    def copied(self) -> str:
        """Return what the cohort is, and what a retry would do, as JSON."""
        run = cast("RunView", self.run)
        selection = self._cohort.selection
        retry = shell_words(run.run_id, selection)
        words = self.session.address.anywhere(retry)
        return cohort_json(run, selection, self._preview, words)

    async def opened(self, row: RecordRow) -> None:
        """Open the journey of a record; coming back selects the one last seen."""
        if self.run is not None:
            chosen = Filter((row.record.state,))
            journey = JourneyScreen(self.session, self.run, row.record.seq, chosen)
            await self.app.push_screen(journey, self._left)

    def _left(self, seq: int | None) -> None:
        if seq is not None:
            self.grid.select(seq)
