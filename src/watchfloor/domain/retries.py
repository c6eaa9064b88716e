"""When a failed attempt may be tried again: full jitter, doubling, capped."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_MS = 1_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """A step's patience.

    Attributes:
        attempts: The most attempts at one record, the first included.
        backoff_ms: The base of the first pause.
        max_backoff_ms: The longest pause; also the cap on a provider's Retry-After.
        max_age_ms: From the first attempt's start; no retry begins later.
    """

    attempts: int = 4
    backoff_ms: int = 30 * SECOND_MS
    max_backoff_ms: int = 600 * SECOND_MS
    max_age_ms: int = 24 * HOUR_MS


def backoff_ceiling_ms(policy: RetryPolicy, tries: int) -> int:
    """Return the longest pause after *tries* attempts: base, doubled, capped."""
    # The shift is capped first: 2 to the power of a large count is a large number.
    doubled = policy.backoff_ms << min(max(tries, 1) - 1, 32)
    return min(doubled, policy.max_backoff_ms)


def next_attempt_at_ms(
    policy: RetryPolicy,
    *,
    tries: int,
    now_ms: int,
    chance: float,
    retry_after_ms: int = 0,
) -> int:
    """Return when to try again, in ms since 1970 UTC.

    Full jitter spreads retries evenly over [0, ceiling), so that a provider's hiccup
    is not answered by a wave (Brooker, "Exponential Backoff And Jitter"). A provider's
    Retry-After is a floor, itself capped at ``max_backoff_ms``.

    Args:
        policy: The step's patience.
        tries: Attempts made so far, at least 1.
        now_ms: When the last one ended.
        chance: In [0, 1).
        retry_after_ms: What the provider asked for, 0 for nothing.
    """
    pause = int(chance * backoff_ceiling_ms(policy, tries))
    floor = min(max(retry_after_ms, 0), policy.max_backoff_ms)
    return now_ms + max(pause, floor)
