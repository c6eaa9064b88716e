"""What crosses between the engine and a channel: a dispatch out, an outcome back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Delivery(StrEnum):
    """What a channel promises about one key sent twice; a property of the channel."""

    IDEMPOTENT = "idempotent"  #: the provider honours the key: resending is harmless
    AT_MOST_ONCE = "at_most_once"  #: never resend what may have left


class OutcomeClass(IntEnum):
    """How an attempt ended. The number is what the store keeps."""

    DELIVERED = 1
    TRANSIENT = 2  #: definitely not delivered, may be tried again
    PERMANENT = 3  #: must never be tried again
    AMBIGUOUS = 4  #: may have been delivered: the effect is not known
    CALLBACK = 5  #: asked to be contacted at a time

    @property
    def word(self) -> str:
        """The glossary's word, as JSON and screens show it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt ended.

    Attributes:
        outcome_class: What it means for the record.
        code: The channel's own word for it, lower snake case, e.g. ``"http_503"``.
        detail: A short text from outside, for the journey; at most 500 characters.
        provider_id: The provider's own id of the delivery, or empty.
        retry_after_ms: The provider's wish, counted from the outcome; 0 for none.
        due_at_ms: When to call back, ms since 1970 UTC; only with ``CALLBACK``.
        run_fault: Not empty when every record would fail alike (401, 403): the run
            pauses with this reason instead of burning the list.
        suppress: Not empty when the contact must not be contacted again by anyone: the
            reason, fit to be shown unmasked, e.g. ``"hard bounce 5.1.1"``.
        is_unsent: The channel itself refused before one byte left, whoever the record
            is; see ``is_no_attempt``.
        is_kept: The attempt was given up while its channel still held it: it may be
            sent at any time, beside whatever is sent next.
    """

    outcome_class: OutcomeClass
    code: str
    detail: str = ""
    provider_id: str = ""
    retry_after_ms: int = 0
    due_at_ms: int | None = None
    run_fault: str = ""
    suppress: str = ""
    is_unsent: bool = False
    is_kept: bool = False

    @property
    def is_no_attempt(self) -> bool:
        """Whether the record stands as it did before: no attempt of it is spent.

        Only where it blames the run, which pauses at once: of a channel that said so
        of one record alone, that record would be taken up again for ever.
        """
        return (
            self.is_unsent
            and bool(self.run_fault)
            and self.outcome_class is OutcomeClass.TRANSIENT
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One attempt about to be made.

    Attributes:
        key: The idempotency key: constant over retries and crashes of one record and
            delivery generation; the same key always comes with the same fields.
        contact: Normalised, in the campaign's kind: E.164 (``;ext=`` appended where
            there is one), e-mail address, or id.
        fields: The row of the upload by column name, as received.
        number: 1 for the first attempt at this record. For the journey and the
            simulator only: it must not reach the body, see ``key``.
        run_id: The run, for logs.
        seq: The record within the run.
        step: The name of the campaign's step.
    """

    key: str
    contact: str
    fields: Mapping[str, str]
    number: int = 1
    run_id: str = ""
    seq: int = 0
    step: str = ""
