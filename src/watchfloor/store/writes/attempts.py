"""The hot path: intents, outcomes, releases, and what an end leaves untouched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    Connection,
    Update,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import record
from watchfloor.store.writes import bulk
from watchfloor.store.writes.statements import Prepared


class Claimed(NamedTuple):
    """A record whose intent is being stored, as it was before.

    Attributes:
        digest: The contact's 16 bytes in hexadecimal.
        values: The cells of its row of the upload, in column order.
    """

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
    digest: str
    values: list[str]


class Closing(NamedTuple):
    """An attempt that is over: what is logged of it and what its record becomes."""

    seq: int
    number: int
    started_at_ms: int
    ended_at_ms: int
    detail: str
    provider_id: str
    why: str
    next_at_ms: int | None
    state: int
    outcome_class: int
    code: str
    step: int


class AttemptWriter:
    """Every statement that runs once per record. One per connection."""

    def __init__(self, connection: Connection) -> None:
        dialect = connection.dialect
        self._reschedule = Prepared(
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
            ),
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
        return _claimed(connection, bulk.PENDING, (run_no, frontier, most))

    def due(
        self,
        connection: Connection,
        run_no: int,
        state: RecordState,
        now_ms: int,
        most: int,
    ) -> list[Claimed]:
        """Return retries or callbacks whose time has come, the most overdue first."""
        return _claimed(connection, bulk.DUE[state], (run_no, now_ms, most))

    def intend(
        self, connection: Connection, run_no: int, rows: Sequence[Claimed], now_ms: int
    ) -> int:
        """Store the intents; until this is committed not one byte may leave.

        Returns:
            How many records were there to intend; the caller expects all of them.
        """
        seqs = _json([row.seq for row in rows])
        intended = connection.exec_driver_sql(
            bulk.INTEND, (now_ms, now_ms, run_no, seqs)
        )
        return intended.rowcount

    def close(
        self,
        connection: Connection,
        run_no: int,
        epoch: int,
        ending: str,
        closings: Sequence[Closing],
    ) -> int:
        """Log attempts and store what their records become.

        Args:
            connection: In a fenced transaction.
            run_no: Whose records.
            epoch: The engine's, for the log.
            ending: ``outcome``, or ``interrupted`` where a crash cut attempts off.
            closings: At most one per record.

        Returns:
            How many of the records were in flight; the caller expects all of them.
        """
        groups: dict[tuple[int, int, str, int], list[Closing]] = {}
        for closing in closings:
            groups.setdefault(closing[-4:], []).append(closing)
        changed = 0
        for (state, outcome_class, code, step), rows in groups.items():
            connection.exec_driver_sql(
                bulk.LOG,
                (
                    run_no,
                    step,
                    epoch,
                    ending,
                    outcome_class,
                    code,
                    _json([row[:8] for row in rows]),
                ),
            )
            doubt = int(outcome_class == OutcomeClass.AMBIGUOUS)
            now_ms = rows[-1].ended_at_ms
            if state in _TIMED:
                changed += self._reschedule.many(
                    connection,
                    [
                        (
                            state,
                            outcome_class,
                            code,
                            row.ended_at_ms,
                            row.next_at_ms,
                            doubt,
                            run_no,
                            row.seq,
                        )
                        for row in rows
                    ],
                )
                continue
            seqs = _json([row.seq for row in rows])
            values = (state, outcome_class, code, now_ms, doubt, run_no, seqs)
            changed += connection.exec_driver_sql(bulk.CLOSE, values).rowcount
        return changed

    def release(
        self, connection: Connection, run_no: int, rows: Sequence[Claimed], now_ms: int
    ) -> int:
        """Take intents back that were never sent: each record stands as before.

        Returns:
            How many were in flight; the caller expects all of them.
        """
        return self._release.many(
            connection,
            [
                (
                    row.state,
                    row.attempts,
                    row.first_at_ms,
                    now_ms,
                    row.next_at_ms,
                    run_no,
                    row.seq,
                )
                for row in rows
            ],
        )

    def count_interruptions(
        self, connection: Connection, rows: Sequence[tuple[int, int]]
    ) -> None:
        """Note for each (run_no, seq) that a crash cut its last attempt off."""
        self._interrupt.many(connection, rows)


#: States whose records have each their own time.
_TIMED = frozenset({RecordState.RETRY, RecordState.CALLBACK})


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _claimed(
    connection: Connection, statement: str, values: tuple[int, ...]
) -> list[Claimed]:
    found = connection.exec_driver_sql(statement, values).scalar_one()
    return [Claimed._make(row) for row in orjson.loads(found)]


def in_flight(connection: Connection, run_no: int) -> list[Any]:
    """Return the rows of a run that are in flight; found by index, never by scan."""
    flying = select(record.c.seq).where(
        record.c.run_no == run_no, is_state(RecordState.ATTEMPTING)
    )
    query = (
        select(record)
        .where(record.c.run_no == run_no, record.c.seq.in_(flying))
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


def _one_record() -> Update:
    return update(record).where(
        record.c.run_no == bindparam("b_run_no"), record.c.seq == bindparam("b_seq")
    )


def _in_flight() -> Update:
    return _one_record().where(
        is_state(RecordState.ATTEMPTING),
    )
