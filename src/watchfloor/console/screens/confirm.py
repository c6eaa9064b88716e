"""A question before something that cannot be undone; the safe answer has the focus."""

from __future__ import annotations

import asyncio
import math
import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Button, Input

from watchfloor.console.bound_keys import bound_key
from watchfloor.console.closing import close
from watchfloor.console.figures import counted
from watchfloor.console.keymap import bindings
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.questions import Consent, Question
from watchfloor.console.screens.modal import Modal
from watchfloor.console.session import Session
from watchfloor.console.text import plain, wrapped
from watchfloor.console.widgets.field import Field
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel

_MOST_LINES = 4
#: Lines that are not the question: border and buttons; a field with its margin.
_FRAME, _FIELD = 3, 2
_LEAST = 3
#: How often it is looked whether there is anything left to ask.
_MOOT_S = 0.5


class Confirm(Modal[Consent | None]):
    """Preview first; Enter presses the focused button, which is No."""

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("confirm")
    AUTO_FOCUS = ""

    def __init__(self, question: Question, session: Session) -> None:
        super().__init__()
        self._question = question.asked_at(session.address)
        self._session = session
        self._stands_since_s = math.inf
        self._yes_key = ""

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        question = self._question
        with Vertical(id="box"):
            yield Panel(id="question")
            if question.yes and question.typed:
                yield Panel(id="typing")
                yield self._input("typed", question.typed_name or "as shown above")
            if question.yes and question.wants_reason:
                may = "needed" if question.needs_reason else "may stay empty"
                yield self._input("reason", f"reason, for the journal ({may})")
            with Horizontal(id="buttons"):
                no = bound_key(self, "confirm.no") if question.yes else "Enter"
                # Now: while a field has the focus the key is a letter to type.
                self._yes_key = bound_key(self, "confirm.yes")
                yield Button(plain(f" {question.no} ({no}) "), id="no", compact=True)
                if question.yes:
                    yield Button(
                        plain(f" {question.yes} ({self._yes_key}) "),
                        id="yes",
                        compact=True,
                        disabled=bool(question.typed or question.needs_reason),
                    )
                if question.also:
                    also = f" {question.also} ({bound_key(self, 'confirm.also')}) "
                    yield Button(plain(also), id="also", compact=True)

    def _input(self, name: str, hint: str) -> Input:
        return Field(
            id=name,
            placeholder=plain(hint).plain,
            compact=True,
            select_on_focus=False,
            max_length=200,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  Textual's signature
        """Offer the other yes only where there is one."""
        return action != "also" or bool(self._question.also)

    def on_mount(self) -> None:
        """Show the question and put the focus where it is safe."""
        self.call_after_refresh(self._is_seen)
        self._fit()
        self._panel.draw(self._painted)
        wants_typing = self._question.yes and self._question.typed
        if wants_typing:
            self._tell_typing()
        if self._question.is_moot is not None:
            # At once too; not before it opens: letters typed meanwhile would be keys.
            self.call_later(self._go_if_moot)
            self.set_interval(_MOOT_S, self._go_if_moot)
        needed = "#reason" if self._question.needs_reason else "#no"
        self.query_one("#typed" if wants_typing else needed).focus()

    async def _go_if_moot(self) -> None:
        """Go away where what is asked about has settled itself."""
        is_moot = self._question.is_moot
        if is_moot is None or not await asyncio.to_thread(is_moot):
            return
        if self.is_active:
            self._session.catch.ignore_typing(self._session.clock())
        close(self)

    def _is_seen(self) -> None:
        self._stands_since_s = time.monotonic()

    @property
    def _is_heard(self) -> bool:
        return self._session.catch.was_asked(self._stands_since_s)

    def on_key(self, event: Key) -> None:
        """Take a letter that answers nothing as the beginning of the reason."""
        field = next(iter(self.query("#reason").results(Input)), None)
        is_elsewhere = field is not None and not isinstance(self.focused, Input)
        if field is None or not is_elsewhere or not event.is_printable:
            return
        if event.key not in self._answers and event.character:
            event.stop()
            field.focus()
            field.insert_text_at_cursor(event.character)

    @property
    def _answers(self) -> set[str]:
        return set(self.active_bindings)

    @property
    def _panel(self) -> Panel:
        return self.query_one("#question", Panel)

    def on_resize(self) -> None:
        """Keep the answers in sight, whatever is asked."""
        self._fit()

    def _fit(self) -> None:
        # What is asked may be longer than the screen; the fields and the buttons
        # below it must not be pushed off.
        below = sum(_FIELD for _ in self.query(Input)) + len(self.query("#typing"))
        room = max(_LEAST, self.size.height - _FRAME - below)
        self._panel.styles.max_height = room
        self.call_after_refresh(self._hint)

    def _hint(self) -> None:
        hidden = self._panel.hidden_below
        self.query_one("#box").border_subtitle = (
            f"PgDn: {counted(hidden, 'more line')}" if hidden else None
        )

    def action_scroll(self, sign: int) -> None:
        """Show further lines of a question that does not fit."""
        self._panel.scroll_lines(sign * max(1, self._panel.size.height - 1))
        self._hint()

    def _painted(self, width: int) -> tuple[Line, ...]:
        question = self._question
        lines: list[Line] = [(Piece(question.title, "key"),)]
        if question.state:
            lines.append((Piece(question.state, "dim"),))
        lines.append(())
        if question.note:
            lines += [
                (Piece(text, "warn"),)
                for text in wrapped(question.note, width, _MOST_LINES)
            ]
            lines.append(())
        for sentence in question.lines:
            first, *rest = wrapped(sentence, width - 2, _MOST_LINES)
            lines.append((Piece("• ", "dim"), Piece(first)))
            lines += [(Piece("  "), Piece(text)) for text in rest]
        if question.lines:
            lines.append(())
        return tuple(lines)

    def _tell_typing(self, wrong: str = "") -> None:
        line: Line = (
            Piece(wrong, "bad"),
            Piece("Type "),
            Piece(self._question.typed, "strong"),
            Piece(f" and press Enter, then {self._yes_key}."),
        )
        self.query_one("#typing", Panel).draw(lambda _: (line,))

    @property
    def _is_typed(self) -> bool:
        """Whether what must be typed was; a blank from a copied line is no mistake."""
        return self._value("typed").strip() == self._question.typed

    @property
    def _is_complete(self) -> bool:
        """Whether everything is there that a yes needs."""
        has_reason = bool(self._value("reason").strip())
        return self._is_typed and (has_reason or not self._question.needs_reason)

    @on(Input.Changed, "#typed")
    def _typed(self) -> None:
        self._tell_typing()

    @on(Input.Changed)
    def _able(self) -> None:
        for yes in self.query("#yes").results(Button):
            yes.disabled = not self._is_complete

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "typed" and not self._is_typed:
            name = self._question.typed_name or "the same"
            self._tell_typing(f"That is not {name}. " if event.value else "")
            return
        if not self._is_complete and self.query("#reason"):
            self.query_one("#reason").focus()
            return
        # Enter never confirms: it leads from a field to the safe answer.
        self.query_one("#no").focus()

    @on(Button.Pressed, "#yes")
    def action_yes(self) -> None:
        """Consent, if there is something to consent to and it was typed."""
        question = self._question
        if not self._is_heard:
            return
        if not question.yes or not self._is_typed:
            return
        if not self._is_complete:
            self.query_one("#reason").focus()
            return
        reason, typed = self._value("reason").strip(), self._value("typed").strip()
        close(self, Consent(reason, typed=typed))

    @on(Button.Pressed, "#also")
    def action_also(self) -> None:
        """Consent to the other way."""
        if self._is_heard and self._question.also:
            close(self, Consent(also=True))

    @on(Button.Pressed, "#no")
    def action_no(self) -> None:
        """Change nothing."""
        close(self)

    def _value(self, name: str) -> str:
        return next(
            (field.value for field in self.query(Input) if field.id == name), ""
        )
