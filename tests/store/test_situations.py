from __future__ import annotations

import pytest
from sqlalchemy import insert, update
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.blocked_by import Reason, blocked_by
from watchfloor.domain.health import Health, health
from watchfloor.domain.progress import SAMPLE_MS, Gain, Sample
from watchfloor.domain.sharing import WORKSPACE, channel_scope
from watchfloor.domain.workspace import Shared
from watchfloor.store.reads.movement import next_token_s, usual_interval_ms
from watchfloor.store.reads.runs import run_view
from watchfloor.store.reads.situations import situation
from watchfloor.store.reads.suppressed import Suppressed, is_suppressed, suppressed_of
from watchfloor.store.tables import books, canary, journal, lease, record, run
from watchfloor.store.writes.lease import beat
from watchfloor.store.writes.limits import set_shared_limit
from watchfloor.store.writes.progress import add_gains
from watchfloor.store.writes.suppression import Suppressed as Asked
from watchfloor.store.writes.suppression import add as suppress

RUNNING = {
    "phase": "running",
    "intake": "done",
    "launch_id": "l",
    "started_at_ms": NOW_MS - 3_600_000,
}
#: When the newest whole span ended.
SPAN_MS = NOW_MS // SAMPLE_MS * SAMPLE_MS


@pytest.fixture
def launched(stored):
    """The run of the store, launched an hour ago, with an engine that lives."""
    with stored.writer.begin():
        stored.writer.execute(update(run).values(**RUNNING))
        beat(stored.writer, NOW_MS)
        stored.writer.execute(update(lease).values(started_at_ms=NOW_MS - 7_200_000))
    return stored


def put(stored, number, **counts):
    with stored.writer.begin():
        stored.writer.execute(
            update(books).where(books.c.run_no == number).values(**counts)
        )


def enter(stored, at_ms, event, *, run_id="run-1", detail="", by="nora"):
    with stored.writer.begin():
        values = {"run_id": run_id, "event": event, "detail": detail, "by": by}
        stored.writer.execute(insert(journal).values(at_ms=at_ms, epoch=1, **values))


def seen(stored, run_id="run-1", **how):
    with stored.writer.begin():
        return situation(stored.writer, run_id, NOW_MS, **how)


def how(stored):
    with stored.writer.begin():
        now = situation(stored.writer, "run-1", NOW_MS)
        return health(run_view(stored.writer, "run-1"), now, NOW_MS)


def reasons(now):
    return {one.reason: one.detail for one in blocked_by(now)}


def sampled(stored, number, first_ms, per_span):
    for place, done in enumerate(per_span):
        if done:
            gain = Gain(attempts=done, done=done, delivered=done)
            with stored.writer.begin():
                add_gains(stored.writer, first_ms + place * SAMPLE_MS, {number: gain})


def test_a_shared_limit_that_others_hold_is_named_with_its_holders(launched):
    other = None
    with launched.writer.begin():
        other = add_a_run(launched.writer, "other", **RUNNING)
        set_shared_limit(
            launched.writer,
            channel_scope("simulator"),
            Shared(permits=8),
            by="nora",
            at_ms=1,
        )
    put(launched, other, records=8, attempting=8)
    put(launched, launched.run_no, records=5, pending=5)

    assert reasons(seen(launched)) == {
        Reason.PERMITS_FULL: "8 of 8 of channel:simulator in flight: other 8"
    }


def test_a_limit_of_another_channel_holds_nobody_here(launched):
    put(launched, launched.run_no, records=5, pending=5)
    with launched.writer.begin():
        other = add_a_run(
            launched.writer, "other", **RUNNING, steps_json='[["t", "sms", "x"]]'
        )
    put(launched, other, records=8, attempting=8)

    now = seen(launched, shared={channel_scope("sms"): Shared(permits=8)})
    assert set(reasons(now)) == {Reason.DISPATCHABLE}
    now = seen(launched, shared={WORKSPACE: Shared(permits=8)})
    assert set(reasons(now)) == {Reason.PERMITS_FULL}


def test_the_oldest_attempt_in_flight_is_told_by_its_age(launched):
    launched.add(3)
    with launched.writer.begin():
        for seq, age_s in ((1, 5), (2, 95), (3, 40)):
            launched.writer.execute(
                update(record)
                .where(record.c.seq == seq)
                .values(state=2, updated_at_ms=NOW_MS - age_s * 1_000)
            )
        launched.writer.execute(update(run).values(permits=3))
    put(launched, launched.run_no, records=4, pending=1, attempting=3)

    now = seen(launched)
    assert now.oldest_s == 95
    assert now.intent_at_ms == NOW_MS - 5_000
    assert reasons(now)[Reason.PERMITS_FULL] == (
        "3 of 3 in flight, the oldest for 1 min 35 s"
    )


