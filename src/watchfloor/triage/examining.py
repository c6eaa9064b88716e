"""A run of a workspace examined: gathered, watched for a while, judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from watchfloor.domain.evidence import Evidence
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.triage.gathering import (
    counters_of,
    evidence_of,
    with_samples,
    with_surroundings,
    workspace_of,
)


def gathered(layout: Layout, run_id: str, now_ms: int) -> Evidence:
    """Return the evidence about one run, its counters read once.

    Raises:
        NotFoundError: There is no such workspace or run.
        StoreError: The store cannot be read.
    """
    workspace = workspace_of(layout)
    with reading(layout) as connection:
        found = evidence_of(connection, run_id, now_ms, layout, workspace)
        # No snapshot is kept longer than has to be: the engine wants to fold its log.
        connection.rollback()
        found = with_samples(connection, found)
    return with_surroundings(found, layout)


def watched(
    layout: Layout, found: Evidence, wait: Callable[[], None], clock: Callable[[], int]
) -> Evidence:
    """Return evidence with its counters read a second time.

    A run that has ended is not waited for: its counters move no more.

    Args:
        layout: Where it was gathered.
        found: Its counters read once.
        wait: Returns when they are to be read again.
        clock: Milliseconds since 1970 UTC.
    """
    if found.run.lifecycle.is_ended:
        return found
    wait()
    with reading(layout) as connection:
        again = counters_of(connection, found.run.run_id, clock())
    return replace(found, again=again)
