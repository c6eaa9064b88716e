"""The one place that writes: it groups what is to be stored into transactions.

A round takes every job, outcome and release that has gathered, stores them and the next
intents in one transaction, and hands out the intents only after the commit. Rounds run
on one thread, ``CommitThread``, or inline for an owner of one moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from watchfloor.domain.draining import Drain
from watchfloor.domain.errors import StoreError
from watchfloor.domain.regions import History
from watchfloor.domain.workspace import Shared
from watchfloor.engine.booking import book_outcomes, book_releases
from watchfloor.engine.breaking import obey_breakers
from watchfloor.engine.canaries import look, look_back
from watchfloor.engine.changes import Transaction, settle
from watchfloor.engine.dropping import is_left_to_drop, sweep
from watchfloor.engine.handing_out import NOTHING, Taken, claim
from watchfloor.engine.jobs import sample
from watchfloor.engine.last_words import NO_WRITES, last_words, newer_owner
from watchfloor.engine.late_answers import Late, tell_late
from watchfloor.engine.ledger import Ledger
from watchfloor.engine.proof import Proof
from watchfloor.engine.room import Room
from watchfloor.engine.shares import Answer, Lane, Share, share_of
from watchfloor.engine.sparing import spare_released
from watchfloor.engine.suppressions import Suppressions
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.workspace_settings import WorkspaceSettings
from watchfloor.store.handle import (
    DriverError,
    Fault,
    Handle,
    fault_of,
    fold_log,
    is_damage,
    is_passing,
)
from watchfloor.store.layout import Layout
from watchfloor.store.reads.limits import overrides
from watchfloor.store.reads.runs import ledger_rows
from watchfloor.store.reads.suppression import all_digests
from watchfloor.store.writes import lease
from watchfloor.store.writes.attempts import AttemptWriter, Claimed
from watchfloor.store.writes.audience import AudienceWriter
from watchfloor.store.writes.runs import BooksWriter

T = TypeVar("T")
Q = TypeVar("Q")
Job = Callable[[Transaction], T]
_Asked = tuple[Job[Any], Future[Any]]


class Submit(Protocol):
    """Have a job done in the next round and return its result after the commit."""

    def __call__(self, job: Job[T]) -> Awaitable[T]:
        """Raise ``StoreError`` where the store took no writes."""
        ...


class Committer:
    """Every transaction of one owner. Its methods run on one thread at a time.

    Attributes:
        ledgers: Every run that has not ended or whose history is not written, by id.
        lanes: Every run that this owner dispatches, by id.
        late: What channels said of attempts that were given up before, to be told.
        overrides: Shared limits that operators had set when this owner began.
        on_limit: Called after a commit with a scope whose shared limits changed.
        on_take_over: Called after a commit that asked this owner to let go.
        on_change: Called after a commit with the ids of runs whose regions changed.
        workspace: The workspace's file, read again where it changed.
        suppressions: Who must not be contacted.
        proof: When this owner last committed: until then nobody had passed it over.
        owes_fold: What was deleted for good still stands in the store's log.
        room: Whether new work may begin, or only what is in flight is stored.
        has_ended: Whether nothing is stored any more.
        store_fault: Why the store took no writes at the last try; empty when it did.
        lost: Tells how the store's file or log is gone; empty while both stand.
        on_fault: Called without a transaction: why nothing (new) is stored, or empty.
        on_trouble: Called with which duties fail while it goes on; empty for: none.
        on_drain: Called with how far the owner is that ends.
    """

    def __init__(
        self,
        connection: Handle,
        epoch: int,
        around: Surroundings,
        layout: Layout,
        *,
        dispatches: bool,
    ) -> None:
        self._connection = connection
        self._epoch = epoch
        self._around = around
        self._dispatches = dispatches
        self._layout = layout
        self._writer = AttemptWriter(connection)
        self._audience = AudienceWriter(connection)
        self._books = BooksWriter(connection)
        self._jobs: deque[tuple[Job[Any], Future[Any]]] = deque()
        self.workspace = WorkspaceSettings(layout)
        self.suppressions = Suppressions(layout)
        self.proof = Proof(around)
        self.ledgers: dict[str, Ledger] = {}
        self.lanes: dict[str, Lane] = {}
        self.late: deque[Late] = deque()
        self.on_change: Callable[[set[str]], None] = lambda _: None
        self.overrides: dict[str, Shared] = {}
        self.on_limit: Callable[[str, Shared | None], None] = lambda *_: None
        self.on_take_over: Callable[[], None] = lambda: None
        self.room = Room()
        self.store_fault = ""
        self._told = ""
        self.lost: Callable[[], str] = lambda: ""
        self.on_fault: Callable[[str], None] = lambda _: None
        self.on_trouble: Callable[[str], None] = lambda _: None
        self.on_drain: Callable[[Drain], None] = lambda _: None
        self._is_stale = False
        self.has_ended = False
        self.owes_fold = False

    def submit(self, job: Job[T]) -> Future[T]:
        """Queue a job for the next round. Its result is set after the commit.

        A job that raises is undone alone and its future gets the error; what others
        brought is stored. Where the store takes no writes, every job gets a
        ``StoreError`` and nothing was stored; where it has no room for anything new,
        one whose ``needs_room`` is true.
        """
        future: Future[T] = Future()
        self._jobs.append((job, future))
        if self.has_ended:
            self.end()
        return future

    def end(self) -> None:
        """Store nothing more: who waits is told, and who asks later. Any thread."""
        self.has_ended = True
        with suppress(IndexError):
            while True:
                _, future = self._jobs.popleft()
                if future.set_running_or_notify_cancel():
                    told = "the engine ended; nothing was stored"
                    future.set_exception(StoreError(told))

    def asked(self, question: Callable[[Handle, Q], T], about: Q) -> T:
        """Return a read's answer within the round that is going on."""
        return question(self._connection, about)

    def load(self) -> None:
        """Read every live run into mind, as an owner does first."""
        with self._connection.begin():
            for row in ledger_rows(self._connection):
                self.ledgers[row["run_id"]] = Ledger(row)
            self.suppressions.add(all_digests(self._connection))
            self.overrides = overrides(self._connection)

    def round(self) -> bool:
        """Store what has gathered; return whether another round has work at once.

        Raises:
            OwnedError: A newer owner exists; nothing was stored and nothing will be.
            StoreError: The store was changed from outside; nothing was stored.
        """
        if self.owes_fold:
            self.owes_fold = not fold_log(self._connection)
        jobs = self._taken_jobs()
        lanes = list(self.lanes.values())
        shares = [share_of(lane) for lane in lanes if lane.run_id in self.ledgers]
        if not (jobs or self._is_stale or self._has_work(shares)):
            return False
        try:
            answers, handed, more = self._stored(jobs, shares)
        except BaseException as error:  # noqa: BLE001 - raised again, or kept
            return self._refused(jobs, shares, error)
        self.room.look(self._around.now_ms())
        self._note_fault("")
        for lane, claimed in handed:
            lane.receive(claimed)
        for (_, future), answer in zip(jobs, answers, strict=True):
            answer.tell(future)
        return more

    def _taken_jobs(self) -> list[_Asked]:
        queued = [self._jobs.popleft() for _ in range(len(self._jobs))]
        # Whoever gave up waiting wants no job; from here on it cannot be cancelled.
        return [one for one in queued if one[1].set_running_or_notify_cancel()]

    def _has_work(self, shares: Sequence[Share]) -> bool:
        if self.late or any(share.has_any for share in shares):
            return True
        if any(self._has_room(share.lane) for share in shares):
            return True
        return any(
            ledger.is_being_dropped or ledger.is_unsettled or ledger.is_dirty
            for ledger in self.ledgers.values()
        )

    def _has_room(self, lane: Lane) -> bool:
        ledger, now_ms = self.ledgers[lane.run_id], self._around.now_ms()
        is_shut = ledger.shut_until_ms is not None and not ledger.is_waking(now_ms)
        if self.room.short or is_shut or ledger.awaits_approval:
            return False
        fresh = ledger.tally["pending"] and not ledger.is_exhausted
        waits = fresh or ledger.is_waking(now_ms)
        return bool(waits) and lane.room(ledger.tally["attempting"]) > 0

    def _stored(
        self, jobs: Sequence[_Asked], shares: Sequence[Share]
    ) -> tuple[list[Answer], list[tuple[Lane, list[Claimed]]], bool]:
        changed: set[str] = set()
        with self._connection.begin():
            if self._is_stale:
                self._reload()
            tx = Transaction(
                self._connection,
                self._around.now_ms(),
                self._epoch,
                self._around,
                self._dispatches,
                self.ledgers,
                self._audience,
                self.workspace,
                self.suppressions,
                changed,
                after_commit=[],
                opened_breakers={},
                on_limit=self.on_limit,
                on_take_over=self.on_take_over,
                short=self.room.short,
            )
            answers = [self._done(tx, job) for job, _ in jobs]
            count = sum(self._book(tx, share) for share in shares)
            count += tell_late(tx, self.late)
            obey_breakers(tx, self.lanes)
            for ledger in self.ledgers.values():
                if ledger.is_being_dropped and not self.room.full:
                    sweep(tx, ledger)
                settle(tx, ledger)
                if ledger.released_seq is not None:
                    look(tx, ledger)
                elif ledger.cohort:
                    look_back(tx, ledger)
            self.room.pause_all(tx)
            # One that has ended may be forgotten before the next beat.
            ended = [one for one in self.ledgers.values() if one.lifecycle.is_ended]
            sample(tx, ended)
            # An end that was only just applied has its whole sweep before it.
            more = not self.room.full and any(
                map(is_left_to_drop, self.ledgers.values())
            )
            handed = [(share.lane, self._claim(tx, share.lane)) for share in shares]
            more |= any(taken.more for _, taken in handed)
            count += sum(len(taken.claimed) for _, taken in handed)
            self._save_books(tx)
            tx.after_commit.append(self.proof.given_by_a_commit())
            lease.fence(self._connection, self._epoch, changes=count + len(changed))
        for obey in tx.after_commit:
            obey()
        self._note_commit(changed)
        given = [(lane, taken.claimed) for lane, taken in handed if taken.claimed]
        return answers, given, more

    def _refused(
        self, jobs: Sequence[_Asked], shares: Sequence[Share], error: BaseException
    ) -> bool:
        """Keep what could not be stored; return whether to try again at once.

        Raises:
            OwnedError: A newer owner exists, which looks like damage from here.
            StoreError: The disk or the file failed: nothing is written any more.
        """
        driver = error if isinstance(error, DriverError) else None
        fault = fault_of(driver, self._layout.state) if driver else Fault(str(error))
        passes = driver is not None and is_passing(driver)
        told = f"{NO_WRITES}: {fault.said}"
        if passes and fault.do:
            told = f"{told}; {fault.do}"
        owner = self._connection, self._layout, self._epoch
        newer = None if passes else newer_owner(*owner, error)
        at_once = False
        if driver and passes and self._dispatches:
            at_once = self.room.note_refused(driver, told)
        # Before anybody is told: whoever hears of it says nothing besides.
        self.has_ended = not passes
        self._take_back(jobs, shares, str(newer) if newer else told)
        if newer:
            raise newer from error
        if driver and is_damage(driver):
            raise StoreError(last_words(self._layout, fault)) from error
        # As unreadable as unwritable: then the next round reads them first.
        with suppress(DriverError), self._connection.begin():
            self._reload()
        if passes:
            return at_once
        if driver:
            raise StoreError(last_words(self._layout, fault)) from error
        raise error

    def _done(self, tx: Transaction, job: Job[Any]) -> Answer:
        """Do one job in a savepoint: what it brings must not undo what others brought.

        Raises:
            DriverError: The store takes no writes or is damaged: the whole round is
                undone.
            StoreError: The store was changed from outside: the owner must stop.
        """
        if (full := self.room.full) and getattr(job, "needs_room", False):
            return Answer(error=StoreError(f"{full}; nothing was stored"))
        self._save_books(tx)
        changed, obliged = set(tx.changed), len(tx.after_commit)
        mark = tx.connection.begin_nested()
        try:
            answer = Answer(job(tx))
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, DriverError) and (
                is_passing(error) or is_damage(error)
            ):
                raise
            mark.rollback()
            self._reload()
            tx.changed.intersection_update(changed)
            del tx.after_commit[obliged:]
            return Answer(error=error)
        mark.commit()
        return answer

    def _note_commit(self, changed: set[str]) -> None:
        for run_id, ledger in list(self.ledgers.items()):
            ledger.note_commit()
            run = ledger.lifecycle
            if run.is_ended and run.history is History.CREATED:
                del self.ledgers[run_id]
        if changed:
            self.on_change(changed)

    def _book(self, tx: Transaction, share: Share) -> int:
        ledger = self.ledgers[share.lane.run_id]
        if share.finished:
            book_outcomes(tx, self._writer, ledger, share.lane.rules, share.finished)
        if back := share.taken_back:
            book_releases(tx, self._writer, ledger, back)
            if ledger.cohort:
                spare_released(tx, self._writer, ledger, back)
        return len(share.finished)

    def _claim(self, tx: Transaction, lane: Lane) -> Taken:
        ledger = self.ledgers[lane.run_id]
        if not self.room.short and (room := lane.room(ledger.tally["attempting"])) > 0:
            return claim(tx, self._writer, ledger, lane.rules, room)
        return NOTHING

    def _save_books(self, tx: Transaction) -> None:
        for ledger in self.ledgers.values():
            if ledger.is_dirty:
                self._books.save(tx.connection, ledger.run_no, ledger.counters)
                ledger.is_dirty = False

    def _take_back(
        self, jobs: Sequence[_Asked], shares: Sequence[Share], fault: str
    ) -> None:
        """Keep what could not be stored: outcomes in flight must not be lost."""
        self._note_fault(fault)
        for share in shares:
            share.give_back()
        for _, future in jobs:
            future.set_exception(StoreError(f"{fault}; nothing was stored"))
        self._is_stale = True

    def _note_fault(self, fault: str) -> None:
        self.store_fault = fault
        told = fault or self.room.short
        if told != self._told:
            self._told = told
            self.on_fault(told)

    def _reload(self) -> None:
        """Make the ledgers equal to their rows after something was rolled back."""
        rows = {row["run_id"]: row for row in ledger_rows(self._connection)}
        for run_id in self.ledgers.keys() - rows.keys():
            del self.ledgers[run_id]
        for run_id, row in rows.items():
            known = self.ledgers.get(run_id)
            if known is None:
                self.ledgers[run_id] = Ledger(row)
            else:
                known.load(row)
        self._is_stale = False
