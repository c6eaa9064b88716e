from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import signal
import subprocess
import sys

import pytest
from sqlalchemy import delete, select, update
from tests.support.floor import campaign, ids
from tests.support.patience import until

from watchfloor.domain.records import RecordState
from watchfloor.domain.regions import History, RunOutcome, Verb
from watchfloor.engine import historian
from watchfloor.engine.historian import (
    LONGEST_REST_S,
    Historian,
    NoteArchived,
    StoreHistory,
    create_history,
    create_history_now,
)
from watchfloor.engine.tenure import tenure
from watchfloor.store.archive.archive import open_archive
from watchfloor.store.archive.formats import Format
from watchfloor.store.archive.manifest import FILE
from watchfloor.store.archive.places import archive_of, draft_of
from watchfloor.store.archive.private_files import sha256_of
from watchfloor.store.reads.history import history_view
from watchfloor.store.tables import books, history, record, report, run

#: Every class of outcome, some of it more than once.
MIXED = "shares = { transient = 0.2, permanent = 0.2, ambiguous = 0.2 }"


@pytest.fixture(params=list(Format))
def form(request, monkeypatch):
    if request.param is Format.JSON_LINES:
        monkeypatch.setitem(sys.modules, "watchfloor.store.archive.parquet", None)
    return request.param


def ended(floor, count=40, settings=MIXED):
    """Carry a run out to its end, its history created by the engine; return its id."""
    run_id = floor.launched(campaign(settings), ids(count))
    floor.carried_out()
    return run_id


def told(floor, run_id):
    return floor.read(lambda connection: history_view(connection, run_id))


def archive(floor, run_id):
    kept = told(floor, run_id).told["archive"]
    folder = floor.layout.root / kept["path"]
    assert folder == archive_of(floor.layout, run_id)
    return open_archive(folder, sha256=kept["sha256"])


def assert_history_adds_up(floor, run_id):
    """Hold archive and report to the books; return the archive."""
    kept, found = floor.assert_books_hold(run_id), archive(floor, run_id)
    view = told(floor, run_id)
    records, attempts = list(found.records()), list(found.attempts())
    states = [one["state"] for one in records]
    assert len(records) == kept.records == view.archived == view.records
    assert len(attempts) == kept.attempts == sum(one["attempts"] for one in records)
    for state in RecordState:
        assert states.count(state.word) == kept.count(state)
    assert sum(line["attempts"] for line in view.report) == kept.attempts
    took = sum(one["took_ms"] for one in attempts)
    assert sum(line["took_ms"] for line in view.report) == took
    assert view.told["books"] == kept.as_dict()
    assert not draft_of(floor.layout, run_id).exists()
    return found


@contextlib.contextmanager
def unwritten(floor, run_id):
    """Be the owner of a workspace in which the history of an ended run is not there."""
    shutil.rmtree(archive_of(floor.layout, run_id), ignore_errors=True)
    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as committer:
        writer = committer._connection
        with writer.begin():
            for table in (history, report):
                writer.execute(delete(table))
            writer.execute(
                update(run).where(run.c.run_id == run_id).values(history="creating")
            )
            writer.execute(update(books).values(archived=0))
        committer.load()
        yield committer


class CrashError(Exception):
    """The process is gone at this moment."""


def created(committer, floor, run_id, *, part_records=7, crash_before=None):
    """Create a history as an engine does; crash before the n-th job of a kind."""
    seen = []

    async def submit(job):
        seen.append(job)
        if crash_before is not None:
            kind, number = crash_before
            if [type(one) for one in seen].count(kind) == number:
                raise CrashError
        asked = committer.submit(job)
        committer.round()
        return asked.result()

    making = create_history(run_id, floor.layout, submit, part_records=part_records)
    return asyncio.run(making), [type(one) for one in seen]


def test_the_history_of_a_run_that_an_engine_carried_out_adds_up(floor, form):
    run_id = ended(floor)

    found = assert_history_adds_up(floor, run_id)

    assert found.manifest.form is form
    seen = {one.seq: one for one in floor.records(run_id)}
    for line in found.records():
        shown = seen[line["seq"]]
        assert line["contact"] == shown.contact
        assert line["code"] == shown.code
        assert line["step"] == "call"
        assert line["fields"] == {
            "id": shown.contact,
            "first_name": f"name of {shown.contact}",
        }
    [entry] = [e for e in floor.events(run_id) if e.event == "history_created"]
    assert entry.detail.startswith("40 records and ")


