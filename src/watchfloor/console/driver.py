"""A Linux driver that sends a cell once."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver

from watchfloor.console.glass import Glass

_SYNC_START = "\x1b[?2026h"
_SYNC_END = "\x1b[?2026l"


class ThriftyDriver(LinuxDriver):
    """Compares what is painted with what stands on the glass and sends the rest.

    The memory is dropped when the terminal may have changed behind our back: on
    another size, on entering the alternate screen (SIGCONT does that), and on the
    operator's redraw.
    """

    glass: Glass | None = None
    _holds_start = False
    _forsaken = False

    def write(self, data: str) -> None:
        """Send what is not on the glass yet."""
        if self._forsaken:
            return
        if data == _SYNC_START:
            self._holds_start = True
            return
        if data == _SYNC_END and self._holds_start:
            self._holds_start = False  # nothing was sent in between
            return
        if self.glass is None:
            self.glass = Glass()
        self.glass.resize(*self._app.size)
        sent = self.glass.thin(data)
        if not sent:
            return
        if self._holds_start:
            self._holds_start = False
            super().write(_SYNC_START)
        super().write(sent)

    def forget(self) -> None:
        """Know nothing of what stands on the glass."""
        if self.glass is not None:
            self.glass.forget()

    def forsake(self) -> None:
        """Send nothing any more: the terminal has vanished."""
        self._forsaken = True

    def _sigtstp_application(self, *_: object) -> None:
        """Go on: a process that stands still holds attempts, and beats no more.

        In place of Textual's, which stops the whole process with the engine in it. The
        key ctrl+z is no signal here; somebody sent this one.
        """

    def close(self) -> None:
        """End the writer, unless the vanished terminal has ended it already."""
        writer = self._writer_thread
        if self._forsaken and (writer is None or not writer.is_alive()):
            return
        super().close()
