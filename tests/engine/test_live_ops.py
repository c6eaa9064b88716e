from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import event, update
from tests.store.conftest import NOW_MS, add_a_run, made_layout, stored_in

from watchfloor.domain.blocked_by import Reason
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.health import STALL_MS, Health
from watchfloor.domain.progress import SAMPLE_MS, Gain, Sample
from watchfloor.domain.records import RecordState
from watchfloor.domain.sharing import SharedUse
from watchfloor.domain.workspace import Shared
from watchfloor.engine.charting import charts
from watchfloor.engine.live_ops import MOST_RUNS, live_ops, live_run
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.runs import run_view
from watchfloor.store.reads.situations import situation
from watchfloor.store.tables import books, lease, record
from watchfloor.store.writes.connection import close_writer, open_writer
from watchfloor.store.writes.lease import beat
from watchfloor.store.writes.limits import set_shared_limit
from watchfloor.store.writes.progress import add_gains

MINUTE_MS = 60_000
RUNNING = {"phase": "running", "intake": "done", "launch_id": "l"}
COMPLETED = {**RUNNING, "phase": "ended", "history": "created", "outcome": "completed"}


@pytest.fixture
def stored(tmp_path):
    """A store with one queued run of another campaign, and its engine alive."""
    writer = open_writer(made_layout(tmp_path / "floor"))
    made = stored_in(writer)
    with writer.begin():
        beat(writer, NOW_MS)
        up_since = NOW_MS - 60 * MINUTE_MS
        writer.execute(update(lease).values(started_at_ms=up_since))
    yield made
    close_writer(writer)


def add(stored, run_id, counts=None, **values):
    """Add a running run with these books; return its number."""
    started = {"started_at_ms": NOW_MS - 10 * MINUTE_MS}
    told = {**RUNNING, **started, **values}
    with stored.writer.begin():
        number = add_a_run(stored.writer, run_id, **told)
        kept = {"progress_at_ms": NOW_MS - 1_000, **(counts or {})}
        counted = update(books).where(books.c.run_no == number).values(**kept)
        stored.writer.execute(counted)
    return number


def put(stored, number, first, state, count=1, **values):
    """Give records of a run a state."""
    replace(stored, run_no=number).add(count, first=first)
    with stored.writer.begin():
        stored.writer.execute(
            update(record)
            .where(
                record.c.run_no == number,
                record.c.seq.between(first, first + count - 1),
            )
            .values(state=int(state), **values)
        )


def ops(stored, shared=None, now_ms=NOW_MS):
    with stored.writer.begin():
        return live_ops(stored.writer, now_ms, shared or {})


def one_of(stored, run_id):
    with stored.writer.begin():
        return live_run(stored.writer, run_id, NOW_MS)


def names(found):
    return [one.run.run_id for one in found.runs]


STALLED = {"records": 9, "pending": 9, "progress_at_ms": NOW_MS - STALL_MS - 1}
BUSY = {"records": 100, "pending": 80, "attempting": 20, "attempts": 20}
PAUSED = {"gate": "paused", "gate_by": "nora", "gate_why": "wrong list"}


def test_who_needs_somebody_most_stands_first_and_equals_newest_first(stored):
    add(stored, "measure", {"records": 10, "active_ms": 10_000}, **COMPLETED)
    late = {**BUSY, "active_ms": 20 * MINUTE_MS}
    add(stored, "ok", BUSY)
    add(stored, "late", late)
    add(stored, "stalled", STALLED)
    add(stored, "paused", BUSY, **PAUSED)
    add(stored, "late and paused", late, **PAUSED)
    add(stored, "stalled too", STALLED)
    add(stored, "ok too", BUSY)

    found = ops(stored)

    assert names(found) == [
        *("stalled too", "stalled"),
        *("late and paused", "late"),
        "paused",
        *("ok too", "ok", "run-1"),
    ]
    told = {one.run.run_id: one for one in found.runs}
    assert told["stalled"].health is Health.STALLED
    assert told["late"].is_late
    assert told["late"].expected_ms == 100_000
    assert told["ok"].expected_ms == 100_000
    assert not told["ok"].is_late
    assert told["paused"].health is Health.BLOCKED
    assert told["paused"].blocked[0].detail == "paused by nora: wrong list"
    assert found.as_of_ms == NOW_MS


