from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import event, func, select, update
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.progress import RECENT_MS, SAMPLE_MS, Gain, Sample
from watchfloor.store.reads.progress import (
    earlier_runs,
    recent_rates,
    sampled,
    samples,
)
from watchfloor.store.tables import lease, progress
from watchfloor.store.writes.progress import add_gains

ENDED = {"phase": "ended", "history": "created", "outcome": "completed"}


def gained(stored, *gains, first_ms=NOW_MS, run_no=None):
    """Store one gain per span, one after the other; None leaves a span out."""
    with stored.writer.begin():
        for number, gain in enumerate(gains):
            if gain is not None:
                at_ms = first_ms + number * SAMPLE_MS
                add_gains(stored.writer, at_ms, {run_no or stored.run_no: gain})


def read(stored, question, *args):
    with stored.writer.begin():
        return question(stored.writer, *args)


def engine_began(stored, at_ms):
    """Let the engine that owns the store have begun at a time."""
    with stored.writer.begin():
        stored.writer.execute(update(lease).values(started_at_ms=at_ms))


def totals(found):
    return Gain(*(sum(one[place] for one in found) for place in range(2, 7)))


def test_what_is_added_to_one_span_adds_up_run_by_run(stored):
    with stored.writer.begin():
        other = add_a_run(stored.writer, "run-2")
    for gain in (Gain(3, 2, 1, 1, 0), Gain(4, 1, 0, 0, 1)):
        gained(stored, gain)
    gained(stored, Gain(9, 9, 9), run_no=other)

    assert read(stored, samples, stored.run_no) == (
        Sample(NOW_MS, SAMPLE_MS, 7, 3, 1, 1, 1),
    )
    assert read(stored, sampled, [stored.run_no, other, 77]) == {
        stored.run_no: Gain(7, 3, 1, 1, 1),
        other: Gain(9, 9, 9),
    }


def test_nothing_gained_writes_nothing(stored):
    with stored.writer.begin():
        add_gains(stored.writer, NOW_MS, {})
        assert stored.writer.scalar(select(func.count()).select_from(progress)) == 0


def test_a_run_without_samples_has_none(stored):
    assert read(stored, samples, stored.run_no) == ()
    assert read(stored, recent_rates, NOW_MS) == {}


def test_spans_without_a_change_are_left_out(stored):
    gained(stored, Gain(1), None, None, Gain(2))

    found = read(stored, samples, stored.run_no)

    assert [one.at_ms - NOW_MS for one in found] == [0, 3 * SAMPLE_MS]


def test_as_many_samples_as_are_asked_for_stay_as_they_are(stored):
    gained(stored, *[Gain(1, 1, 1)] * 12)

    found = read(stored, samples, stored.run_no, 12)

    assert len(found) == 12
    assert {one.span_ms for one in found} == {SAMPLE_MS}


@pytest.mark.parametrize("most", [11, 5, 2])
@pytest.mark.parametrize("first_ms", [NOW_MS, NOW_MS + 3 * SAMPLE_MS])
def test_more_samples_are_joined_into_wider_spans_and_none_is_lost(
    stored, most, first_ms
):
    gains = [Gain(number, 1, 1) for number in range(12)]
    gained(stored, *gains, first_ms=first_ms)

    found = read(stored, samples, stored.run_no, most)

    assert len(found) <= most
    assert totals(found) == Gain(sum(range(12)), 12, 12)
    [span_ms] = {one.span_ms for one in found}
    assert span_ms > SAMPLE_MS
    assert all(one.at_ms % span_ms == 0 for one in found)
    assert found[0].at_ms <= first_ms < found[0].at_ms + span_ms


def test_a_count_that_went_down_is_told_nowhere_below_nothing(stored):
    gained(stored, Gain(5, 5, 5), Gain(1, -2, -2), Gain(1, 1, 0, 1))

    found = read(stored, samples, stored.run_no)

    assert [one.delivered for one in found] == [3, 0, 0]
    assert [one.done for one in found] == [3, 0, 1]
    assert totals(found) == Gain(7, 4, 3, 1)


@pytest.mark.parametrize("before_ms", [0, 1, SAMPLE_MS - 1])
def test_the_rate_is_of_the_last_whole_minute_of_spans_at_any_moment_of_one(
    stored, before_ms
):
    engine_began(stored, NOW_MS - 3_600_000)
    with stored.writer.begin():
        number = add_a_run(
            stored.writer, "old", phase="running", started_at_ms=NOW_MS - 3_600_000
        )
    past = NOW_MS - RECENT_MS - SAMPLE_MS
    one_each = [Gain(60, 6, 6)] * 6
    # What was before, and what the span of now has so far, are no part of it.
    gained(
        stored,
        Gain(9_999, 9_999),
        *one_each,
        Gain(9_999, 9_999),
        first_ms=past,
        run_no=number,
    )

    found = read(stored, recent_rates, NOW_MS + before_ms)

    assert found == {"old": (6.0, 0.6)}


