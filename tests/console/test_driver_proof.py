"""Whatever is pressed, the glass shows what Textual painted, all of it and no more.

One console sends what its driver thinned to a pty and writes down what it was told to
paint: two emulators show both, and every cell of them is compared. With
``WATCHFLOOR_LONG=n`` n times as many keys are pressed, by ``WATCHFLOOR_SEED`` others.
"""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pyte
import pytest
from tests.console.terminal import Terminal, differences, for_pyte

SEED = int(os.environ.get("WATCHFLOOR_SEED", "20261122"))
LONG = int(os.environ.get("WATCHFLOOR_LONG", "1"))
BURSTS = 36
CHECK_EVERY = 6

#: No q: who leaves shows nothing.
KEYS = (
    *"jjjjkkkGgllhh[]{}  *r!/:?mMpuscALdv1234567890ynabeiort<>-_.,;'\"#%&()=",
    *("\r", "\r", "\x1b", "\x1b", "\x1b", "\t", "\x04", "\x15", "\x10", "\x7f"),
    *("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F"),
    "\x1b[<0;12;9M\x1b[<0;12;9m",
    "\x1b[<65;20;12M",
    "\x1b[<64;20;12M",
)
SIZES = ((80, 24), (120, 36), (200, 60))


class Twins:
    """What a console sends, and what it was told to paint, on a glass each."""

    def __init__(self, kind: str, size: tuple[int, int], record: Path) -> None:
        record.touch()
        script = "tests/console/paper_console.py"
        self.thin = Terminal(size, script, kind, f"recorded:{record}")
        self.plain = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.plain)
        self._told = record.open("rb")
        self.painted = 0

    def settle(self) -> list[str]:
        """Wait until both have come to rest and return where they differ."""
        found = self._looked(0.1)
        for calm_s in (0.2, 0.4, 0.8, 1.6):
            found = found and self._looked(calm_s)
        return found

    def _looked(self, calm_s: float) -> list[str]:
        self.thin.quiet(calm_s)
        told = self._told.read()
        self.painted += len(told)
        self._stream.feed(for_pyte(told))
        return differences(self.thin.screen, self.plain)

    def spoil(self) -> None:
        """Let something else write over what the driver believes to stand there."""
        self.thin.spoil()

    def resize(self, columns: int, lines: int) -> None:
        self.plain.resize(lines, columns)
        self.thin.resize(columns, lines)

    def end(self) -> None:
        self._told.close()
        self.thin.end()


@pytest.fixture
def twins(tmp_path):
    opened: list[Twins] = []

    def start(kind: str, size: tuple[int, int]) -> Twins:
        both = Twins(kind, size, tmp_path / f"painted-{len(opened)}")
        opened.append(both)
        both.thin.until("Autumn billing")
        both.thin.until("? Help")
        return both

    yield start
    for both in opened:
        both.end()


def disturb(both: Twins, chance: random.Random, home: tuple[int, int]) -> str:
    """Do what makes the driver forget, with the glass spoiled; say what it was."""
    both.settle()
    what = chance.choice(("redraw", "continued", "resized"))
    both.spoil()
    if what == "redraw":
        both.thin.press("\x0c", 0.05)
    elif what == "continued":
        os.kill(both.thin.process.pid, signal.SIGCONT)
        both.thin.read(5.0)
    else:
        other = chance.choice([size for size in (*SIZES, (61, 17)) if size != home])
        both.resize(*other)
        both.thin.read(5.0)
        found = both.settle()
        assert found == [], (other, found[:4])
        both.spoil()
        both.resize(*home)
        both.thin.read(5.0)
    return what


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_is_thinned_shows_what_was_painted(twins, size):
    both = twins("campaign", size)
    chance = random.Random(f"{SEED} {size}")  # noqa: S311  replayable, not secret
    done: list[str] = []

    assert both.settle() == []
    for number in range(1, BURSTS * LONG + 1):
        burst = [chance.choice(KEYS) for _ in range(chance.randint(1, 6))]
        done += burst
        both.thin.send("".join(burst))
        both.thin.read(0.03)
        if number % CHECK_EVERY:
            continue
        if number % (3 * CHECK_EVERY) == 0:
            done.append(disturb(both, chance, size))
        found = both.settle()
        assert found == [], (SEED, done[-60:], found[:4], both.thin.glass)

    assert both.thin.process.poll() is None
    assert 0 < len(both.thin.sent) < both.painted / 2
