"""The failure lens as a sequence of short reads, written once.

A desk carries it out on its reader's threads, a verb in its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, Final

from watchfloor.domain.lens import EVERY, STATES, Dimension, Lens, Tally
from watchfloor.domain.records import RecordState
from watchfloor.store.handle import Handle
from watchfloor.store.reads.lens import SLICE, Slice, failure_counts, lens_slice

#: So many records a screen looks at, some second: the newest. Whom they belong to
#: stands in another table, which takes twice as long.
MOST_BY_ORIGIN: Final = 300_000
MOST: Final = 600_000

#: Answers one question about a snapshot of the store.
Question = Callable[[Handle], Any]


def lens_reads(
    run_id: str,
    by: Sequence[Dimension] = EVERY,
    states: frozenset[RecordState] = frozenset(),
    most: int | None = None,
) -> Generator[Question, Any, Lens]:
    """Yield the questions one after another, take their answers, return the lens.

    Args:
        run_id: Whose failures.
        by: In what the records of a group agree.
        states: Only records in these of the lens's states; empty for all of them.
        most: So many records are looked at; None for what a screen can wait for.

    Raises:
        NotFoundError: No run has this id.
    """
    if most is None:
        most = MOST_BY_ORIGIN if Dimension.ORIGIN in by else MOST
    counts: dict[RecordState, int] = yield partial(failure_counts, run_id=run_id)
    wanted = [state for state in STATES if not states or state in states]
    tally = Tally(tuple(by))
    for state in wanted:
        below: int | None = None
        is_left = counts[state] > 0
        while is_left and tally.looked_at < most:
            found: Slice = yield partial(
                lens_slice,
                run_id=run_id,
                state=state,
                below=below,
                by=by,
                size=min(SLICE, most - tally.looked_at),
            )
            tally.add(found.found)
            below = found.below
            is_left = below is not None
    of = sum(counts[state] for state in wanted)
    return tally.lens(frozenset(states), of)
