"""Why records failed, are unknown or have to be tried again, in groups."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import Connection, RowMapping, Select, and_, func, literal, select

from watchfloor.domain.cohorts import origin_of
from watchfloor.domain.failing import (
    STATES,
    Failing,
    FailureGroup,
    Failures,
    failing,
    may_fail,
    reason,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import RunView
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.records import SAME
from watchfloor.store.reads.runs import run_number, step_names
from watchfloor.store.tables import books, contact, record

#: So many records of each state are looked at, those that stand last in the run.
MOST_LOOKED_AT: Final = 10_000
#: Of each state so many, where screens ask it of every run again and again.
_GLANCED_AT: Final = 1_000
#: So many groups of each state are told, the largest: codes are made up by providers.
MOST_GROUPS: Final = 50

#: Such a share of what was tried is worth a word.
_STANDS_OUT: Final = 0.05
#: So many of the largest group are asked where they are from.
_SAMPLED: Final = 500
#: Of fewer nothing is said; such a share of them is one place.
_LEAST_SAMPLED: Final = 5
_COMMON: Final = 0.9


def failures(
    connection: Connection, run_id: str, most: int = MOST_LOOKED_AT
) -> Failures:
    """Return a run's failed, unknown and retried records by why.

    Of each state the last *most* are looked at.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    steps = step_names(connection, run_id)
    counts = _counts(connection, number)
    groups: list[FailureGroup] = []
    for state in STATES:
        if counts[state]:
            rows = connection.execute(_grouped(number, state, most)).mappings()
            groups += [_group(state, row, steps) for row in rows]
    return Failures(
        groups=tuple(sorted(groups, key=_by_size)),
        looked_at=sum(min(count, most) for count in counts.values()),
        of=sum(counts.values()),
    )


def worst_of(connection: Connection, view: RunView) -> str:
    """Return what most of a run's troubled records fail with; empty for no such thing.

    It stands out where it is at least ``_STANDS_OUT`` of all that was tried.
    """
    books_now = view.books
    tried = books_now.done + books_now.retry
    if not books_now.failed + books_now.unknown + books_now.retry:
        return ""
    groups = failures(connection, view.run_id).groups
    if not groups or groups[0].records < _STANDS_OUT * tried:
        return ""
    worst = groups[0]
    origin = _common_origin(connection, view.run_id, worst)
    return f"{reason(worst, groups, origin)}, {worst.records:,} records"


def failing_of(connection: Connection, view: RunView) -> Failing | None:
    """Return that most of what a run tried fails, and why; None where it does not.

    Of a run that does well no row is read, and of others some thousand.
    """
    if not may_fail(view.books):
        return None
    groups = failures(connection, view.run_id, _GLANCED_AT).groups

    def from_where(group: FailureGroup) -> str:
        return _common_origin(connection, view.run_id, group)

    return failing(view.books, groups, _GLANCED_AT, from_where)


def _common_origin(connection: Connection, run_id: str, group: FailureGroup) -> str:
    """Return the domain or number prefix that most of a group's last records share."""
    number = run_number(connection, run_id)
    names = step_names(connection, run_id)
    query = (
        select(contact.c.contact)
        .join_from(record, contact, SAME)
        .where(
            record.c.run_no == number,
            is_state(group.state),
            record.c.outcome_class == group.outcome_class,
            record.c.code == group.code,
            record.c.step == (names.index(group.step) if group.step in names else 0),
        )
        .order_by(record.c.seq.desc())
        .limit(_SAMPLED)
    )
    found = Counter(map(origin_of, connection.scalars(query)))
    origin, count = found.most_common(1)[0] if found else ("", 0)
    is_common = count >= _COMMON * found.total() and found.total() >= _LEAST_SAMPLED
    return origin if is_common else ""


def _counts(connection: Connection, number: int) -> dict[RecordState, int]:
    columns = [books.c[state.word] for state in STATES]
    row = connection.execute(select(*columns).where(books.c.run_no == number)).one()
    return dict(zip(STATES, row, strict=True))


def _grouped(number: int, state: RecordState, most: int) -> Select[tuple[object, ...]]:
    """Return the query of the groups of one state."""
    last = (
        select(record.c.seq)
        .where(record.c.run_no == number, is_state(state))
        .order_by(record.c.seq.desc())
        .limit(most)
        .subquery()
    )
    # The index of the state gives the places; what else is asked stands in the rows.
    here = and_(record.c.run_no == literal(number), record.c.seq == last.c.seq)
    records = func.count().label("records")
    by = (record.c.outcome_class, record.c.code, record.c.step)
    return (
        select(*by, records, func.max(record.c.seq).label("example_seq"))
        .join_from(last, record, here)
        .group_by(*by)
        .order_by(records.desc(), *by)
        .limit(MOST_GROUPS)
    )


def _group(state: RecordState, row: RowMapping, steps: tuple[str, ...]) -> FailureGroup:
    outcome, step = row["outcome_class"], row["step"]
    return FailureGroup(
        state=state,
        outcome_class=None if outcome is None else OutcomeClass(outcome),
        code=row["code"],
        step=steps[step] if step < len(steps) else "",
        records=row["records"],
        example_seq=row["example_seq"],
    )


def _by_size(group: FailureGroup) -> tuple[int, int, str, str]:
    return (-group.records, group.state, group.step, group.code)
