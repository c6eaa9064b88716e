from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.live import UnknownPage
from watchfloor.domain.records import RecordState
from watchfloor.store.reads.unknowns import unknown_page
from watchfloor.store.tables import books, run

INTO_RECORD = """
INSERT INTO record (run_no, seq, state, updated_at_ms) VALUES (?, ?, ?, ?)
"""
INTO_CONTACT = """
INSERT INTO contact (run_no, seq, row_no, contact, digest, values_json)
VALUES (?, ?, ?, ?, zeroblob(16), '[]')
"""


@pytest.fixture
def floor(stored):
    """Five runs of six records; of the odd runs each third one is unknown."""
    writer = stored.writer
    with writer.begin():
        for number in range(2, 6):
            add_a_run(writer, f"run-{number}", campaign_name=f"Campaign {number}")
        for number in range(1, 6):
            for seq in range(1, 7):
                is_unknown = number % 2 and not seq % 3
                state = RecordState.UNKNOWN if is_unknown else RecordState.DELIVERED
                writer.exec_driver_sql(INTO_RECORD, (number, seq, int(state), NOW_MS))
                contact = f"c{number}-{seq}"
                writer.exec_driver_sql(INTO_CONTACT, (number, seq, seq, contact))
            if number % 2:
                here = books.c.run_no == number
                writer.execute(update(books).where(here).values(unknown=2))
    return stored


def page(stored, *args, **key):
    with stored.writer.begin():
        return unknown_page(stored.writer, *args, **key)


def places(found):
    return [(one.run_id, one.record.seq) for one in found.unknowns]


ALL = [(f"run-{number}", seq) for number in (5, 3, 1) for seq in (3, 6)]


def test_those_of_the_newest_run_come_first_with_whose_they_are(floor):
    found = page(floor)

    assert places(found) == ALL
    assert (found.after, found.of) == (None, 6)
    first = found.unknowns[0]
    assert first.campaign_name == "Campaign 5"
    assert first.record.contact == "c5-3"
    assert first.record.state is RecordState.UNKNOWN
    assert first.record.step == "call"
    assert first.record.key


@pytest.mark.parametrize("size", range(1, 7))
def test_pages_show_every_one_once(floor, size):
    seen, after = [], None
    while True:
        found = page(floor, after=after, size=size)
        assert len(found.unknowns) <= size
        assert found.of == 6
        seen += places(found)
        if found.after is None:
            break
        after = found.after

    assert seen == ALL


def test_those_of_one_run_alone_can_be_asked_for(floor):
    first = page(floor, "run-3", size=1)
    second = page(floor, "run-3", first.after, size=1)

    assert (places(first), first.of) == ([("run-3", 3)], 2)
    assert (places(second), second.after) == ([("run-3", 6)], None)
    assert page(floor, "run-2") == UnknownPage()


def test_those_of_a_hidden_run_are_unknown_all_the_same(floor):
    with floor.writer.begin():
        hidden = update(run).where(run.c.run_id == "run-5").values(hidden=1)
        floor.writer.execute(hidden)

    assert places(page(floor)) == ALL
    assert page(floor).of == 6
    assert places(page(floor, "run-5")) == ALL[:2]


def test_a_page_goes_on_where_the_record_it_ended_with_is_resolved(floor):
    first = page(floor, size=2)
    with floor.writer.begin():
        floor.writer.exec_driver_sql(
            "UPDATE record SET state = 6 WHERE run_no = 5 AND state = 8"
        )
        here = books.c.run_no == 5
        floor.writer.execute(update(books).where(here).values(unknown=0))

    assert first.after == ("run-5", 6)
    assert places(page(floor, after=first.after, size=2)) == ALL[2:4]


def test_a_run_that_is_not_there_is_named(floor):
    with pytest.raises(NotFoundError, match="'run-9'"):
        page(floor, "run-9")
