from __future__ import annotations

import random

import pytest
from sqlalchemy import insert, update
from tests.store.conftest import NOW_MS, add_a_run

from watchfloor.domain.identity import contact_digest, dedupe_key
from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import Results
from watchfloor.domain.results import ResultEvent, ResultKind
from watchfloor.store.reads import results as reads
from watchfloor.store.reads import rows, suppression
from watchfloor.store.reads.rows import (
    Found,
    records_by_key,
    records_by_provider,
    seq_of_row,
)
from watchfloor.store.tables import attempt, contact, dedupe, record
from watchfloor.store.writes import results as writes
from watchfloor.store.writes.results import Placed
from watchfloor.store.writes.suppression import Suppressed
from watchfloor.store.writes.suppression import add as add_suppressed

STEPS = '[["call", "simulator", "idempotent"], ["text", "simulator", "idempotent"]]'


def launched(writer, run_id, **values):
    """Store a launched run without records; return its number."""
    with writer.begin():
        given = {"launch_id": f"l-{run_id}", "steps_json": STEPS, **values}
        return add_a_run(writer, run_id, **given)


def add_records(writer, run_no, places, *, attempts=1, prefix="c"):
    """Store a record for each (seq, row_no), of a contact named by its row."""
    with writer.begin():
        for seq, row_no in places:
            digest = digest_of(f"{prefix}{row_no}")
            writer.execute(
                insert(contact).values(
                    run_no=run_no,
                    seq=seq,
                    row_no=row_no,
                    contact=f"{prefix}{row_no}",
                    digest=digest,
                    values_json="[]",
                )
            )
            writer.execute(
                insert(dedupe).values(run_no=run_no, digest=digest, row_no=row_no)
            )
            writer.execute(
                insert(record).values(
                    run_no=run_no,
                    seq=seq,
                    state=int(RecordState.DELIVERED),
                    attempts=attempts,
                    updated_at_ms=NOW_MS,
                )
            )


def add_attempt(writer, run_no, seq, provider_id, number=1, step=0):
    with writer.begin():
        writer.execute(
            insert(attempt).values(
                run_no=run_no,
                seq=seq,
                number=number,
                step=step,
                epoch=1,
                ending="outcome",
                started_at_ms=NOW_MS,
                ended_at_ms=NOW_MS,
                outcome_class=1,
                code="",
                detail="",
                provider_id=provider_id,
                why="",
            )
        )


def digest_of(name):
    return contact_digest("id", name)


def key_of(family, name, step="call"):
    return dedupe_key(family, step, digest_of(name), 0)


def by_key(writer, *keys, thorough=False):
    return records_by_key(writer, keys, thorough=thorough)


def event(number, kind=ResultKind.DELIVERED, **values):
    given = {"event_id": f"e{number}", "kind": kind, "at_ms": NOW_MS, "key": "k"}
    return ResultEvent(**{**given, **values})


def applied(number, run_no, seq, kind=ResultKind.DELIVERED):
    return Placed(event(number, kind), "applied", run_no, seq, 0)


def test_a_row_finds_the_record_it_became_whatever_is_missing_between(writer):
    number = launched(writer, "run-1")
    chance = random.Random(4)  # noqa: S311 - replayable
    row_nos = sorted(chance.sample(range(1, 3_000), 300))
    seqs = sorted(chance.sample(range(1, 301), 40))
    # seq <= row_no, both rising, with gaps in both.
    places = [(seq, row_nos[seq - 1]) for seq in seqs]
    add_records(writer, number, places)
    known = {row_no: seq for seq, row_no in places}

    for row_no in range(1, 3_001):
        assert seq_of_row(writer, number, row_no) == known.get(row_no)


def test_a_row_of_a_run_without_records_became_none(writer):
    number = launched(writer, "run-1")

    assert seq_of_row(writer, number, 1) is None
    assert seq_of_row(writer, 999, 1) is None


def test_a_key_finds_its_record_and_step(writer):
    number = launched(writer, "run-1")
    add_records(writer, number, [(1, 1), (2, 5), (4, 9)])
    wanted = [key_of("run-1", "c5"), key_of("run-1", "c9", "text")]

    found = by_key(writer, *wanted, key_of("run-1", "c77"))

    assert found == {
        wanted[0]: Found(number, 2, 0, digest_of("c5")),
        wanted[1]: Found(number, 4, 1, digest_of("c9")),
    }


@pytest.mark.parametrize(
    "key",
    ["", "x" * 32, "ab" * 15, "a" + " " * 31, " ab" * 10 + "ab", "é" * 32, "0" * 32],
)
def test_what_is_no_key_of_ours_finds_nothing(writer, key):
    number = launched(writer, "run-1")
    add_records(writer, number, [(1, 1)])

    assert by_key(writer, key) == {}


