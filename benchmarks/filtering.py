"""How long the store takes to judge an audience by a filter, beside a plain count.

    python benchmarks/filtering.py [--rows 100000] [--rounds 15]

The rows lie in a fresh store, written and asked through the product's own connection.
Each figure is the least of several rounds; the ratio to the count is the fact.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from random import Random

from sqlalchemy import Connection, Select, func, insert, select

from watchfloor.intake.filter_language import parse_filter
from watchfloor.store.filtering import condition, contact_fields
from watchfloor.store.layout import Layout
from watchfloor.store.tables import contact
from watchfloor.store.writes.connection import close_writer, open_writer

COLUMNS = (
    *("phone", "first_name", "last_name", "country"),
    *("timezone", "plan", "consent", "age"),
)
COUNTRIES = ("US", "CA", "MX", "GB", "IE", "FR", "ES", "PT", "IT", "AT")
FILTERS = {
    "three fields": (
        'consent = "yes" and country in ("US", "CA") and not (plan = "trial")'
    ),
    "one field": 'consent = "yes"',
    "a number": "age >= 40",
    "starts with": 'phone starts with "+1303"',
    "ten countries": "country in ({})".format(
        ", ".join(f'"{code}"' for code in COUNTRIES)
    ),
}

Count = Select[int]


def main() -> None:
    """Fill a store, ask every question in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    fields = contact_fields(COLUMNS)
    every = select(func.count()).select_from(contact).where(contact.c.run_no == 1)
    questions = {"count(*)": every} | {
        name: every.where(condition(parse_filter(text), fields))
        for name, text in FILTERS.items()
    }
    with tempfile.TemporaryDirectory(prefix="watchfloor-benchmark-") as place:
        writer = open_writer(Layout(Path(place)))
        fill(writer, options.rows)
        least = {
            name: (seconds, chosen)
            for name, seconds, chosen in timed(writer, questions, options.rounds)
        }
        close_writer(writer)
    plain, _ = least["count(*)"]
    print(f"{options.rows:,} contacts of {len(COLUMNS)} columns")
    for name, (seconds, chosen) in least.items():
        print(
            f"{name:14} {seconds * 1000:>8.1f} ms {seconds / plain:>6.1f} x count(*) "
            f"{chosen:>9,} chosen"
        )


def fill(writer: Connection, rows: int) -> None:
    """Store fictitious contacts; most cells need no trimming, as in life."""
    random = Random(7)  # noqa: S311 - data that can be made again, no secret
    with writer.begin():
        for first in range(0, rows, 10_000):
            writer.execute(
                insert(contact),
                [
                    {
                        "run_no": 1,
                        "seq": seq,
                        "row_no": seq,
                        "contact": f"+1303555{seq:07}",
                        "digest": random.randbytes(16),
                        "values_json": row(seq, random),
                    }
                    for seq in range(first, min(rows, first + 10_000))
                ],
            )


def row(seq: int, random: Random) -> str:
    """Return one row's cells as the intake stores them."""
    blank = " " if seq % 100 == 0 else ""
    cells = (
        f"+1303555{seq:07}",
        f"Zo\u00eb{seq}",
        "Example",
        random.choice(("US", "CA", "GB", "DE")) + blank,
        "America/Denver",
        random.choice(("standard", "trial", "gold")),
        random.choice(("yes", "no")),
        str(random.randrange(18, 90)),
    )
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":"))


def timed(
    writer: Connection, questions: dict[str, Count], rounds: int
) -> list[tuple[str, float, int]]:
    """Return the least time of each question, asked in turns, and its answer."""
    least = dict.fromkeys(questions, float("inf"))
    answers = dict.fromkeys(questions, 0)
    for _ in range(rounds):
        for name, question in questions.items():
            with writer.begin():
                began = time.perf_counter()
                answers[name] = writer.scalars(question).one()
                least[name] = min(least[name], time.perf_counter() - began)
    return [(name, least[name], answers[name]) for name in questions]


if __name__ == "__main__":
    main()
