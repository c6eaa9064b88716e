from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, literal, select, update
from sqlalchemy.pool import StaticPool
from tests.store.conftest import NOW_MS, made_layout, stored_in
from tests.store.test_reads import Plans

from watchfloor.domain.errors import ConfigError
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import PageKey
from watchfloor.store.reads.records import MOST_PASSED, MOST_SEARCHED, record_page
from watchfloor.store.tables import books, contact, record
from watchfloor.store.text_conditions import MAX_CHARS, occurs_in, record_text
from watchfloor.store.writes.connection import close_writer, open_writer

COUNT = 60_000
STEPS = ("call", "Nachfassen")
#: Where the few records stand that were not attempted, and that failed.
LEFT = (5, 31_000, 59_000)
FAILED = (77, 40_000, 59_999)

#: All delivered; their contact is +1202 and their seq in seven digits.
FILL = """
WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < {count})
INSERT INTO {into} FROM n
"""
RECORDS = (
    f"record (run_no, seq, state, code, updated_at_ms) SELECT 1, seq, 6, 'ok', {NOW_MS}"
)
CONTACTS = """contact (run_no, seq, row_no, contact, digest, values_json)
SELECT 1, seq, seq, printf('+1202%07d', seq), zeroblob(16), '["","Ann"]'"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of many records. Shared: whoever changes it rolls back."""
    writer = open_writer(made_layout(tmp_path_factory.mktemp("search") / "floor"))
    stored = stored_in(writer)
    counts = {
        "delivered": COUNT - len(LEFT) - len(FAILED),
        "not_attempted": len(LEFT),
        "failed": len(FAILED),
        "records": COUNT,
        "extracted": COUNT,
    }
    with writer.begin():
        for into in (RECORDS, CONTACTS):
            writer.exec_driver_sql(FILL.format(count=COUNT, into=into))
        for seqs, state in ((LEFT, 9), (FAILED, 7)):
            here = record.c.seq.in_(seqs)
            writer.execute(update(record).where(here).values(state=state))
        writer.execute(update(books).values(**counts))
    yield stored
    close_writer(writer)


@pytest.fixture
def changed(run):
    """Say how records are, until the test is over."""
    change = run.writer.begin()

    def said(seq, *, cells=None, **values):
        if cells is not None:
            raw = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
            _set(contact, seq, values_json=raw)
        if "contact" in values:
            _set(contact, seq, contact=values.pop("contact"))
        if values:
            _set(record, seq, **values)

    def _set(table, seq, **values):
        run.writer.execute(update(table).where(table.c.seq == seq).values(**values))

    yield said
    change.rollback()


def page(run, text="", **key):
    asked = [record_text(text, STEPS)] if text else []
    wanted = PageKey(**key)
    if run.writer.in_transaction():
        return record_page(run.writer, "run-1", STEPS, wanted, *asked)
    with run.writer.begin():
        return record_page(run.writer, "run-1", STEPS, wanted, *asked)


def seqs(found):
    return [one.seq for one in found.records]


def gone_through(run, *, backwards=False, **key):
    """Return all that is found, and how far each read looked."""
    found: list[int] = []
    reads: list[int] = []
    place = 0 if backwards else None
    while True:
        where = {"before": place} if backwards else {"after": place}
        shown = page(run, **key, **where)
        found += reversed(seqs(shown)) if backwards else seqs(shown)
        if shown.searched_to is None:
            return found, reads
        assert shown.has_before if backwards else shown.has_after
        begun = (place or COUNT + 1) if backwards else (place or 0)
        reads.append(abs(shown.searched_to - begun))
        place = shown.searched_to


@pytest.mark.parametrize("backwards", [False, True])
def test_a_rare_state_without_an_index_is_found_read_by_read(run, backwards):
    found, reads = gone_through(
        run, backwards=backwards, state=RecordState.NOT_ATTEMPTED
    )

    assert sorted(found) == list(LEFT)
    assert found == sorted(found, reverse=backwards)
    assert reads
    assert max(reads) <= MOST_PASSED + 1_000


@pytest.mark.parametrize("backwards", [False, True])
def test_a_rare_text_is_found_read_by_read(run, changed, backwards):
    for seq in (3, 30_000, 58_000):
        changed(seq, cells=["", "Zoë"])
    found, reads = gone_through(run, backwards=backwards, text="zoë")

    assert sorted(found) == [3, 30_000, 58_000]
    assert reads
    assert max(reads) <= MOST_SEARCHED + 1_000


def test_a_page_that_is_full_was_not_searched_any_farther(run):
    found = page(run, state=RecordState.DELIVERED, size=40)

    assert (len(found.records), found.has_after, found.searched_to) == (40, True, None)


def test_the_last_of_a_search_says_that_nothing_follows(run):
    found = page(run, state=RecordState.NOT_ATTEMPTED, after=50_000)

    assert (seqs(found), found.has_after, found.searched_to) == ([59_000], False, None)


