from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.console.paper_runs import NOON_MS
from tests.console.test_text import HOSTILE
from textual.app import App
from textual.screen import Screen

from watchfloor.console import pieces
from watchfloor.console.plots import rate_plot
from watchfloor.console.plots_bars import Bar, group_bars, share_bars
from watchfloor.console.plots_curves import Curve
from watchfloor.console.plots_due import Bucket, due_plot
from watchfloor.console.plots_scale import (
    named,
    round_step,
    short,
    time_label,
    time_step,
)
from watchfloor.console.widgets.looks import LOOKS
from watchfloor.console.widgets.panel import Panel
from watchfloor.domain.text import clean

MINUTE_MS = 60_000

NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))
SECONDS = st.one_of(
    st.floats(0, 1e5), st.just(math.nan), st.just(math.inf), st.integers(0, 10**7)
)
RATES = st.one_of(
    st.floats(0, 100),
    st.sampled_from((0.0, 1e-9, 1e7, 1e300, 5e-324, math.nan, math.inf)),
)
CURVES = st.builds(
    Curve, NAMES, st.lists(st.tuples(SECONDS, RATES), max_size=30).map(tuple)
)
COUNTS = st.one_of(st.integers(0, 50), st.integers(0, 10**14))
BARS = st.lists(
    st.builds(Bar, NAMES, COUNTS, st.sampled_from(("", *pieces.ROLES))), max_size=12
)
BUCKETS = st.lists(
    st.builds(
        Bucket,
        st.integers(NOON_MS - 10**9, NOON_MS + 10**11),
        st.one_of(st.integers(0, 9), st.integers(0, 10**12)),
    ),
    max_size=40,
)
WIDTHS, HEIGHTS = st.integers(20, 200), st.integers(4, 40)


def texts(lines: tuple[pieces.Line, ...]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in lines]


def assert_drawable(lines, width, height, *, ascii_only):
    """Every piece is as the Panel will show it, and every line fits."""
    assert 1 <= len(lines) <= height
    for line in lines:
        assert all(clean(piece.text) == piece.text for piece in line)
        assert all(piece.role in ("", *pieces.ROLES) for piece in line)
        assert pieces.measured(line) <= width
    if ascii_only:
        assert all(text.isascii() for text in texts(lines))


def steady(name: str, per_s: float, minutes: int = 40) -> Curve:
    return Curve(name, tuple((60.0 * n, per_s) for n in range(minutes + 1)))


# --- every input


@settings(max_examples=60, deadline=None)
@given(CURVES, st.lists(CURVES, max_size=6), WIDTHS, HEIGHTS, st.booleans())
def test_any_rates_fit_and_are_drawn_the_same_twice(
    own, earlier, width, height, ascii_only
):
    lines = rate_plot(own, earlier, width, height, ascii_only=ascii_only)

    assert_drawable(lines, width, height, ascii_only=ascii_only)
    assert lines == rate_plot(own, earlier, width, height, ascii_only=ascii_only)


@settings(max_examples=100, deadline=None)
@given(BARS, WIDTHS, st.booleans())
def test_any_shares_fit_a_line_each(shares, width, ascii_only):
    lines = share_bars(shares, width, ascii_only=ascii_only)

    assert_drawable(lines, width, max(1, len(shares)), ascii_only=ascii_only)
    assert len(lines) == max(1, len(shares))


@settings(max_examples=100, deadline=None)
@given(BARS, WIDTHS, st.integers(1, 14), st.booleans())
def test_any_groups_fit_in_the_lines_there_are(groups, width, most, ascii_only):
    lines = group_bars(groups, width, most, ascii_only=ascii_only)

    assert_drawable(lines, width, most, ascii_only=ascii_only)
    assert len(lines) == max(1, min(len(groups), most))


@settings(max_examples=100, deadline=None)
@given(BUCKETS, WIDTHS, HEIGHTS, st.booleans())
def test_any_callbacks_fit(buckets, width, height, ascii_only):
    lines = due_plot(buckets, NOON_MS, width, height, ascii_only=ascii_only)

    assert_drawable(lines, width, height, ascii_only=ascii_only)
    assert lines == due_plot(
        list(reversed(buckets)), NOON_MS, width, height, ascii_only=ascii_only
    )


