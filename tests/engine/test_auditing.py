"""The audit chain: what holds, and what anybody who changes it is found by."""

# ruff: noqa: S608 - every part of a statement stands in this file

from __future__ import annotations

import os
import shutil
from threading import Thread

import pytest
from sqlalchemy import create_engine, text
from tests.support.floor import NORA, campaign, ids
from tests.support.mounts import files_of_at_most
from tests.support.patience import until
from tests.support.syncs import noted_syncs

from watchfloor.domain.anchors import Anchor
from watchfloor.domain.chain import (
    BEGINNING,
    Kind,
    Link,
    link_hash,
    row_digest,
    words_digest,
)
from watchfloor.domain.errors import ConfigError
from watchfloor.domain.regions import Verb
from watchfloor.engine.auditing import Anchoring, anchor_now, known_anchors, verified
from watchfloor.store.anchor_file import append_anchor, read_anchors
from watchfloor.store.layout import Layout
from watchfloor.store.sqlite import writing_engine


@pytest.fixture(scope="module")
def told_workspace(tmp_path_factory):
    """A workspace whose journal has some two dozen entries; copy it."""
    from tests.support.floor import Floor  # noqa: PLC0415 - needed by this one only

    made = Floor(tmp_path_factory.mktemp("told"))
    for _ in range(3):
        run_id = made.launched(campaign(), ids(3))
        made.steered(Verb.PAUSE, run_id, "call 0151 5550123 first")
        made.steered(Verb.PAUSE, run_id, "once more")
        made.steered(Verb.CANCEL, run_id, "wrong list")
    made.close()
    return made.layout.root


@pytest.fixture
def layout(told_workspace, tmp_path):
    shutil.copytree(told_workspace, tmp_path / "floor")
    return Layout(tmp_path / "floor")


def tampered(layout, *statements):
    """Change the store as somebody does who may write the file."""
    engine = writing_engine(layout.state)
    with engine.begin() as connection:
        for one in statements:
            changed = connection.execute(text(one))
            assert changed.rowcount != 0, one
    engine.dispose()


def broken(layout, anchors=()):
    found = verified(layout, anchors).broken
    assert found is not None
    return found


def head_of(layout):
    anchor = anchor_now(layout, 1_700_000_000_000)
    assert anchor is not None
    return anchor


def all_rows(layout, query):
    engine = create_engine(f"sqlite:///{layout.state}")
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(text(query)).mappings()]
    engine.dispose()
    return rows


def test_a_chain_that_nobody_touched_fits_from_end_to_end(layout):
    found = verified(layout, ())

    entries = all_rows(layout, "SELECT count(*) AS n FROM journal")[0]["n"]
    links = all_rows(layout, "SELECT count(*) AS n FROM chain")[0]["n"]
    assert found.broken is None
    assert (found.entries, found.links) == (entries, links)
    assert found.entries > 10


def test_every_column_of_an_entry_and_of_a_command_is_covered(layout):
    for table in ("journal", "command"):
        for column in all_rows(layout, f"PRAGMA table_info({table})"):
            name = column["name"]
            place = layout.root.with_name(f"{table}-{name}")
            shutil.copytree(layout.root, place)
            other = Layout(place)
            value = 987_654 if "INT" in column["type"] else "'forged'"
            key = "entry_id" if table == "journal" else "command_id"
            tampered(
                other,
                f"UPDATE {table} SET {name} = {value} WHERE {key} = "
                f"(SELECT max({key}) FROM {table})",
            )

            assert verified(other, ()).broken, f"{table}.{name} is not covered"


def test_a_changed_entry_is_named(layout):
    tampered(layout, "UPDATE journal SET by = 'somebody' WHERE entry_id = 5")

    found = broken(layout)
    assert (found.what, found.entry) == ("changed", 5)
    assert "entry 5 of the journal was changed" in found.said


def test_the_first_of_several_changed_entries_is_named(layout):
    tampered(layout, "UPDATE journal SET why = 'x' WHERE entry_id IN (7, 4, 9)")

    assert broken(layout).entry == 4


def test_a_removed_entry_is_named(layout):
    tampered(layout, "DELETE FROM journal WHERE entry_id = 6")

    found = broken(layout)
    assert (found.what, found.entry) == ("removed", 6)


