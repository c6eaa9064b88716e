"""What will never be attempted gets its last state, a slice per transaction."""

from __future__ import annotations

from watchfloor.domain.records import RecordState
from watchfloor.engine.changes import Transaction
from watchfloor.engine.ledger import Ledger
from watchfloor.store.reads.runs import held_count
from watchfloor.store.writes import sweeps

#: Records that one transaction marks as not attempted: some tens of milliseconds.
SWEEP_ROWS = 20_000

_Move = tuple[RecordState, RecordState]


def sweep(tx: Transaction, ledger: Ledger) -> None:
    """Mark a slice of what will never be attempted."""
    tally, now_ms, room = ledger.tally, tx.now_ms, SWEEP_ROWS
    if tally["pending"]:
        fallen, ledger.frontier = sweeps.sweep_pending(
            tx.connection, ledger.run_no, ledger.frontier, room, now_ms
        )
        room -= _book(ledger, RecordState.PENDING, fallen)
    for move, doubtful in _dropped(ledger):
        state = move[0]
        if not tally[state.word] or room <= 0:
            continue
        if doubtful and state in ledger.doubtful_swept:
            continue
        fallen = sweeps.sweep_state(
            tx.connection, ledger.run_no, move, room, now_ms, doubtful=doubtful
        )
        count = _book(ledger, state, fallen)
        if doubtful and count < room:
            ledger.doubtful_swept.add(state)
        room -= count
    if ledger.held and not ledger.held_is_counted and not is_left_to_drop(ledger):
        # Only promises that are kept may still rest outside their window.
        ledger.held = held_count(
            tx.connection, ledger.run_no, RecordState.CALLBACK, tally["callback"]
        )
        ledger.held_is_counted = True
        ledger.touch()


def is_left_to_drop(ledger: Ledger) -> bool:
    """Whether a sweep has something to do."""
    if not ledger.is_being_dropped:
        return False
    doomed = [RecordState.PENDING, *(move[0] for move, _ in _dropped(ledger))]
    return any(ledger.tally[state.word] for state in doomed)


def _book(ledger: Ledger, state: RecordState, fallen: dict[RecordState, int]) -> int:
    for into, count in fallen.items():
        ledger.moved(state, into, count)
    return sum(fallen.values())


def _dropped(ledger: Ledger) -> list[tuple[_Move, bool]]:
    """Return the moves of a sweep, in order, and whether each is for doubtful ones."""
    moves = [
        # Past the frontier these wait for a time: their window, or their next step.
        ((RecordState.PENDING, RecordState.NOT_ATTEMPTED), False),
        # A retry that may have been delivered is never called not attempted.
        ((RecordState.RETRY, RecordState.UNKNOWN), True),
        ((RecordState.RETRY, RecordState.NOT_ATTEMPTED), False),
        ((RecordState.WAITING, RecordState.NOT_ATTEMPTED), False),
    ]
    if ledger.drops_callbacks:
        # Nor is a promise that a crash cut off called abandoned.
        moves.append(((RecordState.CALLBACK, RecordState.UNKNOWN), True))
        moves.append(((RecordState.CALLBACK, RecordState.ABANDONED), False))
    return moves
