from __future__ import annotations

import pytest

from watchfloor.domain.sharing import SharedUse, filed_limits
from watchfloor.domain.workspace import Shared, Workspace


def test_a_workspaces_limits_are_filed_by_scope():
    whole, calls = Shared(permits=50), Shared(rate_per_s=2.5)
    workspace = Workspace(
        workspace_id="w", name="W", shared=whole, channels={"calls": calls}
    )

    assert filed_limits(workspace) == {"workspace": whole, "channel:calls": calls}


@pytest.mark.parametrize(
    ("permits", "in_flight", "is_full"),
    [(None, 99, False), (5, 4, False), (5, 5, True), (5, 6, True), (0, 0, True)],
)
def test_a_limit_is_full_when_every_permit_is_in_use(permits, in_flight, is_full):
    use = SharedUse(scope="workspace", permits=permits, in_flight=in_flight)

    assert use.is_full is is_full