def test_an_entry_that_is_removed_with_its_link_is_found_by_its_link(layout):
    link = all_rows(layout, "SELECT link_no FROM chain WHERE entry_id = 6")[0]
    tampered(
        layout,
        "DELETE FROM journal WHERE entry_id = 6",
        "DELETE FROM chain WHERE entry_id = 6",
    )

    found = broken(layout)
    assert (found.what, found.link) == ("removed", link["link_no"])


def test_an_entry_that_is_added_at_the_end_is_named(layout):
    last = all_rows(layout, "SELECT max(entry_id) AS n FROM journal")[0]["n"]
    tampered(
        layout,
        "INSERT INTO journal (at_ms, run_id, event, epoch) VALUES (1, '', 'resume', 1)",
    )

    found = broken(layout)
    assert (found.what, found.entry) == ("added", last + 1)


def test_an_entry_that_is_added_in_a_gap_is_named(layout):
    # Room is made by moving what is behind it, links and all; their hashes stay.
    tampered(
        layout,
        "UPDATE journal SET entry_id = entry_id + 1000 WHERE entry_id > 5",
        "UPDATE chain SET entry_id = entry_id + 1000 WHERE entry_id > 5",
        "INSERT INTO journal (entry_id, at_ms, run_id, event, epoch)"
        " VALUES (6, 1, '', 'resume', 1)",
    )

    # The link behind it says another number than it was hashed with.
    assert broken(layout).what == "relinked"


def test_two_entries_that_are_swapped_are_found_at_the_first(layout):
    tampered(
        layout,
        "UPDATE journal SET entry_id = 100000 WHERE entry_id = 4",
        "UPDATE journal SET entry_id = 4 WHERE entry_id = 8",
        "UPDATE journal SET entry_id = 8 WHERE entry_id = 100000",
    )

    found = broken(layout)
    assert (found.what, found.entry) == ("changed", 4)


def test_a_command_that_is_changed_removed_or_added_is_named(layout):
    one = all_rows(layout, "SELECT command_id FROM command LIMIT 1")[0]["command_id"]
    for statement, what in (
        (f"UPDATE command SET settled_at_ms = 1 WHERE command_id = '{one}'", "changed"),
        (f"DELETE FROM command WHERE command_id = '{one}'", "removed"),
    ):
        place = layout.root.with_name(what)
        shutil.copytree(layout.root, place)
        tampered(Layout(place), statement)

        found = broken(Layout(place))
        assert (found.what, found.command) == (what, one)
    tampered(
        layout,
        "INSERT INTO command (command_id, run_id, verb, by, origin, why, seen_json,"
        " state, asked_at_ms) VALUES ('zz', '', 'pause', 'nora', '', '', '', '', 1)",
    )

    found = broken(layout)
    assert (found.what, found.command) == ("added", "zz")


ADDED = "INSERT INTO journal (entry_id, at_ms, run_id, event, epoch) VALUES "


@pytest.mark.parametrize("number", [0, -7])
def test_an_entry_below_the_first_number_was_added(layout, number):
    tampered(layout, f"{ADDED} ({number}, 1, '', 'approved', 1)")

    found = broken(layout, [head_of(layout)])
    assert (found.what, found.entry) == ("added", number)


def test_a_link_below_the_first_number_stands_for_no_command(layout):
    tampered(
        layout,
        "INSERT INTO command (command_id, run_id, verb, by, origin, why, seen_json,"
        " state, asked_at_ms) VALUES ('zz', '', 'pause', 'nora', '', '', '', '', 1)",
        "INSERT INTO chain (link_no, form, command_id, words, digest, hash)"
        " VALUES (-1, 1, 'zz', x'00', x'00', x'00')",
    )
    found = broken(layout)
    assert (found.what, found.command) == ("added", "zz")

    tampered(layout, "DELETE FROM command WHERE command_id = 'zz'")
    found = broken(layout)
    assert (found.what, found.command) == ("added", "")
    assert "links are stored" in found.said


