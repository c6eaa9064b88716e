"""What a console bears: storms of keys and of sizes, and terminals of all kinds."""

from __future__ import annotations

import copy
import os
import random
import re
import signal
import time

import pytest
from tests.console.terminal import Terminal, differences

from watchfloor.console.keymap import ACTS

SCRIPT = "tests/console/paper_console.py"
LONG = int(os.environ.get("WATCHFLOOR_LONG", "1"))
SEED = int(os.environ.get("WATCHFLOOR_SEED", "20261122"))
CTRL_L, CTRL_Q, ESCAPE = "\x0c", "\x11", "\x1b"

_NAMED = {
    "enter": "\r",
    "escape": ESCAPE,
    "space": " ",
    "tab": "\t",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f5": "\x1b[15~",
    "shift+tab": "\x1b[Z",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "exclamation_mark": "!",
    "asterisk": "*",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
}


def typed(key: str) -> str:
    """What a terminal sends for a key by Textual's name; empty where it has none."""
    if key.startswith("ctrl+") and len(key) == len("ctrl+x"):
        return chr(ord(key[-1]) & 0x1F)
    return _NAMED.get(key, key if len(key) == 1 else "")


#: Every key that means something, and some that mean nothing.
BOUND = sorted(
    {typed(key) for act in ACTS for key in act.keys.split(",")} - {"", CTRL_Q}
)
OTHERS = (
    *"0123456789 zxwQWZ~@",
    "\t",
    "\x1b[Z",
    "\x7f",
    "é",
    "中",
    "\x1b[99~",
)


@pytest.fixture
def opened():
    terminals: list[Terminal] = []

    def start(
        kind: str = "campaign", size: tuple[int, int] = (80, 24), **env: str
    ) -> Terminal:
        terminal = Terminal(size, SCRIPT, kind, "staying", **env)
        terminals.append(terminal)
        terminal.until("Autumn billing")
        terminal.until("? Help")
        terminal.quiet(0.3)
        return terminal

    yield start
    for terminal in terminals:
        terminal.end()


def check_it_goes_on(terminal: Terminal) -> None:
    """It answers, shows the whole of its page, and gives the terminal back."""
    come_home(terminal)
    ended = terminal.process.poll()
    assert ended is None, f"it ended with {ended} (seed {SEED}):\n{terminal.glass}"
    terminal.press(CTRL_L, 0.4)
    terminal.check_runs()
    before = copy.deepcopy(terminal.screen)
    terminal.spoil()
    start = len(terminal.sent)
    terminal.send(CTRL_L)
    terminal.until("? Help")
    terminal.quiet(0.4)
    assert len(terminal.sent) - start > 500, terminal.glass
    assert differences(terminal.screen, before) == []
    assert "prod-eu" in terminal.glass
    come_home(terminal)
    start = len(terminal.sent)
    terminal.send("?")
    terminal.until("Up  j Down  Esc Close")
    assert len(terminal.sent) - start > 500, terminal.glass

    terminal.send(CTRL_Q)
    terminal.quiet(0.3)
    assert terminal.ended() == 0
    for restored in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l"):
        assert restored in terminal.sent
    assert terminal.is_cooked


def come_home(terminal: Terminal) -> None:
    """Go back to the runs, their first one, from wherever a storm has led."""
    terminal.quiet(0.5)
    for _ in range(12):
        terminal.send(ESCAPE)
        # Escape is one only when nothing has followed it for a tenth of a second.
        if not terminal.quiet(0.5):
            break
    terminal.send("g")
    terminal.quiet(0.3)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=("80x24", "200x60"))
def test_a_storm_of_keys_leaves_a_console_that_answers(opened, size):
    chance = random.Random(f"{SEED} {size}")  # noqa: S311  replayable, not secret
    terminal = opened(size=size)
    keys = [*BOUND, *(chance.choice((*BOUND, *OTHERS)) for _ in range(1_500 * LONG))]

    terminal.paste("".join(keys))
    terminal.quiet(1.5, 60.0)

    check_it_goes_on(terminal)


def test_a_storm_of_sizes_ends_on_the_page_it_began_with(opened):
    chance = random.Random(SEED)  # noqa: S311  replayable, not secret
    terminal = opened()
    before = terminal.glass.splitlines()
    sizes = [(1, 1), (2, 300), (300, 2), (300, 300), (1, 24), (80, 1), (60, 16)]
    sizes += [(chance.randint(1, 300), chance.randint(1, 300)) for _ in range(24)]

    for number, size in enumerate(sizes):
        terminal.resize(*size)
        terminal.read(0.02)
        if number % 4 == 0:
            terminal.quiet(0.1, 2.0)
            terminal.send(chance.choice(("j", "\r", "?", ":", "4", "\x1b", "\x1b")))
    terminal.resize(80, 24)
    terminal.quiet(0.5)
    come_home(terminal)

    # Only the line above the footer tells what was done meanwhile.
    now = terminal.glass.splitlines()
    assert [*now[:-2], now[-1]] == [*before[:-2], before[-1]]
    check_it_goes_on(terminal)


def test_a_terminal_that_does_not_read_is_caught_up_with(opened):
    terminal = opened(size=(160, 50))

    for _ in range(40):
        terminal.send("jkGg?\x1b[6~" + CTRL_L)
        time.sleep(0.02)  # the line fills up while nobody reads
    terminal.quiet(0.5, 30.0)

    check_it_goes_on(terminal)


def test_a_size_told_in_band_holds_though_the_system_knows_an_older_one(opened):
    terminal = opened(size=(80, 24))
    terminal.send("\x1b[?2048;2$y")
    terminal.quiet()
    assert b"\x1b[?2048h" in terminal.sent

    # The report comes first, and the size that the system is asked for has its time.
    terminal.screen.resize(50, 160)
    terminal.send("\x1b[48;50;160;800;1280t")
    terminal.quiet(0.5)
    terminal.press(CTRL_L)

    assert max(map(len, terminal.glass.splitlines())) > 150
    terminal.resize(160, 50)
    check_it_goes_on(terminal)


@pytest.mark.parametrize(
    ("env", "forbidden"),
    [
        ({"NO_COLOR": "1"}, r"(^|;)([349][0-7]|[34]8|10[0-7])(;|$)"),
        ({"TERM": "xterm", "COLORTERM": ""}, r"(^|;)[34]8(;|$)"),
        ({"TERM": "linux", "COLORTERM": ""}, r"(^|;)[34]8(;|$)"),
    ],
    ids=("no-color", "xterm", "linux"),
)
def test_a_poor_terminal_is_sent_what_it_knows(opened, env, forbidden):
    terminal = opened(**env)
    for key in ("j", "\r", "j", ESCAPE, "m", "s", "n", "?"):
        terminal.press(key)
    codes = re.findall(rb"\x1b\[([0-9;]*)m", terminal.sent)

    assert codes
    assert [code for code in codes if re.search(forbidden.encode(), code)] == []
    check_it_goes_on(terminal)


def test_a_terminal_is_given_back_when_the_console_is_asked_to_stop(opened):
    terminal = opened()

    os.kill(terminal.process.pid, signal.SIGHUP)

    assert terminal.ended() == 0
