"""Consoles with an engine in them, in real terminals."""

from __future__ import annotations

import pytest
from tests.console.terminal import Terminal
from tests.support.floor import ids, webhook
from tests.support.patience import until

SIZE = (100, 30)
ESCAPE, ENTER, REDRAW, CTRL_C = "\x1b", "\r", "\x0c", "\x03"


@pytest.fixture
def opened(floor):
    """Open consoles of the workspace; each has ended when the test has."""
    terminals = []

    def start(*options: str, ready: str = "? Help") -> Terminal:
        root = str(floor.layout.root)
        arguments = ("-m", "watchfloor", "--workspace", root, "console", *options)
        terminal = Terminal(SIZE, *arguments, XDG_CONFIG_HOME=str(floor.root))
        terminals.append(terminal)
        if ready:
            terminal.until(ready)
            terminal.until("pid ")
        return terminal

    yield start
    for terminal in terminals:
        terminal.end()


@pytest.fixture
def flying(floor, provider, opened):
    """A console whose engine has three attempts of nine in flight."""
    provider.hold()
    told = webhook(provider.url, 'timeout = "600s"', permits=3)
    run_id = floor.launched(told, ids(9))

    def start(*options: str) -> tuple[str, Terminal]:
        terminal = opened(*options)
        until(lambda: provider.at_once == 3)
        return run_id, terminal

    return start


def told(terminal: Terminal, words: str, times: int = 1) -> None:
    """Read until words were sent that often; where they stand on the glass is open."""

    def were_sent() -> bool:
        terminal.read(0.1)
        return terminal.sent.count(words.encode()) == times

    until(were_sent, words)
