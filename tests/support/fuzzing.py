"""How much is thrown at a reader: the same little in CI, as much as one likes by hand.

``WATCHFLOOR_FUZZ=10000 pytest tests/threats/test_fuzzing.py`` tries so many examples of
each, other ones at every run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T", bound=Callable[..., Any])

WISHED = int(os.environ.get("WATCHFLOOR_FUZZ", "0"))


def fuzzed(examples: int) -> Callable[[T], T]:
    """Return a decorator for a property: so many examples, or as many as are wished."""
    return settings(
        max_examples=WISHED or examples,
        derandomize=not WISHED,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
