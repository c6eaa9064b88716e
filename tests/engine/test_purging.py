from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import func, insert, select, update
from tests.support.floor import ASKER, campaign, ids, webhook
from tests.support.patience import until
from tests.support.provider import Reply
from tests.support.syncs import noted_syncs

from watchfloor.domain.cohorts import Selection
from watchfloor.domain.errors import ConfigError, NotFoundError, StoreError
from watchfloor.domain.regions import Results, Verb
from watchfloor.domain.resolutions import ResolveAs
from watchfloor.engine import purging
from watchfloor.engine.desk_reads import resolve_preview_of
from watchfloor.engine.ledger import Request
from watchfloor.engine.operations import resolve_command
from watchfloor.engine.purging import (
    FinishPurge,
    PurgeSlice,
    ask_purge,
    purge,
    purge_now,
    set_hidden,
)
from watchfloor.engine.tenure import tenure
from watchfloor.store.archive.archive import open_archive
from watchfloor.store.archive.places import archive_of, draft_of
from watchfloor.store.reads.history import history_view, people_left
from watchfloor.store.tables import history, result, run, upload

ASKED = Request("command-1", "nora", "desk-1", "her own wish")


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(purging, "PURGE_ROWS", 4)


def ended(floor, provider, count=10, name="trial"):
    """Carry a run out whose people stand in every table and file; return its id."""
    said = {
        "outcome": "permanent",
        "code": "wrong",
        "id": "provider-said-7",
        "detail": "no such subscriber-5551234",
    }
    provider.otherwise = Reply(body=said)
    upload = floor.root / f"{name}.csv"
    rows = "".join(f"{one},sekrit name of {one}\n" for one in ids(count, name))
    upload.write_text(f"id,first_name\n{rows},nobody-sekrit\n", encoding="utf-8")
    run_id = floor.launched(webhook(provider.url, name=name), upload)
    floor.carried_out()
    return run_id


def owner(floor):
    return tenure(floor.layout, floor.around, floor.owner, dispatches=False)


def done(committer, job):
    asked = committer.submit(job)
    committer.round()
    return asked.result()


def view(floor, run_id):
    return floor.read(lambda connection: history_view(connection, run_id))


def left(floor, run_id):
    number = floor.read(
        lambda c: c.exec_driver_sql(
            "SELECT run_no FROM run WHERE run_id = ?", (run_id,)
        ).scalar_one()
    )
    return floor.read(lambda connection: people_left(connection, number))


def asked_for(committer, run_id):
    done(committer, lambda tx: ask_purge(tx, run_id, ASKED))


def add_result(committer, run_no):
    row = {
        "event_id": "event-said-7",
        "run_no": run_no,
        "seq": 1,
        "kind": "opened",
        "at_ms": 1,
        "received_at_ms": 1,
        "state": "applied",
        "key": "k" * 32,
        "provider_id": "provider-said-7",
        "detail": "sekrit",
        "source": "file",
    }
    done(committer, lambda tx: tx.connection.execute(insert(result).values(row)))


def test_a_purged_run_holds_nobody_and_keeps_its_counts_and_its_journal(
    floor, provider
):
    run_id = ended(floor, provider)
    before, report = floor.assert_books_hold(run_id), view(floor, run_id).report
    entries = floor.event_words(run_id)
    with owner(floor) as committer:
        add_result(committer, 1)
        asked_for(committer, run_id)
        assert purge_now(committer, run_id, floor.layout)

    after = view(floor, run_id)
    assert left(floor, run_id) == []
    assert floor.assert_books_hold(run_id) == before
    assert (before.failed, before.invalid) == (10, 1)
    assert (after.purge, after.report) == ("done", report)
    assert {one.contact for one in floor.records(run_id)} == {"purged"}
    assert floor.journey(run_id, 1).fields == {}
    assert floor.event_words(run_id)[: len(entries)] == entries
    assert floor.event_words(run_id)[len(entries) :] == [
        "purge requested",
        "results_closed",
        "purged",
    ]
    assert floor.events(run_id)[len(entries)].why == "her own wish"
    assert floor.view(run_id).lifecycle.results is Results.CLOSED


