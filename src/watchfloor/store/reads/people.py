"""Whom a family of runs has reached: of each person the newest record alone counts.

A retry copies records of its parent, so that the books of a family count a retried
person in every run. For each record of a cohort one of two is not the newest: the
parent's where the retry has it, else the copy that the retry let go of.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    true,
)

from watchfloor.domain.books import Books
from watchfloor.domain.records import RecordState
from watchfloor.store.reads.retryable import is_kept
from watchfloor.store.reads.runs import family_id, run_number, view_of_number
from watchfloor.store.tables import cohort, record, run

#: Some 60 ms.
SLICE: Final = 20_000


class FamilyRun(NamedTuple):
    """A run of a family.

    Attributes:
        is_retry: Its records are copies of those of another run of the family.
    """

    run_no: int
    run_id: str
    is_retry: bool
    is_ended: bool
    books: Books


class Older(NamedTuple):
    """Records that another run of the family tells better, of one slice of a cohort.

    Attributes:
        after: What the next slice is asked for with; None where this was the last.
    """

    counts: Counter[RecordState]
    after: int | None = None


def family_runs(connection: Connection, run_id: str) -> list[FamilyRun]:
    """Return the runs of a run's family, the oldest first.

    Raises:
        NotFoundError: No run has this id.
    """
    run_number(connection, run_id)
    family = family_id(connection, run_id)
    query = select(run.c.run_no).where(run.c.family_id == family).order_by(run.c.run_no)
    views = [
        (number, view_of_number(connection, number))
        for number in connection.scalars(query).all()
    ]
    return [
        FamilyRun(number, one.run_id, one.cohort > 0, one.lifecycle.is_ended, one.books)
        for number, one in views
    ]


def older_slice(
    connection: Connection, run_no: int, after: int, size: int = SLICE
) -> Older:
    """Return which records the next part of a cohort makes count no more, by state.

    Args:
        connection: Any.
        run_no: The retry.
        after: Past this number of its cohort; 0 for the beginning.
        size: So many are looked at.
    """
    part = (
        select(cohort.c.seq, cohort.c.parent_no, cohort.c.parent_seq)
        .where(cohort.c.run_no == run_no, cohort.c.seq > after)
        .order_by(cohort.c.seq)
        .limit(size)
        .subquery()
    )
    count, last = connection.execute(select(func.count(), func.max(part.c.seq))).one()
    copy, before = record.alias(), record.alias()
    state = case((is_kept(run.c.phase, copy), before.c.state), else_=copy.c.state)
    # Names that no column has: SQLite would group by the column itself.
    query = (
        select(state.label("older"), func.count())
        .select_from(part)
        .join(run, run.c.run_no == literal(run_no))
        .join(copy, and_(copy.c.run_no == literal(run_no), copy.c.seq == part.c.seq))
        .join(
            before,
            and_(
                before.c.run_no == part.c.parent_no,
                before.c.seq == part.c.parent_seq,
            ),
        )
        .group_by("older")
    )
    found: dict[int, int] = dict(iter(connection.execute(query)))
    counts = Counter({RecordState(one): many for one, many in found.items()})
    return Older(counts, last if count >= size else None)


def is_newest(connection: Connection, run_no: int) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of a record of ``record`` that is its person's newest."""
    taking, whose, copy = cohort.alias(), run.alias(), record.alias()
    newer = (
        exists()
        .where(
            taking.c.parent_no == run_no,
            taking.c.parent_seq == record.c.seq,
            whose.c.run_no == taking.c.run_no,
            copy.c.run_no == taking.c.run_no,
            copy.c.seq == taking.c.seq,
            is_kept(whose.c.phase, copy),
        )
        .correlate(record)
    )
    row = connection.execute(
        select(run.c.cohort, run.c.phase).where(run.c.run_no == run_no)
    ).one()
    own = is_kept(literal(row.phase), record) if row.cohort else true()
    return (~newer, own)


def not_in_state(state: RecordState) -> ColumnElement[bool]:
    """Return what holds of a record of ``record`` that stands somewhere else."""
    return record.c.state != int(state)
