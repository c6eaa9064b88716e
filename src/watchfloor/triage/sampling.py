"""Sampled rows counted: what attempts, records and rejects have in common."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from watchfloor.domain.cohorts import PREFIX_LENGTH, origin_of
from watchfloor.domain.evidence import (
    AttemptSample,
    AttemptTally,
    RecordTally,
    RejectTally,
)
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RejectKind
from watchfloor.store.reads.samples import (
    SampledAttempt,
    SampledRecord,
    SampledReject,
)

#: More groups than these nobody reads; the largest are told, the others as one.
MOST_TALLIES: Final = 400
_OTHERS: Final = "(other)"
#: What looks like a number in a row: a plus or a figure, then figures and signs.
_NUMBER = re.compile(r"\+?\d[\d\s().\-/]{4,}")
_NOT_DIALLED = re.compile(r"[\s().\-/]")


def attempt_sample(
    attempts: Sequence[SampledAttempt],
    records: Iterable[SampledRecord],
    steps: Sequence[str],
) -> AttemptSample:
    """Count closed attempts, which come in the order of their records and numbers.

    Args:
        attempts: Of records that are among *records*.
        records: Whose contacts tell where they come from.
        steps: The names of the campaign's steps.
    """
    whose = {one.seq: one for one in records}
    sums: dict[tuple[OutcomeClass | None, str, str, str], list[int]] = {}
    for one in attempts:
        known = whose.get(one.seq)
        origin = origin_of(known.contact) if known is not None else ""
        key = (one.outcome_class, one.code, name_of(one.step, steps), origin)
        took_ms = max(0, one.ended_at_ms - one.started_at_ms)
        sums.setdefault(key, [0, 0, 0, 0])
        tally = sums[key]
        tally[0] += 1
        tally[1] += one.number > 1
        tally[2] += took_ms
        tally[3] = max(tally[3], took_ms)
    after, twice, most = _repeated(attempts, whose)
    ends = [one.ended_at_ms for one in attempts]
    return AttemptSample(
        tallies=_largest([AttemptTally(*key, *tally) for key, tally in sums.items()]),
        records=len({one.seq for one in attempts}),
        since_ms=min(ends, default=None),
        until_ms=max(ends, default=None),
        after_permanent=after,
        twice=twice,
        most_tries=most,
    )


def record_tallies(
    records: Iterable[SampledRecord], steps: Sequence[str]
) -> tuple[RecordTally, ...]:
    """Count records by how they stand and where their contacts come from."""
    counts = Counter(
        (
            one.state,
            one.outcome_class,
            one.code,
            name_of(one.step, steps),
            origin_of(one.contact),
        )
        for one in records
    )
    return tuple(RecordTally(*key, n) for key, n in counts.most_common(MOST_TALLIES))


def reject_tallies(rejects: Iterable[SampledReject]) -> tuple[RejectTally, ...]:
    """Count rejected rows by their reason and, of numbers, by how those begin."""
    counts: Counter[tuple[RejectKind, str, str]] = Counter(
        (one.kind, one.reason, _beginning(one)) for one in rejects
    )
    return tuple(RejectTally(*key, n) for key, n in counts.most_common(MOST_TALLIES))


def name_of(step: int, steps: Sequence[str]) -> str:
    """Return a step's name; empty for one that the run's row does not know."""
    return steps[step] if step < len(steps) else ""


def _repeated(
    attempts: Sequence[SampledAttempt], whose: dict[int, SampledRecord]
) -> tuple[int, int, int]:
    """Return how many records were tried after a permanent failure, how many were
    delivered twice, and the most attempts at one step of one record.

    What an operator had sent again is not counted: that was a decision.
    """  # noqa: D205 - three answers in one sentence
    after = twice = most = 0
    for (seq, _), group in groupby(attempts, key=attrgetter("seq", "step")):
        classes = [one.outcome_class for one in group]
        most = max(most, len(classes))
        known = whose.get(seq)
        if known is None or known.generation:
            continue
        after += OutcomeClass.PERMANENT in classes[:-1]
        twice += classes.count(OutcomeClass.DELIVERED) > 1
    return after, twice, most


def _largest(tallies: list[AttemptTally]) -> tuple[AttemptTally, ...]:
    """Return the largest tallies, and the others summed by class."""
    tallies.sort(key=lambda one: -one.attempts)
    kept, others = tallies[:MOST_TALLIES], tallies[MOST_TALLIES:]
    by_class: defaultdict[OutcomeClass | None, list[AttemptTally]] = defaultdict(list)
    for one in others:
        by_class[one.outcome_class].append(one)
    summed = [
        AttemptTally(
            outcome_class=outcome,
            code=_OTHERS,
            step="",
            origin="",
            attempts=sum(one.attempts for one in group),
            again=sum(one.again for one in group),
            took_ms=sum(one.took_ms for one in group),
            longest_ms=max(one.longest_ms for one in group),
        )
        for outcome, group in by_class.items()
    ]
    return (*kept, *summed)


def number_in(raw: str) -> str:
    """Return the first number of a row, as it is dialled; or nothing."""
    found = _NUMBER.search(raw)
    return "" if found is None else _NOT_DIALLED.sub("", found[0])


def _beginning(one: SampledReject) -> str:
    """Return how the first number in an invalid row begins; or nothing."""
    if one.kind is not RejectKind.INVALID:
        return ""
    dialled = number_in(one.raw)
    # Of a short number this would be all of it.
    return dialled[: min(PREFIX_LENGTH, len(dialled) // 2)]
