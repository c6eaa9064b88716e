"""What a long suppression list costs the engine: to load it, to keep it, to ask it.

    python benchmarks/suppression.py [ENTRIES]

The list is loaded apart, as the engine does it: once alone, for what it costs here, and
once beside a ticker, for how it delays the loop.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from watchfloor.domain.identity import contact_digest
from watchfloor.domain.suppression import DigestSet, hex_prefix
from watchfloor.intake.suppression_file import SuppressionList, load_apart

AREA_CODES = ("202", "206", "212", "303", "312", "404", "415", "503", "617", "702")
LINES = 100
QUESTIONS = 200_000
MEMORY_LIMIT_MB = 100
QUESTION_LIMIT_US = 10
TICK_S = 0.002


def number(at: int) -> str:
    """Return one of ever new fictitious phones: reserved numbers with extensions."""
    rest, area = divmod(at, len(AREA_CODES))
    extension, line = divmod(rest, LINES)
    return f"+1{AREA_CODES[area]}55501{line:02};ext={extension + 1}"


def write_list(path: Path, entries: int) -> None:
    """Write *entries* distinct phones as people do."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("phone,reason\n")
        for at in range(entries):
            phone, _, extension = number(at).partition(";ext=")
            file.write(f"{phone[:5]} {phone[5:8]} {phone[8:]} #{extension},asked\n")


async def load(path: Path) -> SuppressionList:
    """Load the list apart and print what this process had to do meanwhile."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = await load_apart(path, "phone", "US")
    took_s = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    grown_mb = (after.ru_maxrss - before.ru_maxrss) * 1024 / 1e6
    kept_mb = len(bytes(found.digests)) / 1e6
    print(
        f"loaded apart in {took_s:.1f} s ({found.entries / took_s:,.0f} entries/s) "
        f"for {cpu_s * 1000:.0f} ms of this process's CPU"
    )
    print(f"the set {kept_mb:.1f} MB, peak memory here {grown_mb:.1f} MB higher")
    assert found.unusable == 0, found.examples
    assert kept_mb <= MEMORY_LIMIT_MB
    return found


async def load_beside_others(path: Path) -> None:
    """Load it again and print how late the loop was for others' turns."""
    loading = asyncio.create_task(load_apart(path, "phone", "US"))
    late_s = []
    while not loading.done():
        began = time.perf_counter()
        await asyncio.sleep(TICK_S)
        late_s.append(time.perf_counter() - began - TICK_S)
    late_s.sort()
    p99_ms, most_ms = late_s[len(late_s) * 99 // 100] * 1000, late_s[-1] * 1000
    print(
        f"meanwhile the loop is late by {p99_ms:.1f} ms p99, {most_ms:.1f} ms at most"
    )


def ask(digests: DigestSet, entries: int) -> None:
    """Print what one question costs, half of them about contacts of the list."""
    random = Random(7)  # noqa: S311 -- data that can be made again, no secret
    asked = [
        contact_digest("phone", number(random.randrange(2 * entries))).hex()
        for _ in range(QUESTIONS)
    ]
    has_prefix = digests.has_prefix
    began = time.perf_counter()
    listed = sum(has_prefix(hex_prefix(one)) for one in asked)
    took_us = (time.perf_counter() - began) / QUESTIONS * 1e6
    print(f"{took_us:.2f} us a question, hex_prefix included; {listed:,} listed")
    assert took_us <= QUESTION_LIMIT_US


def main() -> None:
    """Write one list, load it and ask it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("entries", nargs="?", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    with TemporaryDirectory() as place:
        path = Path(place) / "list.csv"
        write_list(path, entries)
        print(f"{entries:,} phones, {path.stat().st_size / 1e6:,.0f} MB")
        found = asyncio.run(load(path))
        asyncio.run(load_beside_others(path))
    assert len(found.digests) == entries
    ask(found.digests, entries)


if __name__ == "__main__":
    main()
