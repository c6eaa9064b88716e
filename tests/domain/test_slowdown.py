from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.progress import SAMPLE_MS, Progress, Sample
from watchfloor.domain.slowdown import WINDOW_MS, slowdown

START_MS = 1_700_000_000_000
RECORDS = 12_000


def course(per_span, *, run_id="old", started_at_ms=START_MS, ended=True):
    """Return a run that did so many records in each span of ten seconds."""
    samples = tuple(
        Sample(started_at_ms + place * SAMPLE_MS, SAMPLE_MS, attempts=done, done=done)
        for place, done in enumerate(per_span)
        if done
    )
    return Progress(
        run_id=run_id,
        campaign_name="Autumn",
        started_at_ms=started_at_ms,
        ended_at_ms=started_at_ms + len(per_span) * SAMPLE_MS if ended else None,
        records=RECORDS,
        samples=samples,
    )


#: A hundred records in every span, to the end.
STEADY = course([100] * 120)


def told(per_span, earlier=(STEADY,), *, able_at_ms=START_MS, held=()):
    own = course(per_span, run_id="new", ended=False)
    now_ms = START_MS + len(per_span) * SAMPLE_MS
    done = sum(one.done for one in own.samples)
    return slowdown(own, earlier, now_ms, able_at_ms, done=done, held=held)


def test_a_run_as_fast_as_earlier_ones_is_not_slow():
    assert told([100] * 60) is None


@pytest.mark.parametrize("share", [60, 75, 140])
def test_a_little_more_or_less_is_not_slow(share):
    assert told([share] * 60) is None


def test_since_when_how_slow_and_what_was_usual_is_told():
    found = told([100] * 30 + [20] * 30)

    assert found is not None
    assert found.since_ms == START_MS + 30 * SAMPLE_MS
    assert found.per_s == pytest.approx(2.0)
    assert found.usual_per_s == pytest.approx(10.0)
    assert found.earlier == ("old",)
    assert not found.from_start


def test_a_run_that_was_never_faster_is_slow_from_its_start():
    found = told([20] * 30)

    assert found is not None
    assert found.from_start
    assert found.since_ms <= START_MS + WINDOW_MS


def test_a_short_dip_is_chance():
    assert told([100] * 30 + [0, 0, 0]) is None
    assert told([100] * 30 + [10] * 6 + [100] * 6) is None


def test_a_run_that_does_nothing_any_more_is_slow_while_it_could_work():
    quiet = [100] * 30 + [0] * 12

    found = told(quiet)
    assert found is not None
    assert found.per_s == 0
    assert found.since_ms == START_MS + 30 * SAMPLE_MS
    # After a resume nobody knows yet.
    resumed_ms = START_MS + 41 * SAMPLE_MS
    assert told(quiet, able_at_ms=resumed_ms) is None


def test_what_is_always_slow_at_this_progress_is_not_slow():
    tail = course([100] * 110 + [10] * 100, run_id="tailed")

    assert told([100] * 110 + [10] * 30, [tail]) is None
    assert told([100] * 50 + [10] * 30, [tail]) is not None


def test_a_pause_of_an_earlier_run_made_it_no_slower():
    paused = course([100] * 60 + [0] * 360 + [100] * 60, run_id="paused")

    found = told([100] * 55 + [20] * 12, [paused])
    assert found is not None
    assert found.usual_per_s == pytest.approx(10.0, rel=0.05)


def test_a_run_of_another_size_is_measured_by_its_share():
    small = replace(course([100] * 12, run_id="small"), records=1_200)

    assert told([100] * 60, [small]) is None
    assert told([100] * 30 + [20] * 30, [small]) is not None


def test_of_several_earlier_runs_the_usual_one_counts():
    odd = course([900] * 13, run_id="odd")
    earlier = (odd, STEADY, replace(STEADY, run_id="older"))

    assert told([100] * 60, earlier) is None


def test_without_an_earlier_run_that_tells_nothing_is_known():
    tiny = course([3], run_id="tiny")

    assert told([20] * 30, ()) is None
    assert told([20] * 30, [tiny]) is None


def test_an_earlier_run_that_was_over_in_seconds_tells_too():
    # One sample: six seconds of one span, as its start and end say.
    burst = replace(
        course([600], run_id="burst"), ended_at_ms=START_MS + 6_000, records=600
    )

    found = told([100] * 30, [burst])
    assert found is not None
    assert found.usual_per_s == pytest.approx(100.0, rel=0.1)


