"""What whole journeys share: a workspace and a provider, both real."""

from __future__ import annotations

import signal

import pytest
from tests.support.floors import floor, provider, unused_workspace

__all__ = ["floor", "provider", "unused_workspace"]


@pytest.fixture(autouse=True, scope="session")
def children_hear_ctrl_c():
    """Undo what a shell does to a job in the background: its children ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
