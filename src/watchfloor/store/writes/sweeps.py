"""What an end leaves untouched gets its last state, slice by slice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    bindparam,
    func,
    select,
    update,
)

from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import record

#: Every statement is made once: an end asks for them in every round until it is done.
_OF_RUN = record.c.run_no == bindparam("of_run")
_AHEAD = (
    select(record.c.seq)
    .where(_OF_RUN, record.c.seq > bindparam("frontier"), is_state(RecordState.PENDING))
    .order_by(record.c.seq)
    .limit(bindparam("most"))
    .subquery()
)
_LAST_AHEAD = select(func.max(_AHEAD.c.seq))
_UP_TO = (
    record.c.seq > bindparam("frontier"),
    record.c.seq <= bindparam("last"),
    is_state(RecordState.PENDING),
)


def sweep_pending(
    connection: Connection, run_no: int, frontier: int, most: int, now_ms: int
) -> tuple[dict[RecordState, int], int]:
    """Drop pending records in seq order past the frontier.

    Returns:
        How many fell into which state, and the new frontier.
    """
    place = {"of_run": run_no, "frontier": frontier}
    last = connection.scalar(_LAST_AHEAD, {**place, "most": most})
    if last is None:
        return {}, frontier
    place |= {"last": last, "now_ms": now_ms}
    return _fallen(connection, _dropped_up_to(), place), int(last)


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
    place = {"of_run": run_no, "most": most, "now_ms": now_ms}
    return _fallen(connection, _dropped(state, into, doubtful), place)


_Falls: TypeAlias = tuple[tuple[RecordState, Update], ...]


@cache
def _dropped_up_to() -> _Falls:
    return _falls(RecordState.NOT_ATTEMPTED, _OF_RUN, *_UP_TO)


@cache
def _dropped(state: RecordState, into: RecordState, doubtful: bool) -> _Falls:
    some: Select[tuple[int]] = (
        select(record.c.seq).where(_OF_RUN, is_state(state)).limit(bindparam("most"))
    )
    if state is RecordState.PENDING:
        # Past the frontier only those are left that wait for a time, and have an index.
        some = some.where(record.c.next_at_ms.is_not(None))
    if doubtful:
        some = some.where(record.c.doubts > 0)
    return _falls(into, _OF_RUN, is_state(state), record.c.seq.in_(some))


def _falls(into: RecordState, *conditions: ColumnElement[bool]) -> _Falls:
    """Return the updates that drop records, and the state that each gives them."""
    if into is not RecordState.NOT_ATTEMPTED:
        return ((into, _ended_as(into).where(*conditions)),)
    back = (RecordState.DELIVERED, RecordState.FAILED)
    falls = [(one, record.c.earlier == int(one)) for one in back]
    return tuple(
        (state, _ended_as(state).where(*conditions, earlier))
        for state, earlier in (*falls, (into, record.c.earlier == 0))
    )


def _fallen(
    connection: Connection, falls: _Falls, place: Mapping[str, object]
) -> dict[RecordState, int]:
    """Move records and count where they fell."""
    return {
        state: connection.execute(statement, place).rowcount
        for state, statement in falls
    }


def _ended_as(state: RecordState) -> Update:
    return update(record).values(
        state=int(state),
        next_at_ms=None,
        updated_at_ms=bindparam("now_ms"),
        held=0,
        due_at_ms=None,
        expires_at_ms=None,
    )
