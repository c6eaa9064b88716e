from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from tests.store.conftest import NOW_MS, add_a_run, valid

from watchfloor.domain.records import RecordState, RejectKind
from watchfloor.intake.filter_language import parse_filter
from watchfloor.store.filtering import condition, contact_fields
from watchfloor.store.reading import reading
from watchfloor.store.reads.records import one_record, values_of
from watchfloor.store.reads.rejects import reject_form, rejects
from watchfloor.store.reads.zones import zone_names
from watchfloor.store.tables import contact, record
from watchfloor.store.writes.audience import AudienceWriter, Rejected


@pytest.fixture
def add(stored):
    writer = AudienceWriter(stored.writer)

    def batch(first, rows, run_no=stored.run_no):
        with stored.writer.begin():
            added, repeats = writer.add(stored.writer, run_no, first, rows)
            seqs = range(first, first + added)
            writer.accept(stored.writer, run_no, seqs, NOW_MS)
            writer.add_rejects(stored.writer, run_no, repeats)
        return added, [(one.row_no, one.reason) for one in repeats]

    return batch


def numbered(stored):
    with stored.writer.begin():
        query = select(contact.c.seq, contact.c.row_no).order_by(contact.c.seq)
        return [tuple(row) for row in stored.writer.execute(query)]


def test_rows_of_new_contacts_become_records_without_a_gap(stored, add):
    assert add(1, [valid(1), valid(2), valid(5)]) == (3, [])
    assert add(4, [valid(7)]) == (1, [])

    assert numbered(stored) == [(1, 1), (2, 2), (3, 5), (4, 7)]


def test_a_contact_twice_in_one_batch_is_a_duplicate_of_the_first_row(stored, add):
    rows = [valid(1, "a"), valid(2, "b"), valid(3, "a"), valid(4, "c"), valid(5, "a")]

    assert add(1, rows) == (3, [(3, "duplicate of row 1"), (5, "duplicate of row 1")])

    assert numbered(stored) == [(1, 1), (2, 2), (3, 4)]


def test_a_contact_of_an_earlier_batch_is_a_duplicate_of_its_row(stored, add):
    add(1, [valid(1, "a"), valid(2, "b")])

    assert add(3, [valid(8, "b"), valid(9, "z"), valid(10, "a")]) == (
        1,
        [(8, "duplicate of row 2"), (10, "duplicate of row 1")],
    )
    assert numbered(stored) == [(1, 1), (2, 2), (3, 9)]


def test_a_batch_of_nothing_but_duplicates_adds_nobody(stored, add):
    add(1, [valid(1, "a")])

    assert add(2, [valid(2, "a"), valid(3, "a")])[0] == 0
    assert numbered(stored) == [(1, 1)]


def test_a_batch_that_was_rolled_back_is_read_again_as_if_never_before(stored, add):
    writer = AudienceWriter(stored.writer)
    rows = [valid(1, "a"), valid(2, "b"), valid(3, "a")]
    with stored.writer.begin() as change:
        writer.add(stored.writer, stored.run_no, 1, rows)
        change.rollback()

    assert add(1, rows) == (2, [(3, "duplicate of row 1")])
    assert numbered(stored) == [(1, 1), (2, 2)]


def test_an_empty_batch_is_no_mistake(stored, add):
    assert add(1, []) == (0, [])


