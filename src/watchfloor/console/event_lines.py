"""One entry of a run's journal at length."""

from __future__ import annotations

from watchfloor.console.figures import full_time
from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.views import EventView

_MOST_LINES = 2


def event_at_length(event: EventView | None, width: int) -> tuple[Line, ...]:
    """Return when and by whom it was asked, what changed, why, and the detail."""
    if event is None:
        return ()
    asked = (
        f" {full_time(event.at_ms)}  by {event.by or '-'}  from {event.origin or '-'}"
    )
    change = ""
    if event.before or event.after:
        change = f"{event.before or '-'} → {event.after or '-'}"
    said = "  ".join(part for part in (event.why, event.detail) if part)
    told = [
        (Piece(f" {text}"),)
        for part in (change, without_contact(said))
        if part
        for text in wrapped(part, max(10, width - 2), _MOST_LINES)
    ]
    return ((Piece(asked, "dim"),), *told)
