"""A real terminal: a pty, a program in it, and an emulator that shows its glass."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Protocol

import pyte
from pyte.screens import Char
from tests.support.patience import DEADLINE_S
from tests.support.preloaded import Preloaded

ROOT = Path(__file__).parents[2]

_CONTROLS = re.compile(r"\x1b\[[0-9;?<>]*[a-zA-Z]")
_HEX = re.compile("[0-9a-f]{6}")

#: What Textual asks a terminal, and what this one answers.
_ANSWERS = (
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[?2048$p", b"\x1b[?2048;0$y"),
)


class Program(Protocol):
    """What a test asks of the program in its terminal."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        ...

    def wait(self, patience_s: float, /) -> int:
        """Wait for its end; return how it ended."""
        ...

    def kill(self) -> None:
        """End it with SIGKILL."""
        ...


class Terminal:
    """Runs *arguments* with this Python, in so many columns and lines.

    Scripts and ``-m watchfloor`` are run by a process that imported the console; with
    ``STARTS="afresh"`` by Python as anybody starts it, and so is anything else.
    """

    def __init__(self, size: tuple[int, int], *arguments: str, **env: str) -> None:
        columns, lines = size
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        master, slave = pty.openpty()
        self._fd = master
        self._name = os.ttyname(slave)
        self._set_size(columns, lines)
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("NO_COLOR", "TMUX", "COLUMNS", "LINES", "TEXTUAL_DRIVER")
        }
        environment |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
            "LANG": "C.UTF-8",
        }
        self.process = self._started(arguments, environment | env, slave)
        os.close(slave)

    @staticmethod
    def _started(
        arguments: tuple[str, ...], environment: dict[str, str], slave: int
    ) -> Program:
        afresh = environment.pop("STARTS", "") == "afresh"
        if arguments[:2] == ("-m", "watchfloor") and not afresh:
            return Preloaded(*arguments[2:], out=slave, environment=environment)
        if arguments[0].endswith(".py") and not afresh:
            script = (str(ROOT / arguments[0]), *arguments[1:])
            return Preloaded(*script, out=slave, environment=environment)
        return subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
            cwd=ROOT,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  one thread here
        )

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
        self._stream.feed(for_pyte(data))
        return data

    def until(self, text: str, patience_s: float = DEADLINE_S) -> None:
        """Read until *text* stands on the glass."""
        end = time.monotonic() + patience_s
        while text not in self.glass:
            assert time.monotonic() < end, f"{text!r} never came:\n{self.glass}"
            if not self.read(0.1):
                self.check_runs()

    def check_runs(self) -> None:
        """Fail with its last words where the program has ended."""
        ended = self.process.poll()
        if ended is not None:
            self.quiet(0.1, 2.0)
            words = _CONTROLS.sub("", self.sent[-8_000:].decode(errors="replace"))
            msg = f"it ended with {ended}:\n{words[-3_000:]}"
            raise AssertionError(msg)

    def quiet(self, calm_s: float = 0.2, most_s: float = 15.0) -> int:
        """Read until nothing came for a while; the number of bytes that did.

        A program that still waits for a core has not had its say.
        """
        start = len(self.sent)
        end = time.monotonic() + most_s
        while (self.read(calm_s) or self._is_busy()) and time.monotonic() < end:
            pass
        return len(self.sent) - start

    def _is_busy(self) -> bool:
        """Whether any thread of the program runs, or would if there were a core."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        try:
            states = [one.read_text().rpartition(")")[2].split()[0] for one in threads]
        except OSError:
            return False
        return "R" in states

    def press(self, keys: str, calm_s: float = 0.15, *, shows: str = "") -> int:
        """Press keys; the number of bytes that came until they show and it is quiet."""
        start = len(self.sent)
        self.send(keys)
        self.read(5.0)
        if shows:
            self.until(shows)
        self.quiet(calm_s)
        return len(self.sent) - start

    def paste(self, keys: str) -> None:
        """Put any number of keys into the line at once, and read what it answers."""
        left = keys.encode()
        while left:
            readable, writable, _ = select.select([self._fd], [self._fd], [], 10.0)
            assert readable or writable, "it takes no more keys"
            if readable:
                self.read(0.0)
            if writable:
                left = left[os.write(self._fd, left[:4096]) :]

    def send(self, keys: str) -> None:
        """Press keys and wait for nothing."""
        os.write(self._fd, keys.encode())

    @property
    def glass(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def is_full(self) -> bool:
        """Whether a program that writes to it has to wait until somebody reads.

        Asked of the program's side: how much waits at this one says nothing, since
        FIONREAD counts 4,095 bytes at most, and a line holds more than that.
        """
        slave = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        try:
            return not select.select([], [slave], [], 0)[1]
        finally:
            os.close(slave)

    @property
    def is_cooked(self) -> bool:
        """Whether the line is edited and echoed, as a shell wants it."""
        modes = termios.tcgetattr(self._fd)[3]
        return bool(modes & termios.ECHO and modes & termios.ICANON)

    def spoil(self) -> None:
        """Let something else empty the glass."""
        self._stream.feed(b"\x1b[0m\x1b[2J")

    def vanish(self) -> None:
        """Close the terminal under the program, as a dropped line does."""
        os.close(self._fd)
        self._fd = -1

    def ended(self) -> int:
        """Wait for the program's end; return how it ended."""
        return self.process.wait(DEADLINE_S)

    def end(self) -> int | None:
        """End the program and say how it ended."""
        if self.process.poll() is None:
            self.process.kill()
        code = self.ended()
        if self._fd >= 0:
            os.close(self._fd)
        return code


def differences(one: pyte.Screen, other: pyte.Screen) -> list[str]:
    """Every cell that an eye could tell apart, with all of its looks."""
    assert (one.columns, one.lines) == (other.columns, other.lines)
    return [
        f"{y + 1};{x + 1}: {ours!r} is not {theirs!r}"
        for y in range(one.lines)
        for x in range(one.columns)
        if (ours := one.buffer[y][x]) != (theirs := other.buffer[y][x])
        and not _is_alike(ours, theirs)
    ]


def _is_alike(one: Char, other: Char) -> bool:
    lines = (one.data, one.reverse, one.underscore, one.strikethrough)
    if lines != (other.data, other.reverse, other.underscore, other.strikethrough):
        return False
    if not _is_near(one.bg, other.bg):
        return False
    if lines == (" ", False, False, False):
        return True  # of a blank nothing is seen but its paper
    weight = (one.bold, one.italics, one.blink)
    is_as_heavy = weight == (other.bold, other.italics, other.blink)
    return is_as_heavy and _is_near(one.fg, other.fg)


def _is_near(one: str, other: str) -> bool:
    """Whether two colours are one but for how numbers round them."""
    if one == other:
        return True
    if not (_HEX.fullmatch(one) and _HEX.fullmatch(other)):
        return False
    return all(
        abs(a - b) <= 1
        for a, b in zip(bytes.fromhex(one), bytes.fromhex(other), strict=True)
    )


def for_pyte(data: bytes) -> bytes:
    """Return what came without what the emulator would mistake for text."""
    # pyte takes the private keyboard protocol's CSI > and CSI < for text.
    return data.replace(b"\x1b[>25u", b"").replace(b"\x1b[<u", b"")