@pytest.mark.parametrize("number", ["NULL", "'zz'", "3", "2.5"])
@pytest.mark.parametrize("table", ["journal", "command", "chain"])
def test_a_row_of_a_table_that_was_made_anew_to_take_it_is_found(layout, table, number):
    key = {"journal": "entry_id", "command": "command_id", "chain": "link_no"}[table]
    value = "max(command_id)" if (table, number) == ("command", "3") else number
    tampered(layout, f"CREATE TABLE other AS SELECT * FROM {table}")
    columns = ", ".join(
        column["name"] for column in all_rows(layout, f"PRAGMA table_info({table})")
    )
    tampered(
        layout,
        f"INSERT INTO other SELECT {columns.replace(key, value, 1)} FROM {table}"
        f" WHERE {key} = (SELECT max({key}) FROM {table})",
        f"DROP TABLE {table}",
        f"ALTER TABLE other RENAME TO {table}",
    )

    assert broken(layout, [])


def test_a_purge_that_no_link_stands_for_takes_out_no_words(layout):
    run_id = all_rows(layout, "SELECT run_id FROM journal WHERE entry_id = 5")[0]
    out = "(taken out by a purge)"
    tampered(
        layout,
        f"UPDATE journal SET why = '{out}', detail = '{out}' WHERE entry_id = 5",
        "UPDATE chain SET salt = NULL WHERE entry_id = 5",
    )
    assert broken(layout, [head_of(layout)]).entry == 5

    tampered(layout, f"{ADDED} (-7, 1, '{run_id['run_id']}', 'purge requested', 1)")
    assert broken(layout, [head_of(layout)]).entry == -7


def test_a_link_that_is_made_to_fit_a_changed_entry_does_not_follow(layout):
    rewrite(layout, "UPDATE journal SET by = 'x' WHERE entry_id = 5", only=5)

    found = broken(layout)
    assert (found.what, found.entry) == ("relinked", 5)


def test_only_an_anchor_finds_an_end_that_was_cut_off_cleanly(layout):
    anchor = head_of(layout)
    cut(layout, anchor.link - 4)

    assert verified(layout, ()).broken is None
    found = broken(layout, [anchor])
    assert found.what == "cut"
    assert "2023-11-14T22:13:20Z" in found.said


def test_only_an_anchor_finds_a_chain_that_was_written_anew(layout):
    anchor = head_of(layout)
    rewrite(layout, "UPDATE journal SET by = 'x' WHERE entry_id = 5")

    assert verified(layout, ()).broken is None
    found = broken(layout, [anchor])
    assert (found.what, found.link) == ("rewritten", anchor.link)


def test_an_anchor_of_another_workspace_is_no_proof(layout):
    stranger = Anchor("f" * 16, 3, bytes(32), "2026-01-01T00:00:00Z")

    assert broken(layout, [stranger]).what == "foreign"


def test_a_link_that_nothing_writes_is_named(layout):
    tampered(layout, "UPDATE chain SET words = 'no bytes' WHERE link_no = 3")

    found = broken(layout)
    assert (found.what, found.link) == ("relinked", 3)


def test_words_without_their_salt_are_a_change_where_nothing_was_purged(layout):
    tampered(
        layout,
        "UPDATE journal SET why = '(taken out by a purge)',"
        " detail = '(taken out by a purge)' WHERE entry_id = 5",
        "UPDATE chain SET salt = NULL WHERE entry_id = 5",
    )

    assert broken(layout).entry == 5


def test_the_head_is_noted_once_until_it_moves(layout, tmp_path):
    elsewhere = tmp_path / "elsewhere.jsonl"
    anchoring = Anchoring(
        layout, lambda: [layout.anchors, elsewhere], lambda: 60_000, lambda: 0.0
    )

    first = anchoring.note()
    assert first is not None
    assert anchoring.note() is None

    assert [one.anchors for one in known_anchors([layout.anchors, elsewhere])] == [
        (first,),
        (first,),
    ]
    assert verified(layout, read_anchors(elsewhere).anchors).anchored == first.link
    assert layout.anchors.stat().st_mode & 0o777 == 0o600


def test_the_head_is_noted_as_often_as_asked_though_the_clock_is_put_back(layout):
    wall_ms, now_s = [9_000_000], [100.0]
    anchoring = Anchoring(
        layout, lambda: [layout.anchors], lambda: wall_ms[0], lambda: now_s[0]
    )
    assert anchoring.is_due(60_000)
    wall_ms[0] = 0
    now_s[0] += 59.9
    assert not anchoring.is_due(60_000)
    now_s[0] += 0.2
    assert anchoring.is_due(60_000)


