"""The hot path: intents, outcomes, releases, and what an end leaves untouched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import attempt, contact, record
from watchfloor.store.writes.statements import Prepared


class Claimed(NamedTuple):
    """A record whose intent is being stored, as it was before."""

    seq: int
    state: int
    attempts: int
    interrupted: int
    doubts: int
    generation: int
    step: int
    first_at_ms: int | None
    next_at_ms: int | None
    contact: str
    digest: bytes
    values_json: str


class Closing(NamedTuple):
    """A record's row after an attempt: the values of one UPDATE, in order."""

    state: int
    outcome_class: int | None
    code: str
    updated_at_ms: int
    next_at_ms: int | None
    doubt: int
    run_no: int
    seq: int
    attempts: int


class Closed(NamedTuple):
    """One row of ``attempt``, in column order."""

    run_no: int
    seq: int
    number: int
    step: int
    epoch: int
    ending: str
    started_at_ms: int
    ended_at_ms: int
    outcome_class: int | None
    code: str
    detail: str
    provider_id: str
    why: str
    next_at_ms: int | None


class Released(NamedTuple):
    """A record whose intent is taken back unsent: one UPDATE's values, in order."""

    state: int
    attempts: int
    first_at_ms: int | None
    next_at_ms: int | None
    updated_at_ms: int
    run_no: int
    seq: int
    was_attempts: int


class AttemptWriter:
    """Every statement that runs once per record. One per connection."""

    def __init__(self, connection: Connection) -> None:
        dialect = connection.dialect
        self._pending = Prepared(
            _claimable(RecordState.PENDING)
            .where(record.c.seq > bindparam("frontier"))
            .order_by(record.c.seq)
            .limit(bindparam("most")),
            dialect,
            ("run_no", "frontier", "most"),
        )
        self._due = {
            state: Prepared(
                _claimable(state)
                .where(record.c.next_at_ms <= bindparam("now_ms"))
                .order_by(record.c.next_at_ms)
                .limit(bindparam("most")),
                dialect,
                ("run_no", "now_ms", "most"),
            )
            for state in (RecordState.RETRY, RecordState.CALLBACK)
        }
        self._intend = Prepared(
            _one_record()
            .where(record.c.attempts == bindparam("was_attempts"))
            .values(
                state=literal_column(str(int(RecordState.ATTEMPTING))),
                attempts=bindparam("attempts"),
                first_at_ms=bindparam("first_at_ms"),
                updated_at_ms=bindparam("updated_at_ms"),
                next_at_ms=None,
            ),
            dialect,
            (
                "attempts",
                "first_at_ms",
                "updated_at_ms",
                "next_at_ms",
                "b_run_no",
                "b_seq",
                "was_attempts",
            ),
        )
        self._close = Prepared(
            _in_flight().values(
                state=bindparam("state"),
                outcome_class=bindparam("outcome_class"),
                code=bindparam("code"),
                updated_at_ms=bindparam("updated_at_ms"),
                next_at_ms=bindparam("next_at_ms"),
                doubts=record.c.doubts + bindparam("doubt"),
            ),
            dialect,
            (
                "state",
                "outcome_class",
                "code",
                "updated_at_ms",
                "next_at_ms",
                "doubt",
                "b_run_no",
                "b_seq",
                "was_attempts",
            ),
        )
        self._log = Prepared(
            insert(attempt), dialect, tuple(column.name for column in attempt.c)
        )
        self._release = Prepared(
            _in_flight().values(
                state=bindparam("state"),
                attempts=bindparam("attempts"),
                first_at_ms=bindparam("first_at_ms"),
                updated_at_ms=bindparam("updated_at_ms"),
                next_at_ms=bindparam("next_at_ms"),
            ),
            dialect,
            (
                "state",
                "attempts",
                "first_at_ms",
                "updated_at_ms",
                "next_at_ms",
                "b_run_no",
                "b_seq",
                "was_attempts",
            ),
        )

        self._interrupt = Prepared(
            _one_record().values(
                interrupted=record.c.interrupted + literal_column("1")
            ),
            dialect,
            ("b_run_no", "b_seq"),
        )

    def pending(
        self, connection: Connection, run_no: int, frontier: int, most: int
    ) -> list[Claimed]:
        """Return the next pending records past the frontier, in seq order."""
        rows = self._pending.one(connection, (run_no, frontier, most))
        return [Claimed._make(row) for row in rows]

    def due(
        self,
        connection: Connection,
        run_no: int,
        state: RecordState,
        now_ms: int,
        most: int,
    ) -> list[Claimed]:
        """Return retries or callbacks whose time has come, the most overdue first."""
        rows = self._due[state].one(connection, (run_no, now_ms, most))
        return [Claimed._make(row) for row in rows]

    def intend(
        self, connection: Connection, run_no: int, rows: Sequence[Claimed], now_ms: int
    ) -> int:
        """Store the intents; until this is committed not one byte may leave.

        Returns:
            How many records were there to intend; the caller expects all of them.
        """
        return self._intend.many(
            connection,
            [
                (
                    row.attempts + 1,
                    now_ms if row.first_at_ms is None else row.first_at_ms,
                    now_ms,
                    None,
                    run_no,
                    row.seq,
                    row.attempts,
                )
                for row in rows
            ],
        )

    def close(
        self,
        connection: Connection,
        closings: Sequence[Closing],
        closed: Sequence[Closed],
    ) -> int:
        """Store outcomes and return how many of the records were in flight for them."""
        self._log.many(connection, closed)
        return self._close.many(connection, closings)

    def release(self, connection: Connection, rows: Sequence[Released]) -> int:
        """Take intents back that were never sent; return how many were in flight."""
        return self._release.many(
            connection,
            [
                (
                    row.state,
                    row.attempts,
                    row.first_at_ms,
                    row.updated_at_ms,
                    row.next_at_ms,
                    row.run_no,
                    row.seq,
                    row.was_attempts,
                )
                for row in rows
            ],
        )

    def count_interruptions(
        self, connection: Connection, rows: Sequence[tuple[int, int]]
    ) -> None:
        """Note for each (run_no, seq) that a crash cut its last attempt off."""
        self._interrupt.many(connection, rows)


