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


def pytest_ignore_collect(collection_path):
    """Leave out, where ``.ci/branches`` runs them beside, those that draw nothing."""
    is_left = (
        os.environ.get("WATCHFLOOR_DOMAIN") == "drawn"
        and collection_path.parent == Path(__file__).parent
        and collection_path.name.startswith("test_")
        and "hypothesis" not in collection_path.read_text(encoding="utf-8")
    )
    return True if is_left else None
