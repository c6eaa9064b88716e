"""What the console costs: first paint, memory, key to paint, a page of a large run.

    python benchmarks/console.py [--records 10000000] [--keys 200] [--size 80x24]

Everything is measured on the product's own ``watchfloor console`` in a pty.

- First paint: from the start of the process to the last byte of the first frame, and of
  the first one that names a run; medians of five.
- Memory: proportional set size of ``console --read-only`` at rest, beside that of an
  interpreter that has imported what any reading verb imports and opened the same store.
- Key to paint: from the write of the key to the first and the last byte of the paint it
  causes; while nothing happens, while the engine in the same process dispatches at full
  speed, and with the large run's records on the screen while it does.
- Store time: 40 records of the large run by the desk's own read, medians of 20.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import random
import re
import select
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from watchfloor.domain.actors import Asker, Owner
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import PageKey
from watchfloor.engine.operations import asked_of_engine, create_workspace
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.running import run_engine
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.records import record_page
from watchfloor.store.reads.runs import run_view

AROUND = Surroundings(
    lambda: time.time_ns() // 1_000_000,
    time.monotonic,
    random.Random(1).random,  # noqa: S311 - jitter
    os.urandom,
)
OWNER = Owner(name="benchmark", pid=os.getpid(), host="here")
CAMPAIGN = """
[campaign]
id = "{name}"
name = "{name}"
[audience]
contact = "id"
kind = "id"
[[steps]]
name = "call"
channel = "simulator"
[steps.settings]
latency = "0s"
[limits]
permits = 200
"""
QUESTION, ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
PAINTED = b"\x1b[?2026l"
#: What a reading verb has imported when it has read the store.
READER = """
import sys, time
from pathlib import Path
import watchfloor.cli.main, watchfloor.cli.compose
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.runs import run_page
with reading(Layout(Path(sys.argv[1]))) as connection:
    run_page(connection)
