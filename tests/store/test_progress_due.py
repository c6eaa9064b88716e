from __future__ import annotations

import pytest
from sqlalchemy import update

from watchfloor.domain.records import RecordState
from watchfloor.store.reads import due
from watchfloor.store.reads.due import due_spans
from watchfloor.store.tables import record

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
#: A round hour, and half past.
HOUR = 1_700_002_800_000
NOW = HOUR + 30 * MINUTE_MS


def promised(stored, *times_ms):
    stored.add(len(times_ms))
    with stored.writer.begin():
        for seq, at_ms in enumerate(times_ms, 1):
            stored.writer.execute(
                update(record)
                .where(record.c.run_no == stored.run_no, record.c.seq == seq)
                .values(state=int(RecordState.CALLBACK), next_at_ms=at_ms)
            )


def spans(stored, number=48):
    with stored.writer.begin():
        return due_spans(stored.writer, stored.run_no, NOW, number)


def test_a_run_without_promises_has_no_spans(stored):
    stored.add(3)

    assert spans(stored) == ()


def test_promises_are_counted_by_round_spans_without_a_gap(stored):
    promised(stored, NOW + 1, HOUR + HOUR_MS, HOUR + 3 * HOUR_MS, NOW + 2 * HOUR_MS)

    assert spans(stored, 4) == (
        (HOUR, HOUR_MS, 1),
        (HOUR + HOUR_MS, HOUR_MS, 1),
        (HOUR + 2 * HOUR_MS, HOUR_MS, 1),
        (HOUR + 3 * HOUR_MS, HOUR_MS, 1),
    )


def test_overdue_promises_stand_in_the_first_span(stored):
    promised(stored, 1, NOW - 1, NOW, HOUR + 2 * HOUR_MS)

    found = spans(stored, 3)

    assert [one.promises for one in found] == [3, 0, 1]
    assert found[0].at_ms == HOUR


def test_where_all_are_overdue_the_span_of_now_has_them(stored):
    promised(stored, 1, 2, NOW - 5 * HOUR_MS)

    [one] = spans(stored)

    assert one.promises == 3
    assert one.at_ms <= NOW < one.at_ms + one.span_ms


@pytest.mark.parametrize("number", [2, 7, 48])
@pytest.mark.parametrize("days", [0.0001, 1, 30, 800, 25_000])
def test_there_are_never_more_spans_than_asked_for_and_no_promise_is_lost(
    stored, number, days
):
    last = NOW + round(days * 24 * HOUR_MS)
    promised(stored, NOW - 1, NOW + 5, (NOW + last) // 2, last)

    found = spans(stored, number)

    assert len(found) <= number
    assert sum(one.promises for one in found) == 4


def test_of_very_many_promises_the_next_ones_are_told(stored, monkeypatch):
    monkeypatch.setattr(due, "MOST_PROMISES", 4)
    promised(stored, *(NOW + number * HOUR_MS for number in range(9, -1, -1)))

    found = spans(stored, 48)

    assert sum(one.promises for one in found) == 4
    assert found[-1].at_ms <= NOW + 3 * HOUR_MS


def test_records_in_other_states_are_no_promises(stored):
    promised(stored, NOW + 1, NOW + 2)
    with stored.writer.begin():
        stored.writer.execute(
            update(record).where(record.c.seq == 1).values(state=int(RecordState.RETRY))
        )

    assert sum(one.promises for one in spans(stored)) == 1
