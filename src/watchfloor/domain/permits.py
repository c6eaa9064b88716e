"""How many attempts may be under way, and how many intents may be stored ahead."""

from __future__ import annotations

from watchfloor.domain.outcomes import Delivery


def window(permits: int, delivery: Delivery) -> int:
    """Return the most intents that may be stored and not durably finished.

    Strict for at-most-once channels, since a crash turns each into a possible unknown;
    twice the permits where a resend is harmless and speed wins (``delivery.md``).
    """
    return permits if delivery is Delivery.AT_MOST_ONCE else 2 * permits


def retry_quota(asked: int, retry_share: float, *, others_pending: bool) -> int:
    """Return how many of *asked* intents may go to retries.

    A retry budget keeps a failing provider from being fed nothing but retries. At
    least one always may, and all of them where nothing else is left to do.
    """
    if not others_pending:
        return asked
    return min(asked, max(1, int(asked * retry_share)))
