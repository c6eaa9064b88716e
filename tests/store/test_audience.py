from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from tests.store.conftest import NOW_MS, add_a_run, valid

from watchfloor.domain.records import RejectKind
from watchfloor.store.reading import reading
from watchfloor.store.reads.records import one_record, values_of
from watchfloor.store.reads.rejects import reject_form, rejects
from watchfloor.store.tables import contact, record
from watchfloor.store.writes.audience import AudienceWriter, Rejected


@pytest.fixture
def add(stored):
    writer = AudienceWriter(stored.writer)

    def batch(first, rows, run_no=stored.run_no):
        with stored.writer.begin():
            added, repeats = writer.add(stored.writer, run_no, first, rows, NOW_MS)
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
        writer.add(stored.writer, stored.run_no, 1, rows, NOW_MS)
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
