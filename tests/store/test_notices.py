from __future__ import annotations

import pytest
from tests.store.conftest import NOW_MS

from watchfloor.store.reads.notices import (
    due_notices,
    notices_of,
    unexplained_notices,
)
from watchfloor.store.writes.notices import (
    note_failed,
    note_sent,
    note_tried,
    note_waiting,
    owe_notice,
)

HOUR_MS = 3_600_000


@pytest.fixture
def owe(writer):
    def owed(run_id="run-1", now_ms=NOW_MS):
        with writer.begin():
            return owe_notice(
                writer,
                run_id=run_id,
                kind="job_cancel",
                recipients=("ops@example.org", "lead@example.org"),
                subject="a subject",
                body="a body",
                now_ms=now_ms,
            )

    return owed


def test_a_notice_is_due_at_once_and_kept_as_it_was_written(writer, owe):
    number = owe()

    [found] = due_notices(writer, NOW_MS, HOUR_MS)
    assert (found.notice_id, found.run_id, found.kind) == (
        number,
        "run-1",
        "job_cancel",
    )
    assert found.recipients == ("ops@example.org", "lead@example.org")
    assert (found.subject, found.body) == ("a subject", "a body")
    assert (found.state, found.tries, found.detail) == ("owed", 0, "")
    assert due_notices(writer, NOW_MS - 1, HOUR_MS) == ()


def test_a_notice_put_off_before_the_clock_was_put_back_is_due(writer, owe):
    owe()

    assert due_notices(writer, NOW_MS - HOUR_MS, HOUR_MS) == ()
    assert len(due_notices(writer, NOW_MS - HOUR_MS - 1, HOUR_MS)) == 1


def test_the_oldest_come_first_and_only_so_many(writer, owe):
    numbers = [owe(f"run-{n}") for n in range(5)]

    assert [
        one.notice_id for one in due_notices(writer, NOW_MS, HOUR_MS, most=3)
    ] == numbers[:3]


def test_a_notice_that_was_sent_is_closed_once(writer, owe):
    number = owe()
    with writer.begin():
        assert note_sent(writer, number, at_ms=NOW_MS + 5, reply="250 OK")
        assert not note_sent(writer, number, at_ms=NOW_MS + 9, reply="250 again")
        assert not note_failed(writer, number, why="too late")
        note_tried(writer, number, next_at_ms=NOW_MS + 9, why="too late")

    assert due_notices(writer, NOW_MS + 10**9, HOUR_MS) == ()
    [found] = notices_of(writer, "run-1")
    assert (found.state, found.sent_at_ms, found.detail) == (
        "sent",
        NOW_MS + 5,
        "250 OK",
    )
    assert (found.tries, found.next_at_ms) == (0, None)


def test_a_failed_try_is_counted_and_put_off(writer, owe):
    number = owe()
    with writer.begin():
        note_tried(writer, number, next_at_ms=NOW_MS + 30_000, why="no route")

    assert due_notices(writer, NOW_MS + 29_999, HOUR_MS) == ()
    [found] = due_notices(writer, NOW_MS + 30_000, HOUR_MS)
    assert (found.tries, found.detail) == (1, "no route")


def test_a_notice_that_is_given_up_is_not_due_again(writer, owe):
    number = owe()
    with writer.begin():
        assert note_failed(writer, number, why="no route")

    assert due_notices(writer, NOW_MS + 10**9, HOUR_MS) == ()
    [found] = notices_of(writer, "run-1")
    assert (found.state, found.tries, found.detail) == ("failed", 1, "no route")


def test_why_a_notice_waits_is_told_once_and_it_stays_due(writer, owe):
    first, second = owe("run-1"), owe("run-2")
    with writer.begin():
        note_waiting(writer, first, why="no [mail]")

    assert [one.notice_id for one in unexplained_notices(writer)] == [second]
    assert [one.notice_id for one in due_notices(writer, NOW_MS, HOUR_MS)] == [
        first,
        second,
    ]


def test_a_run_has_its_own_notices(writer, owe):
    owe("run-1")
    second = owe("run-2")

    assert [one.notice_id for one in notices_of(writer, "run-2")] == [second]
