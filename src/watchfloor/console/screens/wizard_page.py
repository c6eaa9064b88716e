"""The launch wizard's page: one of five steps, and how they are gone through."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Key, Paste
from textual.widgets import Button

from watchfloor.console.figures import counted
from watchfloor.console.flow import MOST_SAID, read_whole
from watchfloor.console.keymap import bindings
from watchfloor.console.lines import Offer, footer
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.screens.modal import Modal
from watchfloor.console.screens.wizard_pickers import (
    CampaignPicker,
    Picker,
    UploadPicker,
)
from watchfloor.console.session import Session
from watchfloor.console.text import plain
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.console.wizard_lines import (
    check_lines,
    choice,
    head,
    render_lines,
    review_lines,
    steps,
)
from watchfloor.console.wizard_steps import (
    READ_ONLY,
    Check,
    Draft,
    Step,
    blocked,
    missing,
)
from watchfloor.domain.prospects import CampaignOffer

_TOP = -1_000_000
_NEXT = "Next step"
#: What the footer of each step offers; a name where it is called something else there.
_OFFERED: dict[Step, dict[str, str]] = {
    Step.CAMPAIGN: {"choose": "", "next": "", "leave": ""},
    Step.UPLOAD: {"choose": "", "field": "", "next": "", "prev": "", "leave": ""},
    Step.CHECKS: {"choose": _NEXT, "prev": "", "again": "", "leave": ""},
    Step.RENDER: {"choose": _NEXT, "prev": "", "again": "", "leave": ""},
    Step.REVIEW: {"launch": "", "arm": "", "no": "", "prev": "", "again": ""},
}


class WizardPage(Modal[str | None]):
    """Shows the step at which a draft stands.

    Attributes:
        draft: What was chosen; whoever opened the wizard may hand it in again.
        check: What was found out about it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("wizard")
    AUTO_FOCUS = ""

    def __init__(self, session: Session, draft: Draft | None) -> None:
        super().__init__()
        self.session = session
        self.draft = draft or Draft()
        self.check = Check()
        self._message: Line = ()
        self._entered_at_s = math.inf

    def compose(self) -> ComposeResult:
        """Lay every step out; a class of the screen shows one of them."""
        yield Panel(id="heading", classes="heading")
        yield Panel(id="steps")
        yield Panel(id="choice")
        yield CampaignPicker(self.session, self.draft.campaign)
        yield UploadPicker(self.session)
        yield Panel(id="inside")
        yield Panel(id="told")
        no, yes = map(self.session.keymap.key, ("wizard.no", "wizard.launch"))
        with Horizontal(id="buttons"):
            yield Button(plain(f" No, not yet ({no}) "), id="no", compact=True)
            yield Button(plain(f" Yes, launch it ({yes}) "), id="yes", compact=True)
        yield Panel(id="message")
        yield Panel(id="keys", classes="footer")

    def on_mount(self) -> None:
        """Begin where the draft ended; what was found by a check is not kept."""
        self.go(min(self.draft.step, Step.CHECKS))
        if self.session.read_only:
            self.say(f"{READ_ONLY}.", "warn")

    def panel(self, name: str) -> Panel:
        """Return one block of lines."""
        return self.query_one(f"#{name}", Panel)

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self.draft.step

    @property
    def picker(self) -> Picker:
        """Where the step's choice is made."""
        kind = CampaignPicker if self.step is Step.CAMPAIGN else UploadPicker
        return self.query_one(kind)

    @property
    def is_ready(self) -> bool:
        """Whether the step has the focus, and no choice of it is still looked for."""
        is_looking = self.step.is_choosing and self.picker.is_looking
        return self._entered_at_s < math.inf and not is_looking

    def on_key(self, event: Key) -> None:
        """Write what is typed before the field has the focus: it orders nothing."""
        if event.is_printable and event.character:
            self._write_early(event, event.character)

    def on_paste(self, event: Paste) -> None:
        """Write what is pasted before the field has the focus."""
        self._write_early(event, " ".join(event.text.splitlines()))

    def _write_early(self, event: Key | Paste, text: str) -> None:
        if self.step.is_choosing and self.focused is None:
            event.stop()
            self.picker.field.insert_text_at_cursor(text)

    # --- going about -----------------------------------------------------------------

    def go(self, step: Step) -> None:
        """Show a step."""
        self.draft = replace(self.draft, step=step)
        # All at once: every change of a class styles the whole screen anew.
        self.set_classes(f"-{step.name.lower()}")
        self.panel("told").scroll_lines(_TOP)
        self.entered(step)
        self.say("")
        self._entered_at_s = math.inf
        # What is hidden until the next layout takes no focus.
        self.call_after_refresh(self._focus)

    def lacks(self) -> str:
        """Return what the step still needs before the next one; or nothing."""
        return missing(self.draft, self.check, self.session.keymap)

    def entered(self, step: Step) -> None:
        """Do what a step begins with."""
        raise NotImplementedError

    def forget_check(self) -> None:
        """Forget what was found out about what was chosen before."""
        raise NotImplementedError

    def _focus(self) -> None:
        self._entered_at_s = time.monotonic()
        if self.step.is_choosing:
            self.picker.field.focus()
        elif self.step is Step.REVIEW:
            self.query_one("#no").focus()
        else:
            self.set_focus(None)

    def action_step(self, by: int) -> None:
        """Go to the next step or the one before; say what is missing."""
        lacks = self.lacks() if by > 0 else ""
        if lacks:
            self.say(lacks, "warn")
        elif self.step is Step.CAMPAIGN and by < 0:
            self.say("This is the first step.", "dim")
        else:
            self.go(Step(self.step + by))

    def action_row(self, by: int) -> None:
        """Move the cursor, or show later lines."""
        if self.step.is_choosing:
            self.picker.grid.action_row(by)
        else:
            self.panel("told").scroll_lines(by)
            self._paint_message()

    def action_half(self, sign: int) -> None:
        """Move half a page."""
        if self.step.is_choosing:
            self.picker.grid.action_half(sign)
        else:
            self.action_row(sign * max(1, self.panel("told").size.height // 2))

    def action_field(self, by: int) -> None:
        """Take the row's path into the field; in the review go to the other answer."""
        picker = self.picker
        if self.step is Step.REVIEW:
            _ = self.focus_next() if by > 0 else self.focus_previous()
        elif self.step is Step.UPLOAD and isinstance(picker, UploadPicker):
            picker.complete()

    @on(Picker.Chosen)
    def _chosen(self, message: Picker.Chosen) -> None:
        offer, draft = message.offer, self.draft
        if isinstance(offer, CampaignOffer):
            self.draft = replace(draft, campaign=offer)
        else:
            self.draft = replace(draft, upload=offer)
        if self.draft != draft:
            self.forget_check()
        self.go(Step(self.step + 1))

    # --- painting --------------------------------------------------------------------

    @on(Picker.Said)
    def _said(self, message: Picker.Said) -> None:
        self.say(message.text, message.role)

    def say(self, text: str, role: str = "") -> None:
        """Show a line to the operator; empty for none."""
        self._message = (
            (Piece(f" {self.session.address.here(text)}", role),) if text else ()
        )
        self.paint()

    @on(Picker.Changed)
    def paint(self) -> None:
        """Show everything that is known of the step."""
        self.panel("heading").draw(lambda width: (head(self.session, width),))
        self.panel("steps").draw(lambda width: (steps(self.step, width),))
        self.panel("choice").draw(lambda _: (choice(self.draft),))
        self.panel("inside").draw(self.picker.at_length)
        self.panel("told").draw(self._lines)
        self.panel("keys").draw(lambda width: (footer(self._footer(), width),))
        is_blocked = bool(blocked(self.check, self.session))
        self.query_one("#yes", Button).disabled = is_blocked
        self._paint_message()
        # How many lines do not fit is known after the layout.
        self.call_after_refresh(self._paint_message)

    def _lines(self, width: int) -> list[Line]:
        found = self.check.prospect
        if self.step is Step.RENDER and found is not None:
            return render_lines(found, width)
        if self.step is Step.REVIEW:
            return review_lines(self.check, self.session, width)
        return check_lines(self.check, width) if self.step is Step.CHECKS else []

    def _paint_message(self) -> None:
        shown = self._message
        hidden = 0 if self.step.is_choosing else self.panel("told").hidden_below
        if hidden and not shown:
            shown = (Piece(f" {counted(hidden, 'more line')} below: ↓", "dim"),)
        self.panel("message").draw(
            lambda width: read_whole(shown, (), width, MOST_SAID)
        )

    def _footer(self) -> list[Offer]:
        names = _OFFERED[self.step]
        lacks = bool(self.lacks())
        stops = {
            "next": lacks,
            "choose": lacks and self.step >= Step.CHECKS,
            "launch": bool(blocked(self.check, self.session)),
            "arm": self.session.read_only,
        }
        return [
            Offer(act, possible=not stops.get(name, False), label=names[name])
            for act in self.session.keymap.acts("wizard")
            if (name := act.ident.removeprefix("wizard.")) in names
        ]
