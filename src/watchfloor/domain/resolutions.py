"""What a person, or a provider that is asked, makes of records nobody knows about.

An unknown record is never guessed. Whoever knows says how its attempt ended, and the
record goes on as it would have with that outcome; or it is sent once more, knowingly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import EXPLANATIONS, Refusal
from watchfloor.domain.lifecycle import may_retry
from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass
from watchfloor.domain.records import Circumstances, RecordState, Verdict, judge
from watchfloor.domain.regions import History, Lifecycle, Phase
from watchfloor.domain.retries import RetryPolicy
from watchfloor.domain.views import RunView


class ResolveAs(StrEnum):
    """What becomes of an unknown record. The value is what an operator writes."""

    DELIVERED = "delivered"
    NOT_DELIVERED = "not-delivered"
    RESEND = "resend"


#: What a look-up is called where the word of a person stands otherwise.
LOOK_UP: Final = "look-up"
#: How an attempt ended by the word of a person. A record that was not delivered is a
#: transient failure like any other: the campaign may try it again, and so may a retry.
SAID: Final[Mapping[ResolveAs, Outcome]] = {
    ResolveAs.DELIVERED: Outcome(
        outcome_class=OutcomeClass.DELIVERED, code="resolved_delivered"
    ),
    ResolveAs.NOT_DELIVERED: Outcome(
        outcome_class=OutcomeClass.TRANSIENT, code="resolved_not_delivered"
    ),
}
_DEFINITE: Final = {
    OutcomeClass.DELIVERED: ResolveAs.DELIVERED,
    OutcomeClass.TRANSIENT: ResolveAs.NOT_DELIVERED,
    OutcomeClass.PERMANENT: ResolveAs.NOT_DELIVERED,
}


class Answers(NamedTuple):
    """What a look-up came to, by how many records.

    Attributes:
        not_known: The provider does not know either, or does not say for certain.
        unanswered: It could not be asked.
        moved: Resolved by somebody else while it was asked.
    """

    delivered: int = 0
    not_delivered: int = 0
    not_known: int = 0
    unanswered: int = 0
    moved: int = 0

    @property
    def asked(self) -> int:
        """About how many records it was asked."""
        return sum(self)

    @property
    def words(self) -> str:
        """The figures in one line."""
        said = (
            f"asked about {_n(self.asked, 'record')}: {self.delivered:,} delivered, "
            f"{self.not_delivered:,} not delivered, {self.not_known:,} not known to "
            f"the provider either, {self.unanswered:,} without an answer"
        )
        return f"{said}, {self.moved:,} resolved meanwhile" if self.moved else said

    def plus(self, other: Answers) -> Answers:
        """Return both as one."""
        return Answers(*(one + two for one, two in zip(self, other, strict=True)))


class TakenUp(NamedTuple):
    """Unknown records of a run that a retry has now.

    Attributes:
        unknown: Of these: unknown there too.
        unsent: Of these: not attempted there yet, as behind a canary.
    """

    records: int
    unknown: int = 0
    unsent: int = 0

    @property
    def attempted(self) -> int:
        """Of these: the retry made an attempt, which came or comes to something."""
        return self.records - self.unknown - self.unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvePreview:
    """What a resolution would do to a run's unknown records, with exact counts.

    Attributes:
        resolve_as: What they would become.
        selection: Which records are meant; of these only unknown ones are touched.
        records: So many of them are unknown; the command carries this number.
        others: So many are not, and stay as they are.
        lines: What would happen, each a sentence.
        typed: What must be typed to confirm; empty where a key will do.
        refusal: Why it cannot be done now, or None.
        why: The particulars of the refusal, with what can be done instead.
    """

    run_id: str
    campaign_name: str
    label: str
    resolve_as: ResolveAs
    selection: Selection
    records: int
    others: int = 0
    lines: tuple[str, ...] = ()
    typed: str = ""
    refusal: Refusal | None = None
    why: str = ""

    @property
    def explanation(self) -> str:
        """The refusal in one sentence with the next possible action, or empty."""
        if self.refusal is None:
            return ""
        said = EXPLANATIONS[self.refusal]
        return f"{said} ({self.why})" if self.why else said


def withdrawal_of(run_id: str) -> str:
    """Return how a look-up of a run is ended that nobody wants any more."""
    return f"watchfloor look-up {run_id} --withdraw --reason TEXT"


def only_unknown(selection: Selection) -> Selection:
    """Return the same cohort without the records that are not unknown."""
    return replace(selection, states=frozenset({RecordState.UNKNOWN}))


def settled_as(outcome: Outcome | None) -> ResolveAs | None:
    """Return what a provider's answer settles; None where it does not settle it.

    Only what is definite does. A callback is not: whether the record was reached
    before that was asked for, the provider does not say.
    """
    return None if outcome is None else _DEFINITE.get(outcome.outcome_class)


def verdict(outcome: Outcome, policy: RetryPolicy, seen: Circumstances) -> Verdict:
    """Return what becomes of an unknown record of which it is now known how it ended.

    The key is one and the same for every attempt, so what is known of it is known of
    all of them: no doubt is left.
    """
    return judge(outcome, policy, Delivery.IDEMPOTENT, replace(seen, in_doubt=False))


def resent(now_ms: int) -> Verdict:
    """Return what becomes of an unknown record that is to be sent once more."""
    return Verdict(RecordState.RETRY, now_ms, "resent on a person's word")


def refusal_of(
    run: Lifecycle, run_id: str, resolve_as: ResolveAs, *, is_doomed: bool = False
) -> tuple[Refusal, str] | None:
    """Return why a run's unknown records cannot be resolved so, and what can be done.

    What is known about the past can be said of every run. Another attempt is made only
    by a run that still makes some.
    """
    if resolve_as is not ResolveAs.RESEND:
        return None
    retry = f"watchfloor retry {run_id} --class unknown --seq N"
    if run.phase is Phase.ENDED:
        why = (
            "an ended run makes no attempts; a child run does, with the same key: "
            f"{retry}"
        )
        return Refusal.ALREADY_ENDED, why
    if may_retry(run) and not is_doomed:
        return None
    refusal = Refusal.CANCELLING if run.phase is Phase.CANCELLING else Refusal.STOPPING
    return refusal, f"it makes no new attempts; once it has ended: {retry}"


def told(selection: Selection) -> str:
    """Return in a few words which unknown records a selection means."""
    parts = [
        (f"record {seq:,}" for seq in sorted(selection.seqs)[:3]),
        (f"class {one.word}" for one in sorted(selection.classes)),
        (f"code {code}" for code in sorted(selection.codes)),
        (f"step {step}" for step in sorted(selection.steps)),
        (f"origin {origin}" for origin in sorted(selection.origins)),
    ]
    words = [word for part in parts for word in part]
    if len(selection.seqs) > 3:  # noqa: PLR2004 - so many are named above
        words.insert(3, f"{len(selection.seqs) - 3:,} more")
    return ", ".join(words)


def elsewhere(taken: Mapping[str, TakenUp], more: str = "") -> tuple[str, ...]:
    """Return what can be done about unknown records that retries have taken up.

    What is unknown there too is resolved there. What was not sent yet is nobody's word
    to give before the retry lets go of it; what was sent has its outcome there.
    """
    told: list[str] = []
    for run_id, one in taken.items():
        if one.unknown:
            told.append(
                f"{one.unknown:,} {more}{_is(one.unknown)} in run {run_id}: resolve "
                f"{_them(one.unknown)} there"
            )
        if one.unsent:
            told.append(
                f"{one.unsent:,} {more}{_wait(one.unsent)} in run {run_id}, not sent "
                f"yet: stop or cancel that run first, then resolve "
                f"{_them(one.unsent)} here"
            )
        if one.attempted:
            told.append(
                f"{one.attempted:,} {more}{_was(one.attempted)} attempted again by run "
                f"{run_id}: what comes of {_them(one.attempted)} stands there"
            )
    return tuple(told)


def preview(  # noqa: PLR0913 - the last ones are named
    run: RunView,
    resolve_as: ResolveAs,
    selection: Selection,
    *,
    records: int,
    others: int,
    steps: int,
    delivery: Delivery,
    taken: Mapping[str, TakenUp] | None = None,
) -> ResolvePreview:
    """Return what resolving would do to *run* as it is now.

    Args:
        run: As it is now.
        resolve_as: What its unknown records are to become.
        selection: Which of them.
        records: How many of these are unknown.
        others: How many are not.
        steps: How many steps its campaign has.
        delivery: What its channels promise about a key sent twice.
        taken: What more is unknown, by the retry that has taken it up.
    """
    taken = taken or {}
    declined = refusal_of(
        run.lifecycle, run.run_id, resolve_as, is_doomed=bool(run.cause)
    )
    refusal, why = declined or (None, "")
    if not records:
        refusal, why = Refusal.NOT_UNKNOWN, "; ".join(elsewhere(taken))
    lines = [*_FATES[resolve_as](run, records, steps, delivery)]
    if others:
        stay = "is not unknown and stays as it is" if others == 1 else _STAY
        lines.append(f"Not touched: {others:,} more of those selected {stay}.")
    lines += [f"{said}." for said in elsewhere(taken, "more ")]
    if run.lifecycle.history is History.CREATED:
        lines.append("The run's history stays as it was written; this is added to it.")
    lines.append("This is said for good: a resolution cannot be taken back.")
    return ResolvePreview(
        run_id=run.run_id,
        campaign_name=run.campaign_name,
        label=run.label,
        resolve_as=resolve_as,
        selection=selection,
        records=records,
        others=others,
        lines=tuple(lines),
        typed=run.run_id if resolve_as is ResolveAs.RESEND else "",
        refusal=refusal,
        why=why,
    )


_STAY: Final = "are not unknown and stay as they are"


def _delivered(run: RunView, count: int, steps: int, _: Delivery) -> list[str]:
    lines = [f"{_n(count, 'unknown record')} become{_s(count)} delivered."]
    if steps > 1:
        goes_on = may_retry(run.lifecycle)
        lines.append(
            "Those that a later step asks for go on to it."
            if goes_on
            else "No later step is made: the run is ending or has ended."
        )
    return lines


def _not_delivered(run: RunView, count: int, steps: int, _: Delivery) -> list[str]:
    many = _n(count, "unknown record")
    if may_retry(run.lifecycle):
        lines = [
            f"{many} become{_s(count)} failed for now, as after any transient failure.",
            (
                "Where the campaign still allows it, they are tried again with the "
                "same key; the others are failed."
            ),
        ]
        if steps > 1:
            lines.append("Failed ones that a later step asks for go on to it.")
        return lines
    return [
        f"{many} become{_s(count)} failed, which can be retried.",
        f"Nobody is contacted by this; later: watchfloor retry {run.run_id}",
    ]


def _resend(_: RunView, count: int, __: int, delivery: Delivery) -> list[str]:
    lines = [
        (
            f"{_n(count, 'unknown record')} {_is(count)} attempted once more, with the "
            "same key, as soon as the run's gate, permits and windows allow."
        )
    ]
    if delivery is Delivery.AT_MOST_ONCE:
        lines.append(
            "The channel does not honour keys: whoever was reached already is "
            "contacted twice."
        )
        lines.append(
            "Whomever the provider reports as reached before that attempt goes out is "
            "not contacted again, but unknown again."
        )
    else:
        lines.append(
            "The provider is said to honour the key: whoever was reached already is "
            "not contacted again."
        )
    return lines


_FATES = {
    ResolveAs.DELIVERED: _delivered,
    ResolveAs.NOT_DELIVERED: _not_delivered,
    ResolveAs.RESEND: _resend,
}


def _n(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _s(count: int) -> str:
    return "s" if count == 1 else ""


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
