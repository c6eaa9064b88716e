"""Backups beside a running engine, and restores that send nothing they cannot know."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.support.floor import ASKER, Floor, campaign, ids, webhook
from tests.support.patience import until

from watchfloor.domain.errors import ConfigError, RefusedError, StoreError
from watchfloor.domain.regions import Gate, Phase, Verb
from watchfloor.engine import dropping
from watchfloor.engine.auditing import anchor_now, verified
from watchfloor.engine.backing_up import back_up
from watchfloor.engine.desk import StoreDesk
from watchfloor.engine.operations import steering_command
from watchfloor.engine.restoring import restore
from watchfloor.store.anchor_file import read_anchors
from watchfloor.store.archive.manifest import FILE
from watchfloor.store.archive.places import archive_of
from watchfloor.store.layout import Layout
from watchfloor.store.reading import reading
from watchfloor.store.reads.chain import chain_head
from watchfloor.store.reads.journal import events
from watchfloor.store.sqlite import writing_engine


def backed_up(floor, target):
    """Make a backup and say nothing of how far it is."""
    return back_up(floor.layout, target, floor.around, "here")


def restored(floor, backup, root, **options):
    return restore(backup, root, floor.around, floor.owner, ASKER, **options)


@pytest.fixture
def second(floor, tmp_path):
    """Make the floor that a backup comes back as; afterwards it is closed."""
    made: list[Floor] = []

    def come_back(backup):
        root = tmp_path / f"back-{len(made)}"
        came = restored(floor, backup, root / "restored", again=bool(made))
        other = Floor(root, root / "restored")
        other.clock.ahead_s = floor.clock.ahead_s
        made.append(other)
        return came, other

    yield come_back
    for one in made:
        one.close()


def test_a_restored_run_is_held_and_goes_on_only_by_the_number_in_doubt(
    floor, provider, tmp_path, second
):
    provider.hold()
    run_id = floor.launched(webhook(provider.url, permits=4), ids(40))
    with floor.engine():
        until(lambda: provider.at_once == 4)
        backed_up(floor, tmp_path / "backup.tar")
        provider.let_go()
        floor.until_ended(run_id)
    assert len(provider.bodies_by_key) == 40

    came, other = second(tmp_path / "backup.tar")

    view = other.view(run_id)
    (held,) = came.held
    assert (held.run_id, held.unfinished) == (run_id, 40)
    assert view.lifecycle.gate is Gate.PAUSED
    assert view.gate_asked.why.startswith("restored from a backup of ")
    # Without the number it stays where it is, whoever asks.
    blind = steering_command(
        other.preview(Verb.RESUME, run_id), ASKER, "", other.around, typed=""
    )
    refused = other.asked(blind)
    assert refused.refusal == "RESTORED"
    assert "40 records" in refused.detail
    with other.engine():
        assert other.view(run_id).lifecycle.gate is Gate.PAUSED
        before = len(provider.arrivals)
        assert other.preview(Verb.RESUME, run_id).typed == "40"
        assert other.steered(Verb.RESUME, run_id, "asked them").state == "settled"
        other.until_ended(run_id)

    # Each was contacted again, under the very key that the provider knows.
    assert len(provider.arrivals) - before == 40
    assert len(provider.bodies_by_key) == 40
    assert all(len(bodies) == 1 for bodies in provider.bodies_by_key.values())
    assert other.assert_books_hold(run_id).delivered == 40
    assert "restored run released" in other.event_words(run_id)
    assert other.view(run_id).restored_from_ms is None


async def test_a_desk_types_no_number_for_anybody(floor, tmp_path, second):
    run_id = await asyncio.to_thread(floor.launched, campaign(), ids(5))
    await asyncio.to_thread(backed_up, floor, tmp_path / "backup.tar")
    _, other = await asyncio.to_thread(second, tmp_path / "backup.tar")
    desk = StoreDesk(other.layout, other.around, ASKER, other.owner)
    seen = await desk.preview(Verb.RESUME, run_id)

    for typed in ("", "4", run_id):
        asked = await desk.ask(seen, "go on", typed)
        answer = await desk.receipt(asked.command_id)
        assert answer is not None
        assert answer.refusal == "RESTORED"
    await desk.ask(seen, "looked with the provider", seen.typed)

    assert (await desk.run(run_id)).lifecycle.gate is Gate.OPEN
    await desk.close()


def test_what_was_in_flight_at_most_once_is_unknown_after_a_restore(
    floor, provider, tmp_path, second
):
    provider.hold()
    once = webhook(provider.url, 'delivery = "at_most_once"', permits=3)
    run_id = floor.launched(once, ids(10))
    with floor.engine():
        until(lambda: provider.at_once == 3)
        backed_up(floor, tmp_path / "backup.tar")
        provider.let_go()
        floor.until_ended(run_id)
    sent = len(provider.arrivals)

    came, other = second(tmp_path / "backup.tar")
    other.carried_out()

    books = other.assert_books_hold(run_id)
    assert books.unknown == 3
    assert books.pending == came.held[0].unfinished == 7
    assert len(provider.arrivals) == sent


def test_a_stop_that_keeps_promises_asks_for_their_number(floor, tmp_path, second):
    settings = 'shares = { callback = 1.0 }\ncallback_after = "9d"'
    run_id = floor.launched(campaign(settings), ids(4))
    with floor.engine():
        floor.until_phase(run_id, Phase.CALLBACK)
    backed_up(floor, tmp_path / "backup.tar")
    _, other = second(tmp_path / "backup.tar")

    seen = other.preview(Verb.STOP, run_id)
    blind = steering_command(seen, ASKER, "", other.around, typed="")

    assert seen.typed == "4"
    assert other.asked(blind).refusal == "RESTORED"
    assert other.steered(Verb.STOP, run_id).state == "settled"


def test_promises_of_a_run_that_was_stopping_are_held_as_well(
    floor, tmp_path, second, monkeypatch
):
    settings = 'shares = { callback = 1.0 }\ncallback_after = "1h"'
    run_id = floor.launched(campaign(settings, permits=4, rate="40/s"), ids(1_000))
    with floor.engine(), monkeypatch.context() as slowly:
        slowly.setattr(dropping, "SWEEP_ROWS", 1)
        until(lambda: floor.books(run_id).callback >= 4)
        floor.steered(Verb.STOP, run_id, state="applied")
        backed_up(floor, tmp_path / "backup.tar")
    monkeypatch.setattr(dropping, "SWEEP_ROWS", 100)

    _, other = second(tmp_path / "backup.tar")

    run = other.view(run_id).lifecycle
    assert (run.phase, run.gate) == (Phase.STOPPED_CALLBACK, Gate.PAUSED)
    books = other.assert_books_hold(run_id)
    assert other.preview(Verb.RESUME, run_id).typed == str(books.callback)


def test_a_cancel_ends_a_restored_run_without_any_number(floor, tmp_path, second):
    run_id = floor.launched(campaign(), ids(4))
    backed_up(floor, tmp_path / "backup.tar")
    _, other = second(tmp_path / "backup.tar")

    assert other.steered(Verb.CANCEL, run_id).state == "settled"
    assert other.view(run_id).lifecycle.phase is Phase.ENDED


def test_a_backup_of_a_busy_engine_is_of_one_moment(floor, tmp_path, second):
    floor.launched(campaign('latency = "1ms"', permits=40), ids(3_000))
    with floor.engine():
        until(lambda: any(view.books.delivered > 100 for view in floor.views()))
        backed_up(floor, tmp_path / "backup.tar")

    _, other = second(tmp_path / "backup.tar")

    for view in other.views():
        other.assert_books_hold(view.run_id)
    assert verified(other.layout, ()).broken is None


def test_a_restored_workspace_is_another_one_with_a_higher_epoch(
    floor, tmp_path, second
):
    floor.launched(campaign(), ids(2))
    made = backed_up(floor, tmp_path / "backup.tar")
    came, other = second(tmp_path / "backup.tar")

    head = other.read(chain_head)
    assert made.manifest.instance == floor.read(chain_head).instance
    assert head.instance == came.instance != made.manifest.instance
    assert other.pulse().epoch > floor.pulse().epoch


def test_anchors_of_before_the_backup_hold_and_later_ones_are_of_another(
    floor, tmp_path, second
):
    floor.launched(campaign(), ids(2))
    early = anchor_now(floor.layout, 1_000_000)
    backed_up(floor, tmp_path / "backup.tar")
    floor.launched(campaign(), ids(2))
    late = anchor_now(floor.layout, 2_000_000)
    assert early is not None
    assert late is not None
    _, other = second(tmp_path / "backup.tar")
    other.launched(campaign(), ids(2))

    found = verified(
        other.layout, [early, late, *read_anchors(other.layout.anchors).anchors]
    )

    assert found.broken is None
    assert found.anchored == early.link
    forged = early._replace(hash=bytes(32))
    assert verified(other.layout, [forged]).broken is not None


def test_what_was_owed_to_people_is_not_told_once_more(floor, tmp_path, second):
    run_id = floor.launched(campaign(head='notify = ["a@example.org"]'), ids(2))
    floor.steered(Verb.STOP, run_id)
    backed_up(floor, tmp_path / "backup.tar")

    came, other = second(tmp_path / "backup.tar")

    states = other.read(
        lambda connection: connection.execute(
            text("SELECT state, detail FROM notice")
        ).all()
    )
    assert came.unsent == 1
    assert states[0].state == "failed"
    assert "may have been told since" in states[0].detail


def test_a_backup_is_private_and_replaces_nothing(floor, tmp_path):
    target = tmp_path / "backup.tar"
    backed_up(floor, target)
    before = target.read_bytes()

    with pytest.raises(ConfigError, match="exists; no backup was made"):
        backed_up(floor, target)

    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == [
        "backup.tar"
    ]


def test_a_backup_within_the_workspace_is_refused(floor):
    with pytest.raises(ConfigError, match="is within the workspace"):
        backed_up(floor, floor.layout.root / "backup.tar")


def test_links_are_left_out_and_named(floor, tmp_path):
    (tmp_path / "secret").write_text("mine", encoding="utf-8")
    (floor.layout.campaigns / "link.toml").symlink_to(tmp_path / "secret")

    made = backed_up(floor, tmp_path / "backup.tar")

    assert made.left_out == ("campaigns/link.toml",)
    assert b"mine" not in (tmp_path / "backup.tar").read_bytes()


def test_the_place_of_a_living_engine_is_refused_by_name(floor, tmp_path):
    backed_up(floor, tmp_path / "backup.tar")

    with (
        floor.engine(),
        pytest.raises(ConfigError, match="an engine owns the workspace"),
    ):
        restored(floor, tmp_path / "backup.tar", floor.layout.root)


def test_a_folder_that_is_not_empty_is_refused(floor, tmp_path):
    backed_up(floor, tmp_path / "backup.tar")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine", encoding="utf-8")

    with pytest.raises(ConfigError, match="is there and is not empty"):
        restored(floor, tmp_path / "backup.tar", tmp_path / "full")

    assert [path.name for path in (tmp_path / "full").iterdir()] == ["note"]


def test_the_same_backup_is_restored_twice_only_by_word(floor, tmp_path):
    backed_up(floor, tmp_path / "backup.tar")
    restored(floor, tmp_path / "backup.tar", tmp_path / "one")

    with pytest.raises(ConfigError, match="was restored before"):
        restored(floor, tmp_path / "backup.tar", tmp_path / "two")

    restored(floor, tmp_path / "backup.tar", tmp_path / "two", again=True)
    assert Layout(tmp_path / "two").exists


def test_a_backup_that_is_cut_off_anywhere_is_refused_and_leaves_nothing(
    floor, tmp_path
):
    floor.launched(campaign(), ids(2))
    backed_up(floor, tmp_path / "backup.tar")
    whole = (tmp_path / "backup.tar").read_bytes()
    step = len(whole) // 40
    for size in [*range(0, len(whole), step), 100, 512, 1_000, len(whole) - 1]:
        (tmp_path / "cut.tar").write_bytes(whole[:size])
        assert_refused(floor, tmp_path / "cut.tar", "damaged|no backup of Watchfloor")


def test_a_backup_with_any_byte_changed_is_refused_or_holds_the_very_same(
    floor, tmp_path
):
    floor.launched(campaign(), ids(2))
    backed_up(floor, tmp_path / "backup.tar")
    whole = bytearray((tmp_path / "backup.tar").read_bytes())
    for place in range(3, len(whole), len(whole) // 97):
        whole[place] ^= 0x41
        (tmp_path / "bent.tar").write_bytes(whole)
        assert_refused(floor, tmp_path / "bent.tar", "damaged|no backup of Watchfloor")
        whole[place] ^= 0x41


@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "/etc/escaped",
        "uploads/../../escaped.csv",
        "campaigns/./x",
        "engine.lock",
        "inbox.db",
        "state.db-wal",
        "uploads/u\n.csv",
        "archive/.hidden/x",
        "archive/a/b/c/d",
        "INBOX/one.json",
        "anchors.jsonl",
        "uploads/below/u.csv",
        "suppression/.hidden.csv",
        ".hidden/list.csv",
    ],
)
def test_a_name_that_has_no_place_in_a_workspace_is_refused(name, floor, tmp_path):
    forged(floor, tmp_path, extra=(name, b"hello"))

    assert_refused(floor, tmp_path / "forged.tar", "has no place in a workspace")
    assert not (tmp_path / "escaped").exists()


def test_a_link_in_the_place_of_a_file_is_refused(floor, tmp_path):
    forged(floor, tmp_path, kind=tarfile.SYMTYPE)

    assert_refused(floor, tmp_path / "forged.tar", "damaged")


def test_a_backup_that_announces_more_than_it_holds_is_refused(floor, tmp_path):
    forged(floor, tmp_path, announced=2**50)

    assert_refused(floor, tmp_path / "forged.tar", "announces more than it holds")


def test_a_backup_of_a_newer_watchfloor_is_refused_by_name(floor, tmp_path):
    forged(floor, tmp_path, form=2)

    assert_refused(floor, tmp_path / "forged.tar", "made by a newer Watchfloor")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema version 9999"),
        (
            "CREATE TRIGGER wake AFTER INSERT ON journal BEGIN DELETE FROM run; END",
            "it holds 'wake'",
        ),
        ("CREATE VIEW seen AS SELECT * FROM run", "it holds 'seen'"),
        ("UPDATE lease SET instance = 'ab'", "not the one that its manifest tells"),
        ("DROP TABLE alembic_version", "it has no version"),
    ],
)
def test_a_store_that_is_not_what_it_says_is_refused(statement, why, floor, tmp_path):
    forged(floor, tmp_path, statement=statement)

    assert_refused(floor, tmp_path / "forged.tar", why)


#: What somebody did around the engine, and what is told of it.
FLAWS = {
    "an entry that was changed": (
        "UPDATE journal SET why = 'as agreed' WHERE entry_id = 1",
        r"audit chain is broken at link [\d,]+, after 20\d\d-.* UTC: entry 1 of",
    ),
    "an entry that was taken out": (
        "DELETE FROM journal WHERE entry_id = 1",
        "audit chain is broken at link 1: entry 1 of the journal was removed",
    ),
    "books that were cooked": (
        "UPDATE books SET delivered = 1, pending = -1 WHERE run_no = 1",
        r"books of run \S+ do not hold: pending -1 for 0 counted, delivered 1 for 0",
    ),
}


@pytest.mark.parametrize("what", FLAWS)
def test_what_does_not_hold_in_a_backup_is_told_before_it_is_restored(
    what, floor, tmp_path
):
    statement, said = FLAWS[what]
    for name in ("one", "other"):
        floor.launched(campaign(name=name), ids(2))
    forged(floor, tmp_path, statement=statement)
    backup = tmp_path / "forged.tar"
    asked: list[str] = []

    def accepts(wrong):
        asked.extend(wrong)
        return len(asked) > 1

    with pytest.raises(ConfigError, match=said):
        restored(floor, backup, tmp_path / "back", accepts=accepts)
    assert not (tmp_path / "back").exists()
    [told] = asked
    assert re.search(said, told)

    made = restored(floor, backup, tmp_path / "back", accepts=accepts)

    assert made.flaws == (told,)
    with reading(Layout(tmp_path / "back")) as connection:
        [entry] = [one for one in events(connection, "") if one.event == "restored"]
    assert f"accepted although {told[:60]}" in entry.detail


def test_a_journal_whose_end_was_taken_out_cannot_be_gone_on_with(floor, tmp_path):
    floor.launched(campaign(), ids(2))
    forged(floor, tmp_path, statement="DELETE FROM journal")

    with pytest.raises(StoreError, match="journal cannot be gone on with"):
        restored(
            floor, tmp_path / "forged.tar", tmp_path / "back", accepts=lambda _: True
        )
    assert not (tmp_path / "back").exists()


def test_a_backup_of_a_store_that_does_not_hold_says_so_and_is_made(floor, tmp_path):
    floor.launched(campaign(), ids(2))
    assert backed_up(floor, tmp_path / "well.tar").flaws == ()
    engine = writing_engine(floor.layout.state)
    with engine.begin() as connection:
        connection.execute(text(FLAWS["an entry that was changed"][0]))
    engine.dispose()

    made = backed_up(floor, tmp_path / "ill.tar")

    assert (tmp_path / "ill.tar").is_file()
    [told] = made.flaws
    assert "audit chain is broken at link" in told


def test_a_tar_of_something_else_is_no_backup(floor, tmp_path):
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        other.addfile(tarfile.TarInfo("notes.txt"))

    assert_refused(floor, tmp_path / "other.tar", "no backup of Watchfloor")


def test_a_file_that_is_not_there_is_said_so(floor, tmp_path):
    with pytest.raises(ConfigError, match="there is no "):
        restored(floor, tmp_path / "gone.tar", tmp_path / "fresh")


def assert_refused(floor, backup, why):
    """Restoring is refused for a reason, and leaves nothing behind."""
    before = {path.name for path in backup.parent.iterdir()}
    with pytest.raises((ConfigError, StoreError, RefusedError), match=why):
        restored(floor, backup, backup.parent / "fresh")
    assert {path.name for path in backup.parent.iterdir()} == before


def forged(  # noqa: PLR0913 - each is one way to do harm
    floor,
    tmp_path,
    *,
    extra=None,
    kind=tarfile.REGTYPE,
    announced=None,
    form=1,
    statement="",
):
    """Make a backup as somebody does who knows the form and wants harm."""
    backed_up(floor, tmp_path / "true.tar")
    with tarfile.open(tmp_path / "true.tar") as tape:
        files = {
            one.name: tape.extractfile(one).read()  # type: ignore[union-attr]  # all are files
            for one in tape.getmembers()
        }
    (tmp_path / "true.tar").unlink()
    manifest = json.loads(files.pop("manifest.json"))
    if statement:
        place = tmp_path / "store.db"
        place.write_bytes(files["state.db"])
        engine = writing_engine(place)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()
        files["state.db"] = place.read_bytes()
        place.unlink()
    if extra is not None:
        files[extra[0]] = extra[1]
    manifest["watchfloor_backup"] = form
    manifest["files"] = [
        {"name": name, "bytes": len(data), "sha256": sha256(data).hexdigest()}
        for name, data in files.items()
    ]
    if announced is not None:
        manifest["files"][-1]["bytes"] = announced
    told = {"manifest.json": json.dumps(manifest).encode(), **files}
    with tarfile.open(tmp_path / "forged.tar", "w", format=tarfile.USTAR_FORMAT) as out:
        for name, data in told.items():
            head = tarfile.TarInfo(name)
            head.size = len(data)
            if name == "watchfloor.toml" and kind != tarfile.REGTYPE:
                head.type, head.linkname, head.size = kind, "/etc/passwd", 0
            out.addfile(head, io.BytesIO(data))
        end = out.offset + 2 * tarfile.BLOCKSIZE
    # Python fills the last record up; a backup ends with the two blocks that end a tar.
    os.truncate(tmp_path / "forged.tar", end)


#: Read within a moment by whoever reads it; a backup here is a tenth of it.
FAR_TOO_LARGE = 64 * 1024 * 1024


def bytes_read():
    """How many bytes this process has read so far, from whatever there is."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def laid(path, what):
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to("/etc/hostname")
    else:
        path.write_text("id,first_name\nsomebody else\n")
        if what == "sparse":
            os.truncate(path, FAR_TOO_LARGE)
        if what == "closed":
            path.chmod(0)


