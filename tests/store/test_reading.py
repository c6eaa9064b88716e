from __future__ import annotations

import pytest

from watchfloor.domain.errors import NotFoundError, StoreError
from watchfloor.store.glance import glance
from watchfloor.store.reader import Reader
from watchfloor.store.reading import reading
from watchfloor.store.reads.engine import engine_view
from watchfloor.store.reads.records import one_record
from watchfloor.store.reads.runs import run_view


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


def test_a_store_never_owned_has_an_engine_that_is_not_alive(layout, writer):
    with reading(layout) as connection:
        assert not engine_view(connection).is_alive(0)
