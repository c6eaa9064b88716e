"""Whether attempts kept to a pace, by the moments at which they began."""

from __future__ import annotations

from collections.abc import Sequence

from watchfloor.domain.pacing import BURST_SHARE_S


def assert_paced(started_at_ms: Sequence[int], rate_per_s: float) -> None:
    """Check every window of time: no more starts than its share and one burst."""
    starts = sorted(started_at_ms)
    burst = max(1.0, rate_per_s * BURST_SHARE_S)
    for first, at_ms in enumerate(starts):
        for last in range(first, len(starts)):
            # Stored moments are whole milliseconds: one more may fit on each side.
            span_s = (starts[last] - at_ms + 2) / 1000
            assert last - first + 1 <= rate_per_s * span_s + burst + 1e-6