def test_every_run_is_told_as_by_the_questions_that_ask_one_by_one(stored):
    number = add(stored, "mixed", {**BUSY, "retry": 3, "callback": 2, "held": 1})
    timed = {"next_at_ms": NOW_MS + 5_000}
    put(stored, number, 1, RecordState.RETRY, 2, **timed)
    put(stored, number, 3, RecordState.RETRY, next_at_ms=NOW_MS - 1)
    put(stored, number, 4, RecordState.CALLBACK, 2, next_at_ms=NOW_MS + 9_000)
    add(stored, "paused", BUSY, **PAUSED)

    found = ops(stored)

    assert len(found.runs) == 3
    for one in found.runs:
        run_id = one.run.run_id
        with stored.writer.begin():
            assert one.run == run_view(stored.writer, run_id)
            now = situation(stored.writer, run_id, NOW_MS)
            assert live_run(stored.writer, run_id, NOW_MS) == one
            assert found.engine == engine_view(stored.writer)
        assert now.retries_due == (run_id == "mixed")


def test_what_could_start_this_moment_is_held_by_nothing(stored):
    add(stored, "free", {"records": 5, "pending": 5})
    add(stored, "full", {"records": 25, "pending": 5, "attempting": 20})

    assert one_of(stored, "free").blocked == ()
    [held] = one_of(stored, "full").blocked
    assert (held.reason, held.count) == (Reason.PERMITS_FULL, 5)


def test_without_an_engine_every_run_is_blocked(stored):
    add(stored, "one", BUSY)
    with stored.writer.begin():
        stored.writer.execute(update(lease).values(heartbeat_at_ms=NOW_MS - MINUTE_MS))

    found = ops(stored)

    assert {one.health for one in found.runs} == {Health.BLOCKED}
    assert {one.blocked[0].reason for one in found.runs} == {Reason.NO_ENGINE}
    assert not found.engine.is_alive(NOW_MS)


def test_rates_and_the_oldest_attempt_in_flight_are_told(stored):
    number = add(stored, "one", BUSY)
    put(stored, number, 1, RecordState.ATTEMPTING, 3, updated_at_ms=NOW_MS - 5_000)
    put(stored, number, 4, RecordState.ATTEMPTING, updated_at_ms=NOW_MS - 70_000)
    put(stored, number, 5, RecordState.DELIVERED, updated_at_ms=NOW_MS - 99_000)
    other = add(stored, "other", {"records": 1, "pending": 1})
    put(stored, other, 1, RecordState.PENDING)
    with stored.writer.begin():
        gain = {number: Gain(120, 60, 60)}
        add_gains(stored.writer, NOW_MS - SAMPLE_MS, gain)

    found = one_of(stored, "one")
    still = one_of(stored, "other")

    assert (found.attempts_per_s, found.done_per_s) == (2.0, 1.0)
    assert found.oldest_at_ms == NOW_MS - 70_000
    assert (still.attempts_per_s, still.done_per_s) == (0.0, 0.0)
    assert still.oldest_at_ms is None


def test_an_ended_run_is_told_alone_and_is_among_no_live_ones(stored):
    add(stored, "over", {"records": 10, "delivered": 10}, **COMPLETED)

    found = one_of(stored, "over")

    assert found.health is Health.OK
    assert found.blocked == ()
    assert not found.is_late
    assert names(ops(stored)) == ["run-1"]


def test_a_run_that_is_not_there_is_named(stored):
    with pytest.raises(NotFoundError, match="'no-such'"):
        one_of(stored, "no-such")
    with stored.writer.begin(), pytest.raises(NotFoundError, match="'no-such'"):
        charts(stored.writer, "no-such", NOW_MS)


CALL = '[["call", "webhook", "idempotent"]]'
BOTH = '[["call", "webhook", "idempotent"], ["text", "sms", "at_most_once"]]'


def test_shared_limits_are_told_with_the_runs_that_use_them_most_first(stored):
    add(stored, "calls", {"attempting": 4, "attempts": 4}, steps_json=CALL, permits=9)
    add(stored, "both", {"attempting": 9, "attempts": 9}, steps_json=BOTH, permits=6)
    add(stored, "idle", {"records": 3, "pending": 3}, steps_json=BOTH)
    add(stored, "over", {}, **{**COMPLETED, "steps_json": BOTH})
    filed = {
        "channel:webhook": Shared(permits=5, rate_per_s=2.0),
        "workspace": Shared(permits=50),
        "channel:sms": Shared(),
        "channel:simulator": Shared(rate_per_s=1.0),
    }

    found = ops(stored, filed)

    # More intents than permits are never under way, nor more than the limit lets.
    assert found.shared == (
        SharedUse(
            scope="workspace",
            permits=50,
            in_flight=10,
            holders=(("both", 6), ("calls", 4)),
        ),
        SharedUse(scope="channel:simulator", rate_per_s=1.0),
        SharedUse(
            scope="channel:webhook",
            permits=5,
            rate_per_s=2.0,
            in_flight=5,
            holders=(("both", 6), ("calls", 4)),
        ),
    )


