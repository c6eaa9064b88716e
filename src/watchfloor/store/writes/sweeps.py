"""What an end leaves untouched gets its last state, slice by slice."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Update, func, select, update

from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import record


def sweep_pending(
    connection: Connection, run_no: int, frontier: int, most: int, now_ms: int
) -> tuple[dict[RecordState, int], int]:
    """Drop pending records in seq order past the frontier.

    Returns:
        How many fell into which state, and the new frontier.
    """
    ahead = (
        select(record.c.seq)
        .where(
            record.c.run_no == run_no,
            record.c.seq > frontier,
            is_state(RecordState.PENDING),
        )
        .order_by(record.c.seq)
        .limit(most)
        .subquery()
    )
    last = connection.scalar(select(func.max(ahead.c.seq)))
    if last is None:
        return {}, frontier
    fallen = _fallen(
        connection,
        RecordState.NOT_ATTEMPTED,
        now_ms,
        record.c.run_no == run_no,
        record.c.seq > frontier,
        record.c.seq <= last,
        is_state(RecordState.PENDING),
    )
    return fallen, int(last)


def sweep_state(
    connection: Connection,
    run_no: int,
    moves: tuple[RecordState, RecordState],
    most: int,
    now_ms: int,
    *,
    doubtful: bool = False,
) -> dict[RecordState, int]:
    """Drop up to *most* records of one exceptional state.

    Args:
        connection: In a fenced transaction.
        run_no: Whose records.
        moves: From which state, into which. What would be ``not_attempted`` although
            an earlier step reached it falls back to what that step left.
        most: The most records.
        now_ms: The moment they carry.
        doubtful: Only those of which an attempt may have been delivered.

    Returns:
        How many fell into which state.
    """
    state, into = moves
    some = (
        select(record.c.seq)
        .where(record.c.run_no == run_no, is_state(state))
        .limit(most)
    )
    if state is RecordState.PENDING:
        # Past the frontier only those are left that wait for a time, and have an index.
        some = some.where(record.c.next_at_ms.is_not(None))
    if doubtful:
        some = some.where(record.c.doubts > 0)
    return _fallen(
        connection,
        into,
        now_ms,
        record.c.run_no == run_no,
        is_state(state),
        record.c.seq.in_(some),
    )


def _fallen(
    connection: Connection,
    into: RecordState,
    now_ms: int,
    *conditions: ColumnElement[bool],
) -> dict[RecordState, int]:
    """Move records and count where they fell."""
    fallen: dict[RecordState, int] = {}
    if into is RecordState.NOT_ATTEMPTED:
        for earlier in (RecordState.DELIVERED, RecordState.FAILED):
            back = _ended_as(earlier, now_ms).where(
                *conditions, record.c.earlier == int(earlier)
            )
            fallen[earlier] = connection.execute(back).rowcount
        conditions = (*conditions, record.c.earlier == 0)
    moved = connection.execute(_ended_as(into, now_ms).where(*conditions))
    fallen[into] = fallen.get(into, 0) + moved.rowcount
    return fallen


def _ended_as(state: RecordState, now_ms: int) -> Update:
    return update(record).values(
        state=int(state),
        next_at_ms=None,
        updated_at_ms=now_ms,
        held=0,
        due_at_ms=None,
        expires_at_ms=None,
    )