def test_a_gate_is_told_with_who_when_and_why(launched):
    put(launched, launched.run_no, records=5, pending=5)
    with launched.writer.begin():
        launched.writer.execute(
            update(run).values(
                gate="paused",
                gate_by="nora",
                gate_at_ms=NOW_MS - 60_000,
                gate_why="lunch",
            )
        )

    assert reasons(seen(launched)) == {
        Reason.GATE: "paused by nora at 22:12: lunch",
    }


def test_a_breaker_that_paused_the_run_is_named(launched):
    put(launched, launched.run_no, records=5, pending=5)
    with launched.writer.begin():
        launched.writer.execute(
            update(run).values(
                gate="paused",
                gate_by="engine",
                gate_at_ms=NOW_MS - 60_000,
                gate_why="the breaker of webhook a:1 opened: 100 attempts in a row",
            )
        )

    (found,) = reasons(seen(launched)).items()
    assert found[0] is Reason.BREAKER_OPEN
    assert "a:1 opened" in found[1]
    assert "paused since 22:12" in found[1]


def test_a_run_that_its_plan_ends_is_held_by_the_quota(launched):
    put(launched, launched.run_no, records=5, pending=5)
    with launched.writer.begin():
        launched.writer.execute(
            update(run).values(cause="PLAN_LIMIT: used up (records 10 of 10)")
        )

    assert reasons(seen(launched)) == {
        Reason.QUOTA: "PLAN_LIMIT: used up (records 10 of 10)"
    }


def test_work_that_stands_is_a_stall_and_a_resume_begins_anew(launched):
    put(launched, launched.run_no, records=5, pending=5)
    assert how(launched) is Health.STALLED

    enter(launched, NOW_MS - 30_000, "resume")
    assert how(launched) is Health.OK


def test_a_pace_holds_only_a_run_that_moves(launched):
    with launched.writer.begin():
        launched.writer.execute(update(run).values(rate_per_s=2.0))
    put(launched, launched.run_no, records=5, pending=5, progress_at_ms=NOW_MS - 400)
    assert set(reasons(seen(launched))) == {Reason.PACE}

    put(launched, launched.run_no, progress_at_ms=NOW_MS - 70_000)
    assert set(reasons(seen(launched))) == {Reason.DISPATCHABLE}
    assert how(launched) is Health.STALLED


def test_a_run_whose_outcomes_are_rare_measures_itself(launched):
    number = launched.run_no
    sampled(launched, number, SPAN_MS - 3_600_000, [1, *[0] * 17] * 15)
    put(
        launched,
        number,
        records=50,
        pending=35,
        delivered=15,
        progress_at_ms=NOW_MS - 600_000,
    )

    assert seen(launched).interval_ms == pytest.approx(180_000)
    assert how(launched) is Health.OK


def earlier(stored, per_span, **values):
    """Add a completed run of the same campaign, older than the live one."""
    began_ms = SPAN_MS - 90_000_000
    ends = {
        **RUNNING,
        "phase": "ended",
        "outcome": "completed",
        "started_at_ms": began_ms,
        "ended_at_ms": began_ms + len(per_span) * SAMPLE_MS,
    }
    with stored.writer.begin():
        number = add_a_run(stored.writer, "old", **{**ends, **values})
        # It came first.
        live = {"run_id": "run-2", "run_no": number + 1}
        add_a_run(stored.writer, **{**RUNNING, **live})
    total = sum(per_span)
    put(stored, number, records=total, delivered=total, extracted=total)
    sampled(stored, number, began_ms, per_span)
    return number + 1


def slow_run(stored, number):
    """Let the live run do a hundred a span, and ten in the last ten minutes."""
    began_ms = SPAN_MS - 120 * SAMPLE_MS
    sampled(stored, number, began_ms, [100] * 60 + [10] * 60)
    put(
        stored,
        number,
        records=12_000,
        pending=5_400,
        delivered=6_600,
        progress_at_ms=NOW_MS - 1_000,
    )
    with stored.writer.begin():
        stored.writer.execute(
            update(run).where(run.c.run_no == number).values(started_at_ms=began_ms)
        )


def test_a_slowdown_is_told_with_the_limit_that_was_changed_then(launched):
    number = earlier(launched, [100] * 120)
    slow_run(launched, number)
    onset_ms = SPAN_MS - 60 * SAMPLE_MS
    enter(
        launched,
        onset_ms - 20_000,
        "limits changed",
        run_id="run-2",
        detail="50 permits -> 5 permits",
    )
    enter(launched, onset_ms - 900_000, "limits changed", run_id="run-2", detail="no")
    enter(
        launched, onset_ms, "limits changed", run_id="", detail="channel:sms: 1 permit"
    )

    found = seen(launched, "run-2").slowdown

    assert found is not None
    assert found.since_ms == onset_ms
    assert (found.per_s, found.usual_per_s) == (pytest.approx(1), pytest.approx(10))
    assert found.earlier == ("old",)
    assert [one.what for one in found.changes] == [
        "limits changed by nora: 50 permits -> 5 permits"
    ]


