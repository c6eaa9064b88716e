"""When a run could not work at all: its gate was closed, or a canary held it back."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

from watchfloor.domain.regions import Verb
from watchfloor.domain.views import RunView
from watchfloor.store.tables import canary, journal

#: So many of the newest pauses and resumes of a run are looked at.
_CHANGES: Final = 200


def held_spans(
    connection: Connection, run_no: int, view: RunView, now_ms: int
) -> tuple[tuple[int, int], ...]:
    """Return from when to when a run was held, in any order; they may overlap.

    A canary holds a run as a whole until its last stage: how fast a few records are
    done says nothing about the rate of all.
    """
    spans = list(_paused(connection, view.run_id, now_ms))
    released_ms = released_at_ms(connection, run_no)
    if view.released_seq is not None:
        released_ms = now_ms
    if released_ms is not None:
        spans.append((0, released_ms))
    return tuple(spans)


def released_at_ms(connection: Connection, run_no: int) -> int | None:
    """Return when a canary released its newest stage; None for a run without one."""
    query = select(func.max(canary.c.opened_at_ms)).where(canary.c.run_no == run_no)
    found: int | None = connection.scalar(query)
    return found


def _paused(
    connection: Connection, run_id: str, now_ms: int
) -> tuple[tuple[int, int], ...]:
    verbs = (str(Verb.PAUSE), str(Verb.RESUME))
    query = (
        select(journal.c.at_ms, journal.c.event)
        .where(journal.c.run_id == run_id, journal.c.event.in_(verbs))
        .order_by(journal.c.entry_id.desc())
        .limit(_CHANGES)
    )
    found: list[tuple[int, int]] = []
    until_ms = now_ms
    for at_ms, event in connection.execute(query):
        if event == Verb.PAUSE:
            found.append((at_ms, until_ms))
        until_ms = at_ms
    return tuple(found)
