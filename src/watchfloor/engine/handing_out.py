"""One run's share of a transaction: outcomes, releases, sweeps and new intents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from watchfloor.domain.errors import StoreError
from watchfloor.domain.lifecycle import (
    may_call_back,
    may_dispatch,
    may_promise,
    may_retry,
)
from watchfloor.domain.outcomes import Outcome
from watchfloor.domain.permits import retry_quota
from watchfloor.domain.records import Circumstances, RecordState, judge
from watchfloor.domain.retries import RetryPolicy
from watchfloor.engine.changes import Transaction, pause_itself
from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.runs import next_due_ms
from watchfloor.store.writes import attempts as writes
from watchfloor.store.writes.attempts import (
    AttemptWriter,
    Claimed,
    Closing,
)

#: Intents of one run in one transaction; a window may be larger.
CLAIM_ROWS = 1_000
#: Records that one transaction marks as not attempted: some tens of milliseconds.
SWEEP_ROWS = 20_000
#: So many outcomes in a row that blame the run itself pause it.
FAULTS_THAT_PAUSE = 3


class Finished(NamedTuple):
    """An attempt that ended: what was claimed, when it ran, and how it ended."""

    claimed: Claimed
    started_at_ms: int
    ended_at_ms: int
    outcome: Outcome


def book_outcomes(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    policy: RetryPolicy,
    finished: Sequence[Finished],
) -> None:
    """Close attempts: their rows, the records' states and the counters together.

    Raises:
        StoreError: A record was not in flight for its attempt, which only a store
            changed from outside can bring about; the transaction must not commit.
    """
    closings: list[Closing] = []
    run, delivery, tally = ledger.lifecycle, ledger.delivery, ledger.tally
    retries, promises = may_retry(run), may_promise(run)
    for claimed, started_at_ms, ended_at_ms, outcome in finished:
        number = claimed.attempts + 1
        verdict = judge(
            outcome,
            policy,
            delivery,
            Circumstances(
                tries=number - claimed.interrupted,
                first_at_ms=claimed.first_at_ms or started_at_ms,
                now_ms=ended_at_ms,
                in_doubt=claimed.doubts > 0,
                may_retry=retries,
                may_promise=promises,
                chance=tx.around.chance(),
            ),
        )
        closings.append(
            Closing(
                claimed.seq,
                number,
                started_at_ms,
                ended_at_ms,
                outcome.detail,
                outcome.provider_id,
                verdict.why,
                verdict.next_at_ms,
                int(verdict.state),
                int(outcome.outcome_class),
                outcome.code,
                claimed.step,
            )
        )
        tally[_WORDS[verdict.state]] += 1
        ledger.note_due(verdict.next_at_ms)
    closed = writer.close(tx.connection, ledger.run_no, tx.epoch, "outcome", closings)
    _expect(closed, len(finished), ledger)
    tally["attempting"] -= len(finished)
    ledger.progress_at_ms = tx.now_ms
    ledger.touch()
    _watch_faults(tx, ledger, finished)


def book_releases(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, rows: Sequence[Claimed]
) -> None:
    """Take back intents that were never sent: each record stands as it did before."""
    released = writer.release(tx.connection, ledger.run_no, rows, tx.now_ms)
    _expect(released, len(rows), ledger)
    for row in rows:
        ledger.moved(RecordState.ATTEMPTING, RecordState(row.state))
        if row.state == RecordState.PENDING:
            ledger.frontier = min(ledger.frontier, row.seq - 1)
        ledger.note_due(row.next_at_ms)
    ledger.tally["attempts"] -= len(rows)


def claim(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    room: int,
    retry_share: float,
) -> list[Claimed]:
    """Store up to *room* intents and return them; nothing may leave before the commit.

    Retries and callbacks whose time has come go first, within the retry budget; then
    pending records in the order of the upload.
    """
    taken: list[Claimed] = []
    run, room = ledger.lifecycle, min(room, CLAIM_ROWS)
    due_now = ledger.is_due(tx.now_ms)
    if due_now and may_call_back(run):
        taken += _due(tx, writer, ledger, RecordState.CALLBACK, room)
    if may_dispatch(run):
        left = room - len(taken)
        if due_now and left:
            pending = ledger.tally["pending"] > 0
            quota = retry_quota(left, retry_share, others_pending=pending)
            taken += _due(tx, writer, ledger, RecordState.RETRY, quota)
        left = room - len(taken)
        if left and ledger.tally["pending"]:
            fresh = writer.pending(tx.connection, ledger.run_no, ledger.frontier, left)
            if fresh:
                ledger.frontier = fresh[-1].seq
            taken += fresh
    if taken:
        _intend(tx, writer, ledger, taken)
    if due_now:
        ledger.next_due_ms = _next_due(tx, ledger)
    return taken


def sweep(tx: Transaction, ledger: Ledger) -> None:
    """Mark a slice of what will never be attempted."""
    tally, now_ms, room = ledger.tally, tx.now_ms, SWEEP_ROWS
    if tally["pending"]:
        count, ledger.frontier = writes.sweep_pending(
            tx.connection, ledger.run_no, ledger.frontier, room, now_ms
        )
        ledger.moved(RecordState.PENDING, RecordState.NOT_ATTEMPTED, count)
        room -= count
    for move, doubtful in _dropped(ledger):
        state, into = move
        if not tally[state.word] or room <= 0:
            continue
        if doubtful and ledger.doubtful_are_swept:
            continue
        count = writes.sweep_state(
            tx.connection, ledger.run_no, move, room, now_ms, doubtful=doubtful
        )
        if doubtful:
            ledger.doubtful_are_swept = count < room
        ledger.moved(state, into, count)
        room -= count


def is_left_to_drop(ledger: Ledger) -> bool:
    """Whether a sweep has something to do."""
    if not ledger.is_being_dropped:
        return False
    doomed = [RecordState.PENDING, *(move[0] for move, _ in _dropped(ledger))]
    return any(ledger.tally[state.word] for state in doomed)


_Move = tuple[RecordState, RecordState]


def _dropped(ledger: Ledger) -> list[tuple[_Move, bool]]:
    """Return the moves of a sweep, in order, and whether each is for doubtful ones."""
    moves = [
        # A retry that may have been delivered is never called not attempted.
        ((RecordState.RETRY, RecordState.UNKNOWN), True),
        ((RecordState.RETRY, RecordState.NOT_ATTEMPTED), False),
        ((RecordState.WAITING, RecordState.NOT_ATTEMPTED), False),
    ]
    if ledger.drops_callbacks:
        moves.append(((RecordState.CALLBACK, RecordState.ABANDONED), False))
    return moves


def _due(
    tx: Transaction,
    writer: AttemptWriter,
    ledger: Ledger,
    state: RecordState,
    most: int,
) -> list[Claimed]:
    if not ledger.tally[state.word]:
        return []
    return writer.due(tx.connection, ledger.run_no, state, tx.now_ms, most)


def _intend(
    tx: Transaction, writer: AttemptWriter, ledger: Ledger, taken: list[Claimed]
) -> None:
    stored = writer.intend(tx.connection, ledger.run_no, taken, tx.now_ms)
    _expect(stored, len(taken), ledger)
    for row in taken:
        ledger.tally[_WORDS[row.state]] -= 1
    ledger.tally["attempting"] += len(taken)
    ledger.tally["attempts"] += len(taken)
    ledger.touch()


_WORDS = {int(state): state.word for state in RecordState}


def _next_due(tx: Transaction, ledger: Ledger) -> int | None:
    times = [
        next_due_ms(tx.connection, ledger.run_no, state)
        for state in (RecordState.RETRY, RecordState.CALLBACK)
        if ledger.tally[state.word]
    ]
    known = [at for at in times if at is not None]
    return min(known) if known else None


def _watch_faults(
    tx: Transaction, ledger: Ledger, finished: Sequence[Finished]
) -> None:
    """Pause a run whose every record fails alike instead of burning its list."""
    for one in finished:
        if not one.outcome.run_fault:
            ledger.faults_in_a_row = 0
            continue
        ledger.faults_in_a_row += 1
        if ledger.faults_in_a_row >= FAULTS_THAT_PAUSE:
            pause_itself(tx, ledger, one.outcome.run_fault)
            return


def _expect(changed: int, expected: int, ledger: Ledger) -> None:
    if changed != expected:
        msg = (
            f"run {ledger.run_id}: {expected} records should have been in flight, "
            f"{changed} were: the store was changed from outside. Nothing was written."
        )
        raise StoreError(msg)