def test_no_file_of_the_workspace_holds_a_word_of_a_purged_person(floor, provider):
    run_id = ended(floor, provider, 300)
    folder = archive_of(floor.layout, run_id)
    assert b"sekrit name of" in whole_store(floor)
    with owner(floor) as committer:
        add_result(committer, 1)
        asked_for(committer, run_id)
        purge_now(committer, run_id, floor.layout)
    floor.close()

    files = [path for path in floor.layout.root.rglob("*") if path.is_file()]
    for word in (b"sekrit", b"trial00", b"subscriber-5551234", b"provider-said"):
        assert [path.name for path in files if word in path.read_bytes()] == []
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    kept = json.loads((folder / "manifest.json").read_text())
    assert kept["run"]["books"]["records"] == 300
    with pytest.raises(ConfigError, match="was purged"):
        open_archive(folder)


def test_what_a_purge_leaves_of_an_archive_is_on_the_disk_with_its_name(
    floor, provider
):
    run_id = ended(floor, provider, 1)
    folder = archive_of(floor.layout, run_id)
    with owner(floor) as committer:
        asked_for(committer, run_id)
        with noted_syncs() as synced:
            assert purge_now(committer, run_id, floor.layout)

    # In its place was the whole archive; the name of this one counts when it is there.
    manifest = folder / "manifest.json.new"
    assert synced[-3:] == [manifest, folder, folder.parent]


def test_no_file_holds_whom_people_named_in_their_reasons(floor, provider):
    provider.otherwise = Reply(drop=True)
    once = webhook(provider.url, 'delivery = "at_most_once"')
    run_id = floor.launched(once, ids(4))
    floor.steered(Verb.PAUSE, run_id, "wait for jane.doe@example.com")
    floor.steered(Verb.RESUME, run_id, "she called")
    floor.carried_out()
    seen = floor.read(
        lambda c: resolve_preview_of(c, run_id, Selection(), ResolveAs.DELIVERED)
    )
    why = "Jane Doe, +49 30 1234567, has all of them"
    asked = floor.asked(resolve_command(seen, ASKER, why, floor.around))
    assert asked.state == "settled"
    with owner(floor) as committer:
        for one in said(run_id):
            done(committer, lambda tx, one=one: tx.connection.execute(one))
        assert {"run", "resolution", "history"} <= set(left(floor, run_id))
        asked_for(committer, run_id)
        assert purge_now(committer, run_id, floor.layout)
        # Who writes last folds the log in, unless somebody looks.
        floor.close()

    out = "(taken out by a purge)"
    assert left(floor, run_id) == []
    assert view(floor, run_id).told["cause"] == out
    assert floor.view(run_id).cause == out
    assert out in str(floor.journey(run_id, 2).entries)
    files = [path for path in floor.layout.root.rglob("*") if path.is_file()]
    for word in (b"jane.doe@", b"1234567", b"7654321"):
        assert [path.name for path in files if word in path.read_bytes()] == []


def said(run_id):
    """Let the run's row and its history say what a provider told of it."""
    of_run = select(run.c.run_no).where(run.c.run_id == run_id).scalar_subquery()
    cause = "faulty field: +49 30 7654321"
    told = func.json_set(history.c.report_json, "$.cause", cause)
    yield update(history).where(history.c.run_no == of_run).values(report_json=told)
    words = {"cause": cause, "gate_why": cause, "intent_why": cause}
    yield update(run).where(run.c.run_id == run_id).values(words)


def whole_store(floor):
    return b"".join(path.read_bytes() for path in floor.layout.root.glob("state.db*"))


def test_a_purge_that_a_crash_cut_off_is_known_and_gone_through_again(floor, provider):
    run_id = ended(floor, provider)
    whole = False
    # Every asking is one more entry of the journal to go through.
    for crash_before in range(1, 60):
        with owner(floor) as committer:
            values = update(run).values(purge="")
            done(committer, lambda tx, values=values: tx.connection.execute(values))
            asked_for(committer, run_id)
            jobs: list[object] = []

            async def submit(job, committer=committer, jobs=jobs, most=crash_before):
                jobs.append(job)
                if len(jobs) == most:
                    raise StoreError("the process is gone")
                return done(committer, job)

            try:
                whole = asyncio.run(purge(run_id, floor.layout, submit))
            except StoreError:
                whole = False
        assert view(floor, run_id).purge == ("done" if whole else "asked")
        if not whole and not isinstance(jobs[-1], FinishPurge):
            continue
        assert left(floor, run_id) == []
        if whole:
            break

    assert whole
    assert not floor.layout.upload(floor.view(run_id).upload_id).exists()


