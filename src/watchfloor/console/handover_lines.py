"""The note for the next shift as a page, and as what is copied."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from watchfloor.console.pieces import Line, Piece
from watchfloor.console.privacy import without_contact
from watchfloor.console.text import wrapped
from watchfloor.domain.handover import Handover, note_lines
from watchfloor.domain.shell_words import Address
from watchfloor.domain.text import clean

#: A line of the note takes no more lines of the page.
_MOST_LINES = 8
_LEAST_WIDTH = 20


def handover_lines(note: Handover, address: Address, width: int) -> tuple[Line, ...]:
    """Return the note's lines in this width; what goes on is indented."""
    lines: list[Line] = []
    for line in note_lines(note, ZoneInfo(note.zone)):
        body = address.anywhere(without_contact(line.strip()))
        if not body:
            lines.append(())
            continue
        is_head = not line.startswith(("-", " "))
        indent = 1 if is_head else 3 + len(line) - len(line.lstrip())
        room = max(_LEAST_WIDTH, width - indent - 2)
        for place, part in enumerate(wrapped(body, room, _MOST_LINES)):
            further = 2 if place else 0
            role = "key" if is_head and not place else ""
            lines.append((Piece(" " * (indent + further)), Piece(part, role)))
    return tuple(lines)


def handover_text(note: Handover, address: Address) -> str:
    """Return the note as it is copied: plain text, every line harmless."""
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}"
        f"{clean(address.anywhere(without_contact(line.strip())), 2_000)}"
        for line in note_lines(note, ZoneInfo(note.zone))
    )
