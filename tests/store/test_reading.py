from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from tests.support.process import descriptors_of

from watchfloor.domain.errors import NotFoundError, StoreError
from watchfloor.store.glance import glance
from watchfloor.store.reader import Reader, number_of
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.records import one_record
from watchfloor.store.reads.runs import run_view
from watchfloor.store.sqlite import copy_living


def look(layout):
    with reading(layout) as connection:
        return run_view(connection, "run-1")


async def look_in_a_loop(layout):
    reader = Reader(layout)
    try:
        return await reader.ask(run_view, "run-1")
    finally:
        await reader.close()


def test_where_no_workspace_is_the_sentence_says_how_to_make_one(layout):
    layout.settings.unlink()
    layout.state.unlink(missing_ok=True)
    with pytest.raises(
        NotFoundError, match=r"there is no workspace in .* watchfloor init"
    ):
        look(layout)
    with pytest.raises(NotFoundError, match="watchfloor init"):
        glance(layout)


async def test_a_loop_is_told_the_same(layout):
    layout.settings.unlink()
    with pytest.raises(NotFoundError, match="watchfloor init"):
        await look_in_a_loop(layout)


def test_where_only_the_store_is_missing_no_new_workspace_is_offered(layout):
    with pytest.raises(NotFoundError, match=r"is missing.* watchfloor restore"):
        look(layout)


@pytest.mark.parametrize("content", [b"Dear diary, " * 400, b"SQLite format 3\0" * 300])
async def test_a_file_that_is_no_store_is_told_in_a_sentence(layout, content):
    layout.state.write_bytes(content)

    for refused in (look, glance):
        with pytest.raises(StoreError, match=r"cannot be read: .* watchfloor doctor"):
            refused(layout)
    with pytest.raises(StoreError, match="cannot be read"):
        await look_in_a_loop(layout)


async def test_somebody_elses_database_is_told_in_a_sentence(layout):
    layout.state.write_bytes(b"")

    with pytest.raises(StoreError, match="no such table"):
        look(layout)
    with pytest.raises(StoreError, match="no such table"):
        await look_in_a_loop(layout)


def test_a_run_or_record_that_is_not_there_is_named(layout, stored):
    with pytest.raises(NotFoundError, match="'run-2'"), reading(layout) as connection:
        run_view(connection, "run-2")
    with (
        pytest.raises(NotFoundError, match="run-1 has no record 7"),
        reading(layout) as connection,
    ):
        one_record(connection, "run-1", 7)


async def test_a_loop_reads_what_a_verb_reads(layout, stored):
    reader = Reader(layout)

    assert await reader.ask(run_view, "run-1") == look(layout)
    assert (await reader.ask(engine_view)).owner == "test"

    await reader.close()
    await reader.close()


async def test_who_only_asked_for_the_number_leaves_nothing_open(layout, stored):
    before = descriptors_of(layout.state)
    reader = Reader(layout)
    assert reader.number_now() == 1
    assert descriptors_of(layout.state) - before

    await reader.close()

    assert descriptors_of(layout.state) == before


def test_a_store_never_owned_has_an_engine_that_is_not_alive(layout, writer):
    with reading(layout) as connection:
        assert not engine_view(connection).is_alive(0)


async def test_a_store_that_replaces_another_is_read_instead(layout, stored, tmp_path):
    reader = Reader(layout)

    def told(connection):
        return number_of(connection), run_view(connection, "run-1").campaign_name

    number, name = await reader.ask(told)
    assert (number, reader.number_now()) == (1, 1)
    other = tmp_path / "other.db"
    copy_living(layout.state, other, lambda *_: None)
    with closing(sqlite3.connect(other)) as changed:
        changed.execute("UPDATE run SET campaign_name = 'another'")
        changed.commit()
    kept = tmp_path / "kept"
    kept.mkdir()
    for end in ("", "-wal", "-shm"):
        layout.state.with_name(layout.state.name + end).rename(kept / f"state{end}")
    with pytest.raises(NotFoundError, match=r"moved away, to .*; nothing can be read"):
        await reader.ask(told)
    other.rename(layout.state)

    assert await reader.ask(told) == (2, "another")
    assert (
        await asyncio.gather(*[reader.ask(told) for _ in range(4)])
        == [(2, "another")] * 4
    )

    assert name != "another"
    await reader.close()


async def test_a_store_that_is_put_back_is_still_the_same(layout, stored, tmp_path):
    reader = Reader(layout)
    assert await reader.ask(number_of) == 1
    layout.state.rename(tmp_path / "state.db")
    with pytest.raises(NotFoundError):
        await reader.ask(number_of)

    (tmp_path / "state.db").rename(layout.state)

    assert await reader.ask(number_of) == 1
    await reader.close()
