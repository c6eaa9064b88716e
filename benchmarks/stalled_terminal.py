"""The engine's pace beside a terminal that is read, and beside one that takes nothing.

    python benchmarks/stalled_terminal.py [--records 20000] [--turns 4]

A console with its engine runs in a pty; keys keep asking for whole screens. The two are
taken in turns, each over a workspace of its own: what the machine does meanwhile falls
on both. The pace is that of the run, from its start to its end, by the engine's own
clock. The median share is the fact; machines are noisy.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import random
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from contextlib import suppress
from pathlib import Path

from watchfloor.domain.actors import Asker, Owner
from watchfloor.engine.operations import asked_of_engine, create_workspace
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_view

AROUND = Surroundings(
    lambda: time.time_ns() // 1_000_000,
    time.monotonic,
    random.Random(1).random,  # noqa: S311 - jitter
    os.urandom,
)
OWNER = Owner(name="benchmark", pid=os.getpid(), host="here")
#: Paced, so that both are asked for the same and neither is held up by the other core.
CAMPAIGN = """
[campaign]
id = "benchmark"
name = "Benchmark"
[audience]
contact = "id"
kind = "id"
[[steps]]
name = "call"
channel = "simulator"
[steps.settings]
latency = "20ms"
[limits]
permits = 200
{pace}
"""
KEYS = (b"\x0c", b"2", b"\x1b", b"r")
KEY_S = 0.1


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=20_000)
    options.add_argument("--turns", type=int, default=4)
    options.add_argument("--rate", default="1500/s", help="or none: as fast as it can")
    asked = options.parse_args()
    pace = "" if asked.rate == "none" else f'rate = "{asked.rate}"'
    shares = []
    for turn in range(asked.turns):
        order = (True, False) if turn % 2 else (False, True)
        paces = {stalls: measured(asked.records, pace, stalls) for stalls in order}
        shares.append(paces[True] / paces[False])
        print(
            f"read {paces[False]:,.0f}/s, stalled {paces[True]:,.0f}/s: "
            f"{shares[-1]:.1%}"
        )
    print(f"median share of its pace on a stalled terminal: {median(shares):.1%}")


def median(shares: list[float]) -> float:
    """Return the median."""
    return statistics.median(shares)


def measured(records: int, pace: str, stalls: bool) -> float:
    """Return attempts per second of one run, the console's terminal read or not."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        layout = Layout(root / "floor")
        settings = default_workspace_text("floor", "Floor")
        create_workspace(layout, settings, AROUND, OWNER)
        run_id = launched(layout, root, records, pace)
        process, master = console(layout)
        done = threading.Event()
        threading.Thread(target=typed, args=(master, done), daemon=True).start()
        if not stalls:
            threading.Thread(target=read, args=(master, done), daemon=True).start()
        while (ended := timed(layout, run_id)) is None:
            time.sleep(0.5)
        done.set()
        os.kill(process.pid, signal.SIGHUP)
        time.sleep(0.2)
        os.close(master)
        process.wait(60)
        return records / ended


def launched(layout: Layout, root: Path, records: int, pace: str) -> str:
    """Launch a run that waits for an engine; return its id."""
    campaign, upload = root / "campaign.toml", root / "upload.csv"
    campaign.write_text(CAMPAIGN.format(pace=pace), encoding="utf-8")
    rows = "".join(f"c{number:07}\n" for number in range(records))
    upload.write_text(f"id\n{rows}", encoding="utf-8")
    asker = Asker(by="benchmark")
    launch = prepared_launch(layout, campaign, upload, asker, AROUND)
    answer = asyncio.run(
        asked_of_engine(
            layout,
            launch.command,
            AROUND,
            OWNER,
            until=lambda found: found.state == "settled",
            patience_s=60,
        )
    )
    if answer.state != "settled":
        msg = f"not launched: {answer.detail}"
        raise RuntimeError(msg)
    return launch.run_id


def console(layout: Layout) -> tuple[subprocess.Popen[bytes], int]:
    """Open a console with its engine in a terminal of 160 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    words = ("-m", "watchfloor", "--workspace", str(layout.root), "console")
    process = subprocess.Popen(
        [sys.executable, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color"},
    )
    os.close(slave)
    return process, master


def typed(master: int, done: threading.Event) -> None:
    """Keep asking for whole screens, as far as the terminal takes keys."""
    number = 0
    while not done.wait(KEY_S):
        if select.select([], [master], [], 0)[1]:
            os.write(master, KEYS[number % len(KEYS)])
            number += 1


def read(master: int, done: threading.Event) -> None:
    """Take what comes, until the console has closed its end."""
    with suppress(OSError):
        while not done.is_set():
            if select.select([master], [], [], KEY_S)[0]:
                os.read(master, 1 << 16)


def timed(layout: Layout, run_id: str) -> float | None:
    """Return how many seconds the run took; None while it goes on."""
    with reading(layout) as connection:
        run = run_view(connection, run_id)
    if run.ended_at_ms is None or run.started_at_ms is None:
        return None
    return (run.ended_at_ms - run.started_at_ms) / 1_000


if __name__ == "__main__":
    main()
