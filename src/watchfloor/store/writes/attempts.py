"""The hot path: intents, outcomes, releases, holds and steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    Connection,
    Update,
    bindparam,
    literal_column,
    select,
    update,
)
from sqlalchemy.engine.interfaces import Dialect

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.tables import record
from watchfloor.store.writes import bulk
from watchfloor.store.writes.statements import Prepared

_FLYING = (
    select(record)
    .where(
        record.c.run_no == bindparam("of_run"),
        record.c.seq.in_(
            select(record.c.seq).where(
                record.c.run_no == bindparam("of_run"),
                is_state(RecordState.ATTEMPTING),
            )
        ),
    )
    .order_by(record.c.seq)
)


class Claimed(NamedTuple):
    """A record whose intent is being stored, as it was before.

    Attributes:
        base: Attempts at earlier steps.
        earlier: The state in which earlier steps left it; 0 on its first step.
        held: 1 where its window was closed when it was looked at last.
        due_at_ms: What a callback promised.
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
    base: int
    earlier: int
    held: int
    first_at_ms: int | None
    next_at_ms: int | None
    due_at_ms: int | None
    expires_at_ms: int | None
    zone_no: int
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
    expires_at_ms: int | None
    state: int
    outcome_class: int
    code: str
    step: int


class Move(NamedTuple):
    """From which state, into which, and the code that says why."""

    state: RecordState
    into: RecordState
    code: str


class AttemptWriter:
    """Every statement that runs once per record; writers of one dialect share them."""

    def __init__(self, connection: Connection) -> None:
        prepared = _prepared(connection.dialect)
        self._reschedule, self._release, self._interrupt = prepared

    def pending(
        self, connection: Connection, run_no: int, frontier: int, most: int
    ) -> list[Claimed]:
        """Return the next pending records past the frontier, in seq order.

        Those that wait for a time are not among them: see ``due``.
        """
        return _claimed(connection, bulk.PENDING, (run_no, frontier, most))

    def due(
        self,
        connection: Connection,
        run_no: int,
        state: RecordState,
        now_ms: int,
        most: int,
    ) -> list[Claimed]:
        """Return records of a timed state whose time has come, most overdue first."""
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
                            row.next_at_ms if row.expires_at_ms else None,
                            row.expires_at_ms,
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
                    row.held,
                    run_no,
                    row.seq,
                )
                for row in rows
            ],
        )

    def hold(
        self, connection: Connection, run_no: int, seqs: Sequence[int], opens_at_ms: int
    ) -> None:
        """Let records rest until their window opens; each stays in its state."""
        values = (opens_at_ms, run_no, _json(list(seqs)))
        connection.exec_driver_sql(bulk.HOLD, values)

    def drop(
        self,
        connection: Connection,
        run_no: int,
        seqs: Sequence[int],
        move: Move,
        now_ms: int,
    ) -> int:
        """Give records that will not be attempted their last state, with the reason.

        Who becomes unknown is in doubt, whatever was said of them before.

        Returns:
            How many were in the state they are moved from.
        """
        values = (
            int(move.into),
            move.code,
            now_ms,
            int(move.into is RecordState.UNKNOWN),
            run_no,
            _json(list(seqs)),
            int(move.state),
        )
        return connection.exec_driver_sql(bulk.DROP, values).rowcount

    def advance(
        self,
        connection: Connection,
        run_no: int,
        seqs: Sequence[int],
        step: int,
        earlier: RecordState,
        now_ms: int,
    ) -> int:
        """Let records that are done with a step begin another; return how many."""
        values = (step, int(earlier), now_ms, now_ms, run_no, _json(list(seqs)))
        return connection.exec_driver_sql(bulk.ADVANCE, values).rowcount

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
    return list(connection.execute(_FLYING, {"of_run": run_no}).mappings())


@lru_cache(maxsize=4)
def _prepared(dialect: Dialect) -> tuple[Prepared, Prepared, Prepared]:
    """Return what reschedules, releases and interrupts a record, compiled once."""
    reschedule = Prepared(
        _in_flight().values(
            state=bindparam("state"),
            outcome_class=bindparam("outcome_class"),
            code=bindparam("code"),
            updated_at_ms=bindparam("updated_at_ms"),
            next_at_ms=bindparam("next_at_ms"),
            doubts=record.c.doubts + bindparam("doubt"),
            due_at_ms=bindparam("due_at_ms"),
            expires_at_ms=bindparam("expires_at_ms"),
        ),
        dialect,
        (
            "state",
            "outcome_class",
            "code",
            "updated_at_ms",
            "next_at_ms",
            "doubt",
            "due_at_ms",
            "expires_at_ms",
            "b_run_no",
            "b_seq",
        ),
    )
    release = Prepared(
        _in_flight().values(
            state=bindparam("state"),
            attempts=bindparam("attempts"),
            first_at_ms=bindparam("first_at_ms"),
            updated_at_ms=bindparam("updated_at_ms"),
            next_at_ms=bindparam("next_at_ms"),
            held=bindparam("held"),
        ),
        dialect,
        (
            "state",
            "attempts",
            "first_at_ms",
            "updated_at_ms",
            "next_at_ms",
            "held",
            "b_run_no",
            "b_seq",
        ),
    )
    interrupt = Prepared(
        _one_record().values(interrupted=record.c.interrupted + literal_column("1")),
        dialect,
        ("b_run_no", "b_seq"),
    )
    return reschedule, release, interrupt


def _one_record() -> Update:
    return update(record).where(
        record.c.run_no == bindparam("b_run_no"), record.c.seq == bindparam("b_seq")
    )


def _in_flight() -> Update:
    return _one_record().where(
        is_state(RecordState.ATTEMPTING),
    )
