"""Retries: freezing a cohort, taking it up slice by slice, the stages of its canary."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    and_,
    case,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or_skip

from watchfloor.domain.canary import FIRST
from watchfloor.domain.cohorts import Selection
from watchfloor.domain.records import RecordState
from watchfloor.store.reads.retryable import (
    RetriedRun,
    candidates,
    is_to_be_retried,
)
from watchfloor.store.tables import canary, cohort, contact, dedupe, record

#: The last of these go when the others were judged; their order means nothing.
_PICKED: Final = sum(FIRST)
#: A cohort of more is looked through for them by a sample of so many.
_SAMPLED: Final = 20_000


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
    first = _strewn(
        connection, parent, selection, with_unknown=with_unknown, stride=stride
    )
    for number, (seq, state) in enumerate(first, 1):
        connection.execute(
            insert(cohort).values(
                run_no=run_no,
                seq=number,
                parent_no=parent.run_no,
                parent_seq=seq,
                was=state,
            )
        )
    if len(first) >= records:
        return len(first)
    found = candidates(connection, parent, selection).subquery("found").c
    picked = func.json_each(json.dumps([seq for seq, _ in first])).table_valued("value")
    place = func.row_number().over(order_by=found.seq) + len(first)
    rest = select(
        literal(run_no), place, literal(parent.run_no), found.seq, found.state
    ).where(
        is_to_be_retried(found, with_unknown=with_unknown),
        found.seq.not_in(select(picked.c.value)),
    )
    names = ["run_no", "seq", "parent_no", "parent_seq", "was"]
    added = connection.execute(insert(cohort).from_select(names, rest))
    return len(first) + added.rowcount


def _strewn(
    connection: Connection,
    parent: RetriedRun,
    selection: Selection,
    *,
    with_unknown: bool,
    stride: int,
) -> list[tuple[int, int]]:
    """Return the seqs and states that go first: of every kind one, then another."""
    found = candidates(
        connection, parent, selection, with_origin=True, stride=stride
    ).subquery("found")
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
    query = query.order_by(told.place, told.size.desc(), told.seq).limit(_PICKED)
    return [(seq, state) for seq, state in connection.execute(query).all()]


def cohort_slice(
    connection: Connection, run_no: int, after: int, most: int
) -> list[Taken]:
    """Return up to *most* records of a cohort past *after*, as they are now."""
    whose = and_(
        record.c.run_no == cohort.c.parent_no, record.c.seq == cohort.c.parent_seq
    )
    who = and_(
        contact.c.run_no == cohort.c.parent_no, contact.c.seq == cohort.c.parent_seq
    )
    query = (
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
        .join_from(cohort, record, whose)
        .join(contact, who)
        .where(cohort.c.run_no == run_no, cohort.c.seq > after)
        .order_by(cohort.c.seq)
        .limit(most)
    )
    return [Taken._make(row) for row in connection.execute(query).all()]


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
    out = func.json_each(json.dumps(sorted(left_out))).table_valued("value")
    here = and_(
        cohort.c.run_no == run_no,
        cohort.c.seq >= seqs.start,
        cohort.c.seq < seqs.stop,
        cohort.c.seq.not_in(select(out.c.value)),
    )
    who = and_(
        contact.c.run_no == cohort.c.parent_no, contact.c.seq == cohort.c.parent_seq
    )
    whose = and_(
        record.c.run_no == cohort.c.parent_no, record.c.seq == cohort.c.parent_seq
    )
    people = select(
        literal(run_no),
        cohort.c.seq,
        # Which row of the upload it was, the parent knows: here rows follow the seq.
        cohort.c.seq,
        contact.c.contact,
        contact.c.digest,
        contact.c.values_json,
        contact.c.zone_no,
    ).join_from(cohort, contact, who)
    connection.execute(
        insert(contact).from_select(
            [column.name for column in contact.c], people.where(here)
        )
    )
    keys = select(literal(run_no), contact.c.digest, cohort.c.seq)
    connection.execute(
        insert_or_skip(dedupe)
        .from_select(
            [column.name for column in dedupe.c],
            keys.join_from(cohort, contact, who).where(here),
        )
        .on_conflict_do_nothing()
    )
    in_doubt = case(
        (
            cohort.c.was == int(RecordState.UNKNOWN),
            func.max(record.c.doubts, 1),
        ),
        else_=0,
    )
    columns = {
        "run_no": literal(run_no),
        "seq": cohort.c.seq,
        "state": literal(int(RecordState.PENDING)),
        "step": record.c.step,
        "generation": record.c.generation,
        "earlier": record.c.earlier,
        "doubts": in_doubt,
        "updated_at_ms": literal(now_ms),
    }
    taken = select(*columns.values()).join_from(cohort, record, whose).where(here)
    added = connection.execute(insert(record).from_select([*columns], taken))
    return added.rowcount


def cells_of(connection: Connection, taken: Sequence[Taken]) -> dict[int, str]:
    """Return the cells of records that are left out, as JSON, by the cohort's seq."""
    found: dict[int, str] = {}
    for one in taken:
        query = select(contact.c.values_json).where(
            contact.c.run_no == one.parent_no, contact.c.seq == one.parent_seq
        )
        found[one.seq] = str(connection.scalar(query))
    return found


def add_stages(
    connection: Connection, run_no: int, stages: Sequence[Mapping[str, Any]]
) -> None:
    """Store the stages of a canary, the first one on."""
    rows = [
        {"run_no": run_no, "stage": number, **stage}
        for number, stage in enumerate(stages, 1)
    ]
    connection.execute(insert(canary), rows)


def save_stage(
    connection: Connection, run_no: int, stage: int, was: str, **values: object
) -> bool:
    """Store what became of a stage that stood at *was*; return whether it still did."""
    changed = connection.execute(
        update(canary)
        .where(
            canary.c.run_no == run_no, canary.c.stage == stage, canary.c.state == was
        )
        .values(**values)
    )
    return changed.rowcount == 1
