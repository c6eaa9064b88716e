from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError
from tests.store.conftest import NOW_MS, add_a_lease, add_a_run

from watchfloor.domain.alerts import AlertKind, Cause
from watchfloor.domain.progress import Gain, span_at
from watchfloor.store import schema
from watchfloor.store.reads.alerts import (
    alerts_since,
    due_messages,
    failed_runs,
    given_up_since,
    messages_of,
    newest_told,
    next_owed_at,
    open_alerts,
    recovered_runs,
)
from watchfloor.store.reads.moments import first_entry_at
from watchfloor.store.reads.periods import (
    collecting,
    ended_since,
    entries_since,
    gained_since,
    last_entry_before,
    live_count,
)
from watchfloor.store.schema import HEAD, bring_up_to_date, schema_version
from watchfloor.store.sqlite import writing_engine
from watchfloor.store.writes.alerts import (
    add_alert,
    clear_alert,
    let_go,
    note_gone,
    note_told,
    note_try,
    note_untold,
    owe_message,
)
from watchfloor.store.writes.progress import add_gains
from watchfloor.store.writes.runs import add_entry

DAY_MS = 86_400_000


def cause(kind=AlertKind.STALLED, run_id="run-1", since_ms=NOW_MS):
    return Cause(kind, run_id, since_ms, f"{kind}: said")


def add(stored, *causes, is_held=False):
    with stored.writer.begin():
        return [
            add_alert(stored.writer, one, now_ms=NOW_MS, is_held=is_held)
            for one in causes
        ]


def owe(stored, alert_id=1, hook="webhook chat", now_ms=NOW_MS):
    with stored.writer.begin():
        owe_message(
            stored.writer,
            alert_id=alert_id,
            hook=hook,
            what="raised",
            payload={"text": "x"},
            now_ms=now_ms,
        )


def read(stored, question, *about, **named):
    with stored.writer.begin():
        return question(stored.writer, *about, **named)


def plan(stored, query):
    with stored.writer.begin():
        rows = stored.writer.execute(text(f"EXPLAIN QUERY PLAN {query}"))
        return " ".join(row.detail for row in rows)


def test_an_alert_is_kept_as_it_was_raised(stored):
    [number] = add(stored, cause(AlertKind.AUTO_PAUSED))

    [alert] = read(stored, open_alerts)

    assert alert.alert_id == number
    assert (alert.kind, alert.mark) == (AlertKind.AUTO_PAUSED, NOW_MS)
    assert (alert.said, alert.raised_at_ms) == ("auto_paused: said", NOW_MS)
    assert alert.stands
    assert not alert.is_held


def test_the_store_itself_refuses_a_second_alert_of_a_standing_cause(stored):
    add(stored, cause())
    with pytest.raises(IntegrityError):
        add(stored, cause(since_ms=NOW_MS + 5))

    [alert] = read(stored, open_alerts)
    with stored.writer.begin():
        clear_alert(stored.writer, alert, at_ms=NOW_MS, is_held=False)
    add(stored, cause(since_ms=NOW_MS + 5))

    assert len(read(stored, alerts_since, 0)) == 2


def test_open_is_what_stands_or_is_held(stored):
    add(stored, cause(), cause(AlertKind.SLOW), cause(AlertKind.FAILED))
    first, second, third = read(stored, open_alerts)
    with stored.writer.begin():
        note_gone(stored.writer, first, NOW_MS + 1)
        clear_alert(stored.writer, second, at_ms=NOW_MS, is_held=True)
        clear_alert(stored.writer, third, at_ms=NOW_MS, is_held=False)

    gone, held = read(stored, open_alerts)
    assert (gone.gone_at_ms, gone.stands) == (NOW_MS + 1, True)
    assert (held.is_held, held.stands) == (True, False)
    with stored.writer.begin():
        let_go(stored.writer, (gone.alert_id, held.alert_id))
    assert [one.alert_id for one in read(stored, open_alerts)] == [first.alert_id]


