from __future__ import annotations

import json

import pytest
from sqlalchemy import func, insert, select, update
from tests.store.conftest import NOW_MS, Stored, add_a_run, valid

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.masking import PURGED
from watchfloor.domain.regions import History
from watchfloor.store.reads.history import (
    attempt_rows,
    durations_ms,
    history_view,
    people_left,
    purge_facts,
    purges_asked,
    record_rows,
    subject_of,
    upload_users,
)
from watchfloor.store.tables import (
    attempt,
    books,
    contact,
    dedupe,
    record,
    reject,
    resolved,
    result,
    result_count,
    run,
)
from watchfloor.store.writes.audience import AudienceWriter
from watchfloor.store.writes.history import PURGES, Key, add_report, note_archived
from watchfloor.store.writes.resolutions import Settled, add_resolution, add_settled


def add_attempt(stored, seq, number=1, **values):
    row = {
        "run_no": stored.run_no,
        "seq": seq,
        "number": number,
        "step": 0,
        "epoch": 1,
        "ending": "outcome",
        "started_at_ms": NOW_MS,
        "ended_at_ms": NOW_MS + 5,
        "outcome_class": 1,
        "code": "ok",
        "detail": f"said to c{seq}",
        "provider_id": f"p-{seq}",
        "why": "",
    }
    stored.writer.execute(insert(attempt).values({**row, **values}))


def add_result(stored, event_id, seq, **values):
    row = {
        "event_id": event_id,
        "run_no": stored.run_no,
        "seq": seq,
        "kind": "opened",
        "at_ms": NOW_MS,
        "received_at_ms": NOW_MS,
        "state": "applied",
        "key": "k" * 32,
        "provider_id": f"p-{seq}",
        "detail": "from 10.0.0.1",
        "source": "file",
    }
    stored.writer.execute(insert(result).values({**row, **values}))


def add_reject(stored, row_no):
    row = {"kind": "invalid", "reason": "'+1415' is none", "raw": "+1415,Ann"}
    row |= {"run_no": stored.run_no, "row_no": row_no}
    stored.writer.execute(insert(reject).values(row))


def set_run(stored, **values):
    stored.writer.execute(
        update(run).where(run.c.run_no == stored.run_no).values(values)
    )


def count(stored, table):
    query = select(func.count()).select_from(table)
    return stored.writer.scalar(query.where(table.c.run_no == stored.run_no))


def purged(stored, most):
    """Purge all rows in slices; return how many slices each table took."""
    taken = []
    for purge in PURGES:
        after: Key | None = ()
        slices = 0
        while after is not None:
            after = purge(stored.writer, stored.run_no, after, most)
            slices += after is not None
        taken.append(slices)
    return taken


def test_records_come_in_slices_by_key_also_where_numbers_are_missing(stored):
    stored.add(3)
    stored.add(3, first=10)
    with stored.writer.begin():
        first = record_rows(stored.writer, stored.run_no, 0, 4)
        second = record_rows(stored.writer, stored.run_no, first[-1][0], 4)
        last = record_rows(stored.writer, stored.run_no, second[-1][0], 4)

    assert [row[0] for row in first + second] == [1, 2, 3, 10, 11, 12]
    assert first[1] == [2, 2, "c2", 0, 0, 0, None, "", None, NOW_MS, ["c2"]]
    assert last == []


def test_attempts_come_in_slices_by_key_up_to_a_record(stored):
    with stored.writer.begin():
        for seq in (1, 2, 3):
            for number in (1, 2):
                add_attempt(stored, seq, number)
        first = attempt_rows(stored.writer, stored.run_no, (0, 99), 2, 3)
        key = tuple(first[-1][:2])
        second = attempt_rows(stored.writer, stored.run_no, key, 2, 3)

    assert [row[:2] for row in first + second] == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert first[0][7:] == ["p-1", "said to c1", ""]


def add_records(stored, run_no, rows):
    audience = AudienceWriter(stored.writer)
    added, _ = audience.add(stored.writer, run_no, 1, rows)
    audience.accept(stored.writer, run_no, range(1, added + 1), NOW_MS)


def test_half_a_character_and_a_nul_in_a_row_of_the_upload_harm_no_other(stored):
    rows = [
        valid(1, values_json='["\\ud83d", "a\\u0000b"]'),
        valid(2, values_json='["\\ud83d\\ude00"]'),
    ]
    audience = AudienceWriter(stored.writer)
    with stored.writer.begin():
        audience.add(stored.writer, stored.run_no, 1, rows)
        audience.accept(stored.writer, stored.run_no, range(1, 3), NOW_MS)
        found = record_rows(stored.writer, stored.run_no, 0, 10)

    assert [row[-1] for row in found] == [["?", "a\x00b"], ["\U0001f600"]]


def test_only_a_run_whose_history_is_being_created_is_a_subject(stored):
    with stored.writer.begin():
        assert subject_of(stored.writer, "nobody") is None
        assert subject_of(stored.writer, stored.run_id) is None
        set_run(stored, history="creating", columns_json='["id", "\\ud83d"]')
        subject = subject_of(stored.writer, stored.run_id)

    assert subject is not None
    assert subject.steps == ("call",)
    assert subject.columns == ("id", "?")
    assert json.loads(json.dumps(subject.about)) == subject.about


