"""Which records of an ended run a retry may take up, as SQL.

The preview counts by it and the command freezes by it, so that both mean the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.expression import CompoundSelect

from watchfloor.domain.cohorts import PREFIX_LENGTH, Selection
from watchfloor.domain.outcomes import Delivery, OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Phase
from watchfloor.domain.results import REACHED
from watchfloor.store.reads.cohorts import conditions_of, step_places
from watchfloor.store.reads.records import SAME
from watchfloor.store.tables import cohort, contact, record, result, run, suppression

#: A prime below 2^31: sums of so large numbers stay whole for billions of records.
_PRIME = 2_147_483_629
_FAILED = frozenset({RecordState.FAILED, RecordState.UNKNOWN})
#: The number of the run whose records are asked for, wherever a query is kept.
PARENT_NO: Final = bindparam("parent_no", type_=BigInteger)
_PARENT = select(
    run.c.run_id,
    run.c.steps_json,
    exists().where(cohort.c.parent_no == PARENT_NO),
    exists().select_from(suppression),
    exists().where(result.c.run_no == PARENT_NO),
).where(run.c.run_no == PARENT_NO)
#: So many shapes of queries are kept: one screen and one engine ask for a few.
KEPT: Final = 32


@dataclass(frozen=True, slots=True)
class RetriedRun:
    """A run as the queries of a retry need it."""

    run_no: int
    run_id: str
    once: tuple[int, ...]
    has_children: bool
    has_suppressed: bool
    has_results: bool


def retried_run(connection: Connection, run_no: int) -> RetriedRun:
    """Return what the queries need to know of the parent."""
    row = connection.execute(_PARENT, {"parent_no": run_no}).one()
    run_id, steps, has_children, has_suppressed, has_results = row
    return RetriedRun(
        run_no,
        run_id,
        tuple(
            place
            for place, (_, _, promise) in enumerate(json.loads(steps))
            if Delivery(promise) is Delivery.AT_MOST_ONCE
        ),
        bool(has_children),
        bool(has_suppressed),
        bool(has_results),
    )


class Wanted(NamedTuple):
    """What the text of a query of candidates depends on; runs of one kind share it.

    Attributes:
        selection: Which records. One that names no state and no record means all that
            failed or are unknown.
        steps: The places of the steps that it names.
        with_origin: Tell what a provider may fail as one; the contact is read for it.
        stride: Only every so manieth number, for a sample of very many.
    """

    once: tuple[int, ...]
    has_children: bool
    has_suppressed: bool
    has_results: bool
    selection: Selection
    steps: tuple[int, ...]
    with_origin: bool = False
    stride: int = 1


def wanted(connection: Connection, parent: RetriedRun, selection: Selection) -> Wanted:
    """Return how the selected records of a run are to be asked for."""
    return Wanted(
        parent.once,
        parent.has_children,
        parent.has_suppressed,
        parent.has_results,
        selection,
        step_places(connection, parent.run_id, selection),
    )


@lru_cache(maxsize=KEPT)
def candidates(asked: Wanted) -> Select[Any] | CompoundSelect[Any]:
    """Return the query of selected records, with all that decides about them.

    Its columns are seq, state, outcome_class, code, step, taken_by (a run's number or
    NULL), is_reached, is_suppressed, may_repeat and checksum, and origin where it is
    wanted. Whose records they are is told by ``PARENT_NO`` when it is executed.
    """
    states = asked.selection.states
    if not states and not asked.selection.seqs:
        states = _FAILED
    # Each by its own index; with both in one condition SQLite may read the whole run.
    narrowed = [
        replace(asked.selection, states=frozenset({one})) for one in sorted(states)
    ]
    each = [
        _candidates(asked._replace(selection=one))
        for one in narrowed or [asked.selection]
    ]
    return each[0] if len(each) == 1 else union_all(*each)


def is_taken_up(parent: RetriedRun) -> ColumnElement[int | None]:
    """Return the newest run that has the record of ``record``, or NULL.

    One that will not come to the record any more lets go of it: what it calls not
    attempted was not reached, even by tries that failed for now. What it calls unknown
    it keeps, though it made no attempt: of two runs that let it go, each would be asked
    to try it again.
    """
    if not parent.has_children:
        return cast(null(), Integer)
    return _taken_up_of(parent.run_no)


def _taken_up_of(parent_no: int | ColumnElement[int]) -> ColumnElement[int | None]:
    taking, whose, there = cohort.alias(), run.alias(), record.alias()
    same = and_(there.c.run_no == taking.c.run_no, there.c.seq == taking.c.seq)
    return (
        select(func.max(taking.c.run_no))
        .select_from(
            taking.join(whose, whose.c.run_no == taking.c.run_no).outerjoin(there, same)
        )
        .where(
            taking.c.parent_no == parent_no,
            taking.c.parent_seq == record.c.seq,
            is_kept(whose.c.phase, there),
        )
        .correlate(record)
        .scalar_subquery()
    )


def is_kept(
    phase: ColumnElement[Any],
    there: Any,  # noqa: ANN401 - ``record`` or an alias of it
) -> ColumnElement[bool]:
    """Return the condition that a run in a phase has a record that it took up.

    While it is live that is each but those it was told to spare; before it has copied a
    record, ``there`` is null.
    """
    state = func.coalesce(there.c.state, int(RecordState.PENDING))
    spares = state == int(RecordState.NOT_ATTEMPTED)
    return or_(and_(phase != Phase.ENDED, not_(spares)), has_come_to(there))


def has_come_to(
    there: Any,  # noqa: ANN401 - ``record`` or an alias of it
) -> ColumnElement[bool]:
    """Return the condition that a run which ended had come to a record by then."""
    return and_(
        there.c.state != int(RecordState.NOT_ATTEMPTED),
        or_(there.c.attempts > 0, there.c.state == int(RecordState.UNKNOWN)),
    )


def is_free(connection: Connection, run_no: int) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of a record of ``record`` that no younger run has taken up.

    Nothing is asked of a run that was never retried.
    """
    parent = retried_run(connection, run_no)
    return (is_taken_up(parent).is_(None),) if parent.has_children else ()


