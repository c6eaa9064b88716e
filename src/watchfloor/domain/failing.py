"""What a run's records fail with, and whether most of them do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from watchfloor.domain.books import Books
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState

#: Fewer failures say nothing.
LEAST: Final = 20
#: From such a share of what was tried on, most of it fails.
SHARE: Final = 0.5
#: Records of these states failed, for now or for good, or nobody knows.
STATES: Final = (RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRY)
#: Codes in which a provider speaks of the recipient: no failure of its own.
OF_PEOPLE: Final = frozenset(
    {"busy", "no_answer", "voicemail", "machine", "rejected", "declined", "unreachable"}
)


class FailureGroup(NamedTuple):
    """Records that ended, or are to be tried again, for the same reason.

    Attributes:
        example_seq: One of them.
    """

    state: RecordState
    outcome_class: OutcomeClass | None
    code: str
    step: str
    records: int
    example_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Failed, unknown and retried records by why, the largest group first.

    Attributes:
        looked_at: So many records were looked at.
        of: So many there are; more than ``looked_at`` where a run has very many.
    """

    groups: tuple[FailureGroup, ...] = ()
    looked_at: int = 0
    of: int = 0


class Failing(NamedTuple):
    """How many of a run's tried records fail, and with what most of them do.

    Attributes:
        records: Those who were merely not in are none of them.
        of: So many records were tried.
        worst: Class and code of the largest group, with its step and where its records
            are from as far as that is one place; or empty.
    """

    records: int
    of: int
    worst: str = ""

    @property
    def said(self) -> str:
        """Both figures and the reason, without a stop."""
        because = f": {self.worst}" if self.worst else ""
        return f"{self.records:,} of {self.of:,} fail{because}"


def may_fail(books: Books) -> bool:
    """Whether it is worth asking why records of a run fail: most of them may."""
    return _is_most(sum(map(books.count, STATES)), _tried(books))


def failing(
    books: Books,
    groups: Sequence[FailureGroup],
    most: int,
    from_where: Callable[[FailureGroup], str] = lambda _: "",
) -> Failing | None:
    """Return that most of what a run tried fails; None where it does not.

    Args:
        books: Of the run.
        groups: Of its records that fail, largest first.
        most: Of each state no more records were looked at; what is known of those is
            taken for all.
        from_where: Which domain or number prefix a group has in common; or empty.
    """
    if not may_fail(books):
        return None
    count = sum(_failing_of(books.count(one), one, groups, most) for one in STATES)
    if not _is_most(count, _tried(books)):
        return None
    told = [one for one in groups if not _is_of_people(one)]
    worst = reason(told[0], groups, from_where(told[0])) if told else ""
    return Failing(count, _tried(books), worst)


def reason(
    group: FailureGroup, groups: Sequence[FailureGroup], origin: str = ""
) -> str:
    """Return a group's class and code; its step where there are several; its origin."""
    parts = [group.outcome_class and group.outcome_class.word, group.code]
    what = " ".join(part for part in parts if part)
    at = ""
    if group.step and len({one.step for one in groups}) > 1:
        at = f" at step {group.step}"
    return f"{what}{at}{f' from {origin}' if origin else ''}"


def _tried(books: Books) -> int:
    answered = books.delivered + books.callback + books.waiting
    return answered + sum(map(books.count, STATES))


def _is_most(count: int, of: int) -> bool:
    return count >= LEAST and count >= SHARE * of


def _failing_of(
    count: int, state: RecordState, groups: Sequence[FailureGroup], most: int
) -> int:
    people = sum(
        one.records for one in groups if one.state is state and _is_of_people(one)
    )
    return count - round(count * people / min(count, most)) if people else count


def _is_of_people(one: FailureGroup) -> bool:
    return one.outcome_class is OutcomeClass.TRANSIENT and one.code in OF_PEOPLE