def test_a_run_that_only_just_began_is_not_judged():
    assert told([10] * 5) is None


def test_time_in_which_the_run_was_held_is_no_slowness_after_it():
    # Paused three times for a little, and resumed just now.
    quiet = [100] * 30 + [100, 0, 0] * 2 + [100, 0, 100]
    paused = [(310, 330), (340, 360), (370, 380)]
    held = [(START_MS + a * 1_000, START_MS + b * 1_000) for a, b in paused]
    resumed_ms = held[-1][1]

    assert told(quiet, able_at_ms=resumed_ms) is not None
    assert told(quiet, able_at_ms=resumed_ms, held=held) is None


def test_a_held_run_that_is_slow_is_slow_since_it_could_work():
    slow = [100] * 30 + [0] * 30 + [20] * 12
    held = [(START_MS + 300_000, START_MS + 600_000)]
    found = told(slow, able_at_ms=held[0][1], held=[*held, *held])

    assert found is not None
    assert found.since_ms == held[0][1]
    assert found.per_s == pytest.approx(2.0)


def test_a_span_in_which_an_earlier_run_did_nothing_is_stood_still_in():
    idle = replace(
        STEADY,
        samples=tuple(
            one._replace(done=0) if place in {0, 40} else one
            for place, one in enumerate(STEADY.samples)
        ),
    )

    assert told([100] * 60, (idle,)) is None
    found = told([100] * 30 + [20] * 30, (idle,))
    assert found is not None
    assert found.usual_per_s == pytest.approx(9.7, abs=0.4)


def test_an_earlier_run_of_which_no_end_is_known_is_compared_too():
    assert told([20] * 30, (replace(STEADY, ended_at_ms=None),)) is not None


def test_the_span_that_is_not_over_is_not_looked_at():
    own = course([100] * 30 + [20] * 30, run_id="new", ended=False)
    now_ms = START_MS + 60 * SAMPLE_MS
    current = Sample(now_ms, SAMPLE_MS, attempts=900, done=900)
    begun = replace(own, samples=(*own.samples, current))

    found = slowdown(begun, (STEADY,), now_ms + 9_000, START_MS, done=3_600 + 900)
    assert found is not None
    assert found.per_s == pytest.approx(2.0)


def at_s(seconds):
    return START_MS + seconds * 1_000


def test_exactly_half_of_what_is_usual_is_not_slow_and_one_record_less_is():
    large = replace(course([10_000] * 120), records=1_200_000)

    def verdict(share):
        own = course([share] * 60, run_id="new", ended=False)
        own = replace(own, records=1_200_000)
        now_ms = at_s(600)
        return slowdown(own, (large,), now_ms, START_MS, done=60 * share)

    assert verdict(5_001) is None
    assert verdict(4_999) is not None


def test_what_was_usual_is_counted_to_the_record_from_the_start():
    hasty = course([300, *[100] * 117])

    steady, hurried = told([20] * 30), told([20] * 30, (hasty,))

    # The first 6 % are 720 records: 300 of them took 10 s, and 420 took 42 s.
    assert steady is not None
    assert steady.usual_per_s == pytest.approx(10.0, rel=1e-9)
    assert hurried is not None
    assert hurried.usual_per_s == pytest.approx(720 / 52, rel=1e-9)


def test_what_was_usual_is_that_of_all_the_way_from_the_onset_until_now():
    # Twice as slow from the half on.
    earlier = course([100] * 60 + [50] * 120)

    found = told([100] * 58 + [20] * 24, (earlier,))

    # Of 47.33 % to 53.33 %: 320 records at 10/s, and 400 at 5/s.
    assert found is not None
    assert found.since_ms == at_s(580)
    assert found.usual_per_s == pytest.approx(720 / 112, rel=1e-9)


def test_an_idle_span_of_an_earlier_run_takes_its_time_and_does_nothing():
    idle = replace(
        STEADY,
        samples=tuple(
            one._replace(done=0) if place == 40 else one
            for place, one in enumerate(STEADY.samples)
        ),
    )

    found = told([100] * 36 + [20] * 36, (idle,))

    # 29 % to 37 % of 11,900 records, ten seconds of it idle.
    assert found is not None
    assert found.usual_per_s == pytest.approx(952 / 105.2, rel=1e-9)


def test_what_an_earlier_run_did_before_it_is_said_to_have_begun_took_no_time():
    late = replace(STEADY, started_at_ms=at_s(4))

    found = told([20] * 30, (late,))

    # Its first hundred took six seconds.
    assert found is not None
    assert found.usual_per_s == pytest.approx(720 / 68, rel=1e-9)


