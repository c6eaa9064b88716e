"""What all tests share: their order, their memory, and no deadlines."""

from __future__ import annotations

import gc
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

#: Allocations between two looks; Python's own 700 costs a sixth of the suite's time,
#: for thousands of collected tests lie there that never go.
_BETWEEN_LOOKS: Final = 10_000
#: Folders of tests that take up to half a minute each.
_LONG: Final = {"kills", "simulation"}

# A busy machine must not fail a test: no property is about time that passes.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")


def pytest_sessionstart():
    gc.set_threshold(_BETWEEN_LOOKS)


@pytest.hookimpl(trylast=True)  # after the order was drawn
def pytest_collection_modifyitems(items):
    """Begin with the long ones, or one worker has them left when all are done."""
    items.sort(key=lambda one: _LONG.isdisjoint(one.path.parts))


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
