"""Retries before they are asked for: who would be taken up, and of which family."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, case, func, or_, select

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import Group, Parent
from watchfloor.domain.regions import Intake, Phase
from watchfloor.domain.resolutions import LOOK_UP, TakenUp, withdrawal_of
from watchfloor.store.reads.cohorts import selected
from watchfloor.store.reads.families import purged_of_family
from watchfloor.store.reads.resolutions import open_resolutions
from watchfloor.store.reads.retryable import (
    KEPT,
    Wanted,
    candidates,
    is_taken_up,
    retried_run,
    wanted,
)
from watchfloor.store.reads.runs import no_run, run_number
from watchfloor.store.tables import cohort, record, run

_MAY_BE_UNSENT = (RecordState.PENDING, RecordState.CLAIMED, RecordState.RETRY)
_PARENT = select(
    run.c.run_no,
    run.c.family_id,
    run.c.campaign_name,
    run.c.phase,
    run.c.retry_generation,
).where(run.c.run_id == bindparam("run_id"))
_NUMBERS = func.json_each(bindparam("numbers")).table_valued("value")
_NAMES = select(run.c.run_no, run.c.run_id).where(
    run.c.run_no.in_(select(_NUMBERS.c.value))
)
_RETRIES = select(func.count()).where(
    run.c.family_id == bindparam("family_id"), run.c.cohort > 0
)


def retry_parent(connection: Connection, run_id: str) -> Parent:
    """Return what a retry must know of a run.

    Raises:
        NotFoundError: No run has this id.
    """
    row = connection.execute(_PARENT, {"run_id": run_id}).first()
    if row is None:
        raise no_run(run_id)
    number, family_id, campaign_name, phase, generation = row
    return Parent(
        run_id=run_id,
        campaign_name=campaign_name,
        is_ended=phase == Phase.ENDED,
        purged=purged_of_family(connection, family_id) or "",
        retries=int(connection.scalar(_RETRIES, {"family_id": family_id}) or 0),
        generation=generation,
        under_way=_under_way(connection, number, run_id),
    )


def retry_groups(
    connection: Connection, run_id: str, selection: Selection
) -> list[Group]:
    """Return selected records in groups that share what decides about them.

    Raises:
        NotFoundError: No run has this id.
    """
    parent = retried_run(connection, run_number(connection, run_id))
    query = _grouped(wanted(connection, parent, selection))
    rows = connection.execute(query, {"parent_no": parent.run_no}).all()
    names = _names(connection, {row.taken_by for row in rows} - {None})
    return [
        Group(
            state=RecordState(row.state),
            outcome_class=(
                None if row.outcome_class is None else OutcomeClass(row.outcome_class)
            ),
            taken_by=names.get(row.taken_by, ""),
            is_reached=bool(row.is_reached),
            is_suppressed=bool(row.is_suppressed),
            may_repeat=bool(row.may_repeat),
            records=row.records,
            checksum=row.marks,
        )
        for row in rows
    ]


@lru_cache(maxsize=KEPT)
def _grouped(asked: Wanted) -> Select[Any]:
    found = candidates(asked).subquery().c
    by = (
        found.state,
        found.outcome_class,
        found.taken_by,
        found.is_reached,
        found.is_suppressed,
        found.may_repeat,
    )
    return select(
        *by, func.count().label("records"), func.sum(found.checksum).label("marks")
    ).group_by(*by)


def taken_up_by(connection: Connection, run_id: str, seq: int) -> str:
    """Return the retry that has a record now; empty where it is free.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    parent = retried_run(connection, number)
    query = select(is_taken_up(parent)).where(
        record.c.run_no == number, record.c.seq == seq
    )
    taken = connection.scalar(query)
    return _names(connection, {taken})[taken] if taken is not None else ""


def taken_up_of(
    connection: Connection, run_id: str, selection: Selection
) -> dict[str, TakenUp]:
    """Return which retry has how many of the selected records, the oldest retry first.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    parent = retried_run(connection, number)
    if not parent.has_children:
        return {}
    found = selected(connection, run_id, selection)
    taken = found.with_only_columns(
        record.c.seq,
        is_taken_up(parent).label("taken_by"),
        maintain_column_froms=True,
    ).subquery()
    there = record.alias()
    as_ = and_(
        cohort.c.run_no == taken.c.taken_by,
        cohort.c.parent_no == number,
        cohort.c.parent_seq == taken.c.seq,
    )
    same = and_(there.c.run_no == cohort.c.run_no, there.c.seq == cohort.c.seq)
    # One that is not taken up wholly yet has no record there.
    unsent = or_(
        there.c.state.is_(None),
        and_(
            there.c.state.in_([int(state) for state in _MAY_BE_UNSENT]),
            there.c.attempts == there.c.base,
        ),
    )
    query = (
        select(
            taken.c.taken_by,
            func.count(),
            func.sum(case((there.c.state == int(RecordState.UNKNOWN), 1), else_=0)),
            func.sum(case((unsent, 1), else_=0)),
        )
        .select_from(taken.join(cohort, as_).outerjoin(there, same))
        .where(taken.c.taken_by.is_not(None))
        .group_by(taken.c.taken_by)
        .order_by(taken.c.taken_by)
    )
    rows = connection.execute(query).all()
    names = _names(connection, {run_no for run_no, *_ in rows})
    return {names[run_no]: TakenUp(*counts) for run_no, *counts in rows}


def origin_record(connection: Connection, run_id: str, seq: int) -> tuple[str, int]:
    """Return which record of which run a retry's record is; empty and 0 for none."""
    query = (
        select(cohort.c.parent_no, cohort.c.parent_seq)
        .join(run, run.c.run_no == cohort.c.run_no)
        .where(run.c.run_id == run_id, cohort.c.seq == seq)
    )
    found = connection.execute(query).first()
    if found is None:
        return "", 0
    return _names(connection, {found.parent_no})[found.parent_no], found.parent_seq


def child_taking_up(connection: Connection, run_id: str) -> str:
    """Return a live retry of a run that has not taken up all of its cohort; or empty.

    Until it has, the people of the parent must stay where they are.
    """
    query = (
        select(run.c.run_id)
        .where(
            run.c.parent_id == run_id,
            run.c.cohort > 0,
            run.c.phase != Phase.ENDED,
            run.c.intake.not_in((Intake.DONE, Intake.ABORTED)),
        )
        .limit(1)
    )
    return str(connection.scalar(query) or "")


def _under_way(connection: Connection, number: int, run_id: str) -> str:
    """Return what is being said of a run's unknown records, in words; or empty."""
    for one in open_resolutions(connection, number):
        is_look_up = one.word == LOOK_UP
        what = "look-up" if is_look_up else "resolution"
        said = (
            f"a {what} of its records, asked for by {one.by}, is under way; an engine "
            "carries it on (where none runs: watchfloor engine --until-idle)"
        )
        return f"{said}; to end it: {withdrawal_of(run_id)}" if is_look_up else said
    return ""


def _names(connection: Connection, numbers: set[int]) -> dict[int, str]:
    if not numbers:
        return {}
    asked = {"numbers": json.dumps(sorted(numbers))}
    return dict(iter(connection.execute(_NAMES, asked)))
