"""The failure lens: what failed in a run, in groups of the same cause.

A group holds the records that agree in every dimension that was asked for. What may
become of them is told beside it: only what failed for a passing reason is ever retried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod
from shlex import join
from typing import Final, NamedTuple

from watchfloor.domain.cohorts import Selection, origin_of
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState

#: The states that the lens is about.
STATES: Final = (RecordState.UNKNOWN, RecordState.FAILED, RecordState.RETRY)
#: So many groups are told, the largest: codes are made up by providers.
MOST_GROUPS: Final = 500


class Dimension(StrEnum):
    """In what the records of a group agree."""

    CLASS = "class"
    CODE = "code"
    ORIGIN = "origin"  #: of the contact; see ``cohorts.origin_of``
    STEP = "step"


#: All of them, in the order in which they are told.
EVERY: Final = tuple(Dimension)


class Found(NamedTuple):
    """Records of one state that agree, as a slice of the store tells them.

    Attributes:
        source: As much of a contact as its origin is told from; empty if not asked for.
        example_seq: One of them, the greatest.
        first_at_ms: When the first of them came to where it stands.
        retried: So many of them a child run has taken up.
    """

    state: RecordState
    outcome_class: OutcomeClass | None
    code: str
    step: str
    source: str
    records: int
    example_seq: int
    first_at_ms: int
    last_at_ms: int
    retried: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LensGroup:
    """Records that agree in what was asked for; what was not is empty.

    Attributes:
        retryable: Failed for a passing reason, and no child run has them.
        retried: Failed, and a child run has taken them up.
        refused: Failed for good: never retried.
        unknown: Nobody knows whether they arrived.
        waiting: The run itself tries them again.
        example_seq: One of them.
        first_at_ms: When the first of them came to where it stands.
    """

    outcome_class: OutcomeClass | None = None
    code: str = ""
    origin: str = ""
    step: str = ""
    retryable: int = 0
    retried: int = 0
    refused: int = 0
    unknown: int = 0
    waiting: int = 0
    example_seq: int = 0
    first_at_ms: int = 0
    last_at_ms: int = 0

    @property
    def records(self) -> int:
        """How many there are."""
        fates = (self.retryable, self.retried, self.refused, self.unknown)
        return sum(fates) + self.waiting

    @property
    def counts(self) -> dict[str, int]:
        """How many there are, and how many of them meet which fate."""
        return {
            "records": self.records,
            "retryable": self.retryable,
            "retried": self.retried,
            "permanent": self.refused,
            "unknown": self.unknown,
            "waiting": self.waiting,
        }

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from the other groups of its lens."""
        klass = "" if self.outcome_class is None else self.outcome_class.word
        return (klass, self.code, self.origin, self.step)

    @property
    def words(self) -> str:
        """What its records have in common, as a person says it."""
        return " · ".join(part for part in self.key if part) or "all of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What failed in a run, the largest group first.

    Attributes:
        by: In what the records of a group agree.
        states: Which records were looked at, where not all that failed.
        left_out: Groups that are not told: those after ``MOST_GROUPS``.
        looked_at: So many records were looked at, the newest.
        of: So many there are; more than ``looked_at`` where a run has very many.
    """

    by: tuple[Dimension, ...] = EVERY
    states: frozenset[RecordState] = frozenset()
    groups: tuple[LensGroup, ...] = ()
    left_out: int = 0
    looked_at: int = 0
    of: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every group there is stands among those told."""
        return not self.left_out and self.looked_at >= self.of

    def selection(self, group: LensGroup) -> Selection:
        """Return what selects a group's records, and no others."""
        return self._selecting([group])

    def together(self, chosen: Sequence[LensGroup]) -> Selection | None:
        """Return what selects the records of several groups and no others.

        None where there is no such selection: it would take up other groups too, or
        nobody knows whether it would.
        """
        wanted = self._selecting(chosen)
        sets = (wanted.classes, wanted.codes, wanted.origins, wanted.steps)
        keys = {group.key for group in chosen}
        if prod(len(one) or 1 for one in sets) == len(keys):
            return wanted
        return wanted if self.is_whole and not self.beside(chosen) else None

    def beside(self, chosen: Sequence[LensGroup]) -> tuple[LensGroup, ...]:
        """Return the groups that what selects all of these would take up as well."""
        keys = {group.key for group in chosen}
        values = [set(column) for column in zip(*keys, strict=True)]
        return tuple(
            group
            for group in self.groups
            if group.key not in keys
            and all(one in among for one, among in zip(group.key, values, strict=True))
        )

    def _selecting(self, chosen: Sequence[LensGroup]) -> Selection:
        # A code or an origin may be empty and still be what a group agrees in.
        by = self.by
        return Selection(
            states=self.states or frozenset(STATES),
            classes=frozenset(
                one.outcome_class for one in chosen if one.outcome_class is not None
            ),
            codes=frozenset(one.code for one in chosen if Dimension.CODE in by),
            origins=frozenset(one.origin for one in chosen if Dimension.ORIGIN in by),
            steps=frozenset(one.step for one in chosen if one.step),
        )


