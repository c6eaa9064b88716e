from __future__ import annotations

import pytest

from watchfloor.domain.errors import StoreError
from watchfloor.engine.ownership import Ownership
from watchfloor.store import disk


@pytest.fixture
def on_a_network_disk(tmp_path, monkeypatch):
    """Let the system tell that everything is mounted from another machine."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:50 / / rw - nfs4 files:/export rw\n", encoding="utf-8")
    monkeypatch.setattr(disk, "_MOUNTS", mounts)


def test_nobody_owns_a_workspace_on_a_network_disk(floor, on_a_network_disk):
    with pytest.raises(StoreError, match="network disk"):
        floor.apply_what_waits()

    # Not even the lock was taken.
    Ownership.taken(floor.layout, "another").release()


def test_who_knows_better_says_so_in_the_workspaces_file(floor, on_a_network_disk):
    floor.configure("[safety]\nnetwork_disk = true")

    assert floor.apply_what_waits() is True
