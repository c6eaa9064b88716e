"""Retrying a frozen cohort of an ended run: who is taken up again, and who is not.

Only what failed for now is retried, and by explicit word what may have been delivered.
A permanent failure never is, nor a record that a younger run of the family has taken
up. The child run keeps the keys of its parent, so that a provider that honours them
cannot contact anybody twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final

from watchfloor.domain.canary import stage_sizes
from watchfloor.domain.cohorts import Selection, to_payload
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.workspace import RetryBudget

#: Releasing more records than this at once, without a canary, is typed.
MOST_AT_ONCE: Final = 100
#: What is typed to contact people again who may have been reached.
RESEND: Final = "resend"


class Fate(StrEnum):
    """What a retry makes of a record that was selected."""

    RETRIED = "retried"
    PERMANENT = "permanent"  #: refused
    UNKNOWN = "unknown"  #: left out without the explicit word
    OTHER = "other"  #: did not fail: left alone
    TAKEN = "taken"  #: a younger run of the family has it
    REACHED = "reached"  #: as the provider reported later
    SUPPRESSED = "suppressed"  #: meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Selected records that are alike.

    Attributes:
        taken_by: The run of the family that took them up; or empty.
        checksum: Changes with who they are, where they stand and how often they were
            resent by hand.
        is_reached: The provider reported later that somebody was reached.
        may_repeat: Of an at-most-once channel.
    """

    state: RecordState
    outcome_class: OutcomeClass | None
    records: int
    taken_by: str = ""
    is_reached: bool = False
    is_suppressed: bool = False
    may_repeat: bool = False
    checksum: int = 0


def is_retryable(
    state: RecordState, outcome_class: OutcomeClass | None, *, with_unknown: bool
) -> bool:
    """Whether a record of an ended run may be attempted again at all."""
    if state is RecordState.UNKNOWN:
        return with_unknown
    return state is RecordState.FAILED and outcome_class is OutcomeClass.TRANSIENT