def test_a_slice_that_could_not_be_stored_is_done_again(floor, provider):
    run_id = ended(floor, provider)
    with owner(floor) as committer:
        asked_for(committer, run_id)
        job = PurgeSlice(run_id, purging.Place(1))

        def failing(tx):
            job(tx)
            raise ValueError("undone")

        with pytest.raises(ValueError, match="undone"):
            done(committer, failing)
        place = done(committer, job)
        assert place == purging.Place(1, (4,))
        assert purge_now(committer, run_id, floor.layout)

    assert left(floor, run_id) == []


def test_an_engine_purges_beside_what_it_sends_and_after_a_crash(floor, provider):
    first = ended(floor, provider, name="first")
    second = ended(floor, provider, name="second")
    with owner(floor) as committer:
        asked_for(committer, first)
        done(committer, PurgeSlice(first, purging.Place(1)))

    with floor.engine():
        until(lambda: view(floor, first).purge == "done")

    assert left(floor, first) == []
    assert view(floor, second).purge == ""
    assert floor.records(second)[0].contact == "second00001"
    assert "contact" in left(floor, second)
    open_archive(archive_of(floor.layout, second))


def test_a_file_that_cannot_be_removed_leaves_the_purge_asked_for(floor, provider):
    run_id = ended(floor, provider)
    upload = floor.layout.upload(floor.view(run_id).upload_id)
    upload.unlink()
    (upload / "in the way").mkdir(parents=True)
    with owner(floor) as committer:
        asked_for(committer, run_id)
        with pytest.raises(OSError, match=r"u-.*\.csv"):
            purge_now(committer, run_id, floor.layout)
        assert view(floor, run_id).purge == "asked"
        (upload / "in the way").rmdir()
        upload.rmdir()
        assert purge_now(committer, run_id, floor.layout)

    assert view(floor, run_id).purge == "done"


def test_an_upload_that_another_run_uses_is_kept_until_that_is_purged_too(
    floor, provider
):
    first = ended(floor, provider, name="first")
    second = ended(floor, provider, name="second")
    upload = floor.view(first).upload_id
    with owner(floor) as committer:
        share = update(run).where(run.c.run_id == second).values(upload_id=upload)
        done(committer, lambda tx: tx.connection.execute(share))
        for run_id, is_kept in ((first, True), (second, False)):
            asked_for(committer, run_id)
            assert purge_now(committer, run_id, floor.layout)
            assert floor.layout.upload(upload).exists() == is_kept

    assert f"kept for run {second}" in floor.events(first)[-1].detail


def test_what_an_engine_left_half_done_of_a_run_is_purged_with_it(floor, provider):
    run_id = ended(floor, provider)
    upload = floor.layout.upload(floor.view(run_id).upload_id)
    half_taken = upload.with_name(f".{upload.name}.0123456789abcdef")
    part = draft_of(floor.layout, run_id) / "attempts-0001.parquet"
    part.parent.mkdir()
    for left in (half_taken, part):
        left.write_text("sekrit", encoding="utf-8")
    with owner(floor) as committer:
        asked_for(committer, run_id)
        assert purge_now(committer, run_id, floor.layout)

    assert [one for one in (half_taken, part.parent) if one.exists()] == []


