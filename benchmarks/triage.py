"""What `why` and `triage` cost: whole verbs, of a large run, beside a running engine.

    python benchmarks/triage.py [--records 1000000] [--times 7]

A real run over so many rows, on the simulator with a share of failures; an engine
carries it out in a process of its own while every verb is called as a shell does.
Sampling apart: triage is asked to read the counters once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CAMPAIGN = """
[campaign]
id = "large"
name = "Large"
[audience]
contact = "id"
kind = "email"
[[steps]]
name = "call"
channel = "simulator"
[steps.settings]
latency = "20ms"
shares = { transient = 0.07, permanent = 0.03 }
[steps.retry]
attempts = 2
backoff = "50ms"
[limits]
permits = 100
"""
DOMAINS = 50


def main() -> None:
    """Measure every verb and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watchfloor-triage-") as place:
        root = Path(place)
        watchfloor("init", str(root / "desk"))
        upload, campaign = root / "large.csv", root / "large.toml"
        with upload.open("w") as file:
            file.write("id\n")
            file.writelines(
                f"c{number:09}@d{number % DOMAINS}.example\n"
                for number in range(1, options.records + 1)
            )
        campaign.write_text(CAMPAIGN)
        os.environ["WATCHFLOOR_WORKSPACE"] = str(root / "desk")
        began = time.monotonic()
        told = watchfloor("launch", str(campaign), "--upload", str(upload), "--yes")
        run_id = told.stdout.split()[0]
        print(
            f"{options.records:,} records launched in {time.monotonic() - began:.0f} s"
        )
        measure("without an engine", run_id, options.times)
        command = [sys.executable, "-m", "watchfloor", "engine"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as engine:
            try:
                while "running" not in watchfloor("show", run_id, "--json").stdout:
                    time.sleep(0.5)
                time.sleep(5)
                before = done(run_id)
                began = time.monotonic()
                measure("beside an engine", run_id, options.times)
                rate = (done(run_id) - before) / (time.monotonic() - began)
                print(f"the engine meanwhile: {rate:,.0f} records/s")
            finally:
                engine.terminate()


def measure(where: str, run_id: str, times: int) -> None:
    """Print how long each verb takes, in the median and at most."""
    for verb in (
        ("why", run_id),
        ("why", run_id, "7"),
        ("triage", run_id, "--sample", "0"),
        ("failures", run_id, "--by", "code"),
    ):
        spans = []
        for _ in range(times):
            began = time.monotonic()
            watchfloor(*verb)
            spans.append(time.monotonic() - began)
        name = " ".join((verb[0], *verb[2:]))
        told = f"{statistics.median(spans):.2f} s, at most {max(spans):.2f} s"
        print(f"{where}: {name:<24} {told}")


def done(run_id: str) -> int:
    """Return how many records of a run are delivered."""
    told = watchfloor("books", run_id).stdout
    words = told.replace(",", "").split()
    return int(words[words.index("delivered") - 1]) if "delivered" in words else 0


def watchfloor(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call a verb as a shell does."""
    command = [sys.executable, "-m", "watchfloor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    main()