def test_a_name_in_ascii_says_what_is_missing():
    assert named("Completed", 5, ascii_only=True) == "Comp~"
    assert named("Müller", 9, ascii_only=True) == "M?ller"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_one_piece(name):
    drawn = (
        rate_plot(steady(name, 5), [steady(name, 6)], 200, 16),
        share_bars([Bar(name, 3), Bar("done", 4)], 200),
        group_bars([Bar(name, 3)], 200, 5),
    )

    for lines, times in zip(drawn, (2, 1, 1), strict=True):
        names = [p.text for line in lines for p in line if p.text in whole_or_cut(name)]
        assert len(names) == times


def whole_or_cut(name: str) -> list[str]:
    """A name as it is shown where there is room, and where only a part has room."""
    whole = clean(name)
    return [whole, *(named(name, n, ascii_only=False) for n in range(20, 120))]


class Sheet(Screen[None]):
    COMPONENT_CLASSES = LOOKS

    def compose(self):
        yield Panel()


async def test_a_panel_shows_a_plot_as_it_was_drawn():
    lines = rate_plot(steady("[/]\x1b[31m", 5), [steady("last week", 9)], 60, 8)
    app: App[None] = App()
    async with app.run_test(size=(60, 8)):
        await app.push_screen(Sheet())
        panel = app.screen.query_one(Panel)
        panel.draw(lambda _: lines)
        strips = [panel.render_line(y).text.rstrip() for y in range(len(lines))]

    assert strips == [text.rstrip() for text in texts(lines)]
    assert "\x1b" not in "".join(strips)


# --- the rate


def test_the_library_is_loaded_by_the_first_plot_and_not_before():
    script = """
import sys
from watchfloor.console.plots import rate_plot
from watchfloor.console.plots_curves import Curve
own = Curve("own", ((0.0, 1.0), (60.0, 2.0)))
rate_plot(own, (), 20, 4)
assert "plotille" not in sys.modules
rate_plot(own, (), 80, 16)
assert "plotille" in sys.modules
"""

    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_library_never_colours(monkeypatch):
    quiet = rate_plot(steady("own", 5), [steady("before", 9)], 80, 16)
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert rate_plot(steady("own", 5), [steady("before", 9)], 80, 16) == quiet


def test_the_legend_says_who_is_who_and_how_fast():
    lines = texts(rate_plot(steady("own", 12), [steady("last week", 15)], 80, 12))

    assert lines[0] == "━ own  12.0/s now, 12.0/s on average   ┄1 last week 15.0/s"


def test_a_plot_takes_the_height_it_is_given():
    assert len(rate_plot(steady("own", 12), [], 80, 16)) == 16


def test_earlier_runs_are_told_apart_without_colour():
    lines = rate_plot(steady("own", 5), [steady("a", 9), steady("b", 14)], 80, 16)
    field = lines[1:-2]
    dim = "".join(p.text for line in field for p in line[1:] if p.role == "dim")
    key = "".join(p.text for line in field for p in line[1:] if p.role == "key")

    assert sorted(char for char in dim if char.isdigit()) == ["1", "2"]
    right_dots = 0b10111000
    assert not any(ord(c) & right_dots for c in dim if not (c.isdigit() or c == " "))
    assert any(ord(char) & right_dots for char in key if char != " ")


def test_the_own_run_is_drawn_over_an_earlier_one_of_the_same_rate():
    lines = rate_plot(steady("own", 5), [steady("before", 5)], 80, 16)
    dim = "".join(
        piece.text for line in lines[1:-2] for piece in line[1:] if piece.role == "dim"
    )

    assert dim.strip() == "1"


def test_a_pause_is_a_gap():
    points = tuple((60.0 * n, math.nan if 20 <= n < 40 else 5.0) for n in range(61))
    lines = texts(rate_plot(Curve("own", points), [], 80, 10, ascii_only=True))
    row = next(line for line in lines[1:] if "*" in line)
    drawn = row.partition("|")[2] or row.partition("+")[2]

    assert [len(part) for part in drawn.split(" ") if part] == [25, 26]


def test_rates_of_earlier_runs_are_calmed():
    restless = Curve("restless", tuple((60.0 * n, 10.0 * (n % 2)) for n in range(151)))

    lines = rate_plot(steady("own", 10, 150), [restless], 80, 11)
    dim = [any(p.role == "dim" for p in line[1:]) for line in lines[2:-2]]

    assert 1 <= sum(dim) <= 3


def test_numbers_of_runs_at_the_same_rate_stand_side_by_side():
    lines = rate_plot(steady("own", 5), [steady("a", 9), steady("b", 9)], 80, 16)

    field = "".join(text.partition("│")[2] for text in texts(lines)[1:-2])

    assert [char for char in field if char.isdigit()] == ["2", "1"]