def test_what_operators_set_goes_before_what_the_file_says(stored):
    with stored.writer.begin():
        for scope, shared in (
            ("workspace", Shared(rate_per_s=3.0)),
            ("channel:sms", Shared(permits=1)),
            ("channel:webhook", Shared()),
        ):
            set_shared_limit(stored.writer, scope, shared, by="nora", at_ms=1)
    filed = {
        "workspace": Shared(permits=50),
        "channel:webhook": Shared(permits=7),
        "channel:mail": Shared(permits=8),
    }

    found = ops(stored, filed)

    assert [(one.scope, one.permits, one.rate_per_s) for one in found.shared] == [
        ("workspace", None, 3.0),
        ("channel:mail", 8, None),
        ("channel:sms", 1, None),
    ]


def test_of_very_many_live_runs_the_newest_are_told(stored):
    for number in range(MOST_RUNS + 5):
        add(stored, f"live-{number}")

    found = names(ops(stored))

    assert len(found) == MOST_RUNS
    assert found[0] == f"live-{MOST_RUNS + 4}"
    assert "run-1" not in found


def test_a_question_about_all_runs_is_a_few_statements_however_many_there_are(stored):
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    def count():
        asked.clear()
        event.listen(stored.writer.engine, "before_cursor_execute", note)
        ops(stored)
        event.remove(stored.writer.engine, "before_cursor_execute", note)
        return len(asked)

    one = count()
    for number in range(20):
        add(stored, f"live-{number}", BUSY)

    assert count() == one


def test_live_runs_and_what_flies_in_them_are_found_by_their_indexes(stored):
    number = add(stored, "one", BUSY)
    put(stored, number, 1, RecordState.ATTEMPTING, 3)
    plans: list[str] = []

    def note(_connection, cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[3] for row in rows)

    event.listen(stored.writer.engine, "before_cursor_execute", note)
    ops(stored)
    event.remove(stored.writer.engine, "before_cursor_execute", note)

    assert any("run USING INDEX run_live" in one for one in plans)
    for index in ("record_attempting", "record_retry_due", "record_callback_due"):
        assert any(index in one for one in plans)
    assert not any(one.startswith(("SCAN record", "SCAN books")) for one in plans)
    # The whole of a run's records is read for nothing.
    assert not any("record" in one and one.endswith("(run_no=?)") for one in plans)


def test_charts_tell_a_run_beside_the_earlier_ones_of_its_campaign(stored):
    for number in range(5):
        run_no = add(stored, f"old-{number}", {"records": number}, **COMPLETED)
        with stored.writer.begin():
            add_gains(stored.writer, NOW_MS - number * SAMPLE_MS, {run_no: Gain(1, 1)})
    counts = {"records": 7, "failed": 1, "callback": 2}
    this = add(stored, "this", counts)
    put(stored, this, 1, RecordState.FAILED, outcome_class=3, code="wrong_number")
    put(stored, this, 2, RecordState.CALLBACK, 2, next_at_ms=NOW_MS + MINUTE_MS)
    with stored.writer.begin():
        add_gains(stored.writer, NOW_MS, {this: Gain(3, 2, 1, 1)})

        found = charts(stored.writer, "this", NOW_MS)

        assert found.run == run_view(stored.writer, "this")
    assert found.progress.samples == (Sample(NOW_MS, SAMPLE_MS, 3, 2, 1, 1),)
    assert (found.progress.run_id, found.progress.records) == ("this", 7)
    assert found.progress.started_at_ms == NOW_MS - 10 * MINUTE_MS
    earlier = [one.run_id for one in found.earlier]
    assert earlier == ["old-4", "old-3", "old-2"]
    assert all(one.samples for one in found.earlier)
    assert (found.failures.of, found.failures.groups[0].code) == (1, "wrong_number")
    assert sum(one.promises for one in found.due) == 2
