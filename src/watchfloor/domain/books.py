"""The account of every record of a run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Work

#: The books' keys on the right of ``records = ...``, in the order they are shown.
STATE_KEYS = tuple(state.word for state in RecordState)
REJECT_KEYS = ("invalid", "duplicate", "suppressed", "filtered")
_STATES = attrgetter(*STATE_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """How many rows and records stand where. The names are the JSON keys.

    ``extracted = invalid + duplicate + suppressed + filtered + unjudged + records``
    and ``records`` is the sum of the twelve states; ``imbalance`` says so or says why
    not.

    Attributes:
        extracted: Rows of the upload read so far.
        unjudged: Rows read and not yet filtered.
        attempts: Attempts started, interrupted ones included; not part of a sum.
    """

    extracted: int = 0
    invalid: int = 0
    duplicate: int = 0
    suppressed: int = 0
    filtered: int = 0
    unjudged: int = 0
    records: int = 0
    pending: int = 0
    claimed: int = 0
    attempting: int = 0
    retry: int = 0
    callback: int = 0
    waiting: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    not_attempted: int = 0
    expired: int = 0
    abandoned: int = 0
    attempts: int = 0

    def count(self, state: RecordState) -> int:
        """Return how many records are in *state*."""
        number: int = getattr(self, STATE_KEYS[state])
        return number

    @property
    def rejected(self) -> int:
        """Rows that became no record."""
        return self.invalid + self.duplicate + self.suppressed + self.filtered

    @property
    def eligible(self) -> int:
        """Records left to attempt, callbacks and waiting ones not counted."""
        return self.pending + self.claimed + self.retry

    @property
    def remaining(self) -> int:
        """Records the run is not finished with."""
        return self.eligible + self.attempting + self.callback + self.waiting

    @property
    def done(self) -> int:
        """Records that were attempted and are finished; dropped ones are not done."""
        return self.delivered + self.failed + self.unknown + self.expired

    @property
    def done_share(self) -> float:
        """From 0 to 1; 0 while there are no records."""
        return self.done / self.records if self.records else 0.0

    @property
    def work(self) -> Work:
        """The same account, as the lifecycle asks for it."""
        return Work(
            eligible=self.eligible,
            in_flight=self.attempting,
            callbacks=self.callback,
            waiting=self.waiting,
            sent=self.attempts > 0,
        )

    @property
    def imbalance(self) -> str:
        """An empty string when both lines add up, else the line that does not."""
        rows = self.rejected + self.unjudged + self.records
        if rows != self.extracted:
            return f"{self.extracted:,} rows extracted, {rows:,} accounted for"
        states = sum(_STATES(self))
        if states != self.records:
            return f"{self.records:,} records, {states:,} accounted for"
        return ""

    def as_dict(self) -> dict[str, int]:
        """Return every key with its number, in the order of this class."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def added(*books: Books) -> Books:
    """Return the sum of several accounts, as for a family of runs."""
    return Books(
        **{
            field.name: sum(getattr(one, field.name) for one in books)
            for field in fields(Books)
        }
    )


def differences(counted: Books, kept: Books) -> list[str]:
    """Return one line for every key in which the rows and the counters disagree."""
    return [
        f"{key}: the counter says {kept.as_dict()[key]:,}, the rows say {number:,}"
        for key, number in counted.as_dict().items()
        if number != kept.as_dict()[key]
    ]
