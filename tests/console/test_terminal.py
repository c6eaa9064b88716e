"""Bytes, and what stands on the glass of a real terminal."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys

import pytest
from tests.console.terminal import Terminal

SCRIPT = "tests/console/paper_console.py"
KEYS = (
    "j",
    "k",
    "G",
    "g",
    "\r",
    "\x1b",
    "l",
    "h",
    "]",
    "r",
    "!",
    "?",
    "q",
    "m",
    ":",
    " ",
)


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


def test_an_idle_console_sends_nothing_and_a_key_little(opened):
    terminal = opened("still", "thrifty")
    # Longer than the console asks for the engine's sign of life.
    assert terminal.quiet(2.2) == 0

    terminal.press("\r")
    terminal.until("+1***0001")
    terminal.quiet()
    moves = [terminal.press(key) for key in "jk"]
    assert all(0 < sent <= 500 for sent in moves), moves

    assert terminal.press("r") <= 250
    terminal.send("r")
    assert terminal.quiet(0.4) == 0

    terminal.press("\x1b", 0.3)
    terminal.press("m")
    confirm = terminal.press("s")
    assert "Stop Autumn billing?" in terminal.glass
    assert confirm <= 6_000, confirm


def test_a_refresh_sends_what_changed(opened):
    terminal = opened("all", "thrifty")
    terminal.press("\r")
    terminal.until("+1***0001")
    terminal.quiet()

    every_row = [terminal.press("r") for _ in range(2)]

    assert all(0 < sent <= 2_000 for sent in every_row), every_row


def test_the_screens_of_callbacks_and_orders_keep_the_budgets(opened):
    terminal = opened("campaign", "thrifty")
    terminal.press("j" * 11)
    sent = {"open": terminal.press("4", 0.4)}
    assert "a second stop drops these" in terminal.glass
    assert "+1***0035" in terminal.glass
    assert terminal.quiet(2.2) == 0
    sent["key"] = max(terminal.press("j") for _ in range(5))
    sent["refresh"] = terminal.press("r", 0.3)
    assert terminal.quiet(0.3) == 0
    sent["close"] = terminal.press("1", 0.4)

    terminal.press("mgjjjjjjjj", 0.4)
    sent["approve"] = terminal.press("A", 0.4)
    assert "Approve First words?" in terminal.glass
    terminal.press("\x1b", 0.4)
    sent["limits"] = terminal.press("L", 0.4)
    assert "Limits of First words" in terminal.glass
    sent["letter"] = terminal.press("8")
    assert "8 permits, 20/s" in terminal.glass
    assert terminal.quiet(2.2) == 0

    assert sent["open"] <= 5_000, sent
    assert sent["key"] <= 500, sent
    assert sent["refresh"] <= 250, sent
    assert sent["close"] <= 5_000, sent
    assert sent["approve"] <= 6_000, sent
    assert sent["limits"] <= 6_000, sent
    assert sent["letter"] <= 700, sent


def test_the_thrifty_driver_shows_what_the_plain_one_shows(opened):
    chance = random.Random(20_261_122)  # noqa: S311  replayable, not secret
    keys = [chance.choice(KEYS) for _ in range(8)]
    both = thrifty, plain = opened("one", "thrifty"), opened("one", "plain")
    for i, key in enumerate(keys):
        _each(both, lambda terminal, key=key: terminal.send(key))
        _each(both, lambda terminal: terminal.quiet(0.06))
        if i % 4 == 3:
            _each(both, lambda terminal: terminal.quiet())
            assert _looks(thrifty) == _looks(plain), keys[: i + 1]
    for size in ((120, 30), (80, 24)):
        _each(both, lambda terminal, size=size: terminal.resize(*size))
        _each(both, lambda terminal: terminal.quiet(0.3))
        assert thrifty.glass == plain.glass
    assert len(thrifty.sent) < len(plain.sent) / 3


def _each(terminals, act) -> None:
    for terminal in terminals:
        act(terminal)


def _looks(terminal: Terminal) -> list[tuple[object, ...]]:
    """Every cell; colours to within one step, as far as numbers round them."""
    return [
        (data, _rounded(ink), _rounded(paper), *rest)
        for line in terminal.cells()
        for data, ink, paper, *rest in line
    ]


def _rounded(colour: str) -> object:
    if not re.fullmatch("[0-9a-f]{6}", colour):
        return colour
    return tuple((int(colour[i : i + 2], 16) + 2) // 5 for i in (0, 2, 4))


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
    assert terminal.process.wait(10) == 0
    assert b"\x1b[?1049l" in terminal.sent


def test_a_console_whose_terminal_vanished_ends_in_good_order(opened):
    terminal = opened("still", "thrifty")

    terminal.vanish()

    assert terminal.process.wait(10) == 0


def test_the_console_knows_no_database():
    probe = (
        "import sys, watchfloor.console.app, watchfloor.console.driver;"
        "print(*{'sqlalchemy', 'aiosqlite', 'sqlite3'} & set(sys.modules))"
    )

    found = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert found.stdout.split() == []