def test_an_earlier_run_of_ten_records_tells_and_one_of_fewer_does_not():
    def quick(count):
        one = course([count], run_id="quick")
        return replace(one, ended_at_ms=at_s(1), records=count)

    assert told([20] * 30, [quick(10)]) is not None
    assert told([20] * 30, [quick(9)]) is None


@pytest.mark.parametrize(
    ("gap_spans", "took_s"),
    [
        (6, 54 + 60),  # a minute may be a slow provider
        (7, 54),  # more is a pause
    ],
)
def test_more_than_a_minute_without_a_sample_is_a_pause(gap_spans, took_s):
    earlier = course([100] * 60 + [0] * gap_spans + [100] * 60)

    found = told([100] * 58 + [10] * 30, (earlier,))

    # 47.33 % to 51.83 % hold the gap.
    assert found is not None
    assert found.usual_per_s == pytest.approx(540 / took_s, rel=1e-9)


def test_where_gaps_are_usual_a_long_one_is_none_but_ten_times_as_long():
    # A hundred each half minute; once nothing for two minutes.
    earlier = course([100, 0, 0] * 60 + [0] * 10 + [100, 0, 0] * 60)

    found = told([100, 0, 0] * 58 + [20, 0, 0] * 30, (earlier,))

    assert found is not None
    # From 47.33 % to 54.33 %: each hundred takes half a minute, and once two minutes.
    assert found.usual_per_s == pytest.approx(840 / (840 * 0.3 + 100), rel=1e-9)


def test_a_first_window_that_is_too_short_is_left_out_of_the_slowness():
    found = told([20] * 31)

    assert found is not None
    assert found.since_ms == at_s(10)
    assert found.from_start
    assert found.per_s == pytest.approx(2.0, rel=1e-9)


def test_a_run_that_never_did_anything_is_slow_once_two_windows_have_passed():
    one, two = told([0] * 5), told([0] * 6)

    assert one is None
    assert two is not None
    assert (two.since_ms, two.per_s, two.from_start) == (START_MS, 0.0, True)


def test_what_was_not_possible_is_not_counted_back_beyond_the_resume():
    quiet = [100] * 30 + [0] * 12

    found = told(quiet, able_at_ms=at_s(360))

    assert found is not None
    assert found.since_ms == at_s(360)


def test_a_window_that_ends_as_the_run_is_resumed_counts_for_what_was_done_in_it():
    found = told([100] * 30 + [20] * 9, able_at_ms=at_s(330))

    assert found is not None
    assert found.since_ms == at_s(300)


#: One record in each span of ten seconds: a window is as long as ten of them take.
SPARSE = replace(course([1] * 1_200, run_id="sparse"), records=1_200)


def told_sparsely(per_span, *, held=()):
    own = course(per_span, run_id="new", ended=False)
    now_ms = at_s(len(per_span) * 10)
    own = replace(own, records=1_200)
    done = sum(per_span)
    return slowdown(own, (SPARSE,), now_ms, START_MS, done=done, held=held)


def test_where_little_is_done_a_window_is_long_enough_for_ten_records():
    assert told_sparsely([1] * 300 + [0] * 14) is None

    found = told_sparsely([1] * 300 + [0] * 20)

    assert found is not None
    assert found.since_ms == at_s(3_000)


def test_short_holds_within_a_long_window_shorten_it():
    slow = [1] * 300 + [1, *[0] * 9] * 3
    held = [(at_s(3_210), at_s(3_220)), (at_s(3_250), at_s(3_260))]

    found = told_sparsely(slow, held=held)

    assert found is not None
    assert found.since_ms == at_s(3_000)
    assert found.per_s == pytest.approx(3 / 280, rel=1e-9)


@pytest.mark.parametrize(
    ("between", "since_s"),
    [
        ([100] * 3, 300),  # one better window may be chance
        ([100] * 6, 420),
        ([100] * 12, 480),
    ],
)
def test_two_better_windows_in_a_row_end_a_slowness_and_one_does_not(between, since_s):
    found = told([100] * 30 + [20] * 6 + between + [20] * 6)

    assert found is not None
    assert found.since_ms == at_s(since_s)


def test_a_run_that_was_better_in_its_newest_window_is_not_slow_now():
    assert told([100] * 30 + [10] * 6 + [100] * 3) is None
