"""Samples of how runs get on."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert

from watchfloor.domain.progress import Gain
from watchfloor.store.tables import progress

_ADDED = insert(progress)
#: Made once: it runs for every run that ends and at every heartbeat.
_ADD = _ADDED.on_conflict_do_update(
    index_elements=[progress.c.run_no, progress.c.at_ms],
    set_={name: progress.c[name] + _ADDED.excluded[name] for name in Gain._fields},
)


def add_gains(connection: Connection, at_ms: int, gains: Mapping[int, Gain]) -> None:
    """Add to the samples of the span that began at *at_ms* what runs gained.

    Args:
        connection: In a fenced transaction.
        at_ms: See ``domain.progress.span_at``.
        gains: By run number; below 0 for what is taken back.
    """
    if not gains:
        return
    rows = [
        {"run_no": run_no, "at_ms": at_ms, **gain._asdict()}
        for run_no, gain in gains.items()
    ]
    connection.execute(_ADD, rows)
