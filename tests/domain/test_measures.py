from __future__ import annotations

import pytest

from watchfloor.domain.measures import duration_ms, duration_text, rate_per_s


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("500ms", 500),
        ("10s", 10_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("30d", 2_592_000_000),
    ],
)
def test_a_duration_is_read_and_written_alike(text, milliseconds):
    assert duration_ms(text) == milliseconds
    assert duration_text(milliseconds) == text


def test_a_duration_is_written_in_the_largest_unit_that_fits():
    assert duration_text(90_000) == "90s"
    assert duration_text(7_200_000) == "2h"


@pytest.mark.parametrize(
    "text", ["", "10", "s", "1.5h", "-1s", "10 s", "1S", "1w", "\u0661s", 7, None]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration"):
        duration_ms(text)


@pytest.mark.parametrize("text", ["0s", "367d", "999999999d"])
def test_a_duration_of_nothing_or_of_years_is_refused(text):
    with pytest.raises(ValueError, match="between"):
        duration_ms(text)


@pytest.mark.parametrize(
    ("text", "rate"), [("20/s", 20.0), ("600/m", 10.0), ("36/h", 0.01), ("0.5/s", 0.5)]
)
def test_a_rate_is_read_per_second(text, rate):
    assert rate_per_s(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["20", "20/d", "/s", "-1/s", "1e3/s", 7, "20 /s"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError, match="is not a rate"):
        rate_per_s(text)


def test_a_rate_of_zero_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        rate_per_s("0/s")


@pytest.mark.parametrize(
    ("text", "least_ms", "milliseconds"),
    [("1ms", 1, 1), ("366d", 1, 31_622_400_000), ("5s", 5_000, 5_000)],
)
def test_a_duration_may_be_as_short_and_as_long_as_its_bounds(
    text, least_ms, milliseconds
):
    assert duration_ms(text, least_ms=least_ms) == milliseconds


def test_a_millisecond_is_a_duration_where_no_other_bound_is_given():
    assert duration_ms("1ms") == 1


def test_what_is_wrong_can_be_put_behind_the_value():
    with pytest.raises(ValueError, match=r"^is not a duration$"):
        duration_ms("x")
    with pytest.raises(ValueError, match=r"^is not between 100ms and 366d$"):
        duration_ms("99ms", least_ms=100)
    with pytest.raises(ValueError, match=r"^is not a rate$"):
        rate_per_s("x")
    with pytest.raises(ValueError, match=r"^lets nothing through$"):
        rate_per_s("0/h")