def test_a_contact_alone_is_no_key(writer):
    number = launched(writer, "run-1")
    add_records(writer, number, [(1, 1)])
    forged = key_of("run-1", "c1")[:16] + "0" * 16

    assert by_key(writer, forged) == {}


def test_a_record_that_was_never_attempted_is_not_found(writer):
    number = launched(writer, "run-1")
    add_records(writer, number, [(1, 1)], attempts=0)

    assert by_key(writer, key_of("run-1", "c1")) == {}


def test_of_a_family_the_newest_run_that_attempted_the_contact_speaks(writer):
    parent = launched(writer, "run-1")
    child = launched(writer, "run-2", family_id="run-1")
    untried = launched(writer, "run-3", family_id="run-1")
    add_records(writer, parent, [(1, 1)])
    add_records(writer, child, [(3, 4)], prefix="c1-not-")
    add_records(writer, untried, [(1, 1)], attempts=0)
    with writer.begin():
        for table in (contact, dedupe):
            writer.execute(
                update(table)
                .where(table.c.run_no == child)
                .values(digest=digest_of("c1"))
            )

    found = by_key(writer, key_of("run-1", "c1"))

    assert found[key_of("run-1", "c1")] == Found(child, 3, 0, digest_of("c1"))


def test_a_run_that_was_not_launched_is_not_looked_into(writer):
    number = launched(writer, "run-1", launch_id=None)
    add_records(writer, number, [(1, 1)])

    assert by_key(writer, key_of("run-1", "c1")) == {}


def test_a_quick_search_ends_early_and_a_thorough_one_later(writer, monkeypatch):
    monkeypatch.setattr(rows, "FRESH_RUNS", 64)
    oldest = launched(writer, "run-1")
    add_records(writer, oldest, [(1, 1)])
    for number in range(2, 67):
        launched(writer, f"run-{number}")
    key = key_of("run-1", "c1")

    assert by_key(writer, key) == {}
    assert by_key(writer, key, thorough=True)[key].run_no == oldest
    monkeypatch.setattr(rows, "MOST_SEEKS", 64)
    assert by_key(writer, key, thorough=True) == {}
    assert rows.keys_at_once(writer) == 1


def test_many_keys_are_found_at_once(writer):
    number = launched(writer, "run-1")
    add_records(writer, number, [(n, n) for n in range(1, 1_201)])
    keys = [key_of("run-1", f"c{n}") for n in range(1, 1_201)]

    found = by_key(writer, *keys)

    assert [found[key].seq for key in keys] == list(range(1, 1_201))


def test_a_providers_id_finds_the_newest_attempt(writer):
    old, new = launched(writer, "run-1"), launched(writer, "run-2")
    add_records(writer, old, [(1, 1), (2, 2)])
    add_records(writer, new, [(1, 1)])
    add_attempt(writer, old, 1, "same")
    add_attempt(writer, old, 2, "p-2", step=1)
    add_attempt(writer, new, 1, "same")

    found = records_by_provider(writer, ["same", "p-2", "", "unknown", 'q"uote\x1b'])

    assert found == {
        "same": Found(new, 1, 0, digest_of("c1")),
        "p-2": Found(old, 2, 1, digest_of("c2")),
    }
    assert records_by_provider(writer, [""]) == {}


def test_an_event_is_stored_once_and_keeps_its_first_form(writer):
    number = launched(writer, "run-1")
    with writer.begin():
        writes.add(writer, [applied(1, number, 7)], "first", NOW_MS)
        again = applied(1, number, 8, ResultKind.OPENED)
        writes.add(writer, [again, applied(2, number, 8)], "second", NOW_MS + 1)

    [kept] = reads.results_of(writer, number, 7)
    assert (kept.kind, kept.source) == (ResultKind.DELIVERED, "first")
    assert [one.event_id for one in reads.results_of(writer, number, 8)] == ["e2"]
    assert reads.known_events(writer, ["e1", "e2", "e3"]) == {"e1", "e2"}


def test_counts_grow_and_the_commonest_comes_first(writer):
    number = launched(writer, "run-1")
    with writer.begin():
        writes.count(writer, number, {ResultKind.OPENED: 1, ResultKind.DELIVERED: 2})
        writes.count(writer, number, {ResultKind.OPENED: 4})
        writes.count(writer, number, {})

    assert list(reads.result_counts(writer, number).items()) == [
        (ResultKind.OPENED, 5),
        (ResultKind.DELIVERED, 2),
    ]
    assert reads.result_counts(writer, 999) == {}


