"""What an engine says while it runs: written beside it, never waited for.

A terminal that takes nothing (a stalled line, ctrl+s) blocks whoever writes to it. The
engine's loop must not be who does.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Final

from watchfloor.cli.lines import for_shell
from watchfloor.domain.text import clean

_STDERR: Final = 2
#: What nobody reads is dropped beyond so many lines.
_MOST: Final = 1_000
_LONGEST: Final = 2_000
#: So long the end waits for the last lines to be taken.
_PATIENCE_S: Final = 1.0


class Remarks(logging.Handler):
    """Writes lines to stderr on a thread of its own; takes a logger's warnings too.

    Attributes:
        dropped: How many lines nobody took.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.dropped = 0
        # Of the queues the one that a signal's handler may use at any moment.
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        # Written without Python's buffers: a thread that hangs in one would keep the
        # interpreter from ending.
        self._thread = Thread(target=self._write, name="watchfloor-words", daemon=True)
        self._thread.start()

    def tell(self, text: str) -> None:
        """Say a line; dropped where too many wait already."""
        if self._lines.qsize() < _MOST:
            self._lines.put(clean(for_shell(text), _LONGEST))
        else:
            self.dropped += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Say what a logger warns of."""
        self.tell(record.getMessage())

    def end(self) -> None:
        """Let the last lines be written, as far as somebody takes them."""
        self._lines.put(None)
        self._thread.join(_PATIENCE_S)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            with suppress(OSError):
                os.write(_STDERR, f"{line}\n".encode(errors="replace"))