def test_a_run_that_is_slow_from_its_start_names_what_its_campaign_changed(launched):
    number = earlier(launched, [100] * 120, campaign_text="[limits]\npermits = 50\n")
    began_ms = SPAN_MS - 60 * SAMPLE_MS
    sampled(launched, number, began_ms, [10] * 60)
    put(
        launched,
        number,
        records=12_000,
        pending=11_400,
        delivered=600,
        progress_at_ms=NOW_MS - 1_000,
    )
    with launched.writer.begin():
        launched.writer.execute(
            update(run)
            .where(run.c.run_no == number)
            .values(started_at_ms=began_ms, campaign_text="[limits]\npermits = 5\n")
        )

    found = seen(launched, "run-2").slowdown

    assert found is not None
    assert found.from_start
    assert [one.what for one in found.changes] == [
        "limits.permits: 50 -> 5 (since run old)"
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": "stopped"},
        {"steps_json": '[["call", "webhook", "idempotent"]]'},
        {"campaign_id": "another"},
    ],
    ids=["stopped", "another channel", "another campaign"],
)
def test_only_completed_runs_of_the_same_campaign_and_channels_are_measured_by(
    launched, values
):
    slow_run(launched, earlier(launched, [100] * 120, **values))

    assert seen(launched, "run-2").slowdown is None


def test_a_paused_run_is_not_slow(launched):
    number = earlier(launched, [100] * 120)
    slow_run(launched, number)
    with launched.writer.begin():
        launched.writer.execute(update(run).values(gate="paused"))

    assert seen(launched, "run-2").slowdown is None


def test_records_whose_contact_was_suppressed_since_are_counted_by_their_state(
    launched,
):
    launched.add(5)
    writer = launched.writer
    with writer.begin():
        for seq, state, next_at_ms in (
            (2, 3, NOW_MS + 60_000),
            (3, 4, NOW_MS + 60_000),
            (4, 6, None),
        ):
            writer.execute(
                update(record)
                .where(record.c.seq == seq)
                .values(state=state, next_at_ms=next_at_ms)
            )
        digests = [f"c{seq}".encode().ljust(16, b"\0") for seq in (1, 2, 3, 4)]
        rows = [Asked(one, "id", "asked", "command", "nora", NOW_MS) for one in digests]
        suppress(writer, rows)
    counts = {"pending": 2, "retry": 1, "callback": 1, "delivered": 1}
    put(launched, launched.run_no, records=5, **counts)

    with writer.begin():
        assert suppressed_of(writer, launched.run_no, NOW_MS) == Suppressed(1, 1, 1)
        assert is_suppressed(writer, launched.run_no, 1)
        assert not is_suppressed(writer, launched.run_no, 5)
    found = {one.reason: one.count for one in blocked_by(seen(launched))}
    assert found == {Reason.DISPATCHABLE: 1, Reason.SUPPRESSION_PENDING: 3}


def test_the_usual_interval_is_that_between_outcomes():
    busy = [Sample(place * SAMPLE_MS, SAMPLE_MS, 10, 10) for place in range(5)]
    rare = [Sample(place * 60_000, SAMPLE_MS, 1, 1) for place in range(12)]

    assert usual_interval_ms(tuple(busy)) == 1_000
    assert usual_interval_ms(tuple(rare)) == 60_000
    assert usual_interval_ms(tuple(rare[:9])) is None
    assert usual_interval_ms(()) is None


def test_a_token_is_waited_for_only_while_something_moves():
    assert next_token_s([2.0, 5.0, None], 1_000) == 0.5
    assert next_token_s([2.0], 10_001) == 0.0
    assert next_token_s([0.01], 299_000) == 100.0
    assert next_token_s([0.01], 301_000) == 0.0
    assert next_token_s([None], 0) == 0.0


def test_pauses_that_are_over_made_the_run_no_slower(launched):
    number = earlier(launched, [100] * 120)
    slow_run(launched, number)
    onset_ms = SPAN_MS - 60 * SAMPLE_MS
    assert seen(launched, "run-2").slowdown is not None
    enter(launched, onset_ms, "pause", run_id="run-2")
    enter(launched, SPAN_MS, "resume", run_id="run-2")

    assert seen(launched, "run-2").slowdown is None


@pytest.mark.parametrize("released", [None, 6_600])
def test_the_time_in_which_a_canary_held_a_run_is_no_slowness(launched, released):
    number = earlier(launched, [100] * 120)
    slow_run(launched, number)
    stage = {"run_no": number, "stage": 1, "last_seq": 6_600, "state": "released"}
    with launched.writer.begin():
        launched.writer.execute(insert(canary).values(**stage, opened_at_ms=SPAN_MS))
        launched.writer.execute(
            update(run).where(run.c.run_no == number).values(released_seq=released)
        )
    found = seen(launched, "run-2")

    assert found.slowdown is None
    assert found.able_at_ms == SPAN_MS
