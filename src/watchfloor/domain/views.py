"""What a reader is told: frozen values that cross from the store to every screen.

Times are integer milliseconds since 1970, UTC. Text from outside is as it came: it
passes the text door where it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from watchfloor.domain.approval import awaits_approval, work_of
from watchfloor.domain.books import Books
from watchfloor.domain.draining import Drain
from watchfloor.domain.labels import native
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Lifecycle, Work

#: What stands where a key would, for whoever must not have it.
KEPT = "kept from viewers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asked for something, when and why."""

    by: str = ""
    at_ms: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run as a screen or a verb sees it.

    Attributes:
        version: Raised by every change of the lifecycle, not by its counts; a command
            carries the one that was seen.
        launch_id: Issued when the run became running; the operator's request id.
        cause: Why the run failed, or is about to; empty for a healthy run.
        gate_asked: Who closed the gate, when and why; empty fields while it is open.
        bytes_total: Size of the upload.
        bytes_read: How far the intake has read it.
        next_retry_at_ms: When the first retry is due, or None.
        next_callback_at_ms: When the first callback is due, or None.
        progress_at_ms: When an outcome was last stored.
        parent_id: The run whose rejects or cohort this one takes up; or empty.
        held: Records that rest because their window is closed.
        shut_until_ms: When the one window of all recipients opens; None while it is
            open, and where every recipient has a window of their own.
        approve_after: So many attempts are made before a person's word; or None.
        archived: Records that the history has taken so far.
        spent_ms: Milliseconds by what the time was spent on: active, paused, window,
            waiting; what is missing to the duration no engine saw.
        is_hidden: Kept off the lists.
        purge: Empty, asked or done: whether the people were taken out.
        cohort: Of a retry: how many records of its parent it takes up.
        released_seq: The last record that its canary has released; None for all.
        retried_by: The newest run that takes up failed records of this one; or empty.
        restored_from_ms: When the backup was made that it came back from, until
            somebody has said that it may go on; else None.
    """

    run_id: str
    campaign_id: str
    campaign_name: str
    upload_id: str
    upload_name: str
    lifecycle: Lifecycle
    books: Books
    version: int
    created_at_ms: int
    launch_id: str | None = None
    started_at_ms: int | None = None
    ended_at_ms: int | None = None
    cause: str = ""
    intent_asked: Asked = field(default_factory=Asked)
    gate_asked: Asked = field(default_factory=Asked)
    bytes_total: int = 0
    bytes_read: int = 0
    permits: int = 0
    rate_per_s: float | None = None
    progress_at_ms: int | None = None
    next_retry_at_ms: int | None = None
    next_callback_at_ms: int | None = None
    parent_id: str = ""
    held: int = 0
    shut_until_ms: int | None = None
    approve_after: int | None = None
    approved_at_ms: int | None = None
    archived: int = 0
    spent_ms: Mapping[str, int] = field(default_factory=dict)
    is_hidden: bool = False
    purge: str = ""
    cohort: int = 0
    released_seq: int | None = None
    retried_by: str = ""
    restored_from_ms: int | None = None

    @property
    def label(self) -> str:
        """Our own label."""
        return native(self.lifecycle, self.work)

    @property
    def awaits_approval(self) -> bool:
        """Whether nothing goes on before a person's word."""
        attempts = self.books.attempts
        return not self.lifecycle.is_ended and awaits_approval(
            self.approve_after, self.approved_at_ms, attempts
        )

    @property
    def work(self) -> Work:
        """What is left, as the lifecycle asks for it."""
        return work_of(self.books, waits=self.awaits_approval)

    def duration_ms(self, now_ms: int) -> int | None:
        """Return how long the run took or has taken so far; None before its start."""
        if self.started_at_ms is None:
            return None
        return (self.ended_at_ms or now_ms) - self.started_at_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """One record as a page shows it.

    Attributes:
        next_at_ms: When it is looked at next; for one that is held, when its window
            opens.
        due_at_ms: What a callback promised.
        expires_at_ms: From then on a callback is too late.
        is_held: Its window was closed when its time had come.
        result: What providers reported of it that weighs most; or empty.
        key: The idempotency key of its step, as providers know it.
    """

    seq: int
    contact: str
    state: RecordState
    step: str = ""
    attempts: int = 0
    outcome_class: OutcomeClass | None = None
    code: str = ""
    updated_at_ms: int | None = None
    next_at_ms: int | None = None
    row_no: int = 0
    due_at_ms: int | None = None
    expires_at_ms: int | None = None
    is_held: bool = False
    result: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPage:
    """Promised callbacks, the next one first.

    Attributes:
        after: What to ask the next page with; None where this is the last.
    """

    callbacks: tuple[RecordView, ...] = ()
    after: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageKey:
    """Which page of records, by key.

    Attributes:
        after: Only records with a greater seq; None for the first page.
        before: Only records with a smaller seq, the nearest ones; 0 for the last
            page. Not together with ``after``.
        state: Only records in this state.
        size: The most records.
        where: A filter in the product's language that must hold; or empty.
        text: What must occur in the contact, a field or the code, whatever its case;
            or empty.
        hides_people: Whether it is for somebody who must not find out who anybody is:
            nothing is looked for in contacts and fields, and no key is told.
    """

    after: int | None = None
    before: int | None = None
    state: RecordState | None = None
    size: int = 40
    where: str = ""
    text: str = ""
    hides_people: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """A page of records in seq order.

    Attributes:
        has_before: Whether records stand before the first one shown.
        has_after: Whether records stand after the last one shown.
        searched_to: The last seq a search looked at when it stopped before the end of
            the run; asking on with ``after`` (or ``before``) there goes on with it.
            None where it looked at everything it had to.
    """

    records: tuple[RecordView, ...] = ()
    has_before: bool = False
    has_after: bool = False
    searched_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyEntry:
    """One thing that happened to a record.

    Attributes:
        event: received, normalised, attempt, in_flight, retry_at, callback_at, late,
            interrupted, not_attempted, abandoned.
        outcome: The class and the channel's code, or empty.
        took_ms: How long it took; None where that means nothing.
    """

    at_ms: int
    step: str
    event: str
    outcome: str = ""
    took_ms: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One record with everything that happened to it, oldest first."""

    run_id: str
    record: RecordView
    key: str
    fields: Mapping[str, str]
    entries: tuple[JourneyEntry, ...]

    def without_key(self) -> Journey:
        """Return the same for somebody who must not find out who it is of.

        A provider may have given a key back, as its own id: that of any step, of which
        the contact's half is the same.
        """
        told = self.entries
        if self.key:
            half = self.key[: len(self.key) // 2]
            keys = re.compile(rf"{re.escape(half)}[0-9a-f]*", re.IGNORECASE)
            told = tuple(
                replace(one, detail=keys.sub(KEPT, one.detail)) for one in told
            )
        record = replace(self.record, key="")
        return replace(self, key=KEPT, record=record, entries=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One line of the journal of commands and facts."""

    entry_id: int
    at_ms: int
    run_id: str
    event: str
    before: str = ""
    after: str = ""
    by: str = ""
    origin: str = ""
    why: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineView:
    """Who owns the workspace, as last told.

    Attributes:
        heartbeat_at_ms: When the owner last said it lives; 0 when none ever did.
        changes: A number that grows with every stored change of a run or record.
        released: The owner let go in good order.
        left: Why the last engine did (``domain.leaving``); empty while one carries
            runs out, and where it died. Who owned the workspace for a moment since
            changes nothing of it.
        left_at_ms: When; 0 for never.
        fault: What is wrong with the store, as its owner says; of one that ended, its
            last words. Empty where all is well, and where nobody asked.
        is_held: The owner lives, and cannot store that it does.
        trouble: Which duties beside the runs fail, in a sentence; the engine goes on.
        drain: How far the owner is that ends; None while it goes on.
        hangs: Its process lives and is silent, and nothing tells why.
        is_unseen: It is silent without having let go, and whether its process lives
            cannot be told from this account: its lock is its owner's alone.
        holder: Who holds the workspace in its place, as the lock names it: one that
            starts or applies a command. Empty for nobody else.
    """

    epoch: int = 0
    owner: str = ""
    pid: int = 0
    host: str = ""
    started_at_ms: int = 0
    heartbeat_at_ms: int = 0
    changes: int = 0
    released: bool = True
    left: str = ""
    left_at_ms: int = 0
    fault: str = ""
    is_held: bool = False
    trouble: str = ""
    drain: Drain | None = None
    hangs: bool = False
    is_unseen: bool = False
    holder: str = ""

    def is_alive(self, now_ms: int, patience_ms: int = 5_000) -> bool:
        """Whether a heartbeat came lately; one beats every second, if it can."""
        # One in the future was stored before the clock was put back: it tells nothing.
        beats = abs(now_ms - self.heartbeat_at_ms) <= patience_ms
        return not self.released and (beats or self.is_held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a command.

    Attributes:
        command_id: The asker's own id of it: asking twice has one effect.
        state: asked, acknowledged, applied, settled or refused.
        refusal: The name of the no, or empty.
        detail: A sentence for the operator.
        seen: What was on the screen when it was given, as JSON; may be empty.
    """

    command_id: str
    verb: str
    run_id: str
    state: str
    refusal: str = ""
    detail: str = ""
    asked_at_ms: int | None = None
    acknowledged_at_ms: int | None = None
    applied_at_ms: int | None = None
    settled_at_ms: int | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the jobs screen shows at one moment.

    Attributes:
        done_per_s: Records that became final per second, lately, by run id; without
            the runs of which none did.
        said: How each run that has not ended does, in one sentence, by run id.
        unwell: Ids of the runs that are stalled, slow or mostly fail.
        store: As in ``Pulse``.
        name: As in ``Pulse``.
    """

    runs: tuple[RunView, ...] = ()
    done_per_s: Mapping[str, float] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    unwell: frozenset[str] = frozenset()
    engine: EngineView = field(default_factory=EngineView)
    as_of_ms: int = 0
    store: int = 0
    name: str = ""
