from __future__ import annotations

import pytest

from watchfloor.domain.prospects import is_of_ended_twin
from watchfloor.domain.views import Receipt


@pytest.mark.parametrize(
    ("refusal", "detail", "is_ended"),
    [
        ("DUPLICATE_RUN", "the same ran before (run r-1, which has ended)", True),
        ("DUPLICATE_RUN", "the same runs now (run r-1, which is live)", False),
        ("DUPLICATE_RUN", "the same runs now (run r-1, which is live)..", False),
        ("PLAN_LIMIT", "the same ran before (run r-1, which has ended)", False),
        ("", "", False),
    ],
)
def test_only_a_twin_that_has_ended_may_be_launched_again(refusal, detail, is_ended):
    receipt = Receipt(
        command_id="c",
        verb="launch",
        run_id="r",
        state="refused",
        refusal=refusal,
        detail=detail,
    )

    assert is_of_ended_twin(receipt) is is_ended
