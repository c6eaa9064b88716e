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
