"""The driver's writer, where the terminal takes nothing any more."""

from __future__ import annotations

import os
import pty
import signal
import termios
import tty
from fcntl import ioctl

import pytest
from tests.support.patience import until
from textual.drivers._writer_thread import WriterThread

from watchfloor.console.driver import let_go


@pytest.fixture
def line():
    """A terminal that nobody reads, and its end to write to; neither is closed."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    before = signal.signal(signal.SIGCONT, lambda *_: None)
    yield master, slave
    signal.signal(signal.SIGCONT, before)


def test_a_writer_that_hangs_comes_to_its_end_once_its_line_leads_nowhere(line):
    master, slave = line
    with os.fdopen(slave, "w", encoding="ascii") as file:
        writer = WriterThread(file)
        writer.start()
        for _ in range(9):
            writer.write("x" * 100_000)
        until(lambda: ioctl(master, termios.FIONREAD, bytes(4)) != bytes(4))
        assert writer.is_alive()

        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, slave)
        os.close(nowhere)
        let_go(writer)

        has_ended = not writer.is_alive()
        os.close(master)  # or one that hangs on would hold this test up too
    assert has_ended
