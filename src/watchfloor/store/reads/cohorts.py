"""Which records of a run a selection selects."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from watchfloor.domain.cohorts import PREFIX_LENGTH, Selection
from watchfloor.store.conditions import is_state
from watchfloor.store.reads.records import SAME
from watchfloor.store.reads.runs import run_number, step_names
from watchfloor.store.tables import contact, record


def count_of(connection: Connection, run_id: str, selection: Selection) -> int:
    """Return how many records of a run are selected; looks at each of their states.

    Raises:
        NotFoundError: No run has this id.
    """
    query = selected(connection, run_id, selection).subquery()
    return int(connection.scalar(select(func.count()).select_from(query)) or 0)


def seqs_of(connection: Connection, run_id: str, selection: Selection) -> list[int]:
    """Return the seq of every selected record, in order.

    Raises:
        NotFoundError: No run has this id.
    """
    query = selected(connection, run_id, selection).order_by(record.c.seq)
    return list(connection.scalars(query))


def selected(
    connection: Connection, run_id: str, selection: Selection
) -> Select[tuple[int]]:
    """Return the query of the selected records' seq, to be read or to be joined.

    Raises:
        NotFoundError: No run has this id.
    """
    number = run_number(connection, run_id)
    query = select(record.c.seq).where(record.c.run_no == number)
    if selection.origins:
        query = query.join_from(record, contact, SAME)
    return query.where(*conditions(connection, run_id, selection))


def conditions(
    connection: Connection, run_id: str, selection: Selection
) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of every selected record of the run, over ``record, contact``.

    ``contact`` is asked only about origins.

    Raises:
        NotFoundError: No run has this id.
    """
    return conditions_of(selection, step_places(connection, run_id, selection))


def step_places(
    connection: Connection, run_id: str, selection: Selection
) -> tuple[int, ...]:
    """Return where the steps that a selection names are among those of a run.

    Raises:
        NotFoundError: No run has this id.
    """
    if not selection.steps:
        return ()
    names = step_names(connection, run_id)
    return tuple(place for place, name in enumerate(names) if name in selection.steps)


def conditions_of(
    selection: Selection, steps: tuple[int, ...]
) -> tuple[ColumnElement[bool], ...]:
    """Return what holds of every selected record, over ``record, contact``.

    Args:
        selection: ``contact`` is asked only about its origins.
        steps: The places of its steps.
    """
    found: list[ColumnElement[bool]] = []
    if selection.origins:
        found.append(or_(*map(_is_from, sorted(selection.origins))))
    if selection.states:
        found.append(or_(*map(is_state, sorted(selection.states))))
    if selection.classes:
        found.append(record.c.outcome_class.in_(sorted(selection.classes)))
    if selection.codes:
        found.append(record.c.code.in_(sorted(selection.codes)))
    if selection.steps:
        found.append(record.c.step.in_(steps))
    if selection.seqs:
        found.append(record.c.seq.in_(sorted(selection.seqs)))
    return tuple(found)


def _is_from(origin: str) -> ColumnElement[bool]:
    """Return the condition of one origin; see ``domain.cohorts.origin_of``."""
    if not origin:
        beginning = func.substr(contact.c.contact, 1, 1)
        return and_(func.instr(contact.c.contact, "@") == 0, beginning != "+")
    if origin.startswith("+"):
        return func.substr(contact.c.contact, 1, PREFIX_LENGTH) == origin
    return contact.c.contact.like("%@" + _literal(origin), escape="\\")


def _literal(text: str) -> str:
    """Return a text that stands for itself in a pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
