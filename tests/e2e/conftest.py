"""What whole journeys share: a workspace and a provider, both real."""

from __future__ import annotations

import pytest
from tests.support.floor import Floor
from tests.support.provider import Provider


@pytest.fixture
def floor(tmp_path):
    made = Floor(tmp_path)
    yield made
    made.close()


@pytest.fixture
def provider():
    with Provider() as serving:
        yield serving
