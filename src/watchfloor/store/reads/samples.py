"""Some of a run's records and attempts, where all of them would take too long.

Records are attempted in the order of their numbers, so that those below the frontier
were taken up last. Slices strewn evenly over the numbers tell of the run as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    bindparam,
    func,
    select,
)

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.store.conditions import is_state
from watchfloor.store.digests import among_digests, bound_digests
from watchfloor.store.reads.records import SAME
from watchfloor.store.reads.rows import seq_of_row
from watchfloor.store.tables import (
    attempt,
    books,
    contact,
    dedupe,
    record,
    reject,
)

#: Slices of a run, and records of each: some tens of milliseconds altogether.
SLICES: Final = 10
SLICE: Final = 150
#: So many records below the frontier are looked at.
NEWEST: Final = 1_000
#: What a slice begins and ends with: one query is asked for each.
_FIRST: Final = bindparam("first_seq", type_=BigInteger)
_LAST: Final = bindparam("last_seq", type_=BigInteger)
_STATES: Final = {int(one): one for one in RecordState}
_KINDS: Final = {one.value: one for one in RejectKind}
_CLASSES: Final = {int(one): one for one in OutcomeClass}


class SampledRecord(NamedTuple):
    """A record as it stands, with what its contact is told from."""

    seq: int
    state: RecordState
    step: int
    outcome_class: OutcomeClass | None
    code: str
    generation: int
    contact: str
    digest: bytes


class SampledAttempt(NamedTuple):
    """A closed attempt."""

    seq: int
    number: int
    step: int
    outcome_class: OutcomeClass | None
    code: str
    started_at_ms: int
    ended_at_ms: int


class SampledReject(NamedTuple):
    """A row that became no record, as it came in."""

    kind: RejectKind
    reason: str
    raw: str


def strewn(connection: Connection, run_no: int) -> list[tuple[int, int]]:
    """Return slices of a run's numbers, first and last of each; all of a short run."""
    last = _last_seq(connection, run_no)
    if last <= SLICES * SLICE:
        return [(1, last)] if last else []
    apart = (last - SLICE) / (SLICES - 1)
    starts = [1 + round(place * apart) for place in range(SLICES)]
    return [(start, start + SLICE - 1) for start in starts]


def newest(connection: Connection, run_no: int) -> list[tuple[int, int]]:
    """Return the slice of the numbers that were taken up last; none before the first.

    Of a run that has attempted everything, those at its end.
    """
    row = connection.execute(
        select(books.c.frontier, books.c.pending).where(books.c.run_no == run_no)
    ).one()
    last = row.frontier if row.pending else _last_seq(connection, run_no)
    return [(max(1, last - NEWEST + 1), last)] if last else []


def records_in(
    connection: Connection, run_no: int, slices: Sequence[tuple[int, int]]
) -> list[SampledRecord]:
    """Return the records of some slices."""
    query = (
        select(
            record.c.seq,
            record.c.state,
            record.c.step,
            record.c.outcome_class,
            record.c.code,
            record.c.generation,
            contact.c.contact,
            contact.c.digest,
        )
        .join_from(record, contact, SAME)
        .where(record.c.run_no == run_no, record.c.seq.between(_FIRST, _LAST))
    )
    return [
        SampledRecord(
            seq=seq,
            state=_STATES[state],
            step=step,
            outcome_class=_class_of(outcome),
            code=code,
            generation=generation,
            contact=whose,
            digest=digest,
        )
        for seq, state, step, outcome, code, generation, whose, digest in _of_slices(
            connection, query, slices
        )
    ]


def attempts_in(
    connection: Connection, run_no: int, slices: Sequence[tuple[int, int]]
) -> list[SampledAttempt]:
    """Return the closed attempts at the records of some slices, in their order."""
    query = (
        select(
            attempt.c.seq,
            attempt.c.number,
            attempt.c.step,
            attempt.c.outcome_class,
            attempt.c.code,
            attempt.c.started_at_ms,
            attempt.c.ended_at_ms,
        )
        .where(attempt.c.run_no == run_no, attempt.c.seq.between(_FIRST, _LAST))
        .order_by(attempt.c.seq, attempt.c.number)
    )
    return [
        SampledAttempt(seq, number, step, _class_of(outcome), code, began, ended)
        for seq, number, step, outcome, code, began, ended in _of_slices(
            connection, query, slices
        )
    ]


def rejects_at_the_ends(
    connection: Connection, run_no: int, most: int = 2_000
) -> list[SampledReject]:
    """Return the first and the last rejected rows of a run, at most *most*."""
    columns = (reject.c.row_no, reject.c.kind, reject.c.reason, reject.c.raw)
    mine = reject.c.run_no == run_no
    query = select(*columns).where(mine).limit(most // 2)
    rows = {
        row.row_no: row
        for order in (reject.c.row_no.asc(), reject.c.row_no.desc())
        for row in connection.execute(query.order_by(order))
    }
    return [
        SampledReject(_KINDS[row.kind], row.reason, row.raw) for row in rows.values()
    ]


_SHARED = select(dedupe.c.row_no).where(
    dedupe.c.run_no == bindparam("of_run"), among_digests(dedupe.c.digest)
)


def shared_with(
    connection: Connection, other_no: int, digests: Sequence[bytes]
) -> list[bytes]:
    """Return which of some contacts another run has a row of."""
    wanted = {"of_run": other_no, **bound_digests(digests)}
    return list(connection.scalars(_SHARED.with_only_columns(dedupe.c.digest), wanted))


def delivered_by(
    connection: Connection, other_no: int, digests: Sequence[bytes]
) -> int:
    """Return how many of some contacts another run delivered at its first word.

    What an operator had sent again is not counted: that was a decision.
    """
    wanted = {"of_run": other_no, **bound_digests(digests)}
    seqs = [
        seq_of_row(connection, other_no, row_no)
        for row_no in list(connection.scalars(_SHARED, wanted))
    ]
    there = [seq for seq in seqs if seq is not None]
    counted = select(func.count()).where(
        record.c.run_no == other_no,
        record.c.seq.in_(there),
        is_state(RecordState.DELIVERED),
        record.c.generation == 0,
    )
    return int(connection.scalar(counted) or 0)


def _of_slices(
    connection: Connection, query: Select[Any], slices: Sequence[tuple[int, int]]
) -> Iterator[tuple[Any, ...]]:
    for first, last in slices:
        bounds = {_FIRST.key: first, _LAST.key: last}
        yield from connection.execute(query, bounds)


def _last_seq(connection: Connection, run_no: int) -> int:
    query = select(func.max(record.c.seq)).where(record.c.run_no == run_no)
    return int(connection.scalar(query) or 0)


def _class_of(number: int | None) -> OutcomeClass | None:
    return None if number is None else _CLASSES[number]
