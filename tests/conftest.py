"""What all tests share: their order, and how often their memory is looked through."""

from __future__ import annotations

import gc
from typing import Final

import pytest

#: Allocations between two looks; Python's own 700 costs a sixth of the suite's time,
#: for thousands of collected tests lie there that never go.
_BETWEEN_LOOKS: Final = 10_000
#: Folders of tests that take up to half a minute each.
_LONG: Final = {"kills", "simulation"}


def pytest_sessionstart():
    gc.set_threshold(_BETWEEN_LOOKS)


@pytest.hookimpl(trylast=True)  # after the order was drawn
def pytest_collection_modifyitems(items):
    """Begin with the long ones, or one worker has them left when all are done."""
    items.sort(key=lambda one: one.path.parent.name not in _LONG)


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
