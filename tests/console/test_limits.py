from __future__ import annotations

import pytest

from watchfloor.console.figures import rate
from watchfloor.console.limits import Limits, drafted
from watchfloor.domain.measures import rate_per_s

NOW = Limits(16, 20.0)


@pytest.mark.parametrize(
    ("permits", "pace", "wanted"),
    [
        ("16", "20/s", NOW),
        ("24", "20/s", Limits(24, 20.0)),
        (" 1,000 ", " 600/m ", Limits(1_000, 10.0)),
        ("16", "36/h", Limits(16, 0.01)),
        ("16", "none", Limits(16, None)),
    ],
)
def test_what_is_written_is_what_is_asked_for(permits, pace, wanted):
    assert drafted(NOW, permits, pace).limits == wanted


@pytest.mark.parametrize("permits", ["", "0", "-1", "1.5", "x", "10001", "1" * 20, "٣"])
def test_permits_that_cannot_be_are_named_with_what_would_be_right(permits):
    draft = drafted(NOW, permits, "none")

    assert draft.limits is None
    assert draft.permits.startswith(repr(permits))
    assert "10,000" in draft.permits or "like 16" in draft.permits
    assert draft.rate == ""


@pytest.mark.parametrize("pace", ["", "20", "0/s", "20/d", "fast", "-1/s", "9999999/s"])
def test_a_pace_that_cannot_be_is_named_with_what_would_be_right(pace):
    draft = drafted(NOW, "16", pace)

    assert draft.limits is None
    assert draft.rate.startswith(repr(pace))
    assert "none" in draft.rate
    assert draft.permits == ""


def test_both_mistakes_are_told():
    draft = drafted(NOW, "many", "fast")

    assert draft.permits
    assert draft.rate


@pytest.mark.parametrize("per_s", [20.0, 0.5, 10 / 3600, 10 / 60, 1_000_000.0, 1 / 7])
def test_a_rate_is_written_as_the_fields_read_it(per_s):
    assert rate_per_s(rate(per_s)) == pytest.approx(per_s, rel=1e-3)


def test_a_rate_nobody_can_write_stays_what_it_is_where_it_is_left_alone():
    odd = Limits(16, 1 / 7)

    assert drafted(odd, "17", rate(odd.rate_per_s)).limits == Limits(17, 1 / 7)


def test_no_pacing_is_written_as_none():
    assert rate(None) == "none"
    assert Limits(3, None).words == "3 permits, no pacing"
