"""How fast an upload is read and judged: rows per second and peak memory.

    python benchmarks/intake.py [ROWS]

Each kind is read in a process of its own, so that each peak is its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from watchfloor.domain.campaign import Audience
from watchfloor.intake.audience_file import AudienceReader

HEADER = "phone,first_name,last_name,email,country,timezone,plan,consent,reference"
AREA_CODES = ("202", "206", "212", "303", "312", "404", "415", "503", "617", "702")
KINDS = {
    "id": Audience(contact="reference", kind="id", required=("first_name",)),
    "email": Audience(contact="email", kind="email", required=("first_name",)),
    "phone": Audience(contact="phone", region="US", required=("first_name",)),
}


def write_upload(path: Path, rows: int, random: Random) -> None:
    """Write *rows* fictitious rows: reserved numbers in four notations."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{HEADER}\n")
        for number in range(rows):
            area, line = random.choice(AREA_CODES), f"01{random.randrange(100):02}"
            phone = (
                f"+1{area}555{line}",
                f"({area}) 555-{line}",
                f"{area}-555-{line}",
                f"+1 {area} 555 {line} ext. {number % 1000}",
            )[number % 4]
            file.write(
                f"{phone},Zo\u00eb{number},Example,zoe.{number}@example.org,US,"
                f"America/New_York,standard,yes,REF-{number:08}\n"
            )


def read_upload(path: Path, kind: str) -> None:
    """Read the upload once and print one line."""
    began = time.perf_counter()
    rows = candidates = 0
    with AudienceReader(path, KINDS[kind]) as reader:
        for batch in reader.batches():
            rows += batch.rows
            candidates += len(batch.candidates)
    took = time.perf_counter() - began
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{kind:6} {rows:>9,} rows {candidates:>9,} candidates "
        f"{rows / took:>9,.0f} rows/s {took / rows * 1e6:>6.2f} us/row "
        f"peak {peak_mib:>4.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Write one upload and read it as ids, e-mail addresses and phones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=300_000)
    parser.add_argument("--read", nargs=2, metavar=("FILE", "KIND"))
    chosen = parser.parse_args()
    if chosen.read:
        read_upload(Path(chosen.read[0]), chosen.read[1])
        return
    with TemporaryDirectory() as place:
        upload = Path(place) / "upload.csv"
        random = Random(7)  # noqa: S311 -- data that can be made again, no secret
        write_upload(upload, chosen.rows, random)
        print(f"{chosen.rows:,} rows, {upload.stat().st_size / 1e6:,.0f} MB")
        for kind in KINDS:
            command = [sys.executable, __file__, "--read", str(upload), kind]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
