"""Conditions on records that both reads and writes name."""

from __future__ import annotations

from sqlalchemy import ColumnElement, literal_column

from watchfloor.domain.records import RecordState
from watchfloor.store.tables import record


def is_state(state: RecordState) -> ColumnElement[bool]:
    """Return the condition that names one state.

    The number stands in the text, not in a parameter: only then can the planner see
    that the partial index of that state holds every row that is asked for.
    """
    return record.c.state == literal_column(str(int(state)))
