"""Statements over many contacts: one for any number of them, through the index."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from tests.store.conftest import NOW_MS, valid

from watchfloor.domain.identity import contact_digest
from watchfloor.store.reads.samples import shared_with
from watchfloor.store.reads.uploads import known_digests
from watchfloor.store.writes.audience import AudienceWriter
from watchfloor.store.writes.suppression import Suppressed, add

SIZES = (1, 2, 7, 700)


def digests(count):
    return [contact_digest("id", f"c{number}") for number in range(count)]


def suppressed(some):
    return [Suppressed(one, "id", "asked", "test", "nora", NOW_MS) for one in some]


def rows(count, first_row):
    return [
        valid(number, f"c{number}", digest=digest)
        for number, digest in enumerate(digests(count), first_row)
    ]


@pytest.fixture
def read_with(stored):
    """Every SELECT, and for each how SQLite goes about it."""
    statements = {}

    def note(connection, cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            plan = cursor.connection.cursor().execute(
                f"EXPLAIN QUERY PLAN {statement}", parameters
            )
            statements[statement] = [step for *_, step in plan.fetchall()]

    event.listen(stored.writer, "before_cursor_execute", note)
    return statements


def add_all(stored, count, first_row=1):
    writer = AudienceWriter(stored.writer)
    with stored.writer.begin():
        writer.add(stored.writer, stored.run_no, first_row, rows(count, first_row))


def add_again(stored, count):
    """Every row repeats a contact: they are told apart."""
    add_all(stored, count, first_row=10_000)


def suppress(stored, count):
    with stored.writer.begin():
        add(stored.writer, suppressed(digests(count)))


def known(stored, count):
    with stored.writer.begin():
        known_digests(stored.writer, stored.run_id, digests(count))


def shared(stored, count):
    with stored.writer.begin():
        shared_with(stored.writer, stored.run_no, digests(count))


@pytest.mark.parametrize(
    ("ask", "table"),
    [
        (add_again, "dedupe"),
        (suppress, "suppression"),
        (known, "dedupe"),
        (shared, "dedupe"),
    ],
)
def test_as_many_contacts_as_there_are_make_one_statement(
    stored, read_with, ask, table
):
    add_all(stored, SIZES[-1])
    for count in SIZES:
        ask(stored, count)

    plans = [plan for said, plan in read_with.items() if f"FROM {table}" in said]
    assert len(plans) == 1
    assert "digest=?" in plans[0][0], plans


def test_who_is_there_is_found_and_nobody_else(stored):
    add_all(stored, 5)
    with stored.writer.begin():
        asked = digests(8)
        assert set(shared_with(stored.writer, stored.run_no, asked)) == set(asked[:5])
        assert known_digests(stored.writer, stored.run_id, asked) == set(asked[:5])
        assert known_digests(stored.writer, stored.run_id, []) == frozenset()

        assert add(stored.writer, suppressed(asked[2:4])) == asked[2:4]
        assert add(stored.writer, suppressed(asked)) == [*asked[:2], *asked[4:]]
        assert add(stored.writer, []) == []