def test_a_page_of_many_common_records_is_full(run):
    found = page(run, state=RecordState.DELIVERED, size=40_000)

    assert len(found.records) == 40_000


def test_what_is_passed_over_are_records_and_not_numbers(run, changed):
    run.writer.execute(delete(record).where(record.c.seq.between(100, 58_000)))
    found = page(run, state=RecordState.NOT_ATTEMPTED)

    assert (seqs(found), found.searched_to) == ([5, 59_000], None)


def test_in_a_state_with_an_index_the_text_is_looked_for_in_that_alone(run, changed):
    for seq in (*FAILED, 500):
        changed(seq, cells=["", "Otto"])
    found = page(run, "otto", state=RecordState.FAILED)

    assert (seqs(found), found.searched_to) == (list(FAILED), None)


@pytest.mark.parametrize("key", [{"after": 900}, {"before": 900}, {"before": 0}])
@pytest.mark.parametrize(
    ("text", "state", "index"),
    [
        ("", RecordState.NOT_ATTEMPTED, "PRIMARY KEY"),
        ("ann", None, "PRIMARY KEY"),
        ("ann", RecordState.FAILED, "record_failed"),
    ],
)
def test_a_search_goes_by_key_between_its_bounds(run, changed, text, state, index, key):
    with Plans(run.writer) as plans:
        page(run, text, state=state, **key)

    assert plans.scans == []
    searches = [step for step in plans.steps if step.startswith("SEARCH record ")]
    assert any(f"{index} " in step and "seq>" in step for step in searches)
    # Whoever names the run alone reads all of it.
    assert not any(step.endswith("(run_no=?)") for step in plans.steps)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("555-0100", {"contact": "ann@555-0100.example"}),
        ("ANN@EXAMPLE", {"contact": "ann@example.com"}),
        ("ostrava", {"cells": ["x", "Nová Ostrava"]}),
        ("NOVÁ", {"cells": ["x", "Nová Ostrava"]}),
        ("мир", {"cells": ["МИР"]}),
        ("busy", {"code": "BUSY_line"}),
        ("nachf", {"step": 1}),
        ('"Ann"', {"cells": ['the "Ann"']}),
        ("a\\b", {"cells": ["A\\B"]}),
        ("100%", {"cells": ["100% sure"]}),
        ("a_b", {"cells": ["a_b"]}),
        ("[é*?]", {"cells": ["[É*?]"]}),
        ("a\tb", {"cells": ["a\tb"]}),
        ("🦊", {"cells": ["🦊"]}),
        ("one,two", {"cells": ["one,two"]}),
    ],
)
def test_a_text_is_found_wherever_it_may_stand(run, changed, text, values):
    changed(700, **values)

    assert seqs(page(run, text, after=699, before=None)) == [700]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("o%r", ["over"]),
        ("o_er", ["over"]),
        ("ö_er", ["öber"]),
        ("ö*r", ["öber"]),
        ('","', ["one", "two"]),
        (",", ["one", "two"]),
        ("[", ["one"]),
        ("nice", ["o\nice"]),
        ('x"', ["x\\", "y"]),
        ("u001", ["\x01"]),
        ("\0", ["a\0b"]),
        ("\ud800", ["a"]),
    ],
)
def test_a_text_means_itself_and_stands_within_one_cell(run, changed, text, cells):
    changed(700, cells=cells)

    assert 700 not in seqs(page(run, text, after=699, size=1))


@pytest.mark.parametrize(
    "text",
    [
        "(202) 000-0700",
        "+1 202 000 0700",
        "+1 (0)202 000-0700",
        "001 202.000.0700",
        "202/0000700",
        "12020000700",
    ],
)
def test_a_phone_is_found_however_it_is_typed(run, text):
    assert seqs(page(run, text)) == [700]


@pytest.mark.parametrize("text", ["(07) 00", "order 2020000700", "--", "00000"])
def test_few_digits_and_digits_among_words_are_no_phone(run, text):
    assert seqs(page(run, text, size=1, after=690)) == []


def test_a_text_that_nobody_means_is_refused(run):
    with pytest.raises(ConfigError, match="201 characters"):
        page(run, "x" * (MAX_CHARS + 1))


@pytest.fixture(scope="module")
def memory():
    engine = create_engine("sqlite://", poolclass=StaticPool)
    yield engine
    engine.dispose()


ODD = st.text("aAbBäÄöß%_*?[]^-\\\"' ,", max_size=8)


@given(text=ODD.filter(bool), around=ODD)
def test_a_text_occurs_exactly_where_it_does_whatever_its_case(memory, text, around):
    for held in (around, around + text.swapcase().replace("SS", "ß") + around):
        with memory.connect() as connection:
            found = connection.scalar(select(occurs_in(literal(held), text)))

        assert bool(found) is (text.lower() in held.lower())
