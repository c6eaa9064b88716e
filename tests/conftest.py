"""What all tests share: how often the memory of their process is looked through."""

from __future__ import annotations

import gc
from typing import Final

#: Allocations between two looks; Python's own 700 costs a sixth of the suite's time,
#: for thousands of collected tests lie there that never go.
_BETWEEN_LOOKS: Final = 10_000


def pytest_sessionstart():
    gc.set_threshold(_BETWEEN_LOOKS)


def pytest_collection_finish():
    gc.collect()
    gc.freeze()