def test_an_anchor_file_that_is_a_link_is_not_followed(layout, tmp_path):
    target = tmp_path / "precious"
    target.write_text("keep me\n", encoding="ascii")
    layout.anchors.symlink_to(target)

    with pytest.raises(ConfigError, match="nothing was written"):
        append_anchor(layout.anchors, head_of(layout))

    assert target.read_text(encoding="ascii") == "keep me\n"


def test_a_file_that_takes_nothing_does_not_keep_the_others_from_it(layout, tmp_path):
    gone = tmp_path / "gone" / "anchors.jsonl"
    anchoring = Anchoring(
        layout, lambda: [gone, layout.anchors], lambda: 0, lambda: 0.0
    )

    with pytest.raises(ConfigError, match="No such file"):
        anchoring.note()

    assert len(read_anchors(layout.anchors).anchors) == 1


def test_an_anchor_of_which_the_disk_takes_a_part_is_not_noted(layout):
    anchoring = Anchoring(layout, lambda: [layout.anchors], lambda: 0, lambda: 0.0)
    # Longer than what the store needs to be read.
    layout.anchors.write_text("\n" * 100_000, encoding="ascii")
    before = layout.anchors.read_bytes()

    with (
        files_of_at_most(len(before) + 40),
        pytest.raises(ConfigError, match="cannot be appended to: File too large"),
    ):
        anchoring.note()

    assert layout.anchors.read_bytes() == before
    # It is tried again, although the chain has not gone on.
    assert anchoring.note() is not None
    assert len(read_anchors(layout.anchors).anchors) == 1


def test_the_name_of_a_new_anchor_file_is_brought_to_the_disk_with_it(layout, tmp_path):
    path = tmp_path / "elsewhere.jsonl"
    with noted_syncs() as synced:
        append_anchor(path, head_of(layout))
        assert synced == [path, tmp_path]
        append_anchor(path, head_of(layout))
        assert synced == [path, tmp_path, path]


def test_a_pipe_in_the_place_of_an_anchor_file_is_not_waited_for(layout):
    os.mkfifo(layout.anchors)

    with pytest.raises(ConfigError, match="cannot be read: it is no plain file"):
        known_anchors([layout.anchors])


def test_a_pipe_that_somebody_names_is_read_like_a_file(layout, tmp_path):
    path = tmp_path / "kept-elsewhere"
    os.mkfifo(path)
    head = head_of(layout)
    writer = Thread(target=path.write_text, args=(f"{head.line}\n",))
    writer.start()

    assert read_anchors(path, may_wait=True).anchors == (head,)
    writer.join()


def test_an_anchor_begins_a_line_of_its_own_behind_one_that_was_broken_off(layout):
    layout.anchors.write_text('{"watchfloor_anch', encoding="ascii")
    anchor = head_of(layout)

    append_anchor(layout.anchors, anchor)

    read = read_anchors(layout.anchors)
    assert (read.anchors, read.torn, read.wrong) == ((anchor,), (1,), ())


def cut(layout, last):
    """Take the links behind *last* away, and all that they stand for."""
    tampered(
        layout,
        "DELETE FROM journal WHERE entry_id IN"
        f" (SELECT entry_id FROM chain WHERE link_no > {last})",
        f"DELETE FROM chain WHERE link_no > {last}",
    )
    rewrite(layout, None)


