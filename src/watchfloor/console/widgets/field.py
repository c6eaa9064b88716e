"""A field to write into, in which nothing can stand that a terminal would obey."""

from __future__ import annotations

import unicodedata

from textual.events import Paste
from textual.widgets import Input

from watchfloor.domain.text import clean


class Field(Input):
    """Whatever is pasted, only what has a look of its own stays; it never blinks."""

    def on_mount(self) -> None:
        """Keep still: an idle console sends nothing."""
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Put pasted lines into one before Textual's own handler takes the first."""
        event.text = " ".join(event.text.splitlines())

    def validate_value(self, value: str) -> str:
        """Leave out what the text door would show as something else."""
        text = unicodedata.normalize("NFC", value)
        return "".join(char for char in text if clean(char) == char)