@pytest.mark.parametrize(
    ("age_ms", "rates"),
    [
        # Of the first two spans the run had 15 seconds.
        (15_000, {"young": (2.0, 1.0)}),
        (10_000, {"young": (3.0, 1.5)}),
        (9_999, {}),
    ],
)
def test_of_a_young_run_it_is_that_since_its_start_once_a_span_is_whole(
    stored, age_ms, rates
):
    engine_began(stored, NOW_MS - 20_000)
    with stored.writer.begin():
        number = add_a_run(
            stored.writer, "young", phase="running", started_at_ms=NOW_MS - age_ms
        )
    first_ms = NOW_MS - 2 * SAMPLE_MS
    gained(stored, Gain(10, 5), Gain(20, 10), first_ms=first_ms, run_no=number)

    assert read(stored, recent_rates, NOW_MS + 1) == rates


@pytest.mark.parametrize(
    ("up_ms", "rates"),
    [
        # Of the span in which the engine began the one before it had a part.
        (5_000, {}),
        (15_000, {"old": (20.0, 10.0)}),
        (20_000, {"old": (20.0, 10.0)}),
        (29_999, {"old": (20.0, 10.0)}),
        (RECENT_MS, {"old": (40 / 6, 20 / 6)}),
    ],
)
def test_after_a_restart_it_is_that_since_the_engine_could_work(stored, up_ms, rates):
    with stored.writer.begin():
        number = add_a_run(
            stored.writer, "old", phase="running", started_at_ms=NOW_MS - 3_600_000
        )
    shares = [None] * 4 + [Gain(200, 100)] * 2
    if up_ms < RECENT_MS:
        # What another engine did before it went is no part of it.
        shares[0] = Gain(9_999, 9_999)
    if up_ms == 15_000:
        shares[4] = Gain(9_999, 9_999)
    gained(stored, *shares, first_ms=NOW_MS - RECENT_MS, run_no=number)
    engine_began(stored, NOW_MS - up_ms)

    assert read(stored, recent_rates, NOW_MS) == rates


def test_a_run_that_ended_or_gained_nothing_lately_has_no_rate(stored):
    engine_began(stored, 1)
    with stored.writer.begin():
        ended = add_a_run(stored.writer, "ended", **ENDED, started_at_ms=1)
        idle = add_a_run(stored.writer, "idle", phase="running", started_at_ms=1)
        paused = add_a_run(stored.writer, "down", phase="running", started_at_ms=1)
    gained(stored, Gain(5, 5), first_ms=NOW_MS - SAMPLE_MS, run_no=ended)
    gained(stored, Gain(5, 5), first_ms=NOW_MS - 2 * RECENT_MS, run_no=idle)
    gained(stored, Gain(6, -6), first_ms=NOW_MS - SAMPLE_MS, run_no=paused)

    assert read(stored, recent_rates, NOW_MS) == {"down": (0.1, 0.0)}


def test_earlier_runs_are_the_newest_ended_ones_of_the_campaign_with_samples(stored):
    told: dict[str, Mapping[str, object]] = {
        "oldest": ENDED,
        "older": ENDED,
        "stopped": {**ENDED, "outcome": "stopped"},
        "live": {"phase": "running"},
        "hidden": {**ENDED, "hidden": 1},
        "other": {**ENDED, "campaign_id": "another"},
        "this": {"phase": "running"},
        "later": ENDED,
    }
    with stored.writer.begin():
        for run_id, values in told.items():
            number = add_a_run(stored.writer, run_id, **values)
            add_gains(stored.writer, NOW_MS, {number: Gain(1)})
        add_a_run(stored.writer, "no samples", **ENDED)

    found = read(stored, earlier_runs, "this")
    two = read(stored, earlier_runs, "this", 2)

    assert [one.run_id for one in found] == ["stopped", "older", "oldest"]
    assert [one.run_id for one in two] == ["stopped", "older"]
    assert read(stored, earlier_runs, "oldest") == ()


def steps(connection, question, *args):
    """Return what SQLite does for a question, step by step."""
    found: list[str] = []

    def note(_connection, cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend(row[3] for row in rows)

    event.listen(connection.engine, "before_cursor_execute", note)
    with connection.begin():
        question(connection, *args)
    event.remove(connection.engine, "before_cursor_execute", note)
    return found


def test_rates_read_live_runs_and_their_newest_samples_only(stored):
    found = steps(stored.writer, recent_rates, NOW_MS)

    assert any("run USING INDEX run_live" in step for step in found)
    assert any("(run_no=? AND at_ms>? AND at_ms<?)" in step for step in found)


def test_no_question_about_one_run_reads_another(stored):
    for question, args in (
        (samples, (stored.run_no,)),
        (sampled, ([stored.run_no],)),
        (earlier_runs, ("run-1",)),
    ):
        found = steps(stored.writer, question, *args)
        tables = ("SCAN progress", "SCAN run")
        assert [step for step in found if step.startswith(tables)] == []
