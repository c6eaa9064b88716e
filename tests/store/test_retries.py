from __future__ import annotations

import pytest
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.domain.recovery import counted
from watchfloor.store.reads.retries import (
    child_taking_up,
    origin_record,
    retry_groups,
    retry_parent,
    taken_up_by,
)
from watchfloor.store.reads.retryable import retried_run
from watchfloor.store.writes.retries import cohort_slice, freeze, take_up

INTO_RECORD = """
INSERT INTO record (run_no, seq, state, step, generation, earlier, doubts, attempts,
                    outcome_class, code, updated_at_ms)
VALUES (?, ?, ?, 0, ?, 6, ?, 1, ?, ?, 0)
"""
INTO_CONTACT = """
INSERT INTO contact (run_no, seq, row_no, contact, digest, values_json)
VALUES (?, ?, ?, ?, ?, ?)
"""
SUPPRESS = """
INSERT INTO suppression (digest, kind, reason, source, by, at_ms)
VALUES (?, 'email', 'why', 'test', 'nora', 0)
"""
FAILED, UNKNOWN = RecordState.FAILED, RecordState.UNKNOWN
TRANSIENT, PERMANENT = OutcomeClass.TRANSIENT, OutcomeClass.PERMANENT


def digest(seq):
    return seq.to_bytes(16, "big")


def add(stored, seq, state=FAILED, outcome=TRANSIENT, code="busy", **others):
    run_no = others.get("run_no", stored.run_no)
    contact = others.get("contact", f"p{seq}@a.example")
    values = (run_no, seq, int(state), seq % 3, int(state is UNKNOWN), int(outcome))
    stored.writer.exec_driver_sql(INTO_RECORD, (*values, code))
    row = (run_no, seq, seq + 1, contact, digest(seq), f'["{seq}"]')
    stored.writer.exec_driver_sql(INTO_CONTACT, row)


def frozen(stored, child, *, with_unknown=False, selection=None):
    selection = selection or Selection()
    groups = retry_groups(stored.writer, stored.run_id, selection)
    return freeze(
        stored.writer,
        child,
        retried_run(stored.writer, stored.run_no),
        selection,
        with_unknown=with_unknown,
        records=counted(groups, with_unknown=with_unknown).retried,
    )


def cohort_of(stored, child):
    words = "SELECT seq, parent_seq, was FROM cohort WHERE run_no = ? ORDER BY seq"
    return stored.writer.exec_driver_sql(words, (child,)).all()


def test_only_what_is_counted_as_retried_is_frozen(stored):
    with stored.writer.begin():
        add(stored, 1)
        add(stored, 2, outcome=PERMANENT)
        add(stored, 3, UNKNOWN, OutcomeClass.AMBIGUOUS)
        add(stored, 4, RecordState.DELIVERED, OutcomeClass.DELIVERED)
        add(stored, 5)
        stored.writer.exec_driver_sql(SUPPRESS, (digest(5),))
        child = add_a_run(stored.writer, "child", cohort=1)

        assert frozen(stored, child) == 1
        assert cohort_of(stored, child) == [(1, 1, FAILED)]


def test_the_first_ones_are_of_every_kind(stored):
    with stored.writer.begin():
        for seq in range(1, 401):
            code = "busy" if seq <= 390 else "timeout"
            add(stored, seq, code=code, contact=f"p@d{seq % 2}.example")
        child = add_a_run(stored.writer, "child", cohort=400)
        assert frozen(stored, child) == 400
        rows = cohort_of(stored, child)

    first = [seq for _, seq, _ in rows[:4]]
    # Two codes from two domains, the largest kinds first.
    assert first == [1, 2, 391, 392]
    assert [seq for seq, _, _ in rows] == list(range(1, 401))
    assert sorted(seq for _, seq, _ in rows) == list(range(1, 401))
    rest = [seq for _, seq, _ in rows[115:]]
    assert rest == sorted(rest)


