from __future__ import annotations

import pytest
from sqlalchemy import event, update
from tests.store.conftest import NOW_MS, add_a_run, made_layout, stored_in

from watchfloor.domain.books import Books
from watchfloor.domain.errors import NotFoundError
from watchfloor.domain.records import RecordState
from watchfloor.domain.views import PageKey
from watchfloor.store.reading import reading
from watchfloor.store.reads.audit import counted_books
from watchfloor.store.reads.records import record_page
from watchfloor.store.reads.runs import (
    collected_until,
    due_count,
    ledger_rows,
    matching_run_ids,
    next_due_ms,
    run_page,
)
from watchfloor.store.tables import books, record, run
from watchfloor.store.writes.attempts import in_flight
from watchfloor.store.writes.connection import close_writer, open_writer

COUNT = 3_000
SIZE = 70

#: States that a partial index finds; the others are most of a run, or none of it.
EXCEPTIONAL = (
    RecordState.ATTEMPTING,
    RecordState.RETRY,
    RecordState.CALLBACK,
    RecordState.WAITING,
    RecordState.FAILED,
    RecordState.UNKNOWN,
    RecordState.ABANDONED,
)


def state_of(seq):
    """Return the state a record is given here: each in turn, with the odd gap."""
    return RecordState(seq * 7 // 3 % len(RecordState))


@pytest.fixture(scope="module")
def layout_of_full(tmp_path_factory):
    return made_layout(tmp_path_factory.mktemp("reads") / "floor")


@pytest.fixture(scope="module")
def full(layout_of_full):
    """A run of some thousand records in every state, and a neighbour without any.

    Shared: whoever changes it rolls back.
    """
    writer = open_writer(layout_of_full)
    stored = stored_in(writer)
    stored.add(COUNT)
    counts = dict.fromkeys((state.word for state in RecordState), 0)
    rows = []
    for seq in range(1, COUNT + 1):
        state = state_of(seq)
        counts[state.word] += 1
        timed = state in (RecordState.RETRY, RecordState.CALLBACK)
        due = NOW_MS + COUNT - seq if timed else None
        rows.append({"s": seq, "state": int(state), "next_at_ms": due})
    with writer.begin():
        add_a_run(writer, "run-2")
        writer.exec_driver_sql(
            "UPDATE record SET state = :state, next_at_ms = :next_at_ms "
            "WHERE run_no = 1 AND seq = :s",
            rows,
        )
        counts |= {"records": COUNT, "extracted": COUNT}
        writer.execute(update(books).where(books.c.run_no == 1).values(**counts))
    yield stored
    close_writer(writer)


def page(stored, **key):
    with stored.writer.begin():
        return record_page(stored.writer, "run-1", ("call",), PageKey(**key))


def seqs(found):
    return [one.seq for one in found.records]


def wanted(state):
    return [
        seq for seq in range(1, COUNT + 1) if state is None or state_of(seq) is state
    ]


@pytest.mark.parametrize("state", [None, *RecordState])
def test_pages_forward_show_every_record_of_a_state_once_and_in_order(full, state):
    seen, after = [], None
    while True:
        found = page(full, after=after, state=state, size=SIZE)
        assert found.has_before == (after is not None)
        assert all(state in (None, one.state) for one in found.records)
        seen += seqs(found)
        if not found.has_after:
            break
        after = seen[-1]

    assert seen == wanted(state)


@pytest.mark.parametrize("state", [None, *RecordState])
def test_pages_backward_from_the_last_show_the_same(full, state):
    seen: list[int] = []
    before = 0
    while True:
        found = page(full, before=before, state=state, size=SIZE)
        assert found.has_after == (before != 0)
        seen = seqs(found) + seen
        if not found.has_before:
            break
        before = seen[0]

    assert seen == wanted(state)


def test_a_page_stays_where_it_is_while_records_before_it_change(full):
    wanted_page = PageKey(after=500, size=40)
    before = page(full, after=500, size=40)

    with full.writer.begin() as change:
        full.writer.execute(
            update(record).where(record.c.seq <= 500).values(state=RecordState.FAILED)
        )
        assert record_page(full.writer, "run-1", ("call",), wanted_page) == before
        change.rollback()


def test_a_page_past_the_end_is_empty_and_leads_back(full):
    found = page(full, after=COUNT, size=40)

    assert (found.records, found.has_before, found.has_after) == ((), True, False)


def test_a_state_that_nobody_is_in_is_an_empty_page(stored):
    stored.add(5)

    found = page(stored, state=RecordState.FAILED)

    assert (found.records, found.has_before, found.has_after) == ((), False, False)


def test_a_page_of_a_run_that_is_not_there_names_it(full):
    with pytest.raises(NotFoundError, match="'run-9'"), full.writer.begin():
        record_page(full.writer, "run-9", (), PageKey())


def test_pending_records_are_looked_for_past_the_frontier_only(full):
    pending = wanted(RecordState.PENDING)
    frontier = pending[10]
    first = PageKey(state=RecordState.PENDING, size=5)
    with full.writer.begin() as change:
        # A pending record at the frontier would be a mistake: here it is a probe.
        full.writer.execute(update(books).values(frontier=frontier))
        found = record_page(full.writer, "run-1", ("call",), first)
        change.rollback()

    assert seqs(found) == pending[11:16]


def test_the_rows_are_counted_as_they_are(full):
    with full.writer.begin():
        counted = counted_books(full.writer, "run-1")
        empty = counted_books(full.writer, "run-2")

    assert {state: counted.count(state) for state in RecordState} == {
        state: len(wanted(state)) for state in RecordState
    }
    assert counted.imbalance == ""
    assert empty == Books()


@pytest.mark.parametrize("state", [RecordState.RETRY, RecordState.CALLBACK])
def test_what_is_due_is_counted_up_to_a_limit_and_the_first_is_known(full, state):
    times = sorted(NOW_MS + COUNT - seq for seq in wanted(state))
    with full.writer.begin():
        assert next_due_ms(full.writer, 1, state) == times[0]
        assert next_due_ms(full.writer, 2, state) is None
        assert due_count(full.writer, 1, state, times[9], 10_000) == 10
        assert due_count(full.writer, 1, state, times[-1], 7) == 7


# No screen and no duty may read a whole run: the plan says what SQLite will do.


class Plans:
    """Notes the plan of every question asked while it listens."""

    def __init__(self, connection):
        self.steps = []
        self._connection = connection

    def __enter__(self):
        event.listen(self._connection.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_):
        event.remove(self._connection.engine, "before_cursor_execute", self._note)

    def _note(self, _connection, cursor, statement, parameters, *_):
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "WITH")):
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            self.steps += [row[3] for row in rows]

    @property
    def scans(self):
        """Steps that read a whole table or index, a subquery's own rows apart."""
        tables = ("record", "contact", "attempt", "run", "journal", "command", "upload")
        return [
            step
            for step in self.steps
            if step.startswith("SCAN") and step.split()[1] in (*tables, "r", "c")
        ]