def test_the_standing_axis_goes_from_nothing_to_above_the_peak():
    lines = texts(rate_plot(steady("own", 12), [], 80, 11))
    labels = [line[:4].strip() for line in lines[2:-2]]

    assert lines[1].startswith("20/s┤")
    assert labels == ["", "", "10", "", "", "", "0"]


def test_points_may_come_in_any_order():
    points = tuple((60.0 * n, n % 7.0) for n in range(90))

    ordered = rate_plot(Curve("own", points), [], 80, 16)

    assert rate_plot(Curve("own", points[::-1]), [], 80, 16) == ordered


@pytest.mark.parametrize("per_s", [0.0, 5e-324, 1e-9, 1e7, 1e300])
def test_the_slowest_and_the_fastest_rates_are_drawn(per_s):
    lines = rate_plot(steady("own", per_s), [], 80, 16)

    assert len(lines) == 16
    assert any(piece.role == "key" for line in lines[1:] for piece in line)


def test_a_run_that_is_paused_says_so():
    paused = Curve("own", ((0.0, 4.0), (60.0, 4.0), (120.0, math.nan)))

    assert "paused now, 4.0/s on average" in texts(rate_plot(paused, [], 80, 10))[0]


def test_a_slow_run_is_told_by_the_minute_or_the_hour():
    assert "6.0/m now" in texts(rate_plot(steady("own", 0.1), [], 80, 10))[0]
    assert "3.6/h now" in texts(rate_plot(steady("own", 0.001), [], 80, 10))[0]


def test_a_much_longer_earlier_run_does_not_dwarf_the_own_one():
    lines = texts(rate_plot(steady("own", 5), [steady("long", 9, 4000)], 80, 10))

    assert sum(line.endswith("1") for line in lines[1:-2]) == 1
    assert lines[-1].split() == ["start", "30m", "1h", "1h30m", "2h", "2h30m", "3h"]


def test_earlier_runs_that_are_not_drawn_are_counted():
    many = [steady(f"run {n}", n) for n in range(1, 8)]

    assert "+3 more" in "".join(texts(rate_plot(steady("own", 5), many, 200, 30)))
    assert "+7 more" in texts(rate_plot(steady("own", 5), many, 40, 6))[0]


def test_without_room_the_rates_are_told_in_words():
    own = Curve("own", ((0.0, 10.8), (60.0, 12.0)))
    earlier = [steady("a", 15.0), steady("b", 15.4), Curve("nothing", ())]

    lines = texts(rate_plot(own, earlier, 200, 4))

    assert lines == ["12.0/s now, 11.4/s on average; 2 earlier runs averaged 15.2/s"]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ((), "no rate yet"),
        (((0.0, 7.0),), "7.0/s now, 7.0/s on average"),
        (((0.0, math.nan),), "paused now"),
    ],
)
def test_before_there_are_two_rates_they_are_told_in_words(points, words):
    said = f"too few samples for a curve yet: {words}"
    assert texts(rate_plot(Curve("own", points), [], 80, 16)) == [said]


def test_rates_with_a_pause_after_each_are_no_empty_plot_but_words():
    points = ((5.0, 3.0), (15.0, math.nan), (25.0, 4.0))

    assert texts(rate_plot(Curve("own", points), [], 80, 16)) == [
        "too few samples for a curve yet: 4.0/s now, 3.5/s on average"
    ]
    assert texts(rate_plot(Curve("own", points, is_over=True), [], 80, 16)) == [
        "too few samples for a curve: 3.5/s on average"
    ]


# --- bars


def drawn_bars(lines) -> list[str]:
    return [text.rpartition("  ")[2] for text in texts(lines)]


def test_shares_keep_their_order_and_show_their_part_of_all():
    shares = [Bar("done", 500, "good"), Bar("failed", 250, "bad"), Bar("open", 250)]

    assert texts(share_bars(shares, 40, ascii_only=True)) == [
        " done   500  50%  ###########",
        " failed 250  25%  #####",
        " open   250  25%  #####",
    ]
    assert share_bars(shares, 40)[1][-1].role == "bad"


def test_a_share_too_small_to_draw_is_still_seen():
    lines = texts(share_bars([Bar("done", 10**7), Bar("unknown", 1)], 60))

    assert lines[1].endswith("  <1%  ▏")
    assert "99%" in lines[0]


def test_only_all_fill_a_bar():
    all_of_it, most_of_it = (
        drawn_bars(share_bars([Bar("done", 999), Bar("open", rest)], 60))[0]
        for rest in (0, 1)
    )

    assert set(all_of_it) == {"█"}
    assert most_of_it[-1] != "█"


