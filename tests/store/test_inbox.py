from __future__ import annotations

import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from watchfloor.domain.errors import StoreError
from watchfloor.store.commands import refusable
from watchfloor.store.inbox import Command, Inbox, ask, create_inbox


def command(command_id, **values):
    given = {"at_ms": 1, "verb": "pause", "run_id": "run-1", "by": "nora"}
    return Command(command_id=command_id, **{**given, **values})


@pytest.fixture
def inbox(layout):
    create_inbox(layout)
    made = Inbox(layout)
    yield made
    made.close()


def ids(commands):
    return [one.command_id for one in commands]


def test_what_was_asked_waits_in_order_with_everything_said(layout, inbox):
    asked = [
        command("b", why="lunch", origin="desk", payload={"seen": {"version": 3}}),
        command("a", verb="stop"),
    ]
    for one in asked:
        ask(layout, one)

    assert inbox.waiting() == asked
    assert inbox.waiting() == asked


def test_only_what_is_forgotten_is_gone(layout, inbox):
    for one in "abc":
        ask(layout, command(one))

    inbox.forget(["a", "c", "never-asked"])

    assert ids(inbox.waiting()) == ["b"]
    inbox.forget(["b"])
    assert inbox.waiting() == []
    ask(layout, command("d"))
    assert ids(inbox.waiting()) == ["d"]


def test_however_much_is_forgotten_at_once_is_gone(layout, inbox):
    ask(layout, command("a"))

    # More than SQLite binds in one statement, as it is built on Debian.
    inbox.forget([*(str(number) for number in range(250_001)), "a"])

    assert inbox.waiting() == []


def test_what_was_asked_outlives_the_asker_and_the_engine(layout):
    create_inbox(layout)
    ask(layout, command("a"))

    again = Inbox(layout)

    assert ids(again.waiting()) == ["a"]
    again.close()


def test_making_an_inbox_that_is_there_loses_nothing(layout, inbox):
    ask(layout, command("a"))

    create_inbox(layout)

    assert ids(inbox.waiting()) == ["a"]


def test_another_file_in_the_inboxs_place_is_told_once_and_then_heard(layout, inbox):
    assert inbox.waiting() == []
    copy = layout.inbox.read_bytes()
    layout.inbox.unlink()
    layout.inbox.write_bytes(copy)

    ask(layout, command("a"))

    with pytest.raises(StoreError, match="another file was put in place of the inbox"):
        inbox.waiting()
    assert ids(inbox.waiting()) == ["a"]
    inbox.forget(["a"])
    assert inbox.waiting() == []


def test_what_another_file_held_in_its_place_is_not_forgotten_for_it(layout, inbox):
    empty = layout.inbox.read_bytes()
    ask(layout, command("a"))
    assert ids(inbox.waiting()) == ["a"]
    layout.inbox.unlink()
    layout.inbox.write_bytes(empty)
    ask(layout, command("b"))  # the first row of this file, as a was of the other
    with pytest.raises(StoreError, match="another file"):
        inbox.waiting()
    assert ids(inbox.waiting()) == ["b"]

    inbox.forget(["a"])

    assert ids(inbox.waiting()) == ["b"]


def test_an_inbox_that_is_gone_is_told_to_the_engine_in_a_sentence(layout, inbox):
    layout.inbox.unlink()

    with pytest.raises(StoreError, match=r"cannot be found: .* Put the file back"):
        inbox.waiting()
    assert not layout.inbox.exists()


def test_an_inbox_that_is_closed_to_the_engine_is_told_in_a_sentence(
    layout, inbox, monkeypatch
):
    # The super-user may write whatever its mode is.
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(StoreError, match=r"may not be read and written by the engine"):
        inbox.waiting()


def test_asking_makes_no_inbox_where_one_is_missing(layout, inbox):
    layout.inbox.unlink()

    with pytest.raises(StoreError, match=r"The file is missing: put it back, or start"):
        ask(layout, command("a"))

    assert not layout.inbox.exists()


def test_an_inbox_that_is_made_is_its_owners_alone(layout):
    before = os.umask(0)
    try:
        create_inbox(layout)
    finally:
        os.umask(before)

    assert stat.S_IMODE(layout.inbox.stat().st_mode) == 0o600


