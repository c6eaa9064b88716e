"""Losses of power: the product's own statements over a disk that keeps what it must.

What the one writer of a real engine says to SQLite is recorded, statement by statement,
its PRAGMAs and its transactions among it, and said again to an SQLite over ``Disk``. Of
the disk, images are made as a loss of power may leave them. Each must be sound, and be
exactly what one commit had made of it: the last acknowledged one, or the one after.

    python -m tests.kills.powerloss [--images 900] [--seed 1]
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw
from sqlalchemy import Engine, event
from tests.kills.disk import Did, Disk, Image, images
from tests.kills.harness import scratch
from tests.support.floor import ASKER, Floor, campaign, ids
from tests.support.patience import until

from watchfloor.domain.regions import Verb
from watchfloor.engine.operations import order
from watchfloor.engine.surroundings import Surroundings
from watchfloor.store.inbox import Command, Inbox, ask, create_inbox
from watchfloor.store.layout import Layout

RECORDS = 150
ASKED = 60
_NAMES = itertools.count()


class Said(NamedTuple):
    """One statement of one connection."""

    connection: int
    statement: str


class Recorded(NamedTuple):
    """What was done to a disk, and what each commit had made of the database.

    Attributes:
        begins: How much was done before the first commit was acknowledged.
        states: A digest of every row, after each commit; the first is of none.
    """

    disk: Disk
    begins: int
    states: tuple[str, ...]


class Verdict(NamedTuple):
    """What became of the images."""

    images: int
    unsound: int
    lost: int
    torn: int

    @property
    def is_well(self) -> bool:
        """Nothing acknowledged was lost and nothing was left half done."""
        return not (self.unsound or self.lost or self.torn)


def engines_statements(root: Path) -> list[Said]:
    """Run real engines over a workspace; return what its store was told."""
    with _recording("state.db") as said:
        floor = Floor(root)
        runs = [
            floor.launched(
                campaign(
                    'latency = "1ms"\nshares = { transient = 0.2, callback = 0.05 }'
                    f"\n{delivery}",
                    permits=16,
                    name=f"c{number}",
                ),
                ids(RECORDS),
            )
            for number, delivery in enumerate(("", 'delivery = "at_most_once"'))
        ]
        with floor.engine():
            until(lambda: floor.books(runs[0]).delivered > RECORDS // 3)
            floor.steered(Verb.PAUSE, runs[0])
            floor.ordered("limit", runs[1], permits=8)
        floor.steered(Verb.RESUME, runs[0])
        with floor.engine():
            until(lambda: floor.books(runs[1]).delivered > RECORDS // 2)
            floor.steered(Verb.STOP, runs[1], state="applied")
            until(lambda: floor.books(runs[0]).delivered > RECORDS // 2)
        floor.close()
    return said


def inboxs_statements(root: Path) -> list[Said]:
    """Ask, take and forget; return what the inbox was told."""
    layout = Layout(root)
    with _recording("inbox.db") as said:
        create_inbox(layout)
        inbox = Inbox(layout)
        for number in range(ASKED):
            ask(layout, _command(number))
            if number % 7 == 0:
                inbox.forget([one.command_id for one in inbox.waiting()[:5]])
        inbox.close()
    return said


def _command(number: int) -> Command:
    chance = random.Random(number)  # noqa: S311 - replayable
    around = Surroundings(lambda: number, lambda: 0.0, chance.random, chance.randbytes)
    return order("pause", f"run-{number}", ASKER, around, why="because " * number)


@contextmanager
def _recording(file: str) -> Iterator[list[Said]]:
    """Write down every statement of every connection to a file of this name."""
    said: list[Said] = []
    numbers = itertools.count()

    def connected(connection: sqlite3.Connection, _: object) -> None:
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        if Path(path).name == file:
            number = next(numbers)
            connection.set_trace_callback(
                lambda statement: said.append(Said(number, statement))
            )

    event.listen(Engine, "connect", connected)
    try:
        yield said
    finally:
        event.remove(Engine, "connect", connected)


def replayed(said: Sequence[Said], path: Path, *, synchronous: str = "") -> Recorded:
    """Say it all again to an SQLite over a disk that notes everything.

    Args:
        said: What was recorded; connections that only read are left out.
        path: Where the database is made; it must not be there yet.
        synchronous: In place of what the product asks for, as a planted fault.
    """
    disk = Disk(f"noting-{next(_NAMES)}")
    readers = {one.connection for one in said if "query_only" in one.statement}
    states = [EMPTY]
    begins = 0
    writers = [one for one in said if one.connection not in readers]
    last = {one.connection: place for place, one in enumerate(writers)}
    opened: dict[int, apsw.Connection] = {}
    for place, (number, said_then) in enumerate(writers):
        statement = said_then
        if number not in opened:
            opened[number] = apsw.Connection(str(path), vfs=disk.name)
        if synchronous and statement.startswith("PRAGMA synchronous"):
            statement = f"PRAGMA synchronous={synchronous}"
        for _ in opened[number].execute(statement):
            pass
        if statement == "COMMIT":
            # It has returned: from here on somebody relies on it.
            disk.did.append(Did("acked", at=len(states)))
            states.append(_digest(opened[number].execute))
            begins = begins or len(disk.did)
        if place == last[number]:
            opened.pop(number).close()
    return Recorded(disk, begins, tuple(states))


def judged(
    recorded: Recorded, place: Path, count: int, chance: random.Random
) -> Verdict:
    """Lose the power so many times, and open what is left each time.

    Where the same is left as once before, the same is found: it is opened once.
    """
    unsound = lost = torn = 0
    found: dict[bytes, str | None] = {}
    for image in images(recorded.disk.did, count, chance, after=recorded.begins):
        name = _name(image)
        if name not in found:
            found[name] = _found(image, place)
        state = found[name]
        if state is None:
            unsound += 1
            continue
        # The one under way may have become durable without having returned.
        allowed = recorded.states[image.acked : image.acked + 2]
        if state not in allowed:
            known = state in recorded.states[: image.acked]
            lost, torn = lost + known, torn + (not known)
    return Verdict(count, unsound, lost, torn)


def _name(image: Image) -> bytes:
    """Return what tells an image from every other: its files, to the last byte."""
    seen = hashlib.sha256()
    for name, data in sorted(image.files.items()):
        seen.update(f"{name} {len(data)} ".encode())
        seen.update(data)
    return seen.digest()


def _found(image: Image, place: Path) -> str | None:
    """Return the digest of what an image holds, or None where it is damaged."""
    for old in place.iterdir():
        old.unlink()
    for name, data in image.files.items():
        (place / name).write_bytes(data)
    path = next(iter(sorted(place.iterdir())), None)
    if path is None:
        return EMPTY
    try:
        with closing(sqlite3.connect(path)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return _digest(connection.execute) if sound else None
    except sqlite3.DatabaseError:
        return None


def _digest(execute: Callable[[str], Any]) -> str:
    """Return a digest of every row of every table."""
    names = execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    found = hashlib.blake2b(digest_size=16)
    for (name,) in list(names):
        rows = list(execute(f'SELECT * FROM "{name}"'))  # noqa: S608 - our own names
        found.update(repr((name, rows)).encode())
    return found.hexdigest()


EMPTY = _digest(lambda _: ())


def main(arguments: list[str] | None = None) -> int:
    """Make many images, and say what was found in them; 1 where anything was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kills.powerloss", description="Losses of power."
    )
    parser.add_argument("--images", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    verdicts = []
    with scratch() as root:
        for name, said in (
            ("state.db", engines_statements(root)),
            ("inbox.db", inboxs_statements(root)),
        ):
            for synchronous in ("", "NORMAL", "OFF"):
                began = time.monotonic()
                place = root / f"{name}-{synchronous or 'as it is'}"
                (place / "image").mkdir(parents=True)
                recorded = replayed(said, place / name, synchronous=synchronous)
                chance = random.Random(options.seed)  # noqa: S311 - replayable
                found = judged(recorded, place / "image", options.images, chance)
                if not synchronous:
                    verdicts.append(found)
                print(
                    f"{name} synchronous {synchronous or 'as the product asks':<20}"
                    f"commits {len(recorded.states) - 1:>5,}  images {found.images:,}"
                    f"  damaged {found.unsound:,}  lost an acknowledged commit "
                    f"{found.lost:,}  half done {found.torn:,}"
                    f"  ({time.monotonic() - began:.1f} s)"
                )
    return 0 if all(one.is_well for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
