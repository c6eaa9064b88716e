"""A live run as the one writer keeps it in mind, equal to its rows at every commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from watchfloor.domain.approval import awaits_approval, work_of
from watchfloor.domain.books import Books
from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.progress import Gain, gain_of
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import (
    Gate,
    History,
    Lifecycle,
    Phase,
    Verb,
    Work,
)
from watchfloor.store.reads.runs import lifecycle_of


class Request(NamedTuple):
    """Who asked for what is acknowledged. No command id: the engine itself."""

    command_id: str = ""
    by: str = ""
    origin: str = ""
    why: str = ""


class Standing(NamedTuple):
    """A run as of the last commit: all that the engine's loop may act on.

    Attributes:
        eligible: Records left to attempt, callbacks and waiting ones not counted.
        cause: A stored fault of the run itself, or empty.
        awaits_approval: Nothing goes on before a person's word.
        permits: Attempts in flight at most.
        rate_per_s: Attempts per second; None for no pacing.
        unjudged: Rows that were read and that the filter has not judged.
        waits: What the run needs was not there, and nothing is tried before a resume.
    """

    lifecycle: Lifecycle
    eligible: int
    cause: str
    awaits_approval: bool
    permits: int
    rate_per_s: float | None
    unjudged: int
    waits: bool

    @property
    def is_doomed(self) -> bool:
        """A fault of the run itself is stored; it ends failed once it is drained."""
        return bool(self.cause) and not self.lifecycle.is_ended

    @property
    def needs_engine(self) -> bool:
        """Whether the run can go on without a person."""
        run = self.lifecycle
        if run.is_ended:
            return run.history is not History.CREATED
        if run.intent is not None:
            return True
        return run.gate is not Gate.PAUSED and not self.awaits_approval


_KEYS = tuple(Books().as_dict())
_SPENT = ("active_ms", "paused_ms", "window_ms", "waiting_ms")
#: A gap between two looks that is longer was nobody's: no engine kept the run's time.
_LONGEST_LOOK_MS = 5_000


class Ledger:
    """One run's regions and counters. Only the committing thread changes it.

    Attributes:
        standing: As of the last commit; what other threads read.
        tally: The books as they are after the open transaction, by key.
        frontier: No pending record without a time has a seq at or below it.
        next_due_ms: When a retry or callback may be due; None when none is kept.
        ready: The channel is open: the run may be launched.
        last_obeyed: Who asked for what was applied last, as far as this owner saw it.
        is_dirty: The counters differ from their row.
        is_unsettled: Something changed since ``settle`` last looked.
        doubtful_swept: States of which no record that may have been delivered is left
            to drop; the sweep need not look for one again.
        faults_in_a_row: Outcomes that blame the run itself, since the last other one.
        is_exhausted: No pending record without a time is past the frontier.
        held_is_counted: What a sweep left of the held ones was counted anew.
        look_ahead: So many fresh records the next claim looks at, whatever its room.
        was_resumed: The gate opened since outcomes were last booked.
        is_judged: Of a retry that is over: the last stage of its canary was looked at.
        sampled: What the run's samples come to; None until they are asked.
        cohort: Of a retry: how many records its cohort has; else 0.
        released_seq: The last record that a canary has released; None for all of them.
        reached: Records whose intent is stored and who were reached before; the
            dispatcher looks before it sends, and forgets. Any thread.
        restored_from_ms: When the backup was made that the run is held since.
        waits: It came back from a backup, and a file or a channel that it needs was
            not there: where its gate is closed, nothing is tried before a resume.
        ended_at_ms: When the run had ended as its rows were last read; or None.
        held: Records that rest because their window is closed.
        shut_until_ms: When the one window of all recipients opens; None while it is
            open, and where every recipient has a window of their own.
    """

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.run_no: int = row["run_no"]
        self.run_id: str = row["run_id"]
        self.family_id: str = row["family_id"]
        self.upload_id: str = row["upload_id"]
        self.parent_id: str = row["parent_id"]
        self.campaign_id: str = row["campaign_id"]
        self.campaign_name: str = row["campaign_name"]
        self.notify: tuple[str, ...] = tuple(json.loads(row["notify_json"]))
        self.created_at_ms: int = row["created_at_ms"]
        self.collect_ms: int = row["collect_ms"]
        self.cohort: int = row["cohort"]
        self._counted: tuple[int, ...] = ()
        self._books = Books()
        self._work_of = self._books, False
        self._work = Work()
        self.ready = False
        self.waits = False
        self.reached: set[int] = set()
        self.last_obeyed = Request()
        self.shut_until_ms: int | None = None
        self._looked_at_ms: int | None = None
        self.load(row)
        self.note_commit()

    def load(self, row: Mapping[str, Any]) -> None:
        """Take everything from the rows again, as after a rolled-back transaction."""
        self.lifecycle: Lifecycle = lifecycle_of(row)
        self.version: int = row["version"]
        self.cause: str = row["cause"]
        self.launch_id: str | None = row["launch_id"]
        self.gate_at_ms: int = row["gate_at_ms"]
        self.request = _request(row)
        self.permits: int = row["permits"]
        self.rate_per_s: float | None = row["rate_per_s"]
        steps = json.loads(row["steps_json"])
        self.steps: tuple[str, ...] = tuple(name for name, _, _ in steps)
        self.deliveries = tuple(Delivery(mode) for _, _, mode in steps)
        self.tally: dict[str, int] = {key: row[key] for key in _KEYS}
        self.frontier: int = row["frontier"]
        self.bytes_read: int = row["bytes_read"]
        self.progress_at_ms: int | None = row["progress_at_ms"]
        self.held: int = row["held"]
        self.spent_ms: dict[str, int] = {name: row[name] for name in _SPENT}
        self.approve_after: int | None = row["approve_after"]
        self.approved_at_ms: int | None = row["approved_at_ms"]
        self.quota_month: str = row["quota_month"]
        self.quota_records: int = row["quota_records"]
        self.released_seq: int | None = row["released_seq"]
        self.restored_from_ms: int | None = row["restored_from_ms"]
        # Unknown until asked: due at once makes the next round ask.
        self.next_due_ms: int | None = 0
        self.is_dirty = False
        self.is_unsettled = True
        self.faults_in_a_row = 0
        self.is_exhausted = False
        self.look_ahead = 0
        self.held_is_counted = False
        self.was_resumed = False
        self.is_judged = False
        self.sampled: Gain | None = None
        self.ended_at_ms: int | None = row["ended_at_ms"]
        self.doubtful_swept: set[RecordState] = set()

    def note_commit(self) -> None:
        """Let other threads see the run as it is now committed."""
        self.standing = Standing(
            self.lifecycle,
            self.eligible,
            self.cause,
            self.awaits_approval and not self.tally["attempting"],
            self.permits,
            self.rate_per_s,
            self.tally["unjudged"],
            self.waits and self.lifecycle.gate is not Gate.OPEN,
        )

    @property
    def books(self) -> Books:
        """The account as a value; made anew only where a counter changed."""
        counters = tuple(self.tally.values())
        if self._counted != counters:
            self._counted, self._books = counters, Books(**self.tally)
        return self._books

    @property
    def gained(self) -> Gain:
        """What the run's samples must come to."""
        return gain_of(self.books)

    @property
    def counters(self) -> tuple[int | None, ...]:
        """What the books' row holds, in its order."""
        seen = (self.frontier, self.bytes_read, self.progress_at_ms)
        windows = (self.held, self.shut_until_ms)
        return (*self.tally.values(), *seen, *windows, *self.spent_ms.values())

    @property
    def work(self) -> Work:
        """What is left; made anew only where it changed.

        Before a person's word, what is left waits for it.
        """
        books, waits = self.books, self.awaits_approval
        known, waited = self._work_of
        if books is not known or waits is not waited:
            self._work_of, self._work = (books, waits), work_of(books, waits=waits)
        return self._work

    @property
    def eligible(self) -> int:
        """Records left to attempt, callbacks and waiting ones not counted."""
        tally = self.tally
        return tally["pending"] + tally["claimed"] + tally["retry"]

    @property
    def awaits_approval(self) -> bool:
        """So many attempts were made, and the next ones need a person's word."""
        return awaits_approval(
            self.approve_after, self.approved_at_ms, self.tally["attempts"]
        )

    @property
    def next_seq(self) -> int:
        """The number of the next row that is no reject when it is read."""
        tally = self.tally
        return tally["records"] + tally["filtered"] + tally["unjudged"] + 1

    @property
    def is_doomed(self) -> bool:
        """A fault of the run itself is stored; it ends failed once it is drained."""
        return bool(self.cause) and not self.lifecycle.is_ended

    @property
    def is_being_dropped(self) -> bool:
        """What is left must become not attempted before the run can settle or end."""
        run = self.lifecycle
        if run.phase in (Phase.STOPPING, Phase.CANCELLING) or self.is_doomed:
            return True
        return not run.launched and run.intent in (Verb.STOP, Verb.CANCEL)

    @property
    def drops_callbacks(self) -> bool:
        """Whether promises are dropped with the rest."""
        run = self.lifecycle
        again = run.phase is Phase.STOPPING and run.stops > 1
        return self.is_doomed or run.phase is Phase.CANCELLING or again

    def look(self, now_ms: int) -> None:
        """Book the time since the last look to what the run was about."""
        before, self._looked_at_ms = self._looked_at_ms, now_ms
        run = self.lifecycle
        if before is None or not run.launched or run.is_ended:
            return
        spent = now_ms - before
        if 0 < spent <= _LONGEST_LOOK_MS:
            self.spent_ms[self._about(now_ms)] += spent
            self.is_dirty = True

    def _about(self, now_ms: int) -> str:
        """Return what the run's time goes to at this moment; the first that holds."""
        told = (
            (self.lifecycle.gate is not Gate.OPEN, "paused_ms"),
            (self.tally["attempting"] > 0, "active_ms"),
            (self.shut_until_ms is not None, "window_ms"),
            (self.awaits_approval, "waiting_ms"),
            (self.is_due(now_ms), "active_ms"),
            (self.held > 0, "window_ms"),
            (self._has_fresh, "active_ms"),
        )
        return next((word for holds, word in told if holds), "waiting_ms")

    @property
    def _has_fresh(self) -> bool:
        """Whether a pending record may be claimed; not if a canary holds back all."""
        if not self.tally["pending"] or self.released_seq is None:
            return self.tally["pending"] > 0
        return not self.is_exhausted and self.frontier < self.released_seq

    def moved(self, before: RecordState, after: RecordState, count: int = 1) -> None:
        """Book *count* records from one state to another."""
        self.tally[before.word] -= count
        self.tally[after.word] += count
        # What was in flight may have come back in doubt.
        self.doubtful_swept.discard(after)
        self.touch()

    def touch(self) -> None:
        """Note that a counter changed in this transaction."""
        self.is_dirty = True
        self.is_unsettled = True

    def is_due(self, now_ms: int) -> bool:
        """Whether a retry or callback may be due."""
        return self.next_due_ms is not None and self.next_due_ms <= now_ms

    def is_waking(self, now_ms: int) -> bool:
        """Whether the committing thread should look at the run for its time's sake."""
        if self.shut_until_ms is not None:
            return self.shut_until_ms <= now_ms
        return self.is_due(now_ms)

    def note_due(self, at_ms: int | None) -> None:
        """Remember that something is due at *at_ms*."""
        if at_ms is not None and (self.next_due_ms is None or at_ms < self.next_due_ms):
            self.next_due_ms = at_ms


def _request(row: Mapping[str, Any]) -> Request | None:
    if row["intent"] is None:
        return None
    command_id = row["intent_command"] or ""
    return Request(command_id, row["intent_by"], "", row["intent_why"])