@pytest.mark.parametrize("what", ["upload", "archive", "draft", "nowhere"])
def test_a_link_in_the_place_of_a_run_s_file_is_all_that_a_purge_removes(
    floor, provider, tmp_path, what
):
    run_id = ended(floor, provider)
    folder = archive_of(floor.layout, run_id)
    behind, place = tmp_path / "elsewhere", folder
    if what == "upload":
        place = floor.layout.upload(floor.view(run_id).upload_id)
    elif what == "draft":
        place = draft_of(floor.layout, run_id)
    if what == "draft":
        behind.mkdir()
    else:
        place.rename(behind)
    place.symlink_to(tmp_path / "nowhere" if what == "nowhere" else behind)
    stood = sorted(behind.rglob("*"))
    with owner(floor) as committer:
        asked_for(committer, run_id)
        assert purge_now(committer, run_id, floor.layout)

    assert not place.is_symlink()
    assert behind.exists()
    assert sorted(behind.rglob("*")) == stood
    assert view(floor, run_id).purge == "done"


@pytest.mark.parametrize("leads", ["../outside", "out\0side"])
def test_an_upload_s_id_that_leads_out_of_the_folder_removes_nothing_there(
    floor, provider, leads
):
    run_id = ended(floor, provider)
    outside = floor.layout.root / "outside.csv"
    outside.write_text("somebody else's", encoding="utf-8")
    known = select(upload).where(upload.c.upload_id == f"u-{run_id}")

    def walks(tx):
        row = {**tx.connection.execute(known).mappings().one()}
        walking = {**row, "upload_id": leads}
        tx.connection.execute(insert(upload).values(walking))
        tx.connection.execute(update(run).values(upload_id=leads))

    with owner(floor) as committer:
        done(committer, walks)
        with pytest.raises(ConfigError, match="leads out of uploads/"):
            asked_for(committer, run_id)
        # As an older engine left it: asked for, and not gone through yet.
        done(committer, lambda tx: tx.connection.execute(purging_asked(run_id)))
        assert purge_now(committer, run_id, floor.layout)

    assert outside.read_text(encoding="utf-8") == "somebody else's"


def purging_asked(run_id):
    return update(run).where(run.c.run_id == run_id).values(purge="asked")


def test_only_an_ended_run_with_a_history_is_purged_and_only_once(floor, provider):
    run_id = ended(floor, provider)

    def asked_too_early(tx):
        unwritten = update(run).where(run.c.run_id == run_id)
        tx.connection.execute(unwritten.values(history="creating"))
        ask_purge(tx, run_id, ASKED)

    with owner(floor) as committer:
        with pytest.raises(NotFoundError):
            asked_for(committer, "nobody")
        with pytest.raises(ConfigError, match="has no history yet"):
            done(committer, asked_too_early)
        asked_for(committer, run_id)
        with pytest.raises(ConfigError, match="is being purged already"):
            asked_for(committer, run_id)
        purge_now(committer, run_id, floor.layout)
        with pytest.raises(ConfigError, match="was purged already"):
            asked_for(committer, run_id)
        assert purge_now(committer, run_id, floor.layout)


def test_a_live_run_is_neither_purged_nor_hidden(floor):
    run_id = floor.launched(campaign(), ids(3))

    with owner(floor) as committer:
        with pytest.raises(ConfigError, match=r"only an ended run can be purged"):
            asked_for(committer, run_id)
        with pytest.raises(ConfigError, match=r"can be hidden.*watchfloor stop"):
            done(committer, lambda tx: set_hidden(tx, run_id, ASKED, hidden=True))
        assert not purge_now(committer, run_id, floor.layout)

    assert floor.records(run_id) == ()
    assert view(floor, run_id).purge == ""


def test_hiding_is_undone_and_both_are_told(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.carried_out()
    entries = len(floor.events(run_id))
    with owner(floor) as committer:
        for hidden in (True, False):
            done(
                committer,
                lambda tx, hidden=hidden: set_hidden(tx, run_id, ASKED, hidden=hidden),
            )
            assert view(floor, run_id).is_hidden == hidden
            with pytest.raises(ConfigError, match="already"):
                done(
                    committer,
                    lambda tx, hidden=hidden: set_hidden(
                        tx, run_id, ASKED, hidden=hidden
                    ),
                )
        assert run_id not in committer.ledgers

    told = floor.events(run_id)[entries:]
    assert [one.event for one in told] == ["hidden", "shown again"]
    assert {(one.by, one.why) for one in told} == {("nora", "her own wish")}