HOSTILE = [
    "nul \0 inside",
    "quote ' and \" and \\ and ;--",
    "\x1b]0;title\x07",
    "bidi \u202e and zero\u200bwidth",
    "\U0001f4de",
    "line\nbreak\ttab",
    "=HYPERLINK(1)",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_text_of_every_kind_is_kept_as_it_came(layout, stored, add, text):
    row = valid(1, text or "y", raw=text, values_json=json.dumps([text]))
    add(1, [row])
    writer = AudienceWriter(stored.writer)
    with stored.writer.begin():
        writer.add_rejects(
            stored.writer,
            stored.run_no,
            [Rejected(2, RejectKind.INVALID, f"because of {text}", text)],
        )

    with reading(layout) as connection:
        found = one_record(connection, "run-1", 1)
        assert found["contact"] == (text or "y")
        assert values_of(found) == [text]
        assert list(rejects(connection, "run-1")) == [
            (2, "invalid", f"because of {text}", text)
        ]


def test_rejects_come_in_file_order_slice_by_slice(layout, stored):
    writer = AudienceWriter(stored.writer)
    rows = [
        Rejected(no, RejectKind.INVALID, "bad", f"raw {no}") for no in range(1, 2_502)
    ]
    with stored.writer.begin():
        writer.add_rejects(stored.writer, stored.run_no, rows[::-1])

    with reading(layout) as connection:
        assert [row[0] for row in rejects(connection, "run-1")] == list(range(1, 2_502))
        assert reject_form(connection, "run-1") == ("", ",")


def test_a_run_has_its_own_contacts(stored, add):
    with stored.writer.begin():
        other = add_a_run(stored.writer, "run-2")
    add(1, [valid(1, "a")])

    assert add(1, [valid(1, "a")], other) == (1, [])
    with stored.writer.begin():
        runs = stored.writer.scalars(select(record.c.run_no).order_by(record.c.run_no))
        assert list(runs) == [1, 2]


def test_rows_that_were_added_are_no_records_before_they_are_judged(stored):
    writer = AudienceWriter(stored.writer)
    with stored.writer.begin():
        writer.add(stored.writer, stored.run_no, 1, [valid(1), valid(2), valid(3)])
        assert list(stored.writer.scalars(select(record.c.seq))) == []

        writer.accept(stored.writer, stored.run_no, range(2, 4), NOW_MS)

        found = stored.writer.execute(select(record.c.seq, record.c.state))
        pending = int(RecordState.PENDING)
        assert [tuple(row) for row in found] == [(2, pending), (3, pending)]


def test_a_slice_is_judged_into_records_and_rejects_and_nothing_beside_it(
    layout, stored
):
    writer = AudienceWriter(stored.writer)
    plans = ["basic", "trial", "basic", "trial", "trial", "basic"]
    rows = [
        valid(at + 10, values_json=json.dumps([f"c{at}", plan]))
        for at, plan in enumerate(plans)
    ]
    wanted = condition(parse_filter('plan = "basic"'), contact_fields(("id", "plan")))
    with stored.writer.begin():
        other = add_a_run(stored.writer, "run-2")
        for run_no in (stored.run_no, other):
            writer.add(stored.writer, run_no, 1, rows)

        first = writer.judge(stored.writer, stored.run_no, range(1, 4), wanted, NOW_MS)
        rest = writer.judge(stored.writer, stored.run_no, range(4, 7), wanted, NOW_MS)

    assert (first, rest) == ((2, 1), (1, 2))
    with reading(layout) as connection:
        found = connection.execute(select(record.c.run_no, record.c.seq))
        assert [tuple(row) for row in found] == [(1, 1), (1, 3), (1, 6)]
        told = list(rejects(connection, "run-1"))
    assert [row[:2] for row in told] == [(at, "filtered") for at in (11, 13, 14)]
    assert {row[2] for row in told} == {"the campaign's filter leaves it out"}
    assert json.loads(told[0][3]) == ["c1", "trial"]


def test_equal_sets_of_zones_have_one_number_and_no_zone_has_none(stored):
    writer = AudienceWriter(stored.writer)
    berlin, both = "Europe/Berlin", "America/Denver|America/Boise"
    batches = [[berlin, both, ""], [both, berlin, berlin]]
    with stored.writer.begin():
        for first, zones in ((1, batches[0]), (4, batches[1])):
            rows = [valid(no, zones=one) for no, one in enumerate(zones, first)]
            writer.add(stored.writer, stored.run_no, first, rows)
        query = select(contact.c.zone_no).order_by(contact.c.seq)
        numbers = list(stored.writer.scalars(query))
        names = [zone_names(stored.writer, number) for number in numbers[:2]]

    assert numbers[2] == 0
    assert numbers[3:] == [numbers[1], numbers[0], numbers[0]]
    assert 0 not in numbers[:2]
    assert numbers[0] != numbers[1]
    assert names == [(berlin,), ("America/Denver", "America/Boise")]
