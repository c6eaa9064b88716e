"""The people of a family as a sequence of short reads, written once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from functools import partial
from typing import Any

from watchfloor.domain.people import People
from watchfloor.domain.records import RecordState
from watchfloor.engine.lensing import Question
from watchfloor.store.reads.people import FamilyRun, Older, family_runs, older_slice


def people_reads(run_id: str) -> Generator[Question, Any, People]:
    """Yield the questions one after another, take their answers, return the people.

    It costs as many slices as the retries have records, whatever the family has.

    Args:
        run_id: Any run of the family.

    Raises:
        NotFoundError: No run has this id.
    """
    family: list[FamilyRun] = yield partial(family_runs, run_id=run_id)
    counts = Counter[RecordState]()
    for one in family:
        counts.update({state: one.books.count(state) for state in RecordState})
        after: int | None = 0 if one.is_retry else None
        while after is not None:
            found: Older = yield partial(older_slice, run_no=one.run_no, after=after)
            counts.subtract(found.counts)
            after = found.after
    return People(
        counts={state: count for state, count in counts.items() if count},
        expected=sum(one.books.records for one in family if not one.is_retry),
        is_moving=not all(one.is_ended for one in family),
    )
