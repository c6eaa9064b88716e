from __future__ import annotations

import pytest

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.reads.cohorts import count_of, seqs_of

INTO_RECORD = """
INSERT INTO record (run_no, seq, state, step, outcome_class, code, updated_at_ms)
VALUES (1, ?, ?, ?, ?, ?, 0)
"""
INTO_CONTACT = """
INSERT INTO contact (run_no, seq, row_no, contact, digest, values_json)
VALUES (1, ?, ?, ?, zeroblob(16), '[]')
"""
FAILED, UNKNOWN = RecordState.FAILED, RecordState.UNKNOWN
TRANSIENT, PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT
RECORDS = (
    (FAILED, 0, TRANSIENT, "busy", "ann@example.org"),
    (FAILED, 0, TRANSIENT, "http_503", "bob@Example.org"),
    (FAILED, 0, PERMANENT, "http_404", "cy@badexample.org"),
    (UNKNOWN, 0, OutcomeClass.AMBIGUOUS, "reset", "+491701234567"),
    (UNKNOWN, 0, OutcomeClass.AMBIGUOUS, "reset", "+491711234567"),
    (RecordState.DELIVERED, 0, OutcomeClass.DELIVERED, "http_200", "dee@a_c.example"),
    (FAILED, 0, TRANSIENT, "busy", "eve@abc.example"),
)


@pytest.fixture
def run(stored):
    with stored.writer.begin():
        for seq, (state, step, klass, code, contact) in enumerate(RECORDS, 1):
            values = (seq, int(state), step, int(klass), code)
            stored.writer.exec_driver_sql(INTO_RECORD, values)
            stored.writer.exec_driver_sql(INTO_CONTACT, (seq, seq, contact))
    return stored


def of(*values):
    return frozenset(values)


@pytest.mark.parametrize(
    ("selection", "seqs"),
    [
        (Selection(), [1, 2, 3, 4, 5, 6, 7]),
        (Selection(states=of(FAILED)), [1, 2, 3, 7]),
        (Selection(states=of(FAILED, UNKNOWN), classes=of(TRANSIENT)), [1, 2, 7]),
        (Selection(codes=of("busy", "reset")), [1, 4, 5, 7]),
        (Selection(origins=of("example.org")), [1, 2]),
        (Selection(origins=of("a_c.example")), [6]),
        (Selection(origins=of("+49170")), [4]),
        (Selection(origins=of("+49170", "example.org"), codes=of("busy")), [1]),
        (Selection(origins=of("")), []),
        (Selection(steps=of("call")), [1, 2, 3, 4, 5, 6, 7]),
        (Selection(steps=of("text")), []),
        (Selection(seqs=of(7, 2, 99)), [2, 7]),
    ],
)
def test_a_selection_selects_what_has_all_of_it_in_common(run, selection, seqs):
    with run.writer.begin():
        assert seqs_of(run.writer, "run-1", selection) == seqs
        assert count_of(run.writer, "run-1", selection) == len(seqs)


def test_a_selection_of_no_run_says_so(run):
    with run.writer.begin(), pytest.raises(NotFoundError):
        count_of(run.writer, "run-9", Selection())