@pytest.mark.parametrize("what", ["closed", "sparse", "pipe", "folder", "link"])
def test_nothing_that_others_lay_among_the_uploads_keeps_a_backup_from_being_made(
    floor, tmp_path, what
):
    run_id = floor.launched(campaign(), ids(3))
    other = floor.launched(campaign(), ids(4))
    for path in (floor.layout.uploads / "zz.csv", floor.layout.upload(f"u-{other}")):
        path.unlink(missing_ok=True)
        laid(path, what)

    before = bytes_read()
    made = backed_up(floor, tmp_path / "backup.tar")

    assert bytes_read() - before < FAR_TOO_LARGE / 2
    assert made.left_out == (f"uploads/u-{other}.csv",)
    with tarfile.open(tmp_path / "backup.tar") as tar:
        uploads = [name for name in tar.getnames() if name.startswith("uploads/")]
    assert uploads == [f"uploads/u-{run_id}.csv"]


def test_an_upload_of_another_content_is_no_part_of_a_backup(floor, tmp_path):
    run_id = floor.launched(campaign(), ids(3))
    path = floor.layout.upload(f"u-{run_id}")
    path.write_bytes(path.read_bytes().replace(b"c00001", b"c99991"))

    made = backed_up(floor, tmp_path / "backup.tar")

    assert made.left_out == (f"uploads/u-{run_id}.csv",)


