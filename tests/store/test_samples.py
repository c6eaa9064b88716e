from __future__ import annotations

import pytest
from sqlalchemy import text
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.outcomes import OutcomeClass
from watchfloor.domain.records import RecordState
from watchfloor.store.reads import neighbours, samples
from watchfloor.store.reads.healthy import healthy_share
from watchfloor.store.reads.runs import run_number

INTO_ATTEMPT = """
INSERT INTO attempt (run_no, seq, number, step, epoch, ending, started_at_ms,
  ended_at_ms, outcome_class, code, detail, provider_id, why)
VALUES (:run, :seq, :number, 0, 1, 'outcome', 10, 90, :class, :code, '', '', '')
"""


def execute(stored, sql, **values):
    with stored.writer.begin():
        stored.writer.execute(text(sql), values)


def read(stored, question, *args, **kwargs):
    with stored.writer.begin():
        return question(stored.writer, *args, **kwargs)


def attempted(stored, seq, number, outcome, code, run=1):
    execute(
        stored,
        INTO_ATTEMPT,
        run=run,
        seq=seq,
        number=number,
        **{"class": int(outcome), "code": code},
    )


def test_a_short_run_is_looked_at_whole_and_a_long_one_in_slices(stored):
    assert read(stored, samples.strewn, stored.run_no) == []
    stored.add(1_500)
    assert read(stored, samples.strewn, stored.run_no) == [(1, 1_500)]
    stored.add(8_500, first=1_501)
    slices = read(stored, samples.strewn, stored.run_no)
    assert len(slices) == samples.SLICES
    assert slices[0] == (1, samples.SLICE)
    assert slices[-1] == (9_851, 10_000)
    assert len(read(stored, samples.records_in, stored.run_no, slices)) == 1_500


def test_the_newest_stand_below_the_frontier(stored):
    stored.add(3_000)
    execute(stored, "UPDATE books SET pending = 3000")
    assert read(stored, samples.newest, stored.run_no) == []
    execute(stored, "UPDATE books SET frontier = 2000")
    assert read(stored, samples.newest, stored.run_no) == [(1_001, 2_000)]
    execute(stored, "UPDATE books SET frontier = 3000, pending = 0")
    assert read(stored, samples.newest, stored.run_no) == [(2_001, 3_000)]


def test_attempts_come_in_the_order_of_their_records(stored):
    stored.add(5)
    attempted(stored, 4, 1, OutcomeClass.DELIVERED, "http_200")
    attempted(stored, 2, 2, OutcomeClass.DELIVERED, "http_200")
    attempted(stored, 2, 1, OutcomeClass.TRANSIENT, "busy")
    found = read(stored, samples.attempts_in, stored.run_no, [(1, 3)])
    assert [(one.seq, one.number, one.code) for one in found] == [
        (2, 1, "busy"),
        (2, 2, "http_200"),
    ]
    assert found[0].outcome_class is OutcomeClass.TRANSIENT


def test_rejects_of_both_ends_are_looked_at_once_each(stored):
    for row in range(1, 11):
        execute(
            stored,
            "INSERT INTO reject VALUES (1, :row, 'invalid', 'why', 'raw')",
            row=row,
        )
    assert len(read(stored, samples.rejects_at_the_ends, stored.run_no, 4)) == 4
    assert len(read(stored, samples.rejects_at_the_ends, stored.run_no, 40)) == 10


def test_contacts_that_another_run_has_too_are_found(stored):
    stored.add(5)
    digests = [f"c{n}".encode().ljust(16, b"\0") for n in (2, 3, 9)]
    found = read(stored, samples.shared_with, stored.run_no, digests)
    assert sorted(found) == digests[:2]


def test_what_another_run_delivered_is_counted_unless_it_was_sent_again(stored):
    stored.add(5)
    state = int(RecordState.DELIVERED)
    execute(stored, "UPDATE record SET state = :state WHERE seq IN (2, 3)", state=state)
    digests = [f"c{n}".encode().ljust(16, b"\0") for n in (1, 2, 3)]
    assert read(stored, samples.delivered_by, stored.run_no, digests) == 2
    execute(stored, "UPDATE record SET generation = 1 WHERE seq = 3")
    assert read(stored, samples.delivered_by, stored.run_no, digests) == 1


def test_earlier_healthy_runs_tell_what_share_failed_for_now(stored):
    assert read(stored, healthy_share, stored.run_no) is None
    with stored.writer.begin():
        for name in ("sick", "retry", "asked", "later"):
            add_a_run(stored.writer, name)
    execute(stored, "UPDATE run SET outcome = 'completed' WHERE run_id <> 'asked'")
    execute(stored, "UPDATE run SET cohort = 50 WHERE run_id = 'retry'")
    asked = read(stored, run_number, "asked")
    assert read(stored, healthy_share, asked) is None
    shares = {"run-1": (94, 4, 2), "sick": (60, 30, 10), "retry": (99, 1, 0)}
    for name, counts in {**shares, "later": (100, 0, 0)}.items():
        for outcome, count in zip((1, 2, 4), counts, strict=True):
            execute(
                stored,
                "INSERT INTO report VALUES (:run, 0, :class, 'x', 0, :count, 0)",
                **{
                    "run": read(stored, run_number, name),
                    "class": outcome,
                    "count": count,
                },
            )
    # Neither the sick parent nor a retry of it, nor what ran later.
    assert read(stored, healthy_share, asked) == pytest.approx(0.06)


def test_runs_beside_are_live_or_ended_lately_and_never_of_the_family(stored):
    def beside(after_ms: int = 0):
        found = read(
            stored, neighbours.runs_beside, stored.run_id, ended_after_ms=after_ms
        )
        return [(one.run.run_id, one.same_campaign, one.same_upload) for one in found]

    with stored.writer.begin():
        add_a_run(stored.writer, "child", family_id="run-1", parent_id="run-1")
        add_a_run(stored.writer, "other", campaign_id="other")
        add_a_run(stored.writer, "same")
        add_a_run(stored.writer, "file", campaign_id="third")
        add_a_run(
            stored.writer,
            "over",
            phase="ended",
            launch_id="l",
            ended_at_ms=NOW_MS,
        )
        add_a_run(stored.writer, "void", phase="ended", ended_at_ms=NOW_MS)
    assert beside() == [("over", True, False), ("same", True, False)]
    assert beside(NOW_MS) == [("same", True, False)]
    execute(
        stored,
        "UPDATE upload SET sha256 = 'x' WHERE upload_id IN ('u-run-1', 'u-file')",
    )
    assert ("file", False, True) in beside()
    family = read(stored, neighbours.relatives, stored.run_id)
    assert [one.run_id for _, one in family] == ["child"]
    assert read(stored, neighbours.upload_sha256, "u-run-1") == "x"
    assert read(stored, neighbours.upload_sha256, "none") == ""


def test_the_run_whose_upload_is_read_is_named_while_it_lives(stored):
    with stored.writer.begin():
        add_a_run(stored.writer, "waits", intake="pending")
        add_a_run(stored.writer, "failed", phase="ended", intake="extracting")
    assert read(stored, neighbours.run_being_read) == ""

    with stored.writer.begin():
        add_a_run(stored.writer, "reads", intake="filtering")
    assert read(stored, neighbours.run_being_read) == "reads"