def test_a_history_tells_how_the_time_was_spent(floor):
    run_id = ended(floor, 5)

    view, kept = floor.view(run_id), told(floor, run_id)

    durations = dict(kept.told["durations_ms"])
    total = durations.pop("total")
    assert total == view.ended_at_ms - view.started_at_ms
    assert set(durations) == {"active", "paused", "window", "waiting", "unaccounted"}
    assert sum(durations.values()) >= total


@pytest.mark.parametrize(
    ("verbs", "outcome"),
    [
        ((Verb.CANCEL,), RunOutcome.CANCELLED),
        ((Verb.STOP,), RunOutcome.STOPPED),
    ],
)
def test_a_run_that_was_never_launched_has_a_history_without_an_engine(
    floor, verbs, outcome
):
    run_id = floor.launched(campaign(), ids(3))

    for verb in verbs:
        floor.steered(verb, run_id)

    run_ = floor.view(run_id)
    assert (run_.lifecycle.outcome, run_.launch_id) == (outcome, None)
    assert run_.lifecycle.history is History.CREATED
    assert archive(floor, run_id).manifest.records == 0
    assert told(floor, run_id).told["durations_ms"]["total"] == 0


def test_a_stopped_and_a_cancelled_run_have_histories_that_add_up(floor):
    settings = 'latency = "20ms"'
    stopped = floor.launched(campaign(settings, permits=2, name="stopped"), ids(400))
    paused = floor.launched(campaign(settings, permits=2, name="paused"), ids(400))
    with floor.engine():
        until(lambda: floor.books(stopped).delivered > 2)
        until(lambda: floor.books(paused).delivered > 2)
        floor.steered(Verb.STOP, stopped)
        floor.steered(Verb.PAUSE, paused)
        floor.steered(Verb.CANCEL, paused)
        for run_id in (stopped, paused):
            floor.until_ended(run_id)

    for run_id in (stopped, paused):
        found = assert_history_adds_up(floor, run_id)
        assert found.manifest.states["not_attempted"] > 0


def test_a_failed_run_has_a_history_that_tells_its_cause(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.layout.upload(floor.view(run_id).upload_id).write_bytes(b"\x00")

    floor.carried_out()

    kept = told(floor, run_id)
    assert kept.told["outcome"] == "failed"
    assert kept.told["cause"] == floor.view(run_id).cause != ""
    assert_history_adds_up(floor, run_id)


def test_a_history_grows_part_by_part_and_says_how_far_it_is(floor, form):
    run_id = ended(floor, 20)
    with unwritten(floor, run_id) as committer:
        with pytest.raises(CrashError):
            created(committer, floor, run_id, crash_before=(NoteArchived, 4))
        half = told(floor, run_id)
        why, asked = created(committer, floor, run_id)

    assert (half.state, half.archived, half.share) == (History.CREATING, 14, 0.7)
    assert why == ""
    assert asked == [NoteArchived, StoreHistory]
    assert_history_adds_up(floor, run_id)


def test_whole_parts_outlive_a_crash_and_the_archive_is_the_same_in_the_end(
    floor, form
):
    run_id = ended(floor, 30)
    with unwritten(floor, run_id) as committer:
        created(committer, floor, run_id)
    undisturbed = sha256_of(archive_of(floor.layout, run_id) / FILE)
    moments = [(NoteArchived, 1), (NoteArchived, 3), (StoreHistory, 1)]
    for moment in moments:
        with unwritten(floor, run_id) as committer:
            with pytest.raises(CrashError):
                created(committer, floor, run_id, crash_before=moment)
            folders = (draft_of(floor.layout, run_id), archive_of(floor.layout, run_id))
            parts = {
                path.name: path.stat().st_ino
                for folder in folders
                for path in folder.glob("records-*")
            }
            assert created(committer, floor, run_id)[0] == ""

        folder = archive_of(floor.layout, run_id)
        kept = {path.name: path.stat().st_ino for path in folder.glob("records-*")}
        assert parts.items() <= kept.items()
        assert sha256_of(folder / FILE) == undisturbed
        assert_history_adds_up(floor, run_id)


def test_an_archive_that_was_damaged_before_it_counted_is_made_anew(floor):
    run_id = ended(floor, 20)
    with unwritten(floor, run_id) as committer:
        with pytest.raises(CrashError):
            created(committer, floor, run_id, crash_before=(StoreHistory, 1))
        folder = archive_of(floor.layout, run_id)
        next(folder.glob("records-*")).write_bytes(b"")
        assert created(committer, floor, run_id)[0] == ""

    assert_history_adds_up(floor, run_id)


KILLED = """
import asyncio, os, sys, time
from pathlib import Path
from watchfloor.domain.actors import Owner
from watchfloor.engine.historian import create_history
from watchfloor.engine.surroundings import Surroundings
from watchfloor.engine.tenure import tenure
from watchfloor.store.layout import Layout

now_ms = lambda: int(time.time() * 1000)
around = Surroundings(now_ms, time.monotonic, lambda: 0.5, os.urandom)
layout = Layout(Path(sys.argv[1]))
owner = Owner(name="killed", pid=1, host="here")
with tenure(layout, around, owner, dispatches=False) as committer:
    async def submit(job):
        asked = committer.submit(job)
        committer.round()
        print(type(job).__name__, flush=True)
        return asked.result()
    asyncio.run(create_history(sys.argv[2], layout, submit, part_records=1))
"""


def test_a_process_that_is_killed_while_it_archives_costs_only_the_part_at_hand(floor):
    run_id = ended(floor, 300)
    with unwritten(floor, run_id):
        pass
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(floor.layout.root), run_id],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(6):
            assert process.stdout.readline() == "NoteArchived\n"
        process.send_signal(signal.SIGKILL)
    archived = told(floor, run_id).archived
    assert archived >= 5

    with tenure(floor.layout, floor.around, floor.owner, dispatches=False) as committer:
        why, asked = created(committer, floor, run_id, part_records=100)

    assert why == ""
    assert len(asked) <= 5  # one for what was kept, three parts, and the end
    assert_history_adds_up(floor, run_id)


