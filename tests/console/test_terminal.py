"""What stands on the glass of a real terminal, and what never reaches its line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest
from tests.console.terminal import Terminal

SCRIPT = "tests/console/paper_console.py"


@pytest.fixture
def opened():
    terminals = []

    def start(
        *arguments: str, size: tuple[int, int] = (80, 24), **env: str
    ) -> Terminal:
        terminal = Terminal(size, SCRIPT, *arguments, **env)
        terminals.append(terminal)
        terminal.until("Autumn billing")
        terminal.until("? Help")
        terminal.quiet(0.3)
        return terminal

    yield start
    for terminal in terminals:
        terminal.end()


def test_a_screen_that_was_spoiled_is_painted_anew(opened):
    terminal = opened("still", "thrifty")
    before = terminal.glass

    terminal.screen.erase_in_display(2)
    terminal.press("\x0c", 0.4)
    assert terminal.glass == before

    terminal.screen.erase_in_display(2)
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.quiet(0.6)
    assert terminal.glass == before


def test_hostile_text_never_reaches_the_wire(opened):
    poison = r"\x1b]52;c;aGk=\x07\x1b[31m\x9b31m\x00\u202e[/][@click=app.quit]x"
    terminal = Terminal((120, 36), SCRIPT, "still", "thrifty", poison)
    try:
        terminal.until("]52;c;aGk=")
        terminal.press("l\r", 0.6)
        for raw in (b"\x1b]52", b"\x9b31m", b"\x00", "\u202e".encode(), b"\x1b[31m"):
            assert raw not in terminal.sent
        # No title is ever set: all it asks of the system is how the pointer looks.
        asked = set(re.findall(rb"\x1b\]([0-9]*)", terminal.sent))
        assert asked <= {b"22"}
        assert "[/][@click=app.quit]x" in terminal.glass
    finally:
        terminal.end()


def test_without_colour_none_is_sent_and_leaving_gives_the_terminal_back(opened):
    terminal = opened("still", "thrifty", NO_COLOR="1")
    codes = re.findall(rb"\x1b\[([0-9;]*)m", terminal.sent)

    assert codes
    assert not any(re.search(rb"(^|;)[34][0-8](;|$)", code) for code in codes)

    terminal.press("q")
    assert "Leave the console?" in terminal.glass
    terminal.send("y")
    terminal.quiet(0.5)
    assert terminal.ended() == 0
    assert b"\x1b[?1049l" in terminal.sent


def test_a_console_whose_terminal_vanished_ends_in_good_order(opened):
    terminal = opened("still", "thrifty")

    terminal.vanish()

    assert terminal.ended() == 0


def test_the_console_knows_no_database():
    probe = (
        "import sys, watchfloor.console.app, watchfloor.console.driver;"
        "print(*{'sqlalchemy', 'sqlite3'} & set(sys.modules))"
    )

    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert found.stdout.split() == []


def test_a_terminal_that_nobody_waits_for_is_given_back_if_it_is_there(opened):
    terminal = opened("still", "thrifty")
    assert not terminal.is_cooked

    # In this script, that its terminal has vanished; to the console, a second order.
    os.kill(terminal.process.pid, signal.SIGHUP)
    assert terminal.ended() == 0
    terminal.quiet(0.3)

    assert terminal.is_cooked
    for taken in (b"1049", b"2004", b"1003", b"1004"):
        assert terminal.sent.rindex(b"\x1b[?" + taken + b"l") > terminal.sent.rindex(
            b"\x1b[?" + taken + b"h"
        )
    assert terminal.sent.endswith(b"\x1b[?25h\x1b[?1004l")
