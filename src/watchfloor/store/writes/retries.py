"""Retries: freezing a cohort, taking it up slice by slice, the stages of its canary."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Insert,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.domain.canary import FIRST
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.records import RecordState
from watchfloor.store.reads.retryable import (
    KEPT,
    PARENT_NO,
    RetriedRun,
    Wanted,
    candidates,
    is_to_be_retried,
    wanted,
)
from watchfloor.store.tables import canary, cohort, contact, dedupe, record

#: The last of these go when the others were judged; their order means nothing.
_PICKED: Final = sum(FIRST)
#: A cohort of more is looked through for them by a sample of so many.
_SAMPLED: Final = 20_000

_SEQ: Final = BigInteger()
_ADD_TO_COHORT = insert(cohort)
_ADD_STAGES = insert(canary)
_SAVE_STAGE = update(canary).where(
    canary.c.run_no == bindparam("of_run"),
    canary.c.stage == bindparam("of_stage"),
    canary.c.state == bindparam("was"),
)
#: The record and the contact of the parent that a line of a cohort takes up.
_WHOSE = and_(
    record.c.run_no == cohort.c.parent_no, record.c.seq == cohort.c.parent_seq
)
_WHO = and_(
    contact.c.run_no == cohort.c.parent_no, contact.c.seq == cohort.c.parent_seq
)
_SLICE = (
    select(
        cohort.c.seq,
        cohort.c.parent_no,
        cohort.c.parent_seq,
        cohort.c.was,
        record.c.state,
        record.c.outcome_class,
        record.c.step,
        contact.c.digest,
    )
    .join_from(cohort, record, _WHOSE)
    .join(contact, _WHO)
    .where(cohort.c.run_no == bindparam("of_run"), cohort.c.seq > bindparam("after"))
    .order_by(cohort.c.seq)
    .limit(bindparam("most"))
)
_OUT = func.json_each(bindparam("left_out")).table_valued("value")
_CHILD = bindparam("of_run", type_=_SEQ)
#: Those of a slice that become a record.
_HERE = and_(
    cohort.c.run_no == _CHILD,
    cohort.c.seq >= bindparam("start"),
    cohort.c.seq < bindparam("stop"),
    cohort.c.seq.not_in(select(_OUT.c.value)),
)
_TAKE_PEOPLE = insert(contact).from_select(
    [column.name for column in contact.c],
    select(
        _CHILD,
        cohort.c.seq,
        # Which row of the upload it was, the parent knows: here rows follow the seq.
        cohort.c.seq,
        contact.c.contact,
        contact.c.digest,
        contact.c.values_json,
        contact.c.zone_no,
    )
    .join_from(cohort, contact, _WHO)
    .where(_HERE),
)
_TAKE_KEYS = (
    insert_or_skip(dedupe)
    .from_select(
        [column.name for column in dedupe.c],
        select(_CHILD, contact.c.digest, cohort.c.seq)
        .join_from(cohort, contact, _WHO)
        .where(_HERE),
    )
    .on_conflict_do_nothing()
)
_TAKEN = {
    "run_no": _CHILD,
    "seq": cohort.c.seq,
    "state": literal_column(str(int(RecordState.PENDING))),
    "step": record.c.step,
    "generation": record.c.generation,
    "earlier": record.c.earlier,
    "doubts": case(
        (cohort.c.was == int(RecordState.UNKNOWN), func.max(record.c.doubts, 1)),
        else_=0,
    ),
    "updated_at_ms": bindparam("now_ms", type_=_SEQ),
}
_TAKE_RECORDS = insert(record).from_select(
    [*_TAKEN],
    select(*_TAKEN.values()).join_from(cohort, record, _WHOSE).where(_HERE),
)
_CELLS = select(contact.c.values_json).where(
    contact.c.run_no == bindparam("of_run"), contact.c.seq == bindparam("seq")
)


class Taken(NamedTuple):
    """A record of a cohort before it is taken up.

    Attributes:
        was: The state in which it was frozen, and ``state`` what it is in now.
        outcome_class: As it is now.
        step: Where it stands.
        digest: The contact's.
    """

    seq: int
    parent_no: int
    parent_seq: int
    was: int
    state: int
    outcome_class: int | None
    step: int
    digest: bytes


def freeze(
    connection: Connection,
    run_no: int,
    parent: RetriedRun,
    selection: Selection,
    *,
    with_unknown: bool,
    records: int,
) -> int:
    """Store which records of *parent* the run takes up; return how many.

    The first ones are strewn over code, step and origin, so that a canary meets every
    kind of failure; the others follow in the parent's order. Of very many, the first
    ones are chosen from a sample.

    Args:
        connection: In a fenced transaction.
        run_no: The retry.
        parent: Whose records.
        selection: Which of them.
        with_unknown: Also those that may have been delivered.
        records: How many that is, as it was counted.
    """
    stride = max(1, records // _SAMPLED)
    asked = wanted(connection, parent, selection)
    strewn = _strewn(asked._replace(with_origin=True, stride=stride), with_unknown)
    whose = {"parent_no": parent.run_no}
    first = [(seq, state) for seq, state in connection.execute(strewn, whose).all()]
    rows = [
        {"run_no": run_no, "seq": number, **whose, "parent_seq": seq, "was": state}
        for number, (seq, state) in enumerate(first, 1)
    ]
    if rows:
        connection.execute(_ADD_TO_COHORT, rows)
    if len(first) >= records:
        return len(first)
    picked = json.dumps([seq for seq, _ in first])
    child = {"child_no": run_no, "picked": picked, "before": len(first)}
    added = connection.execute(_others(asked, with_unknown), whose | child)
    return len(first) + added.rowcount


@lru_cache(maxsize=KEPT)
def _others(asked: Wanted, with_unknown: bool) -> Insert:
    """Return the statement that stores whoever was not picked to go first."""
    found = candidates(asked).subquery("found").c
    picked = func.json_each(bindparam("picked")).table_valued("value")
    place = func.row_number().over(order_by=found.seq) + bindparam("before", type_=_SEQ)
    rest = select(
        bindparam("child_no", type_=_SEQ), place, PARENT_NO, found.seq, found.state
    ).where(
        is_to_be_retried(found, with_unknown=with_unknown),
        found.seq.not_in(select(picked.c.value)),
    )
    names = ["run_no", "seq", "parent_no", "parent_seq", "was"]
    return insert(cohort).from_select(names, rest)


@lru_cache(maxsize=KEPT)
def _strewn(asked: Wanted, with_unknown: bool) -> Select[Any]:
    """Return the query of those that go first: of every kind one, then another."""
    found = candidates(asked).subquery("found")
    kind = (found.c.code, found.c.step, found.c.origin)
    place = func.row_number().over(partition_by=kind, order_by=found.c.seq)
    size = func.count().over(partition_by=kind)
    told = (
        select(found.c.seq, found.c.state, place.label("place"), size.label("size"))
        .where(is_to_be_retried(found.c, with_unknown=with_unknown))
        .subquery()
        .c
    )
    query = select(told.seq, told.state)
    return query.order_by(told.place, told.size.desc(), told.seq).limit(_PICKED)


def cohort_slice(
    connection: Connection, run_no: int, after: int, most: int
) -> list[Taken]:
    """Return up to *most* records of a cohort past *after*, as they are now."""
    asked = {"of_run": run_no, "after": after, "most": most}
    return [Taken._make(row) for row in connection.execute(_SLICE, asked).all()]


def take_up(
    connection: Connection,
    run_no: int,
    seqs: range,
    left_out: Collection[int],
    now_ms: int,
) -> int:
    """Make records of a slice of a cohort; return how many.

    Each begins at the step where its parent's stands, with the same contact, cells and
    generation: so its key and its body are the same. What may have been delivered
    stays in doubt.

    Args:
        connection: In a fenced transaction.
        run_no: The retry.
        seqs: Which of its cohort, without a step.
        left_out: Those of them that become no record.
        now_ms: The moment they carry.
    """
    here = {
        "of_run": run_no,
        "start": seqs.start,
        "stop": seqs.stop,
        "left_out": json.dumps(sorted(left_out)),
    }
    connection.execute(_TAKE_PEOPLE, here)
    connection.execute(_TAKE_KEYS, here)
    added = connection.execute(_TAKE_RECORDS, {**here, "now_ms": now_ms})
    return added.rowcount


def cells_of(connection: Connection, taken: Sequence[Taken]) -> dict[int, str]:
    """Return the cells of records that are left out, as JSON, by the cohort's seq."""
    found: dict[int, str] = {}
    for one in taken:
        asked = {"of_run": one.parent_no, "seq": one.parent_seq}
        found[one.seq] = str(connection.scalar(_CELLS, asked))
    return found


def add_stages(
    connection: Connection, run_no: int, stages: Sequence[Mapping[str, Any]]
) -> None:
    """Store the stages of a canary, the first one on."""
    rows = [
        {"run_no": run_no, "stage": number, **stage}
        for number, stage in enumerate(stages, 1)
    ]
    connection.execute(_ADD_STAGES, rows)


def save_stage(
    connection: Connection, run_no: int, stage: int, was: str, **values: object
) -> bool:
    """Store what became of a stage that stood at *was*; return whether it still did."""
    place = {"of_run": run_no, "of_stage": stage, "was": was}
    return connection.execute(_SAVE_STAGE, {**place, **values}).rowcount == 1