print("read", flush=True)
time.sleep(600)
"""
#: Of a thousand records one failed and one in ten thousand is unknown; the last fifth
#: is pending.
FILL = (
    """
    INSERT INTO record (run_no, seq, state, attempts, outcome_class, code,
                        first_at_ms, updated_at_ms)
    WITH RECURSIVE one(seq) AS
        (SELECT :first UNION ALL SELECT seq + 1 FROM one WHERE seq < :last)
    SELECT :run, seq,
        CASE WHEN seq > :pending THEN :is_pending WHEN seq % 10000 = 0 THEN :is_unknown
             WHEN seq % 1000 = 7 THEN :is_failed ELSE :is_delivered END,
        seq <= :pending, CASE WHEN seq <= :pending THEN 1 END, 'simulated', :now, :now
    FROM one
    """,
    """
    INSERT INTO contact (run_no, seq, row_no, contact, digest, values_json)
    WITH RECURSIVE one(seq) AS
        (SELECT :first UNION ALL SELECT seq + 1 FROM one WHERE seq < :last)
    SELECT :run, seq, seq, printf('C%09d', seq), randomblob(16),
        printf('["C%09d","Name"]', seq) FROM one
    """,
)
CHUNK = 500_000


#: Makes the pty the terminal of its process, then becomes the console.
_LEADER = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Paint(NamedTuple):
    """Milliseconds to the first and the last byte that a key causes; how many came."""

    first: float
    last: float
    sent: int


class Line:
    """A console on a pty, without an emulator: reading must cost next to nothing."""

    def __init__(self, size: tuple[int, int], *arguments: str) -> None:
        self.began = time.perf_counter()
        self.sent = b""
        columns, lines = size
        self.fd, slave = pty.openpty()
        fcntl.ioctl(
            slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0)
        )
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LEADER, "-m", "watchfloor", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
        )
        os.close(slave)

    def read(self, patience_s: float) -> bytes:
        """Return what came within this time."""
        if not select.select([self.fd], [], [], patience_s)[0]:
            return b""
        data = os.read(self.fd, 1 << 20)
        self.sent += data
        if QUESTION in data:
            os.write(self.fd, ANSWER)
        return data

    def until(self, wanted: bytes, patience_s: float = 60.0) -> float:
        """Read until this came and its frame is whole; the seconds since the start."""
        end = time.perf_counter() + patience_s
        while not re.search(
            re.escape(wanted) + b".*" + re.escape(PAINTED), self.sent, re.DOTALL
        ):
            if time.perf_counter() > end:
                sys.exit(f"{wanted!r} never came: {self.sent[-600:]!r}")
            self.read(0.05)
        return time.perf_counter() - self.began

    def quiet(self, calm_s: float) -> None:
        """Read until nothing came for a while."""
        while self.read(calm_s):
            pass

    def press(self, key: str) -> Paint | None:
        """Press a key and time the paint; None where none came in two seconds."""
        start = len(self.sent)
        pressed = time.perf_counter()
        os.write(self.fd, key.encode())
        first = 0.0
        while PAINTED not in self.sent[start:]:
            if not self.read(2.0):
                return None
            first = first or time.perf_counter()
        last = time.perf_counter()
        return Paint(
            1_000 * (first - pressed), 1_000 * (last - pressed), len(self.sent) - start
        )

    def leave(self) -> None:
        """End it as a closed terminal does."""
        os.close(self.fd)
        self.process.wait(30)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--size", default="80x24")
    options = parser.parse_args()
    columns, _, lines = options.size.partition("x")
    size = (int(columns), int(lines))
    with tempfile.TemporaryDirectory(prefix="watchfloor-console-") as place:
        root = Path(place)
        small, large = workspace(root / "small"), workspace(root / "large")
        few = launched(small, root, "few", 40)
        many = launched(large, root, "many", 40)
        for layout in (small, large):
            run_engine(layout, AROUND, OWNER, until_idle=True)
        began = time.monotonic()
        fill(large, many, options.records)
        took = time.monotonic() - began
        print(f"{options.records:,} records written in {took:.0f} s")
        print_pages(large, many, options.records)
        print_first_paint(small, size)
        print_memory(small, size)
        for name, layout in (("small", small), ("large", large)):
            print_keys(f"idle, {name} workspace", layout, size, options.keys)
        for name, layout in (("small", small), ("large", large)):
            launched(layout, root, f"load-{name}", 400_000)
            print_keys(
                f"dispatching, {name} workspace", layout, size, options.keys, busy=True
            )
        assert few != many


def workspace(root: Path) -> Layout:
    """Make an empty workspace."""
    layout = Layout(root)
    create_workspace(layout, default_workspace_text("ws", "Bench"), AROUND, OWNER)
    return layout


def launched(layout: Layout, root: Path, name: str, records: int) -> str:
    """Launch a run over so many contacts and return its id; no engine goes on."""
    upload, campaign = root / f"{name}.csv", root / f"{name}.toml"
    with upload.open("w") as file:
        file.write("id,first_name\n")
        file.writelines(f"C{number:09},Name\n" for number in range(1, records + 1))
    campaign.write_text(CAMPAIGN.format(name=name))
    launch = prepared_launch(layout, campaign, upload, Asker(by="benchmark"), AROUND)
    asyncio.run(
        asked_of_engine(
            layout,
            launch.command,
            AROUND,
            OWNER,
            until=lambda receipt: receipt.state != "asked",
            patience_s=30,
        )
    )
    return launch.run_id


def fill(layout: Layout, run_id: str, records: int) -> None:
    """Give an ended run so many records, past the engine; its books stay true."""
    connection = sqlite3.connect(layout.state, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-256000")
    (number,) = connection.execute(
        "SELECT run_no FROM run WHERE run_id = ?", (run_id,)
    ).fetchone()
    given = {
        "run": number,
        "pending": records * 4 // 5,
        "now": AROUND.now_ms(),
        "is_pending": int(RecordState.PENDING),
        "is_unknown": int(RecordState.UNKNOWN),
        "is_failed": int(RecordState.FAILED),
        "is_delivered": int(RecordState.DELIVERED),
    }
    connection.execute("DELETE FROM record WHERE run_no = ?", (number,))
    connection.execute("DELETE FROM contact WHERE run_no = ?", (number,))
    for first in range(1, records + 1, CHUNK):
        last = min(first + CHUNK - 1, records)
        connection.execute("BEGIN")
        for statement in FILL:
            connection.execute(statement, {**given, "first": first, "last": last})
        connection.execute("COMMIT")
    counted = dict(
        connection.execute(
            "SELECT state, count(*) FROM record WHERE run_no = ? GROUP BY state",
            (number,),
        )
    )
    connection.execute(
        "UPDATE books SET extracted = ?, records = ?, pending = ?, unknown = ?, "
        "failed = ?, delivered = ?, frontier = ?, attempts = ? WHERE run_no = ?",
        (
            records,
            records,
            counted.get(given["is_pending"], 0),
            counted.get(given["is_unknown"], 0),
            counted.get(given["is_failed"], 0),
            counted.get(given["is_delivered"], 0),
            given["pending"],
            given["pending"],
            number,
        ),
    )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def print_pages(layout: Layout, run_id: str, records: int) -> None:
    """Print the store time of the pages that a console asks for."""
    middle = records // 2
    wanted = {"first": PageKey(), "next": PageKey(after=middle)}
    wanted |= {"previous": PageKey(before=middle), "last": PageKey(before=0)}
    for word in ("failed", "unknown", "pending", "delivered"):
        state = next(state for state in RecordState if state.word == word)
        wanted[f"{word}, first"] = PageKey(state=state)
        wanted[f"{word}, next"] = PageKey(state=state, after=middle)
        wanted[f"{word}, last"] = PageKey(state=state, before=0)
    with reading(layout) as connection:
        view = run_view(connection, run_id)
        assert not view.books.imbalance
        for name, page in wanted.items():
            spans = timed(partial(record_page, connection, run_id, ("call",), page))
            print(f"page of 40, {name + ':':<24} {spans:>8.2f} ms store time")


def timed(read: Callable[[], object]) -> float:
    """Return the median of 20 reads, in milliseconds."""
    spans = []
    for _ in range(20):
        began = time.perf_counter()
        read()
        spans.append(1_000 * (time.perf_counter() - began))
    return statistics.median(spans)


def print_first_paint(layout: Layout, size: tuple[int, int]) -> None:
    """Print how long the first frames take."""
    empty, whole = [], []
    for _ in range(5):
        line = Line(size, "--workspace", str(layout.root), "console", "--read-only")
        empty.append(line.until(b"Watchfloor"))
        whole.append(line.until(b"few"))
        line.leave()
    print(f"first paint, the page:             {statistics.median(empty):>8.2f} s")
    print(f"first paint, with runs:            {statistics.median(whole):>8.2f} s")


def print_memory(layout: Layout, size: tuple[int, int]) -> None:
    """Print what the console adds to a process that reads the store."""
    line = Line(size, "--workspace", str(layout.root), "console", "--read-only")
    line.until(b"few")
    os.write(line.fd, b"\r")
    line.quiet(1.0)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(layout.root)], stdout=subprocess.PIPE
    )
    assert reader.stdout is not None
    reader.stdout.readline()
    whole, base = pss_mb(line.process.pid), pss_mb(reader.pid)
    reader.kill()
    reader.wait()
    reader.stdout.close()
    line.leave()
    print(f"memory, console --read-only:       {whole:>8.1f} MB PSS")
    print(f"memory, a reading verb:            {base:>8.1f} MB PSS")
    print(f"memory, the console's part:        {whole - base:>8.1f} MB PSS")


def pss_mb(pid: int) -> float:
    """Return a process's proportional set size."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +(\d+) kB", told, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def print_keys(
    name: str, layout: Layout, size: tuple[int, int], keys: int, *, busy: bool = False
) -> None:
    """Print how long keys take on the records of the oldest run.

    Args:
        name: What is measured.
        layout: Where.
        size: Of the terminal.
        keys: How many are pressed, one after the other.
        busy: Whether to wait until the engine dispatches, and to see that it went on.
    """
    line = Line(size, "--workspace", str(layout.root), "console")
    line.until(b"Watchfloor")
    at_rest = delivered(layout)
    while busy and delivered(layout) < at_rest + 2_000:
        line.read(0.2)
    line.quiet(0.3)
    os.write(line.fd, b"r")
    line.quiet(1.0)
    os.write(line.fd, b"G\r")
    line.quiet(1.0)
    chance = random.Random(1)  # noqa: S311 - when the next key is pressed
    before, began = delivered(layout), time.monotonic()
    paints = []
    for number in range(keys):
        time.sleep(chance.uniform(0.02, 0.06))
        line.read(0.0)
        painted = line.press("jk"[number % 2])
        if painted is not None:
            paints.append(painted)
    rate = (delivered(layout) - before) / (time.monotonic() - began)
    line.leave()
    print(f"key to paint, {name} ({len(paints)} of {keys} keys, {rate:,.0f} records/s)")
    for what in ("first", "last"):
        spans = sorted(getattr(paint, what) for paint in paints)
        half, most = spans[len(spans) // 2], spans[int(len(spans) * 0.95)]
        print(
            f"  {what + ' byte:':<12} p50 {half:>6.1f}  p95 {most:>6.1f}  "
            f"max {spans[-1]:>6.1f} ms"
        )
    print(f"  bytes:       {statistics.median(paint.sent for paint in paints):>10.0f}")


def delivered(layout: Layout) -> int:
    """Return how many records of all runs were delivered."""
    with sqlite3.connect(f"file:{layout.state}?mode=ro", uri=True) as connection:
        (found,) = connection.execute("SELECT sum(delivered) FROM books").fetchone()
    connection.close()
    return int(found or 0)


if __name__ == "__main__":
    main()
