"""A real terminal: a pty, a program in it, and an emulator that shows its glass."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]

#: What Textual asks a terminal, and what this one answers.
_ANSWERS = (
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[?2048$p", b"\x1b[?2048;0$y"),
)


class Terminal:
    """Runs *arguments* with this Python, in so many columns and lines."""

    def __init__(self, size: tuple[int, int], *arguments: str, **env: str) -> None:
        columns, lines = size
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        master, slave = pty.openpty()
        self._fd = master
        self._set_size(columns, lines)
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("NO_COLOR", "TMUX", "COLUMNS", "LINES", "TEXTUAL_DRIVER")
        }
        environment |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment | env,
            cwd=ROOT,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  one thread here
        )
        os.close(slave)

    def _set_size(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    def resize(self, columns: int, lines: int) -> None:
        self._set_size(columns, lines)
        self.screen.resize(lines, columns)
        os.kill(self.process.pid, signal.SIGWINCH)

    def read(self, patience_s: float) -> bytes:
        """What came within this time; empty for nothing, or at the end."""
        if not select.select([self._fd], [], [], patience_s)[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 20)
        except OSError:
            return b""
        self.sent += data
        for question, said in _ANSWERS:
            if question in data:
                os.write(self._fd, said)
        self._stream.feed(_for_pyte(data))
        return data

    def until(self, text: str, patience_s: float = 30.0) -> None:
        """Read until *text* stands on the glass."""
        end = time.monotonic() + patience_s
        while text not in self.glass:
            assert time.monotonic() < end, f"{text!r} never came:\n{self.glass}"
            self.read(0.1)

    def quiet(self, calm_s: float = 0.2, most_s: float = 15.0) -> int:
        """Read until nothing came for a while; the number of bytes that did."""
        start = len(self.sent)
        end = time.monotonic() + most_s
        while self.read(calm_s) and time.monotonic() < end:
            pass
        return len(self.sent) - start

    def press(self, keys: str, calm_s: float = 0.15) -> int:
        """Press keys that show; the number of bytes that came until it was quiet."""
        start = len(self.sent)
        self.send(keys)
        self.read(5.0)
        self.quiet(calm_s)
        return len(self.sent) - start

    def send(self, keys: str) -> None:
        """Press keys and wait for nothing."""
        os.write(self._fd, keys.encode())

    @property
    def glass(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def cells(self) -> list[list[tuple[str, str, str, bool, bool, bool]]]:
        """Every cell with all of its looks."""
        return [
            [
                (c.data, c.fg, c.bg, c.bold, c.reverse, c.underscore)
                for c in (self.screen.buffer[y][x] for x in range(self.screen.columns))
            ]
            for y in range(self.screen.lines)
        ]

    def vanish(self) -> None:
        """Close the terminal under the program, as a dropped line does."""
        os.close(self._fd)
        self._fd = -1

    def end(self) -> int | None:
        """End the program and say how it ended."""
        if self.process.poll() is None:
            self.process.kill()
        code = self.process.wait(10)
        if self._fd >= 0:
            os.close(self._fd)
        return code


def _for_pyte(data: bytes) -> bytes:
    # pyte takes the private keyboard protocol's CSI > and CSI < for text.
    return data.replace(b"\x1b[>25u", b"").replace(b"\x1b[<u", b"")