def test_an_engine_goes_on_with_the_history_that_another_left(floor):
    run_id = ended(floor, 20)
    with unwritten(floor, run_id) as committer, pytest.raises(CrashError):
        created(committer, floor, run_id, crash_before=(NoteArchived, 3))

    with floor.engine():
        floor.until_ended(run_id)

    assert_history_adds_up(floor, run_id)


def test_a_run_whose_rows_do_not_add_up_gets_no_history_but_a_word(floor):
    run_id = ended(floor, 20, settings="")
    with unwritten(floor, run_id) as committer:
        writer = committer._connection
        lost = update(record).where(record.c.seq == 3)
        with writer.begin():
            writer.execute(lost.values(state=int(RecordState.FAILED)))
        why, asked = created(committer, floor, run_id)
        state = told(floor, run_id)
        with writer.begin():
            writer.execute(lost.values(state=int(RecordState.DELIVERED)))
        assert created(committer, floor, run_id)[0] == ""

    assert "delivered 19 archived, 20 in the books" in why
    assert "failed 1 archived, 0 in the books" in why
    assert "No history was created" in why
    assert asked.count(StoreHistory) == 1
    assert (state.state, state.told, state.report) == (History.CREATING, {}, ())
    assert_history_adds_up(floor, run_id)


def test_a_record_that_is_resolved_meanwhile_stands_in_the_history_as_it_ended(floor):
    run_id = ended(floor, 20, settings="shares = { ambiguous = 1.0 }\nseed = 1")
    unknown = floor.books(run_id).unknown
    assert unknown
    with unwritten(floor, run_id) as committer:
        ledger = committer.ledgers[run_id]
        one = select(record.c.seq).where(record.c.state == int(RecordState.UNKNOWN))

        def resolve(tx):
            seq = tx.connection.scalar(one.limit(1))
            tx.connection.execute(
                update(record)
                .where(record.c.seq == seq)
                .values(state=int(RecordState.DELIVERED))
            )
            ledger.moved(RecordState.UNKNOWN, RecordState.DELIVERED)

        async def submit(job):
            if isinstance(job, StoreHistory) and ledger.tally["unknown"] == unknown:
                committer.submit(resolve)
                committer.round()
            asked = committer.submit(job)
            committer.round()
            return asked.result()

        assert asyncio.run(create_history(run_id, floor.layout, submit)) == ""

    found = assert_history_adds_up(floor, run_id)
    assert found.manifest.states.get("unknown", 0) == unknown - 1


def put_off(floor, run_id):
    return [one for one in floor.events(run_id) if one.event == "history put off"]


