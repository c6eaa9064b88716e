"""What the tests of the domain share: the explored life of a run, and one example."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from tests.domain.exploration import Graph, explored

# For what must hold whatever is drawn, as that every branch has a test of its own.
settings.register_profile(
    "single", settings.get_profile("untimed"), max_examples=1, derandomize=True
)


@pytest.fixture(scope="session")
def graph() -> Graph:
    """Every configuration and edge, found once."""
    return explored()


@pytest.hookimpl(trylast=True)  # Hypothesis marks its own in the same hook
def pytest_collection_modifyitems(config, items):
    """Leave out, where ``.ci/branches`` has just run them, those that draw nothing."""
    if os.environ.get("WATCHFLOOR_DOMAIN") != "drawn":
        return
    here = Path(__file__).parent
    again = {
        one
        for one in items
        if one.path.parent == here and one.get_closest_marker("hypothesis") is None
    }
    items[:] = [one for one in items if one not in again]
    config.hook.pytest_deselected(items=list(again))
