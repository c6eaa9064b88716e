from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from watchfloor.store.inbox import Inbox, create_inbox
from watchfloor.store.reading import reading
from watchfloor.store.sqlite import (
    BUSY_MS,
    HURRIED_BUSY_MS,
    damage,
    fold_log,
    hurry,
    inbox_engine,
)

FULL = 2
EXTRA = 3
PAGE = 4096


def pragma(connection, name):
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def patience_ms(connection):
    with connection.begin():
        return pragma(connection, "busy_timeout")


def test_the_writer_syncs_every_commit_of_a_write_ahead_log(writer):
    assert pragma(writer, "journal_mode") == "wal"
    assert pragma(writer, "synchronous") == FULL
    assert pragma(writer, "foreign_keys") == 1


def test_a_writing_transaction_locks_before_it_reads(layout, writer):
    with (
        writer.begin(),
        closing(sqlite3.connect(layout.state, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_the_inbox_keeps_a_rollback_journal_and_syncs(layout):
    create_inbox(layout)
    engine = inbox_engine(layout.inbox)
    with engine.connect() as connection:
        assert pragma(connection, "journal_mode") == "delete"
        assert pragma(connection, "synchronous") == EXTRA
    engine.dispose()
    inbox = Inbox(layout)
    inbox.waiting()
    inbox.close()

    assert stat.S_IMODE(layout.inbox.stat().st_mode) == 0o600


def test_a_reader_cannot_write(layout, writer):
    with reading(layout) as connection:
        assert pragma(connection, "query_only") == 1
        with pytest.raises(OperationalError, match=r"readonly|query_only"):
            connection.execute(text("DELETE FROM run"))
        connection.rollback()


def test_a_reader_sees_one_moment_while_the_writer_goes_on(layout, stored):
    count = text("SELECT count(*) FROM record")
    with reading(layout) as connection:
        before = connection.scalar(count)
        stored.add(5)
        assert connection.scalar(count) == before == 0
    with reading(layout) as connection:
        assert connection.scalar(count) == 5


def test_a_writer_in_a_hurry_stays_so_when_its_log_was_folded(layout, stored):
    stored.add(5)
    assert fold_log(stored.writer)
    assert patience_ms(stored.writer) == BUSY_MS
    hurry(stored.writer)
    stored.add(5, first=6)

    with reading(layout) as connection:
        connection.scalar(text("SELECT count(*) FROM record"))
        stored.add(5, first=11)
        assert not fold_log(stored.writer)
    assert fold_log(stored.writer)

    assert patience_ms(stored.writer) == HURRIED_BUSY_MS


def test_a_sound_store_has_no_damage_and_a_spoilt_one_has(layout, stored):
    stored.add(3_000)
    with reading(layout) as connection:
        assert damage(connection) == ""
    with closing(sqlite3.connect(layout.state)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    content = bytearray(layout.state.read_bytes())
    leaf = content.index(b"c1500") // PAGE * PAGE
    content[leaf : leaf + 2] = b"\xff\xff"
    layout.state.write_bytes(content)

    with reading(layout) as connection:
        assert damage(connection) != ""
