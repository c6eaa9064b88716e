"""What whole journeys share: a workspace and a provider, both real."""

from __future__ import annotations

import signal

import pytest
from tests.support.floor import Floor
from tests.support.provider import Provider


@pytest.fixture(autouse=True, scope="session")
def children_hear_ctrl_c():
    """Undo what a shell does to a job in the background: its children ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def floor(tmp_path):
    made = Floor(tmp_path)
    yield made
    made.close()


@pytest.fixture
def provider():
    with Provider() as serving:
        yield serving
