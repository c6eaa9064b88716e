"""Fixtures of tests that carry runs out: a workspace, and a provider on loopback."""

from __future__ import annotations

import pytest
from tests.support.floor import Floor
from tests.support.provider import Provider


@pytest.fixture(scope="session")
def unused_workspace(tmp_path_factory):
    made = Floor(tmp_path_factory.mktemp("unused"))
    made.close()
    return made.layout.root


@pytest.fixture
def floor(tmp_path, unused_workspace):
    made = Floor(tmp_path, unused_workspace)
    yield made
    made.close()


@pytest.fixture
def provider():
    with Provider() as serving:
        yield serving
