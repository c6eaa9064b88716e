"""What an observer sees of a world: the rows of every commit, and every request.

It reads the store without the product's help and remembers what was before. What it
knows is handed to the invariants; it judges nothing itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.simulation import invariants
from tests.simulation.seams import WORKSPACE
from tests.simulation.shortcut import ANYTHING

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.previews import preview
from watchfloor.domain.recovery import RetryPreview
from watchfloor.domain.regions import Verb
from watchfloor.engine.retry_previews import retry_preview
from watchfloor.store.reads.runs import run_view
from watchfloor.store.tables import books

if TYPE_CHECKING:
    from tests.simulation.life import Life
    from tests.simulation.wire import Arrival
    from tests.simulation.world import World

Row = dict[str, Any]

_RUN = (
    "run_no, run_id, family_id, phase, gate, gate_by, gate_why, intake, results, "
    "history, outcome, launch_id, stops, version, intent, intent_command, permits, "
    "rate_per_s, steps_json, approve_after, approved_at_ms, cause, parent_id, "
    "released_seq, cohort"
)
_RECORD = (
    "run_no, seq, state, step, attempts, interrupted, generation, outcome_class, code, "
    "first_at_ms, next_at_ms, doubts, base, earlier, held, due_at_ms, expires_at_ms"
)
_ATTEMPT = (
    "run_no, seq, number, step, epoch, ending, started_at_ms, ended_at_ms, "
    "outcome_class, code, next_at_ms"
)
_CANARY = "run_no, stage, last_seq, state, decided_by"
_COMMAND = "command_id, run_id, verb, state, refusal"
_ENTRY = "entry_id, run_id, event, by, why, detail, command_id, epoch"
_ENTRY_NAMES = _ENTRY.split(", ")
_ENTRIES = f"SELECT {_ENTRY} FROM journal WHERE entry_id > ?"  # noqa: S608 - names of columns
_COUNTERS = tuple(column.name for column in books.columns)
_BOOKS = f"SELECT {', '.join(_COUNTERS)} FROM books"  # noqa: S608 - names of columns
_WORDS = (
    "SELECT r.run_no, r.seq, r.number FROM resolved r JOIN resolution s"
    " ON s.resolution_no = r.resolution_no"
    " WHERE r.at_ms IS NOT NULL AND s.why <> '' AND s.by <> ''"
)


class _Table(NamedTuple):
    """How a table is read: its rows, their names, and what tells them apart."""

    query: str
    names: tuple[str, ...]
    key: Callable[[Any], Any]


def _table(name: str, columns: str, *key: int) -> _Table:
    query = f"SELECT {columns} FROM {name}"  # noqa: S608 - names of columns
    return _Table(query, tuple(columns.split(", ")), itemgetter(*key))


_TABLES = {
    "run": _table("run", _RUN, 1),
    "record": _table("record", _RECORD, 0, 1),
    "attempt": _table("attempt", _ATTEMPT, 0, 1, 2),
    "command": _table("command", _COMMAND, 0),
    "canary": _table("canary", _CANARY, 0, 1),
}
_REACHED = (
    "SELECT run_no, seq, step FROM result WHERE kind IN ('delivered', 'opened',"
    " 'opted_out') AND run_no IS NOT NULL"
)
_EVERYTHING = {
    *_TABLES,
    "books",
    "result",
    "suppression",
    "resolved",
    "journal",
}


class Sight:
    """The world as of its last commit.

    Attributes:
        runs: By run id. ``records`` by (run number, seq), ``attempts`` by those and
            the attempt's number, ``commands`` by id.
        opened: For which (run number, seq, number) an intent was ever committed, and
            what its record was before.
        opted_out: Digests of contacts whose opt-out is stored.
        reached: (run number, seq, step) of whom a provider reported as reached, and
            ``told`` those that the last commit brought.
        zombies: Lives that another one has replaced.
        proven_s: When each life last committed, by the world's clock.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: dict[str, Row] = {}
        self.run_of: dict[int, str] = {}
        self.books: dict[str, Row] = {}
        self.records: dict[tuple[int, int], Row] = {}
        self.attempts: dict[tuple[int, int, int], Row] = {}
        self.commands: dict[str, Row] = {}
        self.stages: dict[tuple[int, int], Row] = {}
        self.opened: dict[tuple[int, int, int], Row] = {}
        self.zombies: set[int] = set()
        self.proven_s: dict[int, float] = {}
        self.contacts: dict[tuple[int, int], str] = {}
        self.words: set[tuple[int, int, int]] = set()
        self.opted_out: set[str] = set()
        self.reached: set[tuple[int, int, int | None]] = set()
        self.told: set[tuple[int, int, int | None]] = set()
        self.epoch = 0
        self.peaks: dict[str, list[tuple[float, int]]] = {}
        self.requested: Counter[tuple[str, str]] = Counter()
        self.entries = 0
        self.violation: invariants.ViolationError | None = None
        self._raw: dict[str, dict[Any, Any]] = {}
        self._read({ANYTHING})

    def seen(self, run_id: str) -> Row:
        """Return what a screen would show of a run, as a command carries it."""
        disk = self.world.disk
        with disk.handle.begin() as reading:
            view = run_view(disk.handle, run_id)
            reading.rollback()
        return asdict(preview(view, Verb.PAUSE).seen)

    def retry_of(self, run_id: str) -> RetryPreview:
        """Return what a screen would say of a retry of all that failed in a run."""
        disk = self.world.disk
        now_ms = self.world.wall_ms()
        with disk.handle.begin() as reading:
            found = retry_preview(
                disk.handle, WORKSPACE[0], now_ms, run_id, Selection()
            )
            reading.rollback()
        return found

    def root(self, run_id: str) -> str:
        """Return the run that was launched first of a run and its parents."""
        while parent_id := self.runs[run_id]["parent_id"]:
            run_id = parent_id
        return run_id

    def kin(self, run_id: str, seq: int) -> list[tuple[str, int]]:
        """Return where a record's contact stands in all of the run's family."""
        if len(self.runs) == len(self.world.shape.runs):
            return [(run_id, seq)]
        family = self.runs[run_id]["family_id"]
        digest = self.contacts[self.run_no(run_id), seq]
        return [
            (self.run_of[run_no], other)
            for (run_no, other), known in self.contacts.items()
            if known == digest and self.runs[self.run_of[run_no]]["family_id"] == family
        ]

    def look(self, life: Life) -> None:
        """Take in a commit, and hold it to what was before."""
        self.proven_s[life.number] = self.world.now_s
        before = self._now()
        news = self._read(self.world.disk.written())
        if life.number in self.zombies:
            is_same = before == self._now() and not news.entries
            invariants.fenced_off_changes_nothing(life, is_same)
            return
        invariants.at_commit(self.world, life, before, news)

    def is_whole(self) -> bool:
        """Whether reading everything anew tells the same as what was taken in."""
        known = self._now(), self.books, self.words
        self._raw.clear()
        self._read({ANYTHING})
        return known == (self._now(), self.books, self.words)

    def _now(self) -> invariants.Before:
        return self.runs, self.records, self.attempts, self.commands, self.epoch

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

    def _read(self, written: set[str]) -> invariants.News:
        """Read what was written, and return what of it is new."""
        disk = self.world.disk
        if ANYTHING in written:
            written = _EVERYTHING
        fresh: list[dict[Any, Row]] = [{} for _ in range(5)]
        runs, records, attempts, commands, stages = fresh
        if "run" in written:
            self.runs, runs = self._named("run", self.runs)
            self.run_of = {run["run_no"]: run_id for run_id, run in self.runs.items()}
            self._note_permits(runs)
        if "books" in written:
            self._read_books()
        if "record" in written:
            self.records, records = self._named("record", self.records)
            self._note_contacts()
        if "attempt" in written:
            self.attempts, attempts = self._named("attempt", self.attempts)
        if "command" in written:
            self.commands, commands = self._named("command", self.commands)
        if "canary" in written:
            self.stages, stages = self._named("canary", self.stages)
        self._read_words(written)
        ((self.epoch,),) = disk.rows("SELECT epoch FROM lease")
        return invariants.News(
            runs=runs,
            records=records,
            attempts=attempts,
            commands=commands,
            stages=stages,
            entries=self._entered() if "journal" in written else [],
            books="books" in written,
        )

    def _read_books(self) -> None:
        found = self.world.disk.rows(_BOOKS)
        self.books = {
            self.run_of[row[0]]: dict(zip(_COUNTERS, row, strict=True)) for row in found
        }

    def _note_contacts(self) -> None:
        if len(self.contacts) < len(self.records):
            query = "SELECT run_no, seq, lower(hex(digest)) FROM contact"
            found = self.world.disk.rows(query)
            self.contacts = {(row[0], row[1]): row[2] for row in found}

    def _read_words(self, written: set[str]) -> None:
        """Read what people said: of contacts, and of records in doubt."""
        disk = self.world.disk
        if "suppression" in written:
            query = "SELECT lower(hex(digest)) FROM suppression"
            self.opted_out = {row[0] for row in disk.rows(query)}
        if "resolved" in written or "resolution" in written:
            self.words = set(disk.rows(_WORDS))
        self.told = set()
        if "result" in written:
            known, self.reached = self.reached, set(disk.rows(_REACHED))
            self.told = self.reached - known

    def _entered(self) -> list[Row]:
        """Return what the journal holds that nobody has seen."""
        found = self.world.disk.rows(_ENTRIES, self.entries)
        if found:
            self.entries = max(row[0] for row in found)
        return [dict(zip(_ENTRY_NAMES, row, strict=True)) for row in found]

    def _note_permits(self, runs: dict[str, Row]) -> None:
        for run_id, run in runs.items():
            kept = self.peaks.setdefault(run_id, [])
            if not kept or kept[-1][1] != run["permits"]:
                kept.append((self.world.turned_s, run["permits"]))

    def _named(
        self, table: str, known: dict[Any, Row]
    ) -> tuple[dict[Any, Row], dict[Any, Row]]:
        """Return a table's rows by key, and those of them that are new or other."""
        query, names, key = _TABLES[table]
        rows = self.world.disk.rows(query)
        raw = dict(zip(map(key, rows), rows, strict=True))
        before = self._raw.get(table, {})
        if raw == before:
            return known, {}
        self._raw[table] = raw
        fresh = {
            place: dict(zip(names, row, strict=True))
            for place, row in raw.items()
            if before.get(place) != row
        }
        if raw.keys() == before.keys():
            return {**known, **fresh}, fresh
        return {place: fresh.get(place) or known[place] for place in raw}, fresh

    def permits(self, run_id: str) -> int:
        """Return the most permits that the run had within the last second.

        Fewer permits are obeyed when the engine's loop comes to it, which is right
        after their commit. Where the world lets the loop stand still nothing is obeyed
        and nothing is sent: that time is no part of the second.
        """
        kept = self.peaks[run_id]
        recent = [kept[-1][1]]
        for (_, permits), (until_s, _) in pairwise(kept):
            if until_s > self.world.turned_s - 1.0:
                recent.append(permits)
        return max(recent)

    def most_permits(self, run_id: str) -> int:
        """Return the most permits that the run ever had."""
        return max(permits for _, permits in self.peaks[run_id])

    def promise(self, run_id: str, step: int) -> str:
        """Return what the channel of a step promises."""
        word: str = self.steps(run_id)[step][2]
        return word

    def steps(self, run_id: str) -> Any:
        """Return a run's steps: of each its name, its channel, what that promises."""
        return _parsed(self.runs[run_id]["steps_json"])


@lru_cache
def _parsed(steps_json: str) -> Any:
    return json.loads(steps_json)