def test_a_count_of_nothing_has_no_bar():
    assert texts(share_bars([Bar("done", 0)], 40)) == [" done 0   0%"]
    assert texts(share_bars([], 40)) == ["nothing counted yet"]


def cells(bar: str) -> float:
    return sum((" ▏▎▍▌▋▊▉█".find(char) / 8) if char != "#" else 1 for char in bar)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8), WIDTHS, st.booleans())
def test_a_larger_count_never_has_a_shorter_bar(counts, width, ascii_only):
    ordered = sorted(counts, reverse=True)
    bars = [Bar(f"g{n}", count, "key") for n, count in enumerate(counts)]

    groups = group_bars(bars, width, 8, ascii_only=ascii_only)
    lengths = [cells(line[-1].text) for line in groups if line[-1].role == "key"]

    assert lengths == sorted(lengths, reverse=True)
    assert not lengths or len(lengths) == len(ordered)


def test_the_largest_group_is_first_and_what_is_left_out_is_told():
    groups = [Bar("gone", 5), Bar("no such number", 90), Bar("a", 3), Bar("b", 2)]

    assert texts(group_bars(groups, 50, 3, ascii_only=True)) == [
        " no such number 90  ##############################",
        " gone            5  #",
        " 2 more groups with 5 together",
    ]


# --- callbacks


def test_what_is_overdue_is_said_and_stands_on_a_double_line():
    buckets = [Bucket(NOON_MS + MINUTE_MS * n, 2) for n in range(-10, 10)]

    lines = due_plot(buckets, NOON_MS, 80, 8)

    assert texts(lines)[0].startswith("40 callbacks due  20 overdue  a bar is 1m")
    assert set("".join(p.text for p in lines[-2] if p.role == "warn")) == {"═"}


def test_the_tallest_bar_reaches_the_top_and_is_told():
    buckets = [Bucket(NOON_MS + MINUTE_MS * n, 1 + 8 * (n == 3)) for n in range(6)]

    title, top, *_ = texts(due_plot(buckets, NOON_MS, 80, 8))

    assert title.endswith("the tallest 9 from 14:05 UTC")
    assert top.startswith("     9│")
    assert set(top.partition("│")[2].strip()) == {"█"}


def test_no_callback_is_lost_between_the_bars():
    buckets = [Bucket(NOON_MS + 37 * MINUTE_MS * n, n) for n in range(1, 60)]

    title = texts(due_plot(buckets, NOON_MS, 60, 8))[0]

    assert title.startswith(f"{sum(range(60)):,} callbacks due  a bar is")


@pytest.mark.parametrize(
    ("buckets", "words"),
    [
        ([], "no callback is due"),
        ([Bucket(NOON_MS, 0)], "no callback is due"),
        ([Bucket(NOON_MS, 12)], "12 callbacks due at 14:02 UTC"),
        ([Bucket(NOON_MS - 1, 1)], "1 callback due at 14:02 UTC, 1 overdue"),
    ],
)
def test_few_callbacks_are_told_in_words(buckets, words):
    assert texts(due_plot(buckets, NOON_MS, 80, 8)) == [words]


def test_a_time_stands_under_its_own_bar():
    buckets = [Bucket(NOON_MS + 60 * MINUTE_MS * n, 1) for n in range(12)]

    lines = texts(due_plot(buckets, NOON_MS, 80, 8))

    assert lines[1].strip() == "1│" + "██    " * 11 + "██"
    assert lines[-1].split() == [
        *("14:00", "15:30", "17:00", "18:30", "20:00", "21:30", "23:00")
    ]
    assert lines[-1].index("15:30") == lines[1].index("│") + 1 + 9


# --- axes


@pytest.mark.parametrize(
    ("least", "step"),
    [(1.0, 1), (1.1, 2), (2.1, 5), (5.1, 10), (0.03, 0.05), (1e7, 1e7)],
)
def test_steps_are_round(least, step):
    assert round_step(least) == pytest.approx(step)


@pytest.mark.parametrize(
    ("least_s", "label"),
    [(1, "1s"), (40, "1m"), (700, "15m"), (4000, "2h"), (50_000, "1d"), (2e6, "50d")],
)
def test_lengths_of_time_are_those_people_count_in(least_s, label):
    assert time_label(time_step(least_s)) == label


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0.0"), (9_999, "9,999.0"), (999_600, "1.0M"), (1e7, "10.0M"), (1e12, "1.0T")],
)
def test_large_figures_are_short(number, words):
    assert short(number) == words