def test_a_page_gets_the_word_that_speaks_for_each_record(writer):
    number = launched(writer, "run-1")
    events = [
        applied(1, number, 1, ResultKind.CLICKED),
        applied(2, number, 1, ResultKind.OPENED),
        applied(3, number, 2, ResultKind.DELIVERED),
        Placed(event(4, ResultKind.OPTED_OUT), "late", number, 2, 0),
        applied(5, number, 9, ResultKind.BOUNCED),
    ]
    with writer.begin():
        writes.add(writer, events, "s", NOW_MS)

    assert reads.speaking_kinds(writer, number, range(1, 9)) == {
        1: ResultKind.CLICKED,
        2: ResultKind.DELIVERED,
    }


def test_parked_events_are_counted_listed_and_given_their_record(writer):
    number = launched(writer, "run-1")
    with writer.begin():
        for at_ms, name in ((NOW_MS, "b"), (NOW_MS, "a"), (NOW_MS + 5, "c")):
            one = Placed(event(0, event_id=name, detail=name), "parked")
            writes.add(writer, [one], "s", at_ms)
    with writer.begin():
        assert reads.parked(writer) == (3, NOW_MS)
        found = reads.waiting(writer, (0, ""), 2)
        last = reads.waiting(writer, found[-1][:2], 2)
    assert [one.event_id for one in (*found, *last)] == ["a", "b", "c"]
    assert found[0].event == event(0, event_id="a", detail="a")

    with writer.begin():
        writes.place(writer, [Placed(found[0].event, "applied", number, 3, 1)])
        writes.place(writer, [Placed(found[0].event, "late", number, 4, 1)])

    assert reads.parked(writer) == (2, NOW_MS)
    [placed] = reads.results_of(writer, number, 3)
    assert (placed.state, placed.step) == ("applied", 1)


def test_a_run_takes_results_until_they_are_closed_or_overdue(writer):
    states = [
        (Results.NONE, None),
        (Results.COLLECTING, NOW_MS),
        (Results.CLOSED, None),
    ]
    numbers = [
        launched(writer, f"run-{at}", results=state, results_close_at_ms=close_at_ms)
        for at, (state, close_at_ms) in enumerate(states)
    ]

    found = reads.collecting(writer, numbers)

    assert [found[n].is_open(NOW_MS - 1) for n in numbers] == [True, True, False]
    assert [found[n].is_open(NOW_MS) for n in numbers] == [True, False, False]


def test_the_first_reason_to_suppress_stays(writer):
    def row(name, reason):
        return Suppressed(digest_of(name), "id", reason, "here", "nora", NOW_MS)

    with writer.begin():
        first = add_suppressed(writer, [row("a", "one"), row("a", "two")])
        second = add_suppressed(writer, [row("b", "four"), row("a", "three")])

    assert first == [digest_of("a")]
    assert second == [digest_of("b")]
    assert suppression.find(writer, digest_of("a")) == "one"
    assert suppression.find(writer, digest_of("z")) is None


def test_every_suppressed_contact_is_streamed_once(writer, monkeypatch):
    monkeypatch.setattr(suppression, "_SLICE", 7)
    names = [f"c{number}" for number in range(700)]
    with writer.begin():
        added = add_suppressed(
            writer,
            [Suppressed(digest_of(n), "id", "r", "s", "b", NOW_MS) for n in names],
        )

    assert len(added) == 700
    assert list(suppression.all_digests(writer)) == sorted(map(digest_of, names))


@pytest.mark.parametrize("count", [0, 7])
def test_a_set_that_ends_with_a_slice_is_streamed_too(writer, monkeypatch, count):
    monkeypatch.setattr(suppression, "_SLICE", 7)
    with writer.begin():
        add_suppressed(
            writer,
            [
                Suppressed(digest_of(str(n)), "id", "r", "s", "b", NOW_MS)
                for n in range(count)
            ],
        )

    assert len(list(suppression.all_digests(writer))) == count


def test_no_search_reads_a_table_from_end_to_end(writer):
    statements = {
        rows._BY_PROVIDER: ("[]",),
        rows._BY_PREFIX.format(rows="(?, ?, ?)"): (0, b"", b"", "[]"),
        rows._SEQS: (1, "[]", 1, 1),
    }
    for statement, binds in statements.items():
        plan = writer.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", binds)
        steps = [row[3] for row in plan]
        scanned = [step for step in steps if step.startswith("SCAN")]
        # Nothing is read from end to end but what was asked and what is being built.
        assert not any(step in {"SCAN a", "SCAN c", "SCAN d"} for step in scanned)
        assert not any("attempt" in step for step in scanned), steps
    provider = writer.exec_driver_sql(
        f"EXPLAIN QUERY PLAN {rows._BY_PROVIDER}", ("[]",)
    )
    assert any("INDEX attempt_by_provider" in row[3] for row in provider)
