"""The note for the next shift: read once, and copied as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.message import Message

from watchfloor.console.handover_lines import handover_lines, handover_text
from watchfloor.console.keymap import bindings
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.reading import Failure, answer
from watchfloor.console.screens.reader import Reader
from watchfloor.console.session import Session
from watchfloor.console.work import begin
from watchfloor.domain.handover import Handover
from watchfloor.domain.views import RunView

#: A shift.
SPAN_MS: Final = 8 * 3_600_000
_NAME: Final = "Handover, the last 8 hours"


class HandoverPage(Reader):
    """Stands at once; the note follows."""

    scopes: ClassVar[tuple[str, ...]] = ("handover", "reader")
    BINDINGS: ClassVar[list[BindingType]] = bindings("handover", "reader")

    @dataclass
    class Read(Message):
        """The note came, or why it did not."""

        answer: Handover | Failure

    def __init__(self, session: Session, _run: RunView | None) -> None:
        self._session = session
        self._note: Handover | None = None
        super().__init__(_NAME, lambda _: _said("reading …", "dim"), session.keymap)

    def on_mount(self) -> None:
        """Read the note."""
        begin(self, self._read, "handover")

    async def _read(self) -> None:
        note = await answer(self._session.desk.handover(SPAN_MS))
        self.post_message(self.Read(note))

    @on(Read)
    def _show(self, message: Read) -> None:
        note = message.answer
        if isinstance(note, Failure):
            sentence = f"Could not read the note: {note.sentence}"
            self.draw(lambda _: _said(sentence, "bad"))
            return
        self._note = note
        address = self._session.address
        self.draw(lambda width: handover_lines(note, address, width))

    def action_copy_note(self) -> None:
        """Copy the whole note."""
        if self._note is not None:
            self.app.copy_to_clipboard(handover_text(self._note, self._session.address))
            self.call(f"{_NAME}: copied, if the terminal allows it (OSC 52)")


def _said(text: str, role: str) -> tuple[Line, ...]:
    return ((Piece(f" {text}", role),),)