def test_the_newest_alert_that_is_told_is_known_by_its_number(stored):
    assert read(stored, newest_told) == 0
    [number] = add(stored, cause())
    [held] = add(stored, cause(AlertKind.SLOW), is_held=True)
    assert read(stored, newest_told) == number
    with stored.writer.begin():
        let_go(stored.writer, (held,))
    assert read(stored, newest_told) == held


def test_alerts_since_a_moment_are_those_that_began_or_ended_then_and_what_is_open(
    stored,
):
    add(stored, cause(), cause(AlertKind.SLOW), cause(AlertKind.AUTO_PAUSED))
    first, second, third = read(stored, open_alerts)
    with stored.writer.begin():
        clear_alert(stored.writer, first, at_ms=NOW_MS + 1, is_held=False)
        clear_alert(stored.writer, second, at_ms=NOW_MS + 9, is_held=False)

    found = read(stored, alerts_since, NOW_MS + 5)

    assert [one.alert_id for one in found] == [second.alert_id, third.alert_id]
    assert len(read(stored, alerts_since, NOW_MS + 5, most=1)) == 1


def test_a_message_is_owed_until_it_is_told_or_given_up_and_only_once(stored):
    add(stored, cause())
    for number in range(3):
        owe(stored, hook=f"webhook {number}", now_ms=NOW_MS + number)
    assert [one.hook for one in read(stored, due_messages, NOW_MS + 1, 60_000)] == [
        "webhook 0",
        "webhook 1",
    ]
    assert read(stored, next_owed_at) == NOW_MS

    with stored.writer.begin():
        assert note_told(stored.writer, 1, at_ms=NOW_MS, reply="ok")
        assert not note_told(stored.writer, 1, at_ms=NOW_MS, reply="again")
        note_try(stored.writer, 2, next_at_ms=NOW_MS + 99, why="down")
        assert note_untold(stored.writer, 3, why="gone")
        assert not note_untold(stored.writer, 3, why="again")

    told, tried, failed = read(stored, messages_of, (1,))
    assert (told.state, told.detail, told.sent_at_ms) == ("sent", "ok", NOW_MS)
    assert (tried.state, tried.tries, tried.next_at_ms) == ("owed", 1, NOW_MS + 99)
    assert (failed.state, failed.tries, failed.detail) == ("failed", 1, "gone")
    assert read(stored, next_owed_at) == NOW_MS + 99
    assert read(stored, given_up_since, NOW_MS) == 1
    assert read(stored, given_up_since, NOW_MS + 5) == 0


def test_what_is_asked_every_few_seconds_reads_an_index(stored):
    assert "alert_open" in plan(
        stored, "SELECT * FROM alert WHERE is_open = 1 ORDER BY alert_id"
    )
    assert "alert_message_owed" in plan(
        stored, "SELECT min(next_at_ms) FROM alert_message WHERE state = 'owed'"
    )
    assert "run_by_end" in plan(
        stored,
        "SELECT run_id FROM run WHERE ended_at_ms >= 5 AND outcome = 'failed'",
    )


def test_failed_runs_are_those_that_ended_so_lately(stored):
    ended = {"phase": "ended", "outcome": "failed", "cause": "no field"}
    with stored.writer.begin():
        add_a_run(stored.writer, "old", **ended, ended_at_ms=NOW_MS - DAY_MS - 1)
        add_a_run(stored.writer, "new", **ended, ended_at_ms=NOW_MS)
        add_a_run(
            stored.writer,
            "well",
            **{**ended, "outcome": "completed"},
            ended_at_ms=NOW_MS + 1,
        )

    [found] = read(stored, failed_runs, NOW_MS - DAY_MS)

    assert (found.run_id, found.cause) == ("new", "no field")
    assert read(stored, ended_since, NOW_MS) == (["well", "new"], 2)
    assert read(stored, ended_since, NOW_MS, most=1) == (["well"], 2)
    assert read(stored, live_count) == 1