def test_one_id_stands_once_however_often_it_is_asked(layout, inbox):
    ask(layout, command("a"))
    ask(layout, command("a"))

    assert ids(inbox.waiting()) == ["a"]


def test_one_id_for_two_commands_is_refused_with_a_sentence(layout, inbox):
    ask(layout, command("a"))

    with pytest.raises(StoreError, match="another command was asked under the id a"):
        ask(layout, command("a", verb="stop"))

    assert [one.verb for one in inbox.waiting()] == ["pause"]


def test_an_asker_that_holds_the_file_does_not_block_the_engine(layout, inbox):
    ask(layout, command("a"))
    with closing(sqlite3.connect(layout.inbox, isolation_level=None)) as asker:
        asker.execute("BEGIN EXCLUSIVE")
        assert inbox.waiting() == []
        inbox.forget(["a"])
        asker.execute("ROLLBACK")

    assert ids(inbox.waiting()) == ["a"]
    inbox.forget(["a"])
    assert inbox.waiting() == []


def test_an_inbox_that_cannot_be_written_is_told_in_a_sentence(layout):
    layout.inbox.write_bytes(b"Dear diary, " * 400)

    with pytest.raises(StoreError, match="Nothing was asked of the engine"):
        ask(layout, command("a"))


@pytest.mark.parametrize("content", [b"", b"Dear diary, " * 400])
def test_a_file_that_is_no_inbox_is_told_to_the_engine_in_a_sentence(layout, content):
    layout.inbox.write_bytes(content)
    inbox = Inbox(layout)

    with pytest.raises(StoreError, match="No command reaches the engine"):
        inbox.waiting()

    inbox.forget(["a"])
    inbox.close()


def test_text_of_every_kind_arrives_as_it_was_said(layout, inbox):
    why = "nul \0 quote ' \" esc \x1b[31m bidi \u202e emoji \U0001f4de end"
    ask(layout, command("a", why=why, payload={"text": why}))

    [found] = inbox.waiting()

    assert (found.why, found.payload) == (why, {"text": why})


def test_two_threads_of_the_engine_may_look_at_once(layout, inbox):
    for number in range(20):
        ask(layout, command(f"{number:02}"))
    with ThreadPoolExecutor(4) as threads:
        looks = [threads.submit(inbox.waiting) for _ in range(200)]
        gone = [threads.submit(inbox.forget, [f"{one:02}"]) for one in range(10)]
        assert all(len(look.result()) in range(10, 21) for look in looks)
        for one in gone:
            one.result()

    assert ids(inbox.waiting()) == [f"{one:02}" for one in range(10, 20)]


def test_many_askers_at_once_are_all_heard(layout, inbox):
    with ThreadPoolExecutor(8) as askers:
        list(askers.map(lambda one: ask(layout, command(f"{one:02}")), range(24)))

    assert sorted(ids(inbox.waiting())) == [f"{one:02}" for one in range(24)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at_ms", 1 << 62),
        ("at_ms", -1),
        ("at_ms", "noon"),
        ("command_id", b"\xed\xa0\x80"),
        ("why", "w" * 20_000),
        ("run_id", b"\x00\xff"),
        ("payload_json", "[" * 100_000),
        ("payload_json", b"\xff"),
    ],
)
def test_whatever_a_row_holds_is_a_command_that_can_be_refused_and_forgotten(
    layout, inbox, column, value
):
    ask(layout, command("odd"))
    ask(layout, command("sound"))
    with closing(sqlite3.connect(layout.inbox)) as file:
        told = f"UPDATE asked SET {column} = ? WHERE command_id = 'odd'"  # noqa: S608 - ours
        file.execute(told, [value])
        file.commit()

    odd, sound = inbox.waiting()

    assert odd.verb == "unreadable"
    assert refusable(odd) == odd
    assert sound.command_id == "sound"
    inbox.forget([odd.command_id])
    assert ids(inbox.waiting()) == ["sound"]


def test_half_of_a_pair_in_a_payload_is_one_that_the_store_takes(layout, inbox):
    ask(layout, command("half", payload={"seen": {"word": "\ud800"}}))

    [found] = inbox.waiting()

    assert found.payload == {"seen": {"word": "?"}}
