from __future__ import annotations

import pytest
from sqlalchemy import update
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.failing import Failing, FailureGroup, Failures
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.reads.failures import (
    MOST_GROUPS,
    MOST_LOOKED_AT,
    failing_of,
    failures,
    worst_of,
)
from watchfloor.store.reads.runs import run_view
from watchfloor.store.tables import books, run

FAILED, UNKNOWN, RETRY = (
    RecordState.FAILED,
    RecordState.UNKNOWN,
    RecordState.RETRY,
)
PERMANENT = OutcomeClass.PERMANENT

FILL = """
WITH RECURSIVE n(seq) AS (SELECT ? UNION ALL SELECT seq + 1 FROM n WHERE seq < ?)
INSERT INTO record (run_no, seq, state, step, outcome_class, code, updated_at_ms)
SELECT ?, seq, ?, ?, ?, ?, ? FROM n
"""


class Filled:
    """A run of two steps whose records end as they are told to."""

    def __init__(self, stored):
        self._stored = stored
        self.writer = stored.writer
        self._next = 1
        steps = '[["call", "simulator", "idempotent"], ["text", "smtp", "idempotent"]]'
        with stored.writer.begin():
            stored.writer.execute(update(run).values(steps_json=steps))

    def add(self, count, state, *, outcome=None, code="", step=0, run_no=1):
        first, last = self._next, self._next + count - 1
        self._next += count
        writer = self._stored.writer
        told = (run_no, int(state), step, outcome and int(outcome), code, NOW_MS)
        more = {state.word: books.c[state.word] + count}
        with writer.begin():
            writer.exec_driver_sql(FILL, (first, last, *told))
            here = books.c.run_no == run_no
            writer.execute(update(books).where(here).values(**more))

    def failures(self, run_id="run-1"):
        with self._stored.writer.begin():
            return failures(self._stored.writer, run_id)


@pytest.fixture
def filled(stored):
    return Filled(stored)


def test_records_are_grouped_by_why_the_largest_group_first(filled):
    filled.add(2, FAILED, outcome=PERMANENT, code="busy")
    filled.add(5, FAILED, outcome=PERMANENT, code="busy", step=1)
    filled.add(1, FAILED, outcome=OutcomeClass.TRANSIENT, code="busy")
    filled.add(3, UNKNOWN, outcome=OutcomeClass.AMBIGUOUS, code="no_reply")
    filled.add(4, RETRY, outcome=OutcomeClass.TRANSIENT, code="timeout")
    filled.add(1, UNKNOWN)

    assert filled.failures() == Failures(
        groups=(
            FailureGroup(FAILED, PERMANENT, "busy", "text", 5, 7),
            FailureGroup(RETRY, OutcomeClass.TRANSIENT, "timeout", "call", 4, 15),
            FailureGroup(UNKNOWN, OutcomeClass.AMBIGUOUS, "no_reply", "call", 3, 11),
            FailureGroup(FAILED, PERMANENT, "busy", "call", 2, 2),
            FailureGroup(FAILED, OutcomeClass.TRANSIENT, "busy", "call", 1, 8),
            FailureGroup(UNKNOWN, None, "", "call", 1, 16),
        ),
        looked_at=16,
        of=16,
    )


def test_records_of_other_states_and_other_runs_are_none_of_it(filled, stored):
    with stored.writer.begin():
        second = add_a_run(stored.writer, "run-2")
    for state in RecordState:
        filled.add(1, state, run_no=second)

    assert filled.failures() == Failures()
    assert {one.state for one in filled.failures("run-2").groups} == {
        FAILED,
        UNKNOWN,
        RETRY,
    }


def test_of_very_many_the_last_are_looked_at_and_it_is_said(filled):
    filled.add(500, FAILED, outcome=PERMANENT, code="early")
    filled.add(MOST_LOOKED_AT, FAILED, outcome=PERMANENT, code="late")
    found = filled.failures()

    assert [(one.code, one.records) for one in found.groups] == [
        ("late", MOST_LOOKED_AT)
    ]
    assert (found.looked_at, found.of) == (MOST_LOOKED_AT, MOST_LOOKED_AT + 500)


def test_a_provider_that_makes_up_a_code_for_everybody_makes_no_endless_list(filled):
    for number in range(MOST_GROUPS + 5):
        filled.add(1, FAILED, outcome=PERMANENT, code=f"ref {number}")
    filled.add(2, FAILED, outcome=PERMANENT, code="busy")
    found = filled.failures()

    assert len(found.groups) == MOST_GROUPS
    assert found.groups[0].code == "busy"
    assert found.looked_at == MOST_GROUPS + 7


def test_a_run_that_is_not_there_is_named(filled):
    with pytest.raises(NotFoundError, match="'run-9'"):
        filled.failures("run-9")


TO_CONTACT = """
INSERT INTO contact (run_no, seq, row_no, contact, digest, values_json)
SELECT run_no, seq, seq, CASE WHEN seq % ? = 0 THEN ? ELSE ? END, zeroblob(16), '[]'
FROM record
"""


@pytest.mark.parametrize(
    ("every", "said"),
    [
        (100, "transient 421 at step text from example.org, 40 records"),
        (4, "transient 421 at step text, 40 records"),
    ],
)
def test_what_stands_out_names_the_one_place_it_comes_from(filled, every, said):
    filled.add(10, FAILED, outcome=PERMANENT, code="no_such_contact")
    filled.add(40, RETRY, outcome=OutcomeClass.TRANSIENT, code="421", step=1)
    with filled.writer.begin():
        contacts = (every, "+491701234567", "ann@Example.org")
        filled.writer.exec_driver_sql(TO_CONTACT, contacts)
        view = run_view(filled.writer, "run-1")

        assert worst_of(filled.writer, view) == said


def test_most_of_what_was_tried_fails_and_the_place_it_comes_from_is_named(filled):
    filled.add(30, RecordState.DELIVERED, outcome=OutcomeClass.DELIVERED)
    filled.add(40, RETRY, outcome=OutcomeClass.TRANSIENT, code="421", step=1)
    with filled.writer.begin():
        contacts = (100, "+491701234567", "ann@Example.org")
        filled.writer.exec_driver_sql(TO_CONTACT, contacts)
        view = run_view(filled.writer, "run-1")

        assert failing_of(filled.writer, view) == Failing(
            40, 70, "transient 421 from example.org"
        )


def test_of_a_run_that_mostly_arrives_no_row_is_read(filled):
    filled.add(60, RecordState.DELIVERED, outcome=OutcomeClass.DELIVERED)
    filled.add(40, FAILED, outcome=PERMANENT, code="no_such_contact")
    with filled.writer.begin():
        view = run_view(filled.writer, "run-1")
        filled.writer.exec_driver_sql("DROP TABLE record")

        assert failing_of(filled.writer, view) is None


def test_of_few_records_no_place_is_named(filled):
    filled.add(4, RETRY, outcome=OutcomeClass.TRANSIENT, code="421")
    with filled.writer.begin():
        filled.writer.exec_driver_sql(TO_CONTACT, (9, "", "ann@example.org"))
        view = run_view(filled.writer, "run-1")

        assert worst_of(filled.writer, view) == "transient 421, 4 records"