@pytest.fixture
def planned(layout_of_full, full):
    """Ask a question and return the plans of what it asked of SQLite."""

    def asked(question, *args):
        with reading(layout_of_full) as connection, Plans(connection) as plans:
            question(connection, *args)
        return plans

    return asked


@pytest.mark.parametrize("state", EXCEPTIONAL)
@pytest.mark.parametrize("key", [{"after": 900}, {"before": 900}, {"before": 0}])
def test_a_page_of_an_exceptional_state_is_found_by_its_own_index(planned, state, key):
    plans = planned(record_page, "run-1", ("call",), PageKey(state=state, **key))

    assert plans.scans == []
    assert any(f"record_{state.word} " in step for step in plans.steps)
    # What is left is looked up row by row.
    searches = [step for step in plans.steps if step.startswith("SEARCH record ")]
    assert not any("(run_no=?)" in step for step in searches)


@pytest.mark.parametrize("key", [{}, {"after": 900}, {"before": 900}, {"before": 0}])
def test_a_page_of_all_records_is_found_by_key(planned, key):
    plans = planned(record_page, "run-1", ("call",), PageKey(**key))

    assert plans.scans == []


@pytest.mark.parametrize("state", [RecordState.RETRY, RecordState.CALLBACK])
def test_what_is_due_is_found_by_its_own_index(planned, state):
    for question, args in ((next_due_ms, ()), (due_count, (NOW_MS, 10))):
        plans = planned(question, 1, state, *args)
        assert plans.scans == []
        assert any(f"record_{state.word}_due" in step for step in plans.steps)


def test_what_is_in_flight_is_found_by_its_own_index(planned):
    plans = planned(in_flight, 1)

    assert plans.scans == []
    assert any("record_attempting" in step for step in plans.steps)


@pytest.mark.parametrize(
    ("question", "args", "index"),
    [
        (ledger_rows, ("run-1",), ""),
        (collected_until, (NOW_MS,), "run_results"),
    ],
)
def test_a_duty_of_the_engine_reads_no_run_that_is_over(planned, question, args, index):
    plans = planned(question, *args)

    assert plans.scans == []
    assert any(index in step for step in plans.steps)


def test_runs_come_newest_first_and_page_by_page(stored):
    with stored.writer.begin():
        for number in range(2, 8):
            add_a_run(stored.writer, f"run-{number}")
        first = run_page(stored.writer, size=3)
        second = run_page(stored.writer, before=first[-1].run_id, size=3)

    assert [one.run_id for one in first] == ["run-7", "run-6", "run-5"]
    assert [one.run_id for one in second] == ["run-4", "run-3", "run-2"]


def test_a_run_is_found_by_the_beginning_of_its_id_and_nothing_else(stored):
    with stored.writer.begin():
        add_a_run(stored.writer, "run%2")
        assert matching_run_ids(stored.writer, "run-") == ["run-1"]
        assert matching_run_ids(stored.writer, "run%") == ["run%2"]
        assert matching_run_ids(stored.writer, "un-1") == []
        assert matching_run_ids(stored.writer, "run") == ["run%2", "run-1"]


def test_an_owner_keeps_in_mind_what_is_live_or_whose_history_is_not_written(stored):
    with stored.writer.begin():
        for run_id, phase, history in (
            ("run-2", "ended", "created"),
            ("run-3", "ended", "creating"),
            ("run-4", "callback", "none"),
        ):
            add_a_run(stored.writer, run_id, phase=phase, history=history)
        stored.writer.execute(
            update(run).where(run.c.run_id == "run-2").values(outcome="completed")
        )
        kept = [row["run_id"] for row in ledger_rows(stored.writer)]

    assert kept == ["run-1", "run-3", "run-4"]