def at_the_files(do):
    """Return an ``on_progress`` that does something once, while files are written."""
    left = [do]

    def told(step, number, _):
        if step == "files" and number > 1 and left:
            left.pop()()

    return told


def names_in(backup):
    with tarfile.open(backup) as tar:
        return set(tar.getnames())


def test_a_purge_that_takes_files_away_meanwhile_keeps_no_backup_from_being_made(
    floor, tmp_path, second
):
    kept, *purged = [floor.launched(campaign(), ids(3)) for _ in range(3)]
    floor.carried_out()
    folder = archive_of(floor.layout, purged[0])

    def purge():
        for run_id in purged:
            floor.layout.upload(f"u-{run_id}").unlink()
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / FILE).write_text('{"purged": true}')

    made = back_up(
        floor.layout, tmp_path / "b.tar", floor.around, "", at_the_files(purge)
    )

    assert made.left_out == ()
    inside = names_in(tmp_path / "b.tar")
    assert {one for one in inside if one.startswith("uploads/")} == {
        f"uploads/u-{kept}.csv"
    }
    of_purged = f"archive/{purged[0]}/"
    assert {one for one in inside if one.startswith(of_purged)} == {of_purged + FILE}
    _, other = second(tmp_path / "b.tar")
    assert len(other.views()) == 3
    told = archive_of(other.layout, purged[0]) / FILE
    assert told.read_text() == '{"purged": true}'