def test_a_folder_that_takes_no_archive_stops_no_engine_and_is_tried_again(floor):
    blocked = floor.layout.root / "archive"
    blocked.write_bytes(b"in the way")
    first = floor.launched(campaign(name="first"), ids(3))
    with floor.engine():
        until(lambda: put_off(floor, first))
        second = floor.launched(campaign(name="second"), ids(3))
        until(lambda: put_off(floor, second))
        assert floor.books(second).delivered == 3
        assert floor.view(first).lifecycle.history is History.CREATING
        blocked.unlink()
        floor.clock.monotonic_ahead_s += 60
        for run_id in (first, second):
            floor.until_ended(run_id)

    [entry] = put_off(floor, first)
    assert "the archive cannot be written" in entry.detail
    assert "tries again" in entry.detail
    assert_history_adds_up(floor, first)


def test_the_same_setback_is_told_once_and_tried_ever_more_rarely(floor):
    run_id = ended(floor, 3)
    moments: list[float] = []
    with unwritten(floor, run_id) as committer:
        shutil.rmtree(floor.layout.root / "archive")
        (floor.layout.root / "archive").write_bytes(b"in the way")
        now_s = 0.0

        async def submit(job):
            asked = committer.submit(job)
            committer.round()
            return asked.result()

        async def followed():
            nonlocal now_s
            over = asyncio.Event()
            keeping = Historian(floor.layout, submit, lambda: now_s, over.set)
            ledgers = list(committer.ledgers.values())
            while now_s < 20_000:
                keeping.follow(ledgers)
                if keeping.is_busy:
                    moments.append(now_s)
                    keeping.follow(ledgers)
                    await over.wait()
                    over.clear()
                    assert keeping.is_put_off(run_id)
                now_s += 10

        asyncio.run(followed())

    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert gaps[:4] == [30, 60, 120, 240]
    assert gaps[-2:] == [LONGEST_REST_S, LONGEST_REST_S]
    assert len(put_off(floor, run_id)) == 1


def test_an_engine_that_ends_when_idle_waits_for_no_history_that_was_put_off(floor):
    (floor.layout.root / "archive").write_bytes(b"in the way")
    run_id = floor.launched(campaign(), ids(3))

    floor.carried_out()

    assert floor.books(run_id).delivered == 3
    assert floor.view(run_id).lifecycle.history is History.CREATING


def test_an_engine_that_stops_leaves_a_history_that_the_next_one_finishes(
    floor, monkeypatch
):
    monkeypatch.setattr(historian, "PART_RECORDS", 1)
    run_id = ended(floor, 200, settings="")
    with unwritten(floor, run_id):
        pass
    with floor.engine() as engine:
        until(lambda: told(floor, run_id).archived > 0)
        engine.stop()
        assert engine.ended()

    floor.carried_out()

    assert_history_adds_up(floor, run_id)


def test_an_owner_of_one_moment_creates_small_histories_only(floor, monkeypatch):
    run_id = ended(floor, 20)
    with unwritten(floor, run_id) as committer:
        monkeypatch.setattr(historian, "MOST_AT_ONCE", 19)
        assert not create_history_now(committer, run_id, floor.layout)
        assert committer.ledgers[run_id].lifecycle.history is History.CREATING
        monkeypatch.setattr(historian, "MOST_AT_ONCE", 20)
        assert create_history_now(committer, run_id, floor.layout)
        assert run_id not in committer.ledgers
        assert not create_history_now(committer, run_id, floor.layout)

    assert_history_adds_up(floor, run_id)


def test_an_owner_of_one_moment_tells_what_was_in_the_way(floor):
    run_id = ended(floor, 3)
    with unwritten(floor, run_id) as committer:
        shutil.rmtree(floor.layout.root / "archive")
        (floor.layout.root / "archive").write_bytes(b"in the way")

        assert not create_history_now(committer, run_id, floor.layout)

    assert floor.events(run_id)[-1].event == "history put off"


def test_a_report_in_the_store_is_that_of_the_archive(floor):
    run_id = ended(floor)

    stored = floor.read(lambda c: c.execute(select(report)).mappings().all())
    account = floor.read(lambda c: c.scalar(select(history.c.report_json)))

    manifest = archive(floor, run_id).manifest
    assert [tuple(line.values())[1:] for line in stored] == [
        tuple(line) for line in manifest.report
    ]
    took = sum(line.took_ms for line in manifest.report)
    assert json.loads(account)["took_ms"] == took
