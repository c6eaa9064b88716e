"""What failed in a run, slice by slice: each is one short read.

Grouping a million records takes seconds, and a read that long keeps the engine from
folding its log. A slice is told by the greatest number it does not look at any more, so
that every record is looked at once, whatever happens in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    select,
)

from watchfloor.domain.cohorts import PREFIX_LENGTH
from watchfloor.domain.lens import STATES, Dimension, Found
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.retryable import is_taken_up, retried_run
from watchfloor.store.reads.runs import run_number, step_names
from watchfloor.store.tables import books, contact, record

#: Some 60 ms.
SLICE: Final = 20_000

_NOTHING: Final = literal("", String)
_AT: Final = func.instr(contact.c.contact, "@")
#: As much of a contact as its origin is told from. What stands behind the first @ may
#: hold another one: the domain takes it from there.
_SOURCE: Final = case(
    (_AT > 0, func.substr(contact.c.contact, _AT)),
    (
        func.substr(contact.c.contact, 1, 1) == "+",
        func.substr(contact.c.contact, 1, PREFIX_LENGTH),
    ),
    else_="",
)


class Slice(NamedTuple):
    """Groups of some records of one state, the newest ones below a number.

    Attributes:
        below: What the next slice is asked for with; None where this was the last.
    """

    found: tuple[Found, ...] = ()
    below: int | None = None


def failure_counts(connection: Connection, run_id: str) -> dict[RecordState, int]:
    """Return how many records of a run the lens is about, by state.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    columns = [books.c[state.word] for state in STATES]
    row = connection.execute(select(*columns).where(books.c.run_no == number)).one()
    return dict(zip(STATES, row, strict=True))


def lens_slice(
    connection: Connection,
    run_id: str,
    state: RecordState,
    below: int | None,
    by: Sequence[Dimension],
    size: int = SLICE,
) -> Slice:
    """Return the groups of the next records of a state, from the newest down.

    Args:
        connection: Any.
        run_id: Whose records.
        state: One of the lens's.
        below: What the slice before this one told; None for the first.
        by: In what the records of a group agree; besides their class, always.
        size: So many records are looked at.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    steps = step_names(connection, run_id)
    taken = is_taken_up(retried_run(connection, number))
    query = _grouped(number, state, below, by, size, taken)
    rows = connection.execute(query).all()
    looked_at = sum(row.records for row in rows)
    lowest = min((row.lowest for row in rows), default=0)
    return Slice(
        found=tuple(
            Found(
                state=state,
                outcome_class=_class_of(row.by_class),
                code=row.by_code,
                step=steps[row.by_step] if row.by_step < len(steps) else "",
                source=row.by_source,
                records=row.records,
                example_seq=row.example_seq,
                first_at_ms=row.first_at_ms,
                last_at_ms=row.last_at_ms,
                retried=row.retried,
            )
            for row in rows
        ),
        below=lowest if looked_at >= size else None,
    )


def _grouped(
    number: int,
    state: RecordState,
    below: int | None,
    by: Sequence[Dimension],
    size: int,
    taken: ColumnElement[int | None],
) -> Select[Any]:
    places = select(record.c.seq).where(record.c.run_no == number, is_state(state))
    if below is not None:
        places = places.where(record.c.seq < below)
    last = places.order_by(record.c.seq.desc()).limit(size).subquery()
    # The index of the state gives the places; what else is asked stands in the rows.
    here = and_(record.c.run_no == literal(number), record.c.seq == last.c.seq)
    over = last.join(record, here)
    # Names that no column has: SQLite would group by the column itself.
    keys: list[ColumnElement[Any]] = [
        record.c.outcome_class.label("by_class"),
        (record.c.code if Dimension.CODE in by else _NOTHING).label("by_code"),
        (record.c.step if Dimension.STEP in by else literal(0)).label("by_step"),
        (_SOURCE if Dimension.ORIGIN in by else _NOTHING).label("by_source"),
    ]
    if Dimension.ORIGIN in by:
        whose = and_(contact.c.run_no == literal(number), contact.c.seq == last.c.seq)
        over = over.join(contact, whose)
    return (
        select(
            *keys,
            func.count().label("records"),
            func.count(taken).label("retried"),
            func.max(record.c.seq).label("example_seq"),
            func.min(record.c.seq).label("lowest"),
            func.min(record.c.updated_at_ms).label("first_at_ms"),
            func.max(record.c.updated_at_ms).label("last_at_ms"),
        )
        .select_from(over)
        .group_by(*(key.name for key in keys))
    )


def _class_of(number: int | None) -> OutcomeClass | None:
    return None if number is None else OutcomeClass(number)