def rewrite(layout, statement, only=None):
    """Change something and chain everything anew, as who knows the code can.

    With *only*, the link of that entry alone is made to fit.
    """
    engine = writing_engine(layout.state)
    with engine.begin() as connection:
        if statement:
            connection.execute(text(statement))
        before = BEGINNING
        links = connection.execute(text("SELECT * FROM chain ORDER BY link_no"))
        for link in links.mappings().all():
            kind = Kind.ENTRY if link["entry_id"] else Kind.COMMAND
            key = link["entry_id"] or link["command_id"]
            table = "journal" if kind is Kind.ENTRY else "command"
            column = "entry_id" if kind is Kind.ENTRY else "command_id"
            row = connection.execute(
                text(f"SELECT * FROM {table} WHERE {column} = :key"), {"key": key}
            )
            stored = dict(row.mappings().one())
            words, digest = link["words"], link["digest"]
            if only is None or link["entry_id"] == only:
                words = words_digest(stored, kind, link["salt"])
                digest = row_digest(stored, kind, words)
            made = Link(link["link_no"], link["form"], kind, str(key), words, digest)
            late = bool(link["is_late"])
            before = link_hash(before, made, is_late=late) if only is None else b""
            connection.execute(
                text(
                    "UPDATE chain SET words = :words, digest = :digest"
                    + (", hash = :hash" if only is None else "")
                    + " WHERE link_no = :number"
                ),
                {"words": words, "digest": digest, "number": link["link_no"]}
                | ({"hash": before} if only is None else {}),
            )
    engine.dispose()


def test_an_engine_notes_the_head_at_the_end_of_a_run_and_at_its_own(floor, tmp_path):
    elsewhere = tmp_path / "elsewhere.jsonl"
    floor.configure(f'[audit]\nanchor = "{elsewhere}"')
    run_id = floor.launched(campaign(), ids(5))
    with floor.engine():
        floor.until_ended(run_id)
        until(lambda: names_an_end(floor, elsewhere, run_id), "the end to be noted")

    last = read_anchors(elsewhere).anchors[-1]
    head = head_of(floor.layout)
    assert (last.link, last.hash) == (head.link, head.hash)
    assert [one.link for one in read_anchors(floor.layout.anchors).anchors] == [
        one.link for one in read_anchors(elsewhere).anchors
    ]
    assert verified(floor.layout, read_anchors(elsewhere).anchors).broken is None


def names_an_end(floor, file, run_id):
    """Whether an anchor names a link behind the run's end, while an engine runs."""
    ends = floor.read(
        lambda connection: connection.scalar(
            text(
                "SELECT max(link_no) FROM chain JOIN journal USING (entry_id)"
                " WHERE run_id = :run AND event = 'all_done'"
            ),
            {"run": run_id},
        )
    )
    return any(one.link >= ends for one in read_anchors(file).anchors)


def test_what_a_store_held_before_the_chain_is_chained_afterwards(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.steered(Verb.CANCEL, run_id, "wrong list")
    entries = floor.read(lambda c: c.scalar(text("SELECT count(*) FROM journal")))
    tampered(
        floor.layout,
        "DELETE FROM chain",
        "UPDATE alembic_version SET version_num = '0006'",
    )
    for statement in (
        "DROP TABLE chain",
        "ALTER TABLE run DROP COLUMN restored_from_ms",
        "ALTER TABLE lease DROP COLUMN left_why",
        "ALTER TABLE lease DROP COLUMN left_at_ms",
        "ALTER TABLE lease DROP COLUMN ran_at",
    ):
        engine = writing_engine(floor.layout.state)
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    second = floor.launched(campaign(), ids(3))

    found = verified(floor.layout, ())
    assert second
    assert found.broken is None
    assert found.late_entries == entries
    assert found.entries > entries


def test_every_command_that_is_refused_leaves_its_trace(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.steered(Verb.PAUSE, run_id, "first")
    floor.steered(Verb.PAUSE, run_id, "second")

    (refused,) = [one for one in floor.events(run_id) if one.event == "pause refused"]
    assert (refused.by, refused.origin, refused.why) == (NORA, "desk-1", "second")
    assert "ALREADY_PAUSED" in refused.detail


def test_a_purge_takes_out_who_is_named_and_the_chain_goes_on_holding(floor):
    run_id = floor.launched(campaign(), ids(3))
    floor.steered(Verb.PAUSE, run_id, "ask +49 30 1234567 first")
    floor.steered(Verb.CANCEL, run_id, "wrong list")
    floor.carried_out()
    floor.ordered("purge", run_id, why="asked for")
    floor.carried_out()

    whys = [one.why for one in floor.events(run_id)]
    found = verified(floor.layout, ())

    assert "1234567" not in str(whys)
    assert "(taken out by a purge)" in whys
    assert "wrong list" in whys
    assert found.broken is None
    assert found.taken_out >= 2
    assert b"1234567" not in floor.layout.state.read_bytes()