def enter(stored, at_ms, event="pause", run_id="run-1"):
    with stored.writer.begin():
        add_entry(
            stored.writer,
            {"at_ms": at_ms, "run_id": run_id, "event": event, "epoch": 1},
        )


def test_a_moment_is_found_in_a_journal_of_any_length_and_with_gaps(stored):
    assert read(stored, first_entry_at, 0) == 1
    for place in range(40):
        enter(stored, NOW_MS + 10 * (place // 2))
    with stored.writer.begin():
        stored.writer.execute(text("DELETE FROM journal WHERE entry_id % 3 = 0"))
        kept = stored.writer.execute(
            text("SELECT entry_id, at_ms FROM journal ORDER BY entry_id")
        ).all()
    for at_ms in range(NOW_MS - 1, NOW_MS + 202):
        later = [one.entry_id for one in kept if one.at_ms >= at_ms]
        found = read(stored, first_entry_at, at_ms)
        if later:
            earlier = [one.entry_id for one in kept if one.at_ms < at_ms]
            assert max(earlier, default=0) < found <= later[0]
        else:
            assert found == kept[-1].entry_id + 1


def test_entries_of_a_period_come_oldest_first_and_the_newest_where_there_are_many(
    stored,
):
    enter(stored, NOW_MS - 5, "engine started", "")
    for place in range(6):
        enter(stored, NOW_MS + place, f"event {place}")

    found = read(stored, entries_since, NOW_MS, most=4)

    assert [one.event for one in found] == [f"event {n}" for n in range(2, 6)]
    before = read(stored, last_entry_before, NOW_MS, ("engine started",))
    assert before.event == "engine started"
    assert read(stored, last_entry_before, NOW_MS - 5, ("engine started",)) is None


def test_recoveries_are_found_among_the_entries_since_a_moment(stored):
    enter(stored, NOW_MS - DAY_MS, "recovered")
    enter(stored, NOW_MS, "pause")
    enter(stored, NOW_MS + 1, "recovered")

    found = read(stored, recovered_runs, NOW_MS)

    assert [(one.run_id, one.at_ms) for one in found] == [("run-1", NOW_MS + 1)]


def test_what_runs_gained_since_a_moment_is_that_of_its_spans(stored):
    first_ms = span_at(NOW_MS)
    with stored.writer.begin():
        for place in range(3):
            gain = {stored.run_no: Gain(4, 3, 2, 1)}
            add_gains(stored.writer, first_ms + 10_000 * place, gain)

    found = read(stored, gained_since, NOW_MS + 10_000, ["run-1", "none"])

    assert found == {"run-1": Gain(8, 6, 4, 2)}


def test_runs_that_collect_are_counted_with_the_first_that_closes(stored):
    assert read(stored, collecting) == (0, None)
    with stored.writer.begin():
        for place in range(2):
            add_a_run(
                stored.writer,
                f"ended-{place}",
                phase="ended",
                results="collecting",
                results_close_at_ms=NOW_MS + place,
            )

    assert read(stored, collecting) == (2, NOW_MS)


def test_a_store_of_the_version_before_is_moved_in_place(layout):
    engine = writing_engine(layout.state)
    with engine.connect() as connection:
        with connection.begin():
            config = Config()
            place = Path(schema.__file__).parent / "migrations"
            config.set_main_option("script_location", str(place))
            config.attributes["connection"] = connection
            command.upgrade(config, "0003")
            add_a_lease(connection)
            add_a_run(connection, "failed", phase="ended", outcome="failed")
        with connection.begin():
            assert bring_up_to_date(connection)
            assert schema_version(connection) == HEAD
            tables = inspect(connection).get_table_names()
            assert {"alert", "alert_message"} <= set(tables)
            add_alert(connection, cause(), now_ms=NOW_MS, is_held=False)
            assert len(open_alerts(connection)) == 1
    engine.dispose()
