from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.paper_desk import PaperDesk
from tests.console.paper_runs import MINUTE_MS, NOON_MS

from watchfloor.console.chart_lines import (
    Chart,
    Layout,
    buckets,
    charts_of,
    curve,
    laid_out,
    layout,
)
from watchfloor.console.failure_names import group_name
from watchfloor.console.pieces import Piece, measured
from watchfloor.domain.failing import FailureGroup, Failures
from watchfloor.domain.live import Charts, DueSpan
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.progress import SAMPLE_MS, Progress, Sample
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Gate

START = NOON_MS - 131_000  # when a clock shows round figures


def progress(*places: int, ended: int | None = None, start: int = 0) -> Progress:
    """Ten attempts a second in these spans since the start."""
    return Progress(
        run_id="run-0001",
        campaign_name="Autumn",
        started_at_ms=START + start,
        ended_at_ms=None if ended is None else START + ended * SAMPLE_MS,
        records=1_000,
        samples=tuple(
            Sample(START + place * SAMPLE_MS, SAMPLE_MS, 100, 90) for place in places
        ),
    )


def rates(drawn) -> str:
    """A letter for each point: - for a gap, 0 for nothing, + for something."""
    return "".join(
        "-" if math.isnan(per_s) else "+" if per_s else "0" for _, per_s in drawn.points
    )


def at(place: float) -> int:
    return round(START + place * SAMPLE_MS)


def test_a_groups_name_tells_no_persons_number():
    group = FailureGroup(
        RecordState.FAILED, OutcomeClass.PERMANENT, "no_4155550123", "call", 3, 1
    )

    assert group_name(group) == "failed: permanent no_41***23, call"


def test_a_curve_has_equal_steps_from_the_start_in_attempts_per_second():
    drawn = curve(progress(0, 1, 2), at(3))
    assert drawn.name == "Autumn"
    assert drawn.points == ((5.0, 10.0), (15.0, 10.0), (25.0, 10.0))


def test_a_long_time_without_samples_is_a_gap_and_a_short_one_a_low_rate():
    drawn = curve(progress(0, 1, 2, 5, 6, 20, 21), at(22))
    assert rates(drawn) == "+++00++" + "-" * 13 + "++"


def test_a_slow_run_has_no_gaps_for_its_slowness():
    drawn = curve(progress(*range(0, 100, 12)), at(97))
    assert "-" not in rates(drawn)


def test_the_step_that_is_not_over_is_not_drawn():
    assert rates(curve(progress(0, 1, 2), at(2.5))) == "++"
    assert rates(curve(progress(0), at(0.5))) == "+"


def test_since_the_last_sample_a_live_run_does_nothing_or_is_paused():
    assert rates(curve(progress(0, 1), at(4.5))) == "++00"
    assert rates(curve(progress(0, 1), at(4.5), is_paused=True)) == "++--"


def test_an_ended_run_is_drawn_to_its_last_sample_whatever_the_time():
    drawn = curve(progress(0, 1, 2, ended=3), at(9_999), name="11-20 09:00")
    assert rates(drawn) == "+++"
    assert drawn.name == "11-20 09:00"


def test_a_run_that_began_within_a_span_has_no_point_before_its_start():
    drawn = curve(progress(0, 1, start=8_000), at(2))
    assert [at_s for at_s, _ in drawn.points] == [0.0, 7.0]


def test_a_run_without_samples_has_no_points():
    assert curve(progress(), at(3)).points == ()


@given(
    st.lists(st.integers(0, 100_000), min_size=1, max_size=20, unique=True),
    st.integers(0, 1_000_000),
    st.booleans(),
)
def test_a_curve_is_never_long_and_counts_every_attempt(places, more, is_over):
    told = progress(*sorted(places), ended=max(places) + 1 if is_over else None)
    drawn = curve(told, at(max(places) + 1 + more))
    assert 1 <= len(drawn.points) <= 240
    if is_over and len(drawn.points) > 1:
        step_s = drawn.points[-1][0] - drawn.points[-2][0]
        counted = sum(per_s for _, per_s in drawn.points if per_s > 0) * step_s
        assert counted == pytest.approx(100 * len(places))


@given(
    st.lists(st.integers(0, 500), max_size=48),
    st.sampled_from([10_000, MINUTE_MS, 15 * MINUTE_MS, 720 * MINUTE_MS]),
)
def test_no_promise_is_lost_and_none_is_before_now(counts, span_ms):
    first = NOON_MS // span_ms * span_ms
    due = [DueSpan(first + i * span_ms, span_ms, n) for i, n in enumerate(counts)]
    found = buckets(due, NOON_MS)
    assert sum(one.count for one in found) == sum(counts)
    assert all(one.at_ms >= NOON_MS for one in found)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((80, 20), (1, 1)),
        ((120, 32), (1, 2)),
        ((200, 56), (2, 2)),
        ((200, 20), (2, 1)),
        ((0, 0), (1, 1)),
    ],
)
def test_there_are_as_many_charts_as_there_is_room_for(size, expected):
    assert layout(*size) == Layout(*expected)


def a_chart(name: str) -> Chart:
    return Chart(name, "hint", lambda width, _: [(Piece(name[0] * width),)])


def test_charts_stand_side_by_side_each_in_its_own_columns():
    charts = [a_chart(name) for name in ("One", "Two", "Six")]
    lines = laid_out(charts, 22, 9, 2)
    texts = ["".join(piece.text for piece in line) for line in lines]
    assert texts[0] == " One  hint   Two  hint"
    assert texts[1] == "OOOOOOOOOO  TTTTTTTTTT"
    assert texts[5:7] == [" Six  hint", "SSSSSSSSSS"]
    assert len(texts) == 9


@given(width=st.integers(12, 220), height=st.integers(1, 70), ascii_only=st.booleans())
def test_all_charts_fit_whatever_the_room(width, height, ascii_only):
    desk = PaperDesk()
    run = desk.runs[0]
    told = Charts(
        run=run,
        progress=desk.progress(run),
        failures=desk.failures(run),
        due=(
            DueSpan(NOON_MS, MINUTE_MS, 3),
            DueSpan(NOON_MS + MINUTE_MS, MINUTE_MS, 1),
        ),
    )
    charts = charts_of(told, NOON_MS, ascii_only=ascii_only)
    columns, rows = layout(width, height)
    lines = laid_out(charts[: columns * rows], width, height, columns)
    assert len(lines) <= height
    assert all(measured(line) <= width for line in lines)
    if ascii_only:
        assert all(piece.text.isascii() for line in lines for piece in line)


def test_only_a_part_of_the_failures_that_was_looked_at_is_told():
    desk = PaperDesk()
    run = desk.runs[0]
    told = Charts(
        run=run,
        progress=desk.progress(run),
        failures=Failures(looked_at=10_000, of=30_000),
    )
    assert charts_of(told, NOON_MS, ascii_only=False)[2].hint == (
        "only 10,000 of 30,000 looked at"
    )


def test_a_paused_run_is_drawn_as_paused_now():
    desk = PaperDesk()
    run = replace(
        desk.runs[0], lifecycle=replace(desk.runs[0].lifecycle, gate=Gate.PAUSED)
    )
    told = Charts(run=run, progress=progress(0, 1, 2))
    lines = charts_of(told, at(30), ascii_only=False)[0].draw(80, 20)
    assert "paused now" in "".join(piece.text for piece in lines[0])
