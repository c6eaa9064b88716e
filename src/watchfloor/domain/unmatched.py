"""Why a selection selects nothing: what it names that no failure has, and what is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.lens import Lens
from watchfloor.domain.records import RecordState

#: So many of what there is are named.
_NAMED: Final = 8


def unmatched(selection: Selection, lens: Lens) -> tuple[str, ...]:
    """Return a sentence for each thing named that no failed record has.

    Args:
        selection: What selected no record at all.
        lens: The run's failures, grouped by everything that the selection names.
    """
    groups = lens.groups
    states = [
        state.word
        for state in selection.states
        if state is RecordState.UNKNOWN and not any(one.unknown for one in groups)
    ]
    classes = {one.outcome_class.word for one in groups if one.outcome_class}
    told = [
        *_missing("class", states, classes),
        *_missing("class", {one.word for one in selection.classes} - classes, classes),
    ]
    for name, wanted, there in (
        ("code", selection.codes, {one.code for one in groups}),
        ("origin", selection.origins, {one.origin for one in groups}),
        ("step", selection.steps, {one.step for one in groups}),
    ):
        told += _missing(name, wanted - there, there)
    if selection.seqs and not told:
        seqs = ", ".join(map(str, sorted(selection.seqs)[:_NAMED]))
        told.append(f"--seq {seqs}: no such record, or the rest leaves it out")
    return tuple(told) or ("each of these is there, but no record has all of them",)


def _missing(name: str, missing: Iterable[str], there: set[str]) -> list[str]:
    named = ", ".join(sorted(missing))
    if not named:
        return []
    known = sorted(one for one in there if one)
    more = f" and {len(known) - _NAMED:,} more" if len(known) > _NAMED else ""
    exists = ", ".join(known[:_NAMED]) or "none"
    return [f"--{name} {named} is of no failed record here; there is: {exists}{more}"]
