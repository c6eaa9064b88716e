"""How fast the engine is, beside raw sqlite3 writing the same rows in the same run.

    python benchmarks/engine.py [--records 100000] [--permits 200]

Both parts use a fresh store with synchronous=FULL on the same disk. The engine's part
is the product's own path: upload, intake, launch, dispatch through the simulator,
books. Its time runs from the launch to the run's end. Ratios are the facts; machines
are noisy.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import sqlite3
import tempfile
import time
from pathlib import Path

from watchfloor.domain.actors import Asker, Owner
from watchfloor.engine.operations import (
    asked_of_engine,
    create_workspace,
)
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.running import run_engine
from watchfloor.engine.surroundings import Surroundings
from watchfloor.intake.workspace_file import default_workspace_text
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.audit import counted_books
from watchfloor.store.reads.runs import run_view

BATCH = 200
AROUND = Surroundings(
    lambda: time.time_ns() // 1_000_000,
    time.monotonic,
    random.Random(1).random,  # noqa: S311 - jitter
    os.urandom,
)
OWNER = Owner(name="benchmark", pid=os.getpid(), host="here")
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
latency = "{latency}"
[limits]
permits = {permits}
"""


#: The same with everything a campaign may ask for at every attempt: a window in each
#: recipient's zone, a suppression list of a million entries, and a second step.
WHOLE = """
[campaign]
id = "whole"
name = "Whole"
[audience]
contact = "id"
kind = "id"
zone_column = "zone"
suppression = ["list.csv"]
[[steps]]
name = "call"
channel = "simulator"
[steps.settings]
latency = "{latency}"
[[steps]]
name = "text"
when = 'call.class in ("delivered", "transient") and plan = "basic"'
channel = "simulator"
[steps.settings]
latency = "{latency}"
[window]
zone = "recipient"
open = "00:00"
close = "24:00"
[limits]
permits = {permits}
"""
SUPPRESSED = 1_000_000
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "Europe/London")


def main() -> None:
    """Run both parts and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--permits", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watchfloor-benchmark-") as place:
        root = Path(place)
        upload = root / "contacts.csv"
        with upload.open("w") as file:
            file.write("id,first_name,plan,zone\n")
            file.writelines(
                f"C{number:08},Name{number},basic,{ZONES[number % 4]}\n"
                for number in range(options.records)
            )
        raw = raw_rate(root / "raw.db", options.records)
        print(f"raw sqlite3, FULL, transactions of {BATCH}: {raw:>10,.0f} records/s")
        engine = engine_rate(root / "a", upload, "0s", options.permits)
        print(f"engine, simulator without latency:      {engine:>10,.0f} records/s")
        print(f"  share of raw sqlite3:                 {engine / raw:>10.0%}")
        slow = engine_rate(root / "b", upload, "10ms", options.permits)
        ideal = options.permits / 0.010
        print(f"engine, 10 ms channel:                  {slow:>10,.0f} records/s")
        print(f"  share of the ideal {ideal:,.0f}/s:        {slow / ideal:>10.0%}")
        whole = engine_rate(root / "c", upload, "0s", options.permits, WHOLE)
        print(f"the same, window, suppression, 2 steps: {whole:>10,.0f} attempts/s")
        print(f"  share of the plain campaign:          {whole / engine:>10.0%}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of this process:            {peak:>10,.0f} MiB")


def engine_rate(
    root: Path, upload: Path, latency: str, permits: int, text: str = CAMPAIGN
) -> float:
    """Carry one run out and return its attempts per second."""
    layout = Layout(root)
    create_workspace(layout, default_workspace_text("ws", "Bench"), AROUND, OWNER)
    campaign = root / "campaign.toml"
    if "list.csv" in text:
        with (root / "list.csv").open("w") as file:
            file.writelines(f"X{number:08}\n" for number in range(SUPPRESSED))
    campaign.write_text(text.format(latency=latency, permits=permits))
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
    began, cpu = time.monotonic(), time.process_time()
    run_engine(layout, AROUND, OWNER, until_idle=True)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    with reading(layout) as connection:
        run = run_view(connection, launch.run_id)
        assert counted_books(connection, launch.run_id) == run.books
    assert run.books.delivered == run.books.records
    duration_ms = run.duration_ms(0)
    assert duration_ms is not None
    each = 1e6 * cpu / run.books.attempts
    print(f"  (with intake {took:.1f} s, CPU {each:.0f} us/attempt)")
    return run.books.attempts / (duration_ms / 1000)


def raw_rate(path: Path, records: int) -> float:
    """Write the rows of claim, intent and outcome with the driver alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-64000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(
        """
        CREATE TABLE record (run_no INTEGER, seq BIGINT, state SMALLINT,
            attempts SMALLINT, outcome_class SMALLINT, code TEXT, first_at_ms BIGINT,
            updated_at_ms BIGINT, next_at_ms BIGINT, PRIMARY KEY (run_no, seq))
            WITHOUT ROWID;
        CREATE INDEX record_attempting ON record (run_no, seq) WHERE state = 2;
        CREATE TABLE attempt (run_no INTEGER, seq BIGINT, number SMALLINT,
            step SMALLINT, epoch INTEGER, ending TEXT, started_at_ms BIGINT,
            ended_at_ms BIGINT, outcome_class SMALLINT, code TEXT, detail TEXT,
            provider_id TEXT, why TEXT, next_at_ms BIGINT,
            PRIMARY KEY (run_no, seq, number)) WITHOUT ROWID;
        CREATE TABLE books (run_no INTEGER PRIMARY KEY, pending, attempting, delivered);
        INSERT INTO books VALUES (1, 0, 0, 0);
        """
    )
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO record (run_no, seq, state, attempts, updated_at_ms) "
        "VALUES (1, ?, 0, 0, 0)",
        ((seq,) for seq in range(1, records + 1)),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    began = time.monotonic()
    for first in range(1, records + 1, BATCH):
        seqs = range(first, min(first + BATCH, records + 1))
        now = time.time_ns() // 1_000_000
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE record SET state = 2, attempts = 1, first_at_ms = ?, "
            "updated_at_ms = ? WHERE run_no = 1 AND seq = ?",
            ((now, now, seq) for seq in seqs),
        )
        _count(connection, attempting=len(seqs), delivered=0)
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO attempt VALUES (1, ?, 1, 0, 1, 'outcome', ?, ?, 1, "
            "'simulated', '', '', '', NULL)",
            ((seq, now, now) for seq in seqs),
        )
        connection.executemany(
            "UPDATE record SET state = 6, outcome_class = 1, code = 'simulated', "
            "updated_at_ms = ? WHERE run_no = 1 AND seq = ?",
            ((now, seq) for seq in seqs),
        )
        _count(connection, attempting=-len(seqs), delivered=len(seqs))
        connection.execute("COMMIT")
    took = time.monotonic() - began
    connection.close()
    return records / took


def _count(connection: sqlite3.Connection, *, attempting: int, delivered: int) -> None:
    connection.execute(
        "UPDATE books SET pending = pending - ?, attempting = attempting + ?, "
        "delivered = delivered + ? WHERE run_no = 1",
        (attempting + delivered, attempting, delivered),
    )


if __name__ == "__main__":
    main()
