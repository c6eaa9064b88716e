"""A Linux driver that sends a cell once."""

from __future__ import annotations

import os
import signal
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, Full

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size

from watchfloor.console.departing import Departing
from watchfloor.console.glass import Glass

_SYNC_START = "\x1b[?2026h"
_SYNC_END = "\x1b[?2026l"
#: The other screen, no cursor, and word of the focus: what a shell took back.
_TAKEN = "\x1b[?1049h\x1b[?25l\x1b[?1004h"
#: All that was taken, in one piece.
_GIVEN_BACK = (
    "\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l"
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
#: How long a signal waits at most for its handler's turn.
_TURN_S = 0.1
#: So many turns a console that a signal told to end waits for its terminal, in all.
_MOST_TURNS = 25
#: A writer that hangs is let go of within so many turns.
_TURNS, _SHORT_TURN_S = 500, 0.01


class ThriftyDriver(LinuxDriver):
    """Compares what is painted with what stands on the glass and sends the rest.

    The memory is dropped when the terminal may have changed behind our back: on
    another size, on entering the alternate screen (SIGCONT does that), and on the
    operator's redraw.
    """

    glass: Glass | None = None
    _holds_start = False
    _forsaken = False
    _is_taking = False
    _turns = 0

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
            self._send(_SYNC_START)
        self._send(sent)

    def measure_again(self, told: Size) -> None:
        """Tell of the terminal's size once more where it is another than was told.

        A signal may come while the handler of the one before has read the size and not
        handed it on yet: then the older size is told last, and would stay.

        Not where the terminal tells its size in band: what the system knows of it may
        be older then, as over a line that carries data and size each by itself.
        """
        if self._in_band_window_resize:
            return
        size = Size(*self._get_terminal_size())
        if size != told:
            self._app.post_message(Resize(size, size))

    def forget(self) -> None:
        """Know nothing of what stands on the glass."""
        if self.glass is not None:
            self.glass.forget()

    def forsake(self) -> Callable[[], None]:
        """Send nothing any more: the terminal has vanished, or nobody waits for it.

        For a signal's handler. Descriptors that lead nowhere must follow: they are what
        lets go of a writer that hangs.

        Returns:
            What gives the terminal back after that, if it takes anything at once.
        """
        self._forsaken = True
        way = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            spare = os.open(os.ttyname(self.fileno), way)
        except OSError:
            return lambda: None
        return partial(self._give_back, spare)

    def _give_back(self, spare: int) -> None:
        with suppress(OSError, termios.error):
            # A process in the background would be stopped for it.
            if os.tcgetpgrp(spare) == os.getpgrp():
                if self.attrs_before is not None:
                    termios.tcsetattr(spare, termios.TCSANOW, self.attrs_before)
                os.write(spare, _GIVEN_BACK.encode())
        os.close(spare)

    def _send(self, data: str) -> None:
        """Hand on what is to be written; wait while the terminal takes nothing.

        Never without an end: a signal may reach another thread, and its handler has
        to get its turn on this one.
        """
        writer = self._writer_thread
        while writer is not None and writer.is_alive() and not self._forsaken:
            with suppress(Full):
                writer._queue.put(data, timeout=_TURN_S)  # noqa: SLF001 - its door waits for ever
                return
            self._has_waited()

    def _has_waited(self) -> None:
        """Count a turn in which the terminal took nothing, where somebody is to end.

        Counted are turns and not the time: a machine that is slow is no such terminal.
        """
        if isinstance(self._app, Departing) and self._app.is_told_to_end:
            self._turns += 1
            if self._turns >= _MOST_TURNS:
                self._app.forsake_terminal()

    def _sigtstp_application(self, *_: object) -> None:
        """Go on: a process that stands still holds attempts, and beats no more.

        In place of Textual's, which stops the whole process with the engine in it. The
        key ctrl+z is no signal here; somebody sent this one.
        """

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again, which a shell had meanwhile.

        In place of Textual's, which starts its threads once more with every signal.
        """
        loop = self._app._loop  # noqa: SLF001 - there is no other way to it
        if loop is not None and not self._is_taking and not loop.is_closed():
            self._is_taking = True
            loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        self._is_taking = False
        if self._forsaken or self._writer_thread is None:
            return
        with suppress(OSError, termios.error):
            if os.tcgetpgrp(self.fileno) == os.getpgrp():
                modes = termios.tcgetattr(self.fileno)
                modes[tty.LFLAG] = self._patch_lflag(modes[tty.LFLAG])
                modes[tty.IFLAG] = self._patch_iflag(modes[tty.IFLAG])
                modes[tty.CC][termios.VMIN] = 1
                termios.tcsetattr(self.fileno, termios.TCSANOW, modes)
        self.write(_TAKEN)
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        self.forget()
        self._app.screen.refresh()

    def close(self) -> None:
        """End the writer, whether the terminal takes what it holds or not."""
        writer = self._writer_thread
        while writer is not None and writer.is_alive() and not self._forsaken:
            with suppress(Full):
                writer._queue.put(None, timeout=_TURN_S)  # noqa: SLF001 - likewise
                break
            self._has_waited()
        while writer is not None and writer.is_alive() and not self._forsaken:
            writer.join(_TURN_S)
            if writer.is_alive():
                self._has_waited()
        if writer is not None and self._forsaken:
            let_go(writer)


def let_go(writer: WriterThread) -> None:
    """Throw away what waits, so that a writer of no use any more comes to its end.

    One that hangs in a write would keep the interpreter from ending in order. A
    signal interrupts the write, which begins again where its descriptor leads now:
    to nowhere. Flushing the terminal does not wake who waits to write to it.
    """
    with suppress(Empty):
        while True:
            writer._queue.get_nowait()  # noqa: SLF001 - it has no door for this
    writer._queue.put_nowait(None)  # noqa: SLF001 - likewise
    for _ in range(_TURNS):
        writer.join(_SHORT_TURN_S)
        if writer.ident is None or not writer.is_alive():
            break
        # Its handler does nothing where the terminal is forsaken.
        signal.pthread_kill(writer.ident, signal.SIGCONT)