def in_flight(connection: Connection, run_no: int) -> list[Any]:
    """Return the rows of a run that are in flight; found by index, never by scan."""
    query = (
        select(record)
        .where(record.c.run_no == run_no, is_state(RecordState.ATTEMPTING))
        .order_by(record.c.seq)
    )
    return list(connection.execute(query).mappings())


def sweep_pending(
    connection: Connection, run_no: int, frontier: int, most: int, now_ms: int
) -> tuple[int, int]:
    """Mark pending records not attempted, in seq order past the frontier.

    Returns:
        How many, and the new frontier.
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
        return 0, frontier
    swept = connection.execute(
        _ended_as(RecordState.NOT_ATTEMPTED, now_ms).where(
            record.c.run_no == run_no,
            record.c.seq > frontier,
            record.c.seq <= last,
            is_state(RecordState.PENDING),
        )
    )
    return swept.rowcount, int(last)


def sweep_state(
    connection: Connection,
    run_no: int,
    moves: tuple[RecordState, RecordState],
    most: int,
    now_ms: int,
    *,
    doubtful: bool = False,
) -> int:
    """Move up to *most* records from one exceptional state to a final one.

    Args:
        connection: In a fenced transaction.
        run_no: Whose records.
        moves: From which state, into which.
        most: The most records.
        now_ms: The moment they carry.
        doubtful: Only those of which an attempt may have been delivered.
    """
    state, into = moves
    some = (
        select(record.c.seq)
        .where(record.c.run_no == run_no, is_state(state))
        .limit(most)
    )
    if doubtful:
        some = some.where(record.c.doubts > 0)
    swept = connection.execute(
        _ended_as(into, now_ms).where(
            record.c.run_no == run_no, is_state(state), record.c.seq.in_(some)
        )
    )
    return swept.rowcount


def _ended_as(state: RecordState, now_ms: int) -> Update:
    return update(record).values(
        state=int(state), next_at_ms=None, updated_at_ms=now_ms
    )


def _claimable(state: RecordState) -> Select[Any]:
    same = and_(record.c.run_no == contact.c.run_no, record.c.seq == contact.c.seq)
    return (
        select(
            record.c.seq,
            record.c.state,
            record.c.attempts,
            record.c.interrupted,
            record.c.doubts,
            record.c.generation,
            record.c.step,
            record.c.first_at_ms,
            record.c.next_at_ms,
            contact.c.contact,
            contact.c.digest,
            contact.c.values_json,
        )
        .join_from(record, contact, same)
        .where(record.c.run_no == bindparam("run_no"), is_state(state))
    )


def _one_record() -> Update:
    return update(record).where(
        record.c.run_no == bindparam("b_run_no"), record.c.seq == bindparam("b_seq")
    )


def _in_flight() -> Update:
    return _one_record().where(
        record.c.attempts == bindparam("was_attempts"),
        is_state(RecordState.ATTEMPTING),
    )