def fate_of(group: Group, *, with_unknown: bool) -> Fate:
    """Return what a retry makes of records; the first that holds."""
    told = (
        (group.state not in (RecordState.FAILED, RecordState.UNKNOWN), Fate.OTHER),
        (group.state is RecordState.UNKNOWN and not with_unknown, Fate.UNKNOWN),
        (
            not is_retryable(
                group.state, group.outcome_class, with_unknown=with_unknown
            ),
            Fate.PERMANENT,
        ),
        (bool(group.taken_by), Fate.TAKEN),
        (group.is_reached, Fate.REACHED),
        (group.is_suppressed, Fate.SUPPRESSED),
    )
    return next((fate for holds, fate in told if holds), Fate.RETRIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many of a selection's records meet which fate.

    Attributes:
        may_repeat: Of the retried ones: may have been delivered, and the channel would
            not know it.
        taken: By the run that has them.
        digest: Changes with every count and with who the retried ones are.
    """

    selected: int = 0
    retried: int = 0
    permanent: int = 0
    unknown: int = 0
    other: int = 0
    reached: int = 0
    suppressed: int = 0
    may_repeat: int = 0
    taken: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""

    @property
    def told(self) -> str:
        """The counts in one line."""
        parts = [
            f"{self.selected:,} selected",
            f"{self.retried:,} to be retried",
            f"{self.permanent:,} permanent",
            f"{self.unknown:,} unknown left out",
            f"{self.reached:,} reached as reported",
            f"{self.suppressed:,} suppressed",
            f"{self.other:,} that did not fail",
            *(f"{count:,} in run {run_id}" for run_id, count in self.taken.items()),
        ]
        return ", ".join(part for part in parts if not part.startswith("0 "))


def counted(groups: Iterable[Group], *, with_unknown: bool) -> Counted:
    """Return what a retry of these groups comes to."""
    tally = dict.fromkeys(Fate, 0)
    taken: dict[str, int] = {}
    may_repeat = checksum = 0
    for group in groups:
        fate = fate_of(group, with_unknown=with_unknown)
        tally[fate] += group.records
        if fate is Fate.TAKEN:
            taken[group.taken_by] = taken.get(group.taken_by, 0) + group.records
        if fate is Fate.RETRIED:
            checksum += group.checksum
            if group.state is RecordState.UNKNOWN and group.may_repeat:
                may_repeat += group.records
    marks = (*tally.values(), *sorted(taken.items()), may_repeat, checksum)
    return Counted(
        selected=sum(tally.values()),
        retried=tally[Fate.RETRIED],
        permanent=tally[Fate.PERMANENT],
        unknown=tally[Fate.UNKNOWN],
        other=tally[Fate.OTHER],
        reached=tally[Fate.REACHED],
        suppressed=tally[Fate.SUPPRESSED],
        may_repeat=may_repeat,
        taken=dict(sorted(taken.items())),
        digest=sha256(repr(marks).encode()).hexdigest()[:16],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What a retry must know of the run whose records it takes up.

    Attributes:
        purged: A run of its family whose people were taken out; or empty.
        retries: Retries of the family so far, whoever asked for them.
        generation: 0 for a launch, 1 for a retry of it, 2 for a retry of that.
        under_way: What is being said of its unknown records, in words; or empty.
    """

    run_id: str
    campaign_name: str
    is_ended: bool
    purged: str = ""
    retries: int = 0
    generation: int = 0
    under_way: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPreview:
    """Exactly what a retry would do, before it is asked for.

    Attributes:
        run_id: The parent.
        digest: Of what was counted; the command carries it.
        plan: What of this month's plan the retry takes, in words.
        refusal: Why it cannot be done now, or None; ``detail`` says more.
    """

    run_id: str
    campaign_name: str
    selection: Selection
    counts: Counted
    with_unknown: bool = False
    plan: str = ""
    budget: RetryBudget = field(default_factory=RetryBudget)
    retries: int = 0
    generation: int = 0
    refusal: Refusal | None = None
    detail: str = ""

    @property
    def digest(self) -> str:
        """What the command carries, and what must still hold when it is taken."""
        return self.counts.digest

    @property
    def stages(self) -> tuple[int, ...]:
        """How many records each stage of the canary releases."""
        return stage_sizes(self.counts.retried, canary=True)

    @property
    def retries_left(self) -> int:
        """How many retries the family may still have, this one included."""
        return max(0, self.budget.retries - self.retries)

    @property
    def generations_left(self) -> int:
        """How often these records may still be taken up, this time included."""
        return max(0, self.budget.generations - self.generation)

    @property
    def explanation(self) -> str:
        """The refusal in one sentence with the next possible action, or empty."""
        if self.refusal is None:
            return ""
        told = EXPLANATIONS[self.refusal]
        return f"{told} ({self.detail})" if self.detail else told

    def typed(self, *, canary: bool) -> str:
        """Return what must be typed to confirm; empty where a yes will do."""
        if self.counts.may_repeat:
            return RESEND
        if not canary and self.counts.retried > MOST_AT_ONCE:
            return str(self.counts.retried)
        return ""

    def lines(self, *, canary: bool = True) -> tuple[str, ...]:
        """Return what will happen, then what will not; each a sentence.

        Nothing where no record was looked at: the refusal says why.
        """
        counts = self.counts
        if not counts.selected:
            return ()
        again = (
            f"{_n(counts.retried, 'record')} of {counts.selected:,} selected will be "
            "tried again, each at the step where it failed and with the key it had."
        )
        spent = (
            f"Retry budget: this is retry {self.retries + 1:,} of "
            f"{self.budget.retries:,} of the family, and time {self.generation + 1:,} "
            f"of {self.budget.generations:,} for these records."
        )
        if not counts.retried:
            return (again, *self._left_out())
        return (
            again,
            *self._risk(),
            *self._left_out(),
            self._released(canary=canary),
            *([f"{self.plan}."] if self.plan else []),
            spent,
        )

    def _risk(self) -> list[str]:
        count = self.counts.may_repeat
        if not count:
            return []
        told = (
            f"{_n(count, 'record')} of these may have been delivered, and the channel "
            "does not know a key again: whoever was reached is contacted AGAIN."
        )
        return [told]

    def _left_out(self) -> list[str]:
        counts = self.counts
        told = (
            (counts.permanent, "failed for good and", "refused"),
            (
                counts.unknown,
                "may have been delivered and",
                "left out: --class unknown",
            ),
            (counts.reached, "did arrive, as the provider reported, and", "left out"),
            (counts.suppressed, "must not be contacted any more and", "left out"),
            (counts.other, "did not fail and", "left alone"),
        )
        return [
            *(
                f"{_n(count, 'record')} {why} {_are(count)} {fate}."
                for count, why, fate in told
                if count
            ),
            *(
                f"{_n(count, 'record')} {_are(count)} in run {run_id} already."
                for run_id, count in counts.taken.items()
            ),
        ]

    def _released(self, *, canary: bool) -> str:
        sizes = stage_sizes(self.counts.retried, canary=canary)
        if len(sizes) < 2:  # noqa: PLR2004 - a stage after the first
            return "All of them are released at once; no canary goes first."
        first, *others = sizes
        then = ", ".join(f"then {size:,}" for size in others)
        return (
            f"A canary of {first:,} goes first, {then}; each stage is judged before "
            "the next is released."
        )


def refusal_of(
    parent: Parent, counts: Counted, budget: RetryBudget
) -> tuple[Refusal, str] | None:
    """Return why a retry is declined, with the particulars; None where it is not."""
    only_permanent = counts.selected and counts.selected == counts.permanent
    told = (
        (not parent.is_ended, Refusal.STILL_LIVE, _when_it_ends(parent.run_id)),
        (bool(parent.purged), Refusal.PURGED, f"run {parent.purged}"),
        (bool(parent.under_way), Refusal.NOT_YET, parent.under_way),
        (
            bool(only_permanent),
            Refusal.ONLY_PERMANENT,
            f"{counts.permanent:,} of {counts.selected:,}",
        ),
        (
            not counts.retried,
            Refusal.EMPTY_COHORT,
            counts.told or "nothing is selected",
        ),
        (
            parent.generation >= budget.generations,
            Refusal.RETRY_LIMIT,
            f"taken up {parent.generation:,} times of {budget.generations:,}",
        ),
        (
            parent.retries >= budget.retries,
            Refusal.RETRY_LIMIT,
            f"the family has had {parent.retries:,} retries of {budget.retries:,}",
        ),
    )
    return next(((name, why) for holds, name, why in told if holds), None)


def _when_it_ends(run_id: str) -> str:
    return (
        f"`watchfloor why {run_id}` says what it waits for, "
        f"`watchfloor stop {run_id}` ends it now"
    )


def asked_payload(preview: RetryPreview, *, canary: bool) -> dict[str, object]:
    """Return what the command of a retry carries, fit for JSON."""
    return {
        "parent_id": preview.run_id,
        "selection": to_payload(preview.selection),
        "with_unknown": preview.with_unknown,
        "canary": canary,
        "digest": preview.digest,
        "seen": {"retried": preview.counts.retried, "digest": preview.digest},
    }


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
