from __future__ import annotations

import json

import pytest
from sqlalchemy import update
from tests.store.conftest import NOW_MS

from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.lens import EVERY, Dimension
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.engine.lensing import lens_reads
from watchfloor.store.reads.lens import SLICE, failure_counts, lens_slice
from watchfloor.store.tables import books, cohort, record, run

FAILED, UNKNOWN, RETRY = RecordState.FAILED, RecordState.UNKNOWN, RecordState.RETRY
TRANSIENT, PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT

INTO_RECORD = """
INSERT INTO record (run_no, seq, state, step, outcome_class, code, updated_at_ms)
VALUES (1, ?, ?, ?, ?, ?, ?)
"""
INTO_CONTACT = """
INSERT INTO contact (run_no, seq, row_no, contact, digest, values_json)
VALUES (1, ?, ?, ?, zeroblob(16), '[]')
"""


class Filled:
    """A run of two steps whose records end as they are told to."""

    def __init__(self, stored):
        self.writer = stored.writer
        self._next = 1
        steps = json.dumps(
            [["call", "simulator", "idempotent"], ["text", "smtp", "at_most_once"]]
        )
        with self.writer.begin():
            self.writer.execute(update(run).values(steps_json=steps))

    def add(self, state, klass, code, contact, *, step=0, count=1):
        for seq in range(self._next, self._next + count):
            values = (seq, int(state), step, klass and int(klass), code, NOW_MS + seq)
            with self.writer.begin():
                self.writer.exec_driver_sql(INTO_RECORD, values)
                self.writer.exec_driver_sql(INTO_CONTACT, (seq, seq, contact))
        self._next += count
        with self.writer.begin():
            more = {state.word: books.c[state.word] + count}
            self.writer.execute(update(books).values(**more))

    def slice(self, state=FAILED, below=None, by=EVERY, size=SLICE):
        with self.writer.begin():
            return lens_slice(self.writer, "run-1", state, below, by, size)

    def lens(self, by=EVERY, states=frozenset(), most=None):
        reads = lens_reads("run-1", by, states, most)
        question = next(reads)
        while True:
            with self.writer.begin():
                told = question(self.writer)
            try:
                question = reads.send(told)
            except StopIteration as ended:
                return ended.value


@pytest.fixture
def filled(stored):
    made = Filled(stored)
    made.add(FAILED, TRANSIENT, "busy", "ann@Example.org", count=3)
    made.add(FAILED, PERMANENT, "gone", "bob@example.org")
    made.add(FAILED, TRANSIENT, "busy", "+491701234567", step=1, count=2)
    made.add(UNKNOWN, OutcomeClass.AMBIGUOUS, "reset", "id-17")
    made.add(RETRY, TRANSIENT, "busy", "cy@b.example")
    made.add(RecordState.DELIVERED, OutcomeClass.DELIVERED, "ok", "dee@b.example")
    return made


def keys(lens):
    return [(one.key, one.records) for one in lens.groups]


def test_what_failed_is_grouped_by_class_code_origin_and_step(filled):
    assert keys(filled.lens()) == [
        (("transient", "busy", "example.org", "call"), 3),
        (("transient", "busy", "+49170", "text"), 2),
        (("ambiguous", "reset", "", "call"), 1),
        (("permanent", "gone", "example.org", "call"), 1),
        (("transient", "busy", "b.example", "call"), 1),
    ]


def test_a_group_tells_its_times_and_its_newest_record(filled):
    largest = filled.lens().groups[0]

    assert largest.example_seq == 3
    assert (largest.first_at_ms, largest.last_at_ms) == (NOW_MS + 1, NOW_MS + 3)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ((Dimension.CODE,), [("busy", 6), ("gone", 1), ("reset", 1)]),
        (
            (Dimension.ORIGIN,),
            [("example.org", 4), ("+49170", 2), ("", 1), ("b.example", 1)],
        ),
        ((Dimension.STEP,), [("call", 6), ("text", 2)]),
        ((Dimension.CLASS,), [("transient", 6), ("ambiguous", 1), ("permanent", 1)]),
    ],
)
def test_fewer_dimensions_add_up_to_the_same_records(filled, by, groups):
    lens = filled.lens(by)

    assert [("".join(one.key), one.records) for one in lens.groups] == groups
    assert lens.looked_at == lens.of == 8


def test_one_state_alone_can_be_looked_at(filled):
    lens = filled.lens(states=frozenset((UNKNOWN,)))

    assert keys(lens) == [(("ambiguous", "reset", "", "call"), 1)]
    assert lens.of == 1


@pytest.mark.parametrize("size", [1, 2, 4, 6, 7])
def test_slices_of_any_size_look_at_every_record_once(filled, size):
    seen = []
    below, is_left = None, True
    while is_left:
        part = filled.slice(below=below, size=size)
        seen += [(one.code, one.step, one.records) for one in part.found]
        below, is_left = part.below, part.below is not None

    assert sum(records for *_, records in seen) == 6
    assert sum(n for code, step, n in seen if (code, step) == ("busy", "call")) == 3


def test_the_newest_are_looked_at_where_there_are_too_many(filled):
    lens = filled.lens(states=frozenset((FAILED,)), most=2)

    assert keys(lens) == [(("transient", "busy", "+49170", "text"), 2)]
    assert (lens.looked_at, lens.of) == (2, 6)
    assert not lens.is_whole


def test_what_a_child_run_has_is_told_apart(filled):
    with filled.writer.begin():
        filled.writer.execute(
            cohort.insert().values(
                run_no=1, seq=1, parent_no=1, parent_seq=2, was=int(FAILED)
            )
        )

    largest = filled.lens().groups[0]

    assert (largest.retryable, largest.retried) == (2, 1)


def test_a_record_that_changes_between_two_slices_is_not_looked_at_twice(filled):
    first = filled.slice(size=3)
    with filled.writer.begin():
        gone = update(record).where(record.c.seq == 6).values(state=int(UNKNOWN))
        filled.writer.execute(gone)

    second = filled.slice(below=first.below, size=3)

    assert sum(one.records for one in (*first.found, *second.found)) == 6


def test_a_lens_over_a_run_that_is_not_there_says_so(filled):
    with filled.writer.begin(), pytest.raises(NotFoundError):
        failure_counts(filled.writer, "run-9")
    with filled.writer.begin(), pytest.raises(NotFoundError):
        lens_slice(filled.writer, "run-9", FAILED, None, EVERY)
