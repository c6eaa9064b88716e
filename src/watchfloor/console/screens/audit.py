"""Who did what, when, from where, why, and what came of it: the journal of all runs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, cast

from textual.binding import BindingType

from watchfloor.console.audit_lines import AUDIT_COLUMNS, AuditRow, audit_at_length
from watchfloor.console.keymap import bindings
from watchfloor.console.pieces import Line
from watchfloor.console.screens.list_sheet import Page, Trail
from watchfloor.console.screens.prompt import Prompt
from watchfloor.console.screens.scoped_sheet import Choice, ScopedSheet
from watchfloor.console.session import Session
from watchfloor.domain.views import RunView


class AuditScreen(ScopedSheet[AuditRow]):
    """The newest entry first; a text and the selected run narrow it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("audit")

    heading = "Audit"
    what = "the journal"
    columns = AUDIT_COLUMNS
    scopes = ("audit", "sheet")
    nothing = "Nobody has done anything here yet."

    def __init__(self, session: Session, run: RunView | None) -> None:
        super().__init__(session, run)
        self._texts: list[str] = []

    def key(self, row: AuditRow) -> Hashable:
        """Return the entry's number."""
        return row.entry.event.entry_id

    async def part(self, choice: Choice, after: object, size: int) -> Page[AuditRow]:
        """Ask for a page of the journal."""
        found = await self.session.desk.audit(
            choice.run_id,
            text=choice.text,
            before=cast("int | None", after),
            size=size,
        )
        now_ms = self.session.clock()
        return Page([AuditRow(one, now_ms) for one in found.entries], found.before)

    def show(self, wanted: Trail, found: Page[AuditRow], *, again: bool) -> None:
        """Show a page, and say where a search stopped before the end."""
        super().show(wanted, found, again=again)
        if self.choice.text and found.after is not None and len(found.rows) < _FEW:
            key = self.session.keymap.key("page.next")
            self.say(f"The search stopped here; {key} looks further back.", "warn")

    def why_empty(self) -> str:
        """Return why nothing stands there."""
        if self.choice.text:
            key = self.session.keymap.key("audit.filter")
            return f"Nothing here holds that text; {key} with an empty text shows all."
        return super().why_empty()

    def at_length(self, row: AuditRow | None, width: int) -> Sequence[Line]:
        """Return everything the journal holds of an entry."""
        return audit_at_length(row, width)

    async def opened(self, row: AuditRow) -> None:
        """Go to the run of an entry."""
        run_id = row.entry.event.run_id
        if run_id:
            self.show_run(run_id)
        else:
            self.say("No run belongs to this entry.", "warn")

    async def action_choose_filter(self) -> None:
        """Ask for a text that must occur."""
        prompt = Prompt(
            "Entries with",
            self.choice.text,
            self._texts,
            "who, what, why or a run; empty for all",
        )
        await self.app.push_screen(prompt, self._text_given)

    def _text_given(self, text: str | None) -> None:
        if text is None:
            return
        text = text.strip()
        if text and text not in self._texts[-1:]:
            self._texts.append(text)
        self.narrow(self.choice._replace(text=text))


#: A full page holds at least so many rows.
_FEW = 40
