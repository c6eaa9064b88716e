"""The human step: after so many attempts a run waits for a person's word.

Its records are not touched for that: what is left is told as waiting, until the word.
"""

from __future__ import annotations

from dataclasses import replace

from watchfloor.domain.books import Books
from watchfloor.domain.regions import Work


def awaits_approval(
    approve_after: int | None, approved_at_ms: int | None, attempts: int
) -> bool:
    """Return whether no further attempt may start before somebody's word.

    Args:
        approve_after: So many attempts are made before; None for no such step.
        approved_at_ms: When the word was given, or None.
        attempts: Attempts started so far.
    """
    if approve_after is None or approved_at_ms is not None:
        return False
    return attempts >= approve_after


def attempts_before_approval(
    approve_after: int | None, approved_at_ms: int | None, attempts: int
) -> int | None:
    """Return how many attempts may start before the word; None for any number."""
    if approve_after is None or approved_at_ms is not None:
        return None
    return max(0, approve_after - attempts)


def work_of(books: Books, *, waits: bool) -> Work:
    """Return what is left of a run; all of it waits where a person's word is due."""
    work = books.work
    if not waits:
        return work
    waiting = work.eligible + work.waiting
    return replace(work, eligible=0, waiting=waiting)