@pytest.mark.parametrize("change", [b"# longer", b"#"])
def test_a_file_that_is_edited_meanwhile_is_in_the_backup_as_it_was_left(
    floor, tmp_path, second, change
):
    floor.layout.campaigns.mkdir(exist_ok=True)
    file = floor.layout.campaigns / "trial.toml"
    file.write_bytes(b"!")

    back_up(
        floor.layout,
        tmp_path / "b.tar",
        floor.around,
        "",
        at_the_files(lambda: file.write_bytes(change)),
    )

    _, other = second(tmp_path / "b.tar")
    assert (other.layout.campaigns / "trial.toml").read_bytes() == change


def test_a_file_that_never_rests_ends_a_backup_and_leaves_nothing(floor, tmp_path):
    floor.layout.campaigns.mkdir(exist_ok=True)
    file = floor.layout.campaigns / "trial.toml"
    file.write_bytes(b"!")

    def edits(step, *_):
        if step == "files":
            file.write_bytes(file.read_bytes() + b"!")

    with pytest.raises(
        ConfigError, match=r"campaigns/trial\.toml changes all the time"
    ):
        back_up(floor.layout, tmp_path / "b.tar", floor.around, "", edits)
    assert not [one for one in tmp_path.iterdir() if "b.tar" in one.name]


@pytest.mark.parametrize("when", ["checksums", "files"])
def test_without_its_settings_a_backup_would_be_none(floor, tmp_path, when):
    def loses(step, *_):
        if step == when:
            floor.layout.settings.unlink(missing_ok=True)

    with pytest.raises(
        ConfigError, match=r"watchfloor\.toml went away .* Put the file"
    ):
        back_up(floor.layout, tmp_path / "b.tar", floor.around, "", loses)
    assert not [one for one in tmp_path.iterdir() if "b.tar" in one.name]


def test_an_upload_that_is_replaced_meanwhile_is_left_out_by_name(floor, tmp_path):
    run_id = floor.launched(campaign(), ids(3))
    path = floor.layout.upload(f"u-{run_id}")

    made = back_up(
        floor.layout,
        tmp_path / "b.tar",
        floor.around,
        "",
        at_the_files(lambda: path.write_bytes(path.read_bytes()[::-1])),
    )

    assert made.left_out == (f"uploads/u-{run_id}.csv",)
    assert made.left_out[0] not in names_in(tmp_path / "b.tar")