def test_a_record_taken_up_keeps_what_decides_about_its_key_and_body(stored):
    with stored.writer.begin():
        add(stored, 1)
        add(stored, 2, UNKNOWN, OutcomeClass.AMBIGUOUS)
        child = add_a_run(stored.writer, "child", cohort=2)
        assert frozen(stored, child, with_unknown=True) == 2
        taken = cohort_slice(stored.writer, child, 0, 10)
        added = take_up(stored.writer, child, range(1, 3), [], NOW_MS)
        words = """
            SELECT r.parent_seq, n.state, n.step, n.generation, n.earlier, n.doubts,
                   n.attempts, c.row_no, c.digest, c.values_json
            FROM cohort AS r JOIN record AS n ON n.run_no = r.run_no AND n.seq = r.seq
            JOIN contact AS c ON c.run_no = r.run_no AND c.seq = r.seq
            WHERE r.run_no = ? ORDER BY r.parent_seq
        """
        rows = stored.writer.exec_driver_sql(words, (child,)).all()

    assert added == len(taken) == 2
    assert [row[:7] for row in rows] == [(1, 0, 0, 1, 6, 0, 0), (2, 0, 0, 2, 6, 1, 0)]
    assert [row[8:] for row in rows] == [(digest(1), '["1"]'), (digest(2), '["2"]')]


def test_what_is_left_out_becomes_no_record(stored):
    with stored.writer.begin():
        for seq in (1, 2, 3):
            add(stored, seq)
        child = add_a_run(stored.writer, "child", cohort=3)
        frozen(stored, child)
        assert take_up(stored.writer, child, range(1, 4), [2], NOW_MS) == 2
        words = "SELECT seq FROM record WHERE run_no = ? ORDER BY seq"
        seqs = stored.writer.exec_driver_sql(words, (child,)).scalars().all()

    assert seqs == [1, 3]


@pytest.mark.parametrize(
    ("phase", "state", "attempts", "is_taken"),
    [
        ("queued", RecordState.PENDING, 0, True),
        ("running", RecordState.RETRY, 1, True),
        ("ended", RecordState.FAILED, 1, True),
        ("ended", RecordState.UNKNOWN, 1, True),
        ("ended", RecordState.NOT_ATTEMPTED, 0, False),
        ("ended", RecordState.NOT_ATTEMPTED, 1, False),
        ("ended", RecordState.DELIVERED, 1, True),
        # An earlier step's; this one was not tried.
        ("ended", RecordState.DELIVERED, 0, False),
    ],
)
def test_a_record_is_the_youngest_run_s_unless_that_ended_before_it_came_to_it(
    stored, phase, state, attempts, is_taken
):
    with stored.writer.begin():
        add(stored, 1)
        child = add_a_run(stored.writer, "child", cohort=1, phase=phase)
        frozen(stored, child)
        take_up(stored.writer, child, range(1, 2), [], NOW_MS)
        words = "UPDATE record SET state = ?, attempts = ? WHERE run_no = ?"
        stored.writer.exec_driver_sql(words, (int(state), attempts, child))
        groups = retry_groups(stored.writer, stored.run_id, Selection())

    assert [one.taken_by for one in groups] == (["child"] if is_taken else [""])
    assert taken_up_by(stored.writer, stored.run_id, 1) == ("child" if is_taken else "")


def test_a_retry_s_record_names_the_one_it_was(stored):
    with stored.writer.begin():
        add(stored, 7)
        child = add_a_run(stored.writer, "child", cohort=1)
        frozen(stored, child)

    assert origin_record(stored.writer, "child", 1) == (stored.run_id, 7)
    assert origin_record(stored.writer, stored.run_id, 7) == ("", 0)


def test_the_digest_sees_that_a_record_was_resent_by_hand(stored):
    with stored.writer.begin():
        add(stored, 1)
    before = counted(
        retry_groups(stored.writer, stored.run_id, Selection()), with_unknown=False
    )
    stored.writer.rollback()
    with stored.writer.begin():
        stored.writer.exec_driver_sql("UPDATE record SET generation = generation + 1")
        after = counted(
            retry_groups(stored.writer, stored.run_id, Selection()), with_unknown=False
        )

    assert before.retried == after.retried == 1
    assert before.digest != after.digest


def test_a_parent_knows_its_family_s_retries(stored):
    with stored.writer.begin():
        family = {"family_id": stored.run_id, "parent_id": stored.run_id}
        add_a_run(stored.writer, "one", cohort=1, retry_generation=1, **family)
        add_a_run(stored.writer, "two", cohort=1, intake="done", **family)
        add_a_run(stored.writer, "fix", **family)

    assert retry_parent(stored.writer, stored.run_id).retries == 2
    assert retry_parent(stored.writer, "one").generation == 1
    assert child_taking_up(stored.writer, stored.run_id) == "one"
    assert child_taking_up(stored.writer, "one") == ""
    with pytest.raises(NotFoundError):
        retry_parent(stored.writer, "none")
