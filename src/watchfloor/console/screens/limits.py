"""A run's limits in two fields: what would change, then a yes."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input

from watchfloor.console.bound_keys import bound_key
from watchfloor.console.closing import close
from watchfloor.console.figures import rate
from watchfloor.console.keymap import bindings
from watchfloor.console.limits import Draft, Limits, drafted, limits_of
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.screens.modal import Modal
from watchfloor.console.text import plain, wrapped
from watchfloor.console.widgets.field import Field
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.progress import in_flight
from watchfloor.domain.views import RunView

_LABELS: tuple[Line, Line] = ((Piece("permits", "dim"),), (Piece("pace", "dim"),))
_MOST_LINES = 2


class LimitsDialog(Modal[Limits | None]):
    """Enter leads from field to field, then to the safe answer: it never confirms.

    On a slow line keys pile up: an Enter too many must change no limit. What would
    change stands above the answers, and one key of its own asks for it.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = LOOKS
    BINDINGS: ClassVar[list[BindingType]] = bindings("limits")
    AUTO_FOCUS = "#permits"

    def __init__(self, run: RunView) -> None:
        super().__init__()
        self._run = run
        self._now = limits_of(run)

    def compose(self) -> ComposeResult:
        """Lay both fields out, filled with what holds now."""
        with Vertical(id="box"):
            yield Panel(id="question")
            with Horizontal(classes="field"):
                yield Panel(id="permits-label", classes="label")
                yield self._input("permits", str(self._now.permits))
            with Horizontal(classes="field"):
                yield Panel(id="rate-label", classes="label")
                yield self._input("rate", rate(self._now.rate_per_s))
            yield Panel(id="change")
            with Horizontal(id="buttons"):
                no, yes = (bound_key(self, f"limits.{key}") for key in ("no", "yes"))
                yield Button(plain(f" No, leave them ({no}) "), id="no", compact=True)
                yield Button(
                    plain(f" Yes, change them ({yes}) "),
                    id="yes",
                    compact=True,
                    disabled=True,
                )

    def _input(self, name: str, value: str) -> Input:
        return Field(value, id=name, compact=True, max_length=20)

    def on_mount(self) -> None:
        """Show whose limits they are."""
        self._panel("question").draw(self._painted)
        self._panel("permits-label").draw(lambda _: (_LABELS[0],))
        self._panel("rate-label").draw(lambda _: (_LABELS[1],))
        self._judge()

    def _painted(self, width: int) -> tuple[Line, ...]:
        run = self._run
        state = f"{run.run_id} is {run.label}, {in_flight(run):,} in flight"
        note = (
            "They hold at once; no attempt in flight is cut. Limits of channel and "
            "workspace hold beside them. Pace: 20/s, 600/m, 10/h or none."
        )
        return (
            (Piece(f"Limits of {run.campaign_name}", "key"),),
            (Piece(state, "dim"),),
            (),
            *((Piece(text, "dim"),) for text in wrapped(note, width, 3)),
            (),
        )

    @property
    def _draft(self) -> Draft:
        return drafted(self._now, self._value("permits"), self._value("rate"))

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    @on(Input.Changed)
    def _judge(self) -> None:
        draft = self._draft
        changes = draft.limits is not None and draft.limits != self._now
        self.query_one("#yes", Button).disabled = not changes
        self._panel("change").draw(lambda width: _change(self._now, draft, width))

    @on(Input.Submitted, "#permits")
    def _permits_given(self) -> None:
        self.query_one("#permits" if self._draft.permits else "#rate").focus()

    @on(Input.Submitted, "#rate")
    def _rate_given(self) -> None:
        draft = self._draft
        if draft.limits is None:
            self.query_one("#permits" if draft.permits else "#rate").focus()
        else:
            self.query_one("#no").focus()

    @on(Button.Pressed, "#yes")
    def action_yes(self) -> None:
        """Take what the fields say, if that is a change."""
        limits = self._draft.limits
        if limits is not None and limits != self._now:
            close(self, limits)

    @on(Button.Pressed, "#no")
    def action_no(self) -> None:
        """Change nothing."""
        close(self)


def _change(now: Limits, draft: Draft, width: int) -> tuple[Line, ...]:
    """Return two blocks of always as many lines: a box that grows paints all anew."""
    if draft.limits is not None:
        said = f"{now.words}  →  {draft.limits.words}"
        if draft.limits == now:
            said = f"{now.words}: nothing would change"
        lines: list[Line] = [
            (Piece(text, "strong"),) for text in wrapped(said, width, _MOST_LINES)
        ]
    else:
        mistakes = [one for one in (draft.permits, draft.rate) if one]
        lines = [
            (Piece(text, "bad"),)
            for one in mistakes
            for text in wrapped(one, width, _MOST_LINES)
        ]
    return tuple(lines)
