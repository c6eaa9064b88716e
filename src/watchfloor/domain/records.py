"""One record's states, and what an outcome makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from watchfloor.domain.outcomes import Delivery, Outcome, OutcomeClass
from watchfloor.domain.retries import HOUR_MS, RetryPolicy, next_attempt_at_ms


class RecordState(IntEnum):
    """Where a record stands; exactly one at any commit. The number is stored."""

    PENDING = 0
    CLAIMED = 1
    ATTEMPTING = 2  #: in flight: an intent is stored, an outcome is not
    RETRY = 3  #: failed for now, next_at known
    CALLBACK = 4  #: promised for a time
    WAITING = 5  #: on an external or human step
    DELIVERED = 6
    FAILED = 7
    UNKNOWN = 8  #: may have been delivered; leaves only by a person or a look-up
    NOT_ATTEMPTED = 9  #: the run was stopped or cancelled first
    EXPIRED = 10
    ABANDONED = 11  #: a promise was dropped

    @property
    def word(self) -> str:
        """The glossary's word, as JSON and screens show it."""
        return self.name.lower()

    @property
    def is_final(self) -> bool:
        """Whether the engine will not touch the record any more."""
        return self >= RecordState.DELIVERED


#: The code of a record that is not attempted, or not again after a doubt: the provider
#: reported meanwhile that an earlier attempt, or one of an earlier run, reached the
#: contact.
REACHED_BEFORE = "reached_before"

STATE_WORDS = {state.word: state for state in RecordState}


class RejectKind(StrEnum):
    """Why a row of the upload became no record."""

    INVALID = "invalid"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What one attempt's judge must know beside the outcome.

    Attributes:
        tries: Attempts made at this record, this one included, crashes not counted.
        first_at_ms: When the first attempt began, ms since 1970 UTC.
        now_ms: When the outcome was known.
        in_doubt: Whether an earlier attempt may have been delivered.
        may_retry: Whether the run may keep work for later (it is not ending).
        may_promise: Whether the run may keep a callback.
        promise_ms: How long after its due time a callback may still be made.
        chance: In [0, 1): the jitter's throw.
    """

    tries: int
    first_at_ms: int
    now_ms: int
    in_doubt: bool = False
    may_retry: bool = True
    may_promise: bool = True
    promise_ms: int = 48 * HOUR_MS
    chance: float = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a record: its state, when it is due, and why in a few words.

    Attributes:
        expires_at_ms: Of a callback: from then on it is too late.
    """

    state: RecordState
    next_at_ms: int | None = None
    why: str = ""
    expires_at_ms: int | None = None


def dropped(state: RecordState, *, earlier: int, in_doubt: bool) -> RecordState:
    """Return what becomes of a record that must not be attempted again.

    What may have been delivered is never called anything else. A promise is abandoned.
    What an earlier step reached stays as that left it.

    Args:
        state: pending, retry or callback.
        earlier: The state in which earlier steps left it; 0 on its first step.
        in_doubt: Whether an attempt of this step may have been delivered.
    """
    if in_doubt:
        return RecordState.UNKNOWN
    if state is RecordState.CALLBACK:
        return RecordState.ABANDONED
    if earlier:
        return RecordState(earlier)
    if state is RecordState.RETRY:
        return RecordState.FAILED
    return RecordState.NOT_ATTEMPTED


def too_late(*, earlier: int, in_doubt: bool) -> RecordState:
    """Return what becomes of a record whose time is over; see ``dropped``."""
    if in_doubt:
        return RecordState.UNKNOWN
    return RecordState(earlier) if earlier else RecordState.EXPIRED


def judge(
    outcome: Outcome,
    policy: RetryPolicy,
    delivery: Delivery,
    seen: Circumstances,
) -> Verdict:
    """Return what *outcome* makes of the record (``delivery.md``, outcome classes).

    Only a transient failure is retried, and an ambiguous one where the provider
    honours the key. An ambiguous outcome that is not retried is ``unknown``: it is
    never guessed to be a failure, and neither is a transient one after it. A permanent
    one is where the provider honours the key: it has answered for every attempt with
    it. What a channel keeps is not retried beside it, whatever its provider honours.
    """
    match outcome.outcome_class:
        case OutcomeClass.DELIVERED:
            return Verdict(RecordState.DELIVERED)
        case OutcomeClass.PERMANENT:
            return _refused(delivery, seen)
        case OutcomeClass.CALLBACK:
            return _promised(outcome, policy, seen)
        case OutcomeClass.TRANSIENT:
            spent = RecordState.UNKNOWN if seen.in_doubt else RecordState.FAILED
            return _retried(outcome, policy, seen, spent=spent)
        case OutcomeClass.AMBIGUOUS:  # the last
            if delivery is Delivery.AT_MOST_ONCE or outcome.is_kept:
                return Verdict(RecordState.UNKNOWN, why="may have been delivered")
            return _retried(outcome, policy, seen, spent=RecordState.UNKNOWN)


#: A contact that asks to be called back, again and again, is asking for something else.
MOST_PROMISES = 5
#: A provider that says "call back now" is not called back at once for ever.
SOONEST_CALLBACK_MS = 1_000


def _refused(delivery: Delivery, seen: Circumstances) -> Verdict:
    if seen.in_doubt and delivery is Delivery.AT_MOST_ONCE:
        why = "refused for good, and an earlier attempt may have been delivered"
        return Verdict(RecordState.UNKNOWN, why=why)
    return Verdict(RecordState.FAILED, why="permanent: never retried")


def _promised(outcome: Outcome, policy: RetryPolicy, seen: Circumstances) -> Verdict:
    if not seen.may_promise:
        return Verdict(RecordState.ABANDONED, why="the run is being cancelled")
    if seen.tries >= policy.attempts + MOST_PROMISES:
        return Verdict(RecordState.ABANDONED, why=f"{seen.tries} attempts were made")
    asked = outcome.due_at_ms if outcome.due_at_ms is not None else seen.now_ms
    soonest = seen.now_ms + max(SOONEST_CALLBACK_MS, outcome.retry_after_ms)
    due = max(asked, soonest)
    why = "asked to be contacted later"
    return Verdict(RecordState.CALLBACK, due, why, due + seen.promise_ms)


def _retried(
    outcome: Outcome, policy: RetryPolicy, seen: Circumstances, spent: RecordState
) -> Verdict:
    if not seen.may_retry:
        return Verdict(spent, why="no retry: the run is ending")
    if seen.tries >= policy.attempts:
        made = f"{seen.tries} of {policy.attempts} made"
        if seen.tries > policy.attempts:
            made = f"{seen.tries} made, callbacks too; the limit is {policy.attempts}"
        return Verdict(spent, why=f"no retry: {made}")
    next_at = next_attempt_at_ms(
        policy,
        tries=seen.tries,
        now_ms=seen.now_ms,
        chance=seen.chance,
        retry_after_ms=outcome.retry_after_ms,
    )
    if next_at - seen.first_at_ms > policy.max_age_ms:
        return Verdict(spent, why="no retry: the first attempt is too long ago")
    return Verdict(RecordState.RETRY, next_at, "will be tried again")