def test_a_view_tells_how_far_a_history_is_and_what_it_says(stored):
    with stored.writer.begin():
        fresh = history_view(stored.writer, stored.run_id)
        stored.writer.execute(update(books).values(records=200))
        set_run(stored, history="creating", hidden=1)
        note_archived(stored.writer, stored.run_no, 86)
        half = history_view(stored.writer, stored.run_id)
        lines = [(0, 1, "ok", NOW_MS, 3, 30), (0, 0, "", NOW_MS, 1, 2)]
        add_report(stored.writer, stored.run_no, lines)
        counts = {"run_no": stored.run_no, "kind": "opened", "records": 7}
        stored.writer.execute(insert(result_count).values(counts))
        set_run(stored, history="created")
        whole = history_view(stored.writer, stored.run_id)

    assert (fresh.state, fresh.share, fresh.told) == (History.NONE, 0.0, {})
    assert (half.archived, half.share, half.is_hidden) == (86, 0.43, True)
    assert whole.share == 1.0
    assert sum(line["attempts"] for line in whole.report) == 4
    assert whole.results == {"opened": 7}


def test_a_history_of_no_run_is_not_found(stored):
    with stored.writer.begin():
        for question in (history_view, purge_facts):
            with pytest.raises(NotFoundError, match="watchfloor runs"):
                question(stored.writer, "nobody")


def test_the_rest_of_the_time_is_nobodys_and_never_less_than_nothing():
    about = {"started_at_ms": 1_000, "ended_at_ms": 11_000}
    spent = {"active_ms": 4_000, "paused_ms": 1_000, "window_ms": 0, "waiting_ms": 0}

    told = durations_ms(about, spent)

    assert (told["total"], told["active"]) == (10_000, 4_000)
    assert told["unaccounted"] == 5_000
    assert durations_ms(about, {"active_ms": 99_000})["unaccounted"] == 0
    never = durations_ms({**about, "started_at_ms": None}, {"active_ms": 0})
    assert never == {"total": 0, "active": 0, "unaccounted": 0}


def look_up(stored, count):
    """Store what a provider said of so many records."""
    number = add_resolution(
        stored.writer,
        Selection(),
        command_id="c-1",
        run_no=stored.run_no,
        at_ms=1,
        by="ann",
        origin="",
        why="",
        word="look-up",
        expected=count,
        state="done",
    )
    said = [
        Settled(seq, 1, 0, "delivered", 1, "x", f"provider id {seq}")
        for seq in range(1, count + 1)
    ]
    add_settled(stored.writer, stored.run_no, number, said, 1)


def test_a_purge_in_slices_leaves_nobody_and_every_count(stored):
    stored.add(7)
    tables = (contact, record, reject, attempt, resolved, result)
    with stored.writer.begin():
        for seq in range(1, 8):
            add_attempt(stored, seq)
            add_attempt(stored, seq, 2)
            add_result(stored, f"e-{seq}", seq)
            add_result(stored, f"f-{seq}", seq)
            add_reject(stored, 100 + seq)
        add_result(stored, "no record", None)
        look_up(stored, 7)
        before = [count(stored, table) for table in tables]
        found = people_left(stored.writer, stored.run_no)
        slices = purged(stored, 3)
        after = [count(stored, table) for table in tables]
        left = people_left(stored.writer, stored.run_no)
        contacts = stored.writer.execute(select(contact)).all()
        ids = set(stored.writer.scalars(select(result.c.event_id)))
        again = purged(stored, 3)

    people = ["contact", "dedupe", "reject", "attempt", "result", "resolved"]
    assert found == people
    assert left == []
    assert before == after
    # Nothing was entered here, nor asked, and no reason was given.
    *of_people, _words, _journal, _commands = slices
    assert min(of_people) >= 3
    assert again[0] == 0
    assert {(one.contact, one.values_json, one.digest) for one in contacts} == {
        (PURGED, "[]", bytes(16))
    }
    assert [one.row_no for one in contacts] == list(range(1, 8))
    assert len(ids) == 15
    assert all(one.startswith("purged-") for one in ids)


def test_a_purge_of_one_run_leaves_every_other_alone(stored):
    stored.add(3)
    with stored.writer.begin():
        other = add_a_run(stored.writer, "run-2")
    Stored(stored.writer, other, "run-2", stored.epoch).add(2)
    with stored.writer.begin():
        add_result(stored, "e-1", 1, run_no=other)
        purged(stored, 2)
        query = select(contact.c.contact).where(contact.c.run_no == other)
        kept = list(stored.writer.scalars(query))
        found = people_left(stored.writer, other)
        keys = stored.writer.scalar(select(func.count()).select_from(dedupe))

    assert kept == ["c1", "c2"]
    assert found == ["contact", "dedupe", "result"]
    assert keys == 2


def test_an_upload_that_another_run_uses_is_known(stored):
    with stored.writer.begin():
        upload = purge_facts(stored.writer, stored.run_id).upload_id
        assert upload_users(stored.writer, upload, but=stored.run_id) == []
        add_a_run(stored.writer, "run-2", upload_id=upload)
        shared = upload_users(stored.writer, upload, but=stored.run_id)
        set_run(stored, purge="asked")
        asked = purges_asked(stored.writer)

    assert shared == ["run-2"]
    assert asked == ["run-1"]
