"""What an observer sees of a world: the rows of every commit, and every request.

It reads the store without the product's help and remembers what was before. What it
knows is handed to the invariants; it judges nothing itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.simulation import invariants

from watchfloor.domain.previews import preview
from watchfloor.domain.regions import Verb
from watchfloor.store.reads.runs import run_view

if TYPE_CHECKING:
    from tests.simulation.life import Life
    from tests.simulation.wire import Arrival
    from tests.simulation.world import World

Row = dict[str, Any]

_RUN = (
    "run_no, run_id, family_id, phase, gate, gate_by, gate_why, intake, results, "
    "history, outcome, launch_id, stops, version, intent, intent_command, permits, "
    "rate_per_s, steps_json, approve_after, approved_at_ms, cause"
)
_RECORD = (
    "run_no, seq, state, step, attempts, interrupted, generation, outcome_class, code, "
    "first_at_ms, next_at_ms, doubts, base, earlier, held, due_at_ms, expires_at_ms"
)
_ATTEMPT = (
    "run_no, seq, number, step, epoch, ending, started_at_ms, ended_at_ms, "
    "outcome_class, code, next_at_ms"
)
_COMMAND = "command_id, run_id, verb, state, refusal"


class Sight:
    """The world as of its last commit.

    Attributes:
        runs: By run id. ``records`` by (run number, seq), ``attempts`` by those and
            the attempt's number, ``commands`` by id.
        opened: For which (run number, seq, number) an intent was ever committed, and
            what its record was before.
        zombies: Lives that another one has replaced.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: dict[str, Row] = {}
        self.run_of: dict[int, str] = {}
        self.books: dict[str, Row] = {}
        self.records: dict[tuple[int, int], Row] = {}
        self.attempts: dict[tuple[int, int, int], Row] = {}
        self.commands: dict[str, Row] = {}
        self.opened: dict[tuple[int, int, int], Row] = {}
        self.zombies: set[int] = set()
        self.contacts: dict[tuple[int, int], str] = {}
        self.words: set[tuple[int, int, int]] = set()
        self.epoch = 0
        self.peaks: dict[str, list[tuple[float, int]]] = {}
        self.requested: Counter[tuple[str, str]] = Counter()
        self.entries = 0
        self.violation: invariants.ViolationError | None = None
        query = "SELECT name FROM pragma_table_info('books')"
        self._book_keys = [row[0] for row in world.disk.rows(query)]
        self._read()

    def seen(self, run_id: str) -> Row:
        """Return what a screen would show of a run, as a command carries it."""
        disk = self.world.disk
        with disk.handle.begin() as reading:
            view = run_view(disk.handle, run_id)
            reading.rollback()
        return asdict(preview(view, Verb.PAUSE).seen)

    def look(self, life: Life) -> None:
        """Take in a commit, and hold it to what was before."""
        before = (self.runs, self.records, self.attempts, self.commands, self.epoch)
        fresh = self._read()
        if life.number in self.zombies:
            now = (self.runs, self.records, self.attempts, self.commands, self.epoch)
            invariants.fenced_off_changes_nothing(life, before == now and not fresh)
            return
        invariants.at_commit(self.world, life, before, fresh)

    def arrived(self, arrival: Arrival) -> None:
        """Hold a request to what is committed at this moment.

        What is wrong is kept: raised here, the engine would take it for the channel's.
        """
        try:
            invariants.at_arrival(self.world, arrival)
        except invariants.ViolationError as found:
            self.violation = self.violation or found

    def run_no(self, run_id: str) -> int:
        number: int = self.runs[run_id]["run_no"]
        return number

    def _read(self) -> list[Row]:
        rows = self.world.disk.rows
        self.runs = {row["run_id"]: row for row in _named(rows, _RUN, "run")}
        self.run_of = {run["run_no"]: run_id for run_id, run in self.runs.items()}
        names = self._book_keys
        found = rows(f"SELECT {', '.join(names)} FROM books")  # noqa: S608 - names
        self.books = {
            self.run_of[row[0]]: dict(zip(names, row, strict=True)) for row in found
        }
        self.records = {
            (row["run_no"], row["seq"]): row for row in _named(rows, _RECORD, "record")
        }
        self.attempts = {
            (row["run_no"], row["seq"], row["number"]): row
            for row in _named(rows, _ATTEMPT, "attempt")
        }
        self.commands = {
            row["command_id"]: row for row in _named(rows, _COMMAND, "command")
        }
        self.epoch = rows("SELECT epoch FROM lease")[0][0]
        if len(self.contacts) < len(self.records):
            query = "SELECT run_no, seq, hex(digest) FROM contact"
            self.contacts = {(row[0], row[1]): row[2].lower() for row in rows(query)}
        self.words = {
            (row[0], row[1], row[2])
            for row in rows(
                "SELECT r.run_no, r.seq, r.number FROM resolved r JOIN resolution s"
                " ON s.resolution_no = r.resolution_no"
                " WHERE r.at_ms IS NOT NULL AND s.why <> '' AND s.by <> ''"
            )
        }
        fresh = _named(
            rows,
            "entry_id, run_id, event, by, why, detail, command_id, epoch",
            f"journal WHERE entry_id > {self.entries}",
        )
        self.entries = max((row["entry_id"] for row in fresh), default=self.entries)
        for run_id, run in self.runs.items():
            kept = self.peaks.setdefault(run_id, [])
            if not kept or kept[-1][1] != run["permits"]:
                kept.append((self.world.now_s, run["permits"]))
        return fresh

    def permits(self, run_id: str) -> int:
        """Return the most permits that the run had within the last second."""
        kept = self.peaks[run_id]
        recent = [kept[-1][1]]
        for (_, permits), (until_s, _) in pairwise(kept):
            if until_s > self.world.now_s - 1.0:
                recent.append(permits)
        return max(recent)

    def most_permits(self, run_id: str) -> int:
        """Return the most permits that the run ever had."""
        return max(permits for _, permits in self.peaks[run_id])

    def promise(self, run_id: str, step: int) -> str:
        """Return what the channel of a step promises."""
        word: str = json.loads(self.runs[run_id]["steps_json"])[step][2]
        return word


def _named(rows: Any, columns: str, table: str) -> list[Row]:
    names = columns.split(", ")
    query = f"SELECT {columns} FROM {table}"  # noqa: S608 - names of columns
    return [dict(zip(names, row, strict=True)) for row in rows(query)]
