"""What a filter may ask about in each of its places, and the condition it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    case,
    func,
    literal_column,
    select,
)

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import STATE_WORDS
from watchfloor.store.filter_conditions import Condition, FieldSql, Kind, condition
from watchfloor.store.tables import attempt, contact, record, resolved

__all__ = [
    "FieldSql",
    "Kind",
    "condition",
    "contact_fields",
    "record_fields",
    "step_fields",
]

_CLASSES = {one.word: int(one) for one in OutcomeClass}


def contact_fields(columns: Sequence[str]) -> dict[str, FieldSql]:
    """Return the columns of an upload, for a query over ``contact``.

    ``contact`` is the normalised contact unless a column has that name.
    """
    found = {"contact": FieldSql(contact.c.contact)}
    return found | {name: _cell(at) for at, name in enumerate(columns)}


def record_fields(
    columns: Sequence[str], steps: Sequence[str] = ()
) -> dict[str, FieldSql]:
    """Return what records can be selected by, for a query over ``record, contact``.

    Watchfloor's own names win over columns; ``field.NAME`` is always the column.

    Args:
        columns: Of the upload.
        steps: The names of the campaign's steps, by number.
    """
    cells = {name: _cell(at) for at, name in enumerate(columns)}
    own = {
        "seq": FieldSql(record.c.seq, Kind.NUMBER),
        "row": FieldSql(contact.c.row_no, Kind.NUMBER),
        "contact": FieldSql(contact.c.contact),
        "state": FieldSql(record.c.state, Kind.WORD, STATE_WORDS),
        "step": FieldSql(record.c.step, Kind.WORD, _numbered(steps)),
        "attempts": FieldSql(record.c.attempts, Kind.NUMBER),
        "class": FieldSql(record.c.outcome_class, Kind.WORD, _CLASSES),
        "code": FieldSql(record.c.code),
        "updated_at": FieldSql(record.c.updated_at_ms, Kind.TIME),
        "next_at": FieldSql(record.c.next_at_ms, Kind.TIME),
    }
    return cells | {f"field.{name}": cell for name, cell in cells.items()} | own


def step_fields(
    columns: Sequence[str], steps: Sequence[str], *, is_retry: bool = False
) -> dict[str, FieldSql]:
    """Return what a step can depend on, for a query over ``record, contact``.

    A step's ``NAME.code`` wins over a column of that name: what a campaign means must
    not change with the upload.

    Args:
        columns: Of the upload.
        steps: The names of the steps before it, by number, from 0.
        is_retry: The records stand for others, whose attempts count as theirs.
    """
    last, attempts = (_last_of_all, _all_attempts) if is_retry else (_last, _attempts)
    found = contact_fields(columns)
    for number, name in enumerate(steps):
        found[f"{name}.code"] = FieldSql(func.coalesce(last("code", number), ""))
        found[f"{name}.class"] = FieldSql(
            last("outcome_class", number), Kind.WORD, _CLASSES
        )
        found[f"{name}.attempts"] = FieldSql(attempts(number), Kind.NUMBER)
    return found


def _cell(at: int) -> FieldSql:
    path = f"$[{at}]"
    cell = func.json_extract(contact.c.values_json, path, type_=String)
    return FieldSql(func.coalesce(cell, "", type_=String), Kind.CELL)


def _last(name: str, step: int) -> ColumnElement[Any]:
    """Return what the last attempt of a step came to, as is known by now."""
    said = and_(
        resolved.c.run_no == attempt.c.run_no,
        resolved.c.seq == attempt.c.seq,
        resolved.c.number == attempt.c.number,
        resolved.c.outcome_class.is_not(None),
    )
    known = case(
        (resolved.c.outcome_class.is_not(None), resolved.c[name]),
        else_=attempt.c[name],
    )
    query = select(known).join_from(attempt, resolved, said, isouter=True)
    newest = query.where(*_of_step(step)).order_by(
        attempt.c.number.desc(), resolved.c.resolution_no.desc()
    )
    return newest.limit(1).correlate(record).scalar_subquery()


def _attempts(step: int) -> ColumnElement[Any]:
    query = select(func.count()).select_from(attempt).where(*_of_step(step))
    return query.correlate(record).scalar_subquery()


def _of_step(step: int) -> tuple[Condition, ...]:
    return (
        attempt.c.run_no == record.c.run_no,
        attempt.c.seq == record.c.seq,
        attempt.c.step == step,
    )


# A retry's record begins at the step that failed: how those before it ended, only the
# records tell that it stands for. A younger run has a higher number.
_OF_ALL = """
FROM line AS l CROSS JOIN attempt AS a {joined}
WHERE a.run_no = l.run_no AND a.seq = l.seq AND a.step = {step}
"""
_LINE = """
WITH RECURSIVE line(run_no, seq) AS (
  SELECT record.run_no, record.seq
  UNION ALL
  SELECT c.parent_no, c.parent_seq FROM line AS l CROSS JOIN cohort AS c
  WHERE c.run_no = l.run_no AND c.seq = l.seq
)
"""
_SAID = """
LEFT JOIN resolved AS s ON s.run_no = a.run_no AND s.seq = a.seq
  AND s.number = a.number AND s.outcome_class IS NOT NULL
"""


def _last_of_all(name: str, step: int) -> ColumnElement[Any]:
    """As ``_last``, over the attempts at every record that one stands for."""
    query = f"""({_LINE}
SELECT CASE WHEN s.outcome_class IS NULL THEN a.{name} ELSE s.{name} END
{_OF_ALL.format(joined=_SAID, step=step)}
ORDER BY a.run_no DESC, a.number DESC, s.resolution_no DESC LIMIT 1)"""
    return literal_column(query, record.c[name].type)


def _all_attempts(step: int) -> ColumnElement[Any]:
    query = f"({_LINE} SELECT count(*) {_OF_ALL.format(joined='', step=step)})"
    return literal_column(query, record.c.attempts.type)


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}