def why_not(group: LensGroup, *, is_ended: bool = True) -> str:
    """Return why nothing of a group can be retried; or nothing where something can.

    Args:
        group: Of a run's failures.
        is_ended: Whether the run has; before that its retries are its own.
    """
    if group.retryable:
        return "" if is_ended else "not yet: once the run has ended"
    if group.unknown:
        return "unknown: resolve first"
    if group.waiting:
        return "waiting: the run itself tries again"
    if group.retried:
        return "retried: a child run has them"
    return "permanent: never retried"


def retry_words(run_id: str, selection: Selection) -> str:
    """Return the words for a shell that retry what is selected, canary first.

    They name no states: a retry takes up nothing but what failed.
    """
    named = (
        ("--class", sorted(one.word for one in selection.classes)),
        ("--code", sorted(selection.codes)),
        ("--origin", sorted(selection.origins)),
        ("--step", sorted(selection.steps)),
    )
    options = [word for name, values in named for one in values for word in (name, one)]
    return join(["watchfloor", "retry", run_id, *options])


@dataclass(slots=True)
class Tally:
    """Groups as they grow, slice by slice.

    Attributes:
        by: In what the records of a group agree.
    """

    by: tuple[Dimension, ...]
    looked_at: int = 0
    _groups: dict[tuple[object, ...], _Sum] = field(default_factory=dict)

    def add(self, found: Iterable[Found]) -> None:
        """Count what a slice found."""
        for one in found:
            klass = one.outcome_class if Dimension.CLASS in self.by else None
            code = one.code if Dimension.CODE in self.by else ""
            origin = origin_of(one.source) if Dimension.ORIGIN in self.by else ""
            step = one.step if Dimension.STEP in self.by else ""
            key = (klass, code, origin, step)
            grown = self._groups.setdefault(key, _Sum())
            grown.take(one)
            self.looked_at += one.records

    def lens(self, states: frozenset[RecordState], of: int) -> Lens:
        """Return what was counted, the largest group first.

        Args:
            states: Which records were looked at; empty for all that failed.
            of: So many there are.
        """
        groups = [
            LensGroup(
                outcome_class=klass if isinstance(klass, OutcomeClass) else None,
                code=str(code),
                origin=str(origin),
                step=str(step),
                retryable=grown.retryable,
                retried=grown.retried,
                refused=grown.refused,
                unknown=grown.unknown,
                waiting=grown.waiting,
                example_seq=grown.example_seq,
                first_at_ms=grown.first_at_ms,
                last_at_ms=grown.last_at_ms,
            )
            for (klass, code, origin, step), grown in self._groups.items()
        ]
        groups.sort(key=lambda group: (-group.records, group.key))
        return Lens(
            by=self.by,
            states=states,
            groups=tuple(groups[:MOST_GROUPS]),
            left_out=max(0, len(groups) - MOST_GROUPS),
            looked_at=self.looked_at,
            of=max(of, self.looked_at),
        )


@dataclass(slots=True)
class _Sum:
    retryable: int = 0
    retried: int = 0
    refused: int = 0
    unknown: int = 0
    waiting: int = 0
    example_seq: int = 0
    first_at_ms: int = 0
    last_at_ms: int = 0

    def take(self, one: Found) -> None:
        left = one.records - one.retried
        self.retried += one.retried
        if one.state is RecordState.UNKNOWN:
            self.unknown += left
        elif one.state is RecordState.RETRY:
            self.waiting += left
        elif one.outcome_class is OutcomeClass.TRANSIENT:
            self.retryable += left
        else:
            self.refused += left
        self.example_seq = max(self.example_seq, one.example_seq)
        self.first_at_ms = min(self.first_at_ms or one.first_at_ms, one.first_at_ms)
        self.last_at_ms = max(self.last_at_ms, one.last_at_ms)