def is_reached() -> ColumnElement[bool]:
    """Return the condition that a provider reported of a record that it arrived.

    What it reported of an earlier step says nothing about the one that failed.
    """
    return exists().where(
        result.c.run_no == record.c.run_no,
        result.c.seq == record.c.seq,
        or_(result.c.step == record.c.step, result.c.step.is_(None)),
        or_(*(result.c.kind == kind for kind in sorted(REACHED))),
    )


def is_to_be_retried(
    found: Any,  # noqa: ANN401 - the columns of a subquery of ``candidates``
    *,
    with_unknown: bool,
) -> ColumnElement[bool]:
    """Return the condition over ``candidates`` of those that are taken up."""
    failed = and_(
        found.state == int(RecordState.FAILED),
        found.outcome_class == int(OutcomeClass.TRANSIENT),
    )
    if with_unknown:
        failed = or_(failed, found.state == int(RecordState.UNKNOWN))
    return and_(
        failed,
        found.taken_by.is_(None),
        found.is_reached == 0,
        found.is_suppressed == 0,
    )


def _candidates(asked: Wanted) -> Select[Any]:
    stopped: ColumnElement[Any] = literal(0)
    if asked.has_suppressed:
        known = exists().where(suppression.c.digest == contact.c.digest)
        stopped = case((known, 1), else_=0)
    places = [record.c.step == literal_column(str(place)) for place in asked.once]
    repeats = or_(*places) if places else false()
    nobody = cast(null(), Integer)
    taken_by = _taken_up_of(PARENT_NO) if asked.has_children else nobody
    marks = (
        (record.c.seq * record.c.seq) % _PRIME * 1_009
        + record.c.seq
        + record.c.step * 8_191
        + record.c.generation * 131_071
        + record.c.state * 524_287
    )
    columns: list[ColumnElement[Any]] = [
        record.c.seq,
        record.c.state,
        record.c.outcome_class,
        record.c.code,
        record.c.step,
        taken_by.label("taken_by"),
        case((is_reached(), 1), else_=0).label("is_reached")
        if asked.has_results
        else literal(0).label("is_reached"),
        stopped.label("is_suppressed"),
        case((repeats, 1), else_=0).label("may_repeat"),
        (marks % _PRIME).label("checksum"),
    ]
    if asked.with_origin:
        columns.append(_origin().label("origin"))
    query = select(*columns).where(
        record.c.run_no == PARENT_NO, *conditions_of(asked.selection, asked.steps)
    )
    if asked.with_origin or asked.has_suppressed or asked.selection.origins:
        query = query.join_from(record, contact, SAME)
    if asked.stride > 1:
        query = query.where(record.c.seq % asked.stride == 0)
    return query


def _origin() -> ColumnElement[str]:
    """Return what a provider may fail as one; see ``domain.cohorts.origin_of``."""
    at = func.instr(contact.c.contact, "@")
    return case(
        (at > 0, func.lower(func.substr(contact.c.contact, at + 1))),
        (
            contact.c.contact.like("+%"),
            func.substr(contact.c.contact, 1, PREFIX_LENGTH),
        ),
        else_="",
    )
