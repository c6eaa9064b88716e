"""What a run's campaign asks of every transaction that touches its records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from watchfloor.domain.auto_pause import RecentOutcomes
from watchfloor.domain.breaker import Breaker
from watchfloor.domain.retries import RetryPolicy
from watchfloor.engine.openings import Openings
from watchfloor.store.reads.strategy import Strategy


@dataclass(slots=True, kw_only=True)
class Rules:
    """One run's rules, by step where there are several.

    Attributes:
        policies: How patient each step is.
        breakers: What watches each step's provider; runs share them by target.
        breaker_after: A longer row of attempts without an answer opens them; 0: never.
        answers: By step: codes by which the provider speaks of the recipient.
        retry_share: The most of the dispatch that may go to retries.
        promise_ms: How long after its due time a callback may still be made.
        is_suppressed: Whether a contact, by its digest in hexadecimal, must not be
            contacted. Any thread; the answer may change at any moment.
        has_opted_out: The part of it that may change after a claim: asked once more
            just before the send. Lists are read anew only while nothing is claimed.
        reached: Records whose contact was reached by an earlier run while their intent
            waited to be sent; asked and forgotten just before the send.
        openings: When recipients may be contacted; None for always.
        strategy: Where a record goes after a step; None where there is only one.
        recent: What pauses the run over one class's share; None for nothing.
    """

    policies: tuple[RetryPolicy, ...]
    breakers: tuple[Breaker, ...]
    breaker_after: int
    answers: tuple[frozenset[str], ...]
    retry_share: float
    promise_ms: int
    is_suppressed: Callable[[str], bool]
    has_opted_out: Callable[[str], bool]
    reached: set[int] = field(default_factory=set)
    openings: Openings | None = None
    strategy: Strategy | None = None
    recent: RecentOutcomes | None = None
