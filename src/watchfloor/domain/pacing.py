"""Attempts per time: a token bucket as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

#: How much of a second's allowance may go out at once, so that a fast pace does not
#: need a timer per attempt. At 10 per second and below one attempt goes at a time.
BURST_SHARE_S = 0.1

#: Of a paced run, intents are stored so far ahead of their time and no further.
LEAD_S = 0.25

#: Tokens this close to one are one. Without it, whoever waits exactly as long as told
#: may find 1 - 2**-53 tokens and be told to wait for less than a clock can show.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Bucket:
    """A pace and what is left of it.

    In any window of *w* seconds at most ``rate_per_s * w + burst`` attempts start.

    Attributes:
        rate_per_s: Attempts per second, greater than 0.
        tokens: Attempts that may start at ``at_s``.
        at_s: Monotonic seconds.
    """

    rate_per_s: float
    tokens: float
    at_s: float

    @property
    def burst(self) -> float:
        """The most tokens the bucket holds."""
        return max(1.0, self.rate_per_s * BURST_SHARE_S)


def opened(rate_per_s: float, now_s: float) -> Bucket:
    """Return a bucket with room for one attempt: no burst at a start or resume."""
    return Bucket(rate_per_s, 1.0, now_s)


def refilled(bucket: Bucket, now_s: float, granted: int = 0) -> Bucket:
    """Return the bucket at *now_s*; a clock that went back adds nothing.

    Tokens that are granted to attempts which have not started yet have their place in
    it until then, or an engine that stalled would start more together than the burst.
    """
    gained = max(0.0, now_s - bucket.at_s) * bucket.rate_per_s
    most = bucket.burst - granted
    return replace(bucket, tokens=min(most, bucket.tokens + gained), at_s=now_s)


def reopened(bucket: Bucket, now_s: float) -> Bucket:
    """Return the bucket after a pause: at most one attempt's room was kept.

    What was spent before stays spent, or pausing and resuming would outrun the pace.
    """
    full = refilled(bucket, now_s)
    return replace(full, tokens=min(full.tokens, 1.0))


def take(bucket: Bucket, now_s: float, granted: int = 0) -> tuple[Bucket, float]:
    """Take one token if there is one; for *granted* see ``refilled``.

    Returns:
        The bucket afterwards and 0.0, or the bucket untouched by the attempt and the
        seconds until the next token.
    """
    full = refilled(bucket, now_s, granted)
    if full.tokens >= 1.0 - _ROUNDING:
        return replace(full, tokens=full.tokens - 1.0), 0.0
    return full, (1.0 - full.tokens) / full.rate_per_s


def lead(rate_per_s: float) -> int:
    """Return how many intents may be stored ahead of their time at this pace."""
    return max(1, math.ceil(rate_per_s * LEAD_S))
