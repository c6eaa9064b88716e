from __future__ import annotations

import pytest

from watchfloor.domain.outcomes import Delivery
from watchfloor.domain.permits import retry_quota, window


def test_the_window_is_strict_where_nothing_may_be_sent_twice():
    assert window(50, Delivery.AT_MOST_ONCE) == 50


def test_the_window_is_twice_the_permits_where_a_resend_is_harmless():
    assert window(50, Delivery.IDEMPOTENT) == 100


@pytest.mark.parametrize(
    ("asked", "share", "quota"),
    [
        (100, 0.2, 20),
        (100, 1.0, 100),
        (100, 0.0, 1),
        (9, 0.2, 1),
        (10, 0.2, 2),
        (14, 0.2, 2),
        (15, 0.2, 3),
        (1, 0.2, 1),
        (0, 0.2, 0),
    ],
)
def test_retries_get_their_share_and_at_least_one(asked, share, quota):
    assert retry_quota(asked, share, others_pending=True) == quota


def test_retries_get_everything_where_nothing_else_is_left():
    assert retry_quota(100, 0.2, others_pending=False) == 100
    assert retry_quota(0, 0.2, others_pending=False) == 0
