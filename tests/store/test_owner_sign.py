from __future__ import annotations

from dataclasses import replace

import pytest

from watchfloor.domain.views import EngineView
from watchfloor.engine.ownership import Ownership
from watchfloor.store.lock_text import owner_in
from watchfloor.store.owner_sign import OwnerSign, is_owned, owner_sign

NOW_MS = 1_700_000_000_000
SILENT = EngineView(pid=7, host="here", heartbeat_at_ms=NOW_MS - 60_000, released=False)


@pytest.fixture
def held(layout):
    lock = Ownership.taken(layout, "engine of nora (pid 7 on here)")
    yield lock
    lock.release()


def test_a_silent_owner_whose_process_lives_is_told_from_one_that_is_gone(layout, held):
    assert owner_sign(layout, SILENT, NOW_MS) == OwnerSign(lives=True)

    held.release()

    assert owner_sign(layout, SILENT, NOW_MS) == OwnerSign()


def test_an_owner_says_in_its_lock_why_the_store_takes_no_writes(layout, held):
    held.tell("the store takes no writes: database or disk is full")

    found = owner_sign(layout, SILENT, NOW_MS)
    assert found == OwnerSign(
        lives=True, fault="the store takes no writes: database or disk is full"
    )

    held.tell("")
    assert owner_sign(layout, SILENT, NOW_MS) == OwnerSign(lives=True)


def test_a_fault_never_makes_the_lock_longer_nor_loses_its_owner(layout, held):
    size = layout.lock.stat().st_size

    held.tell("x" * 5_000 + "\nwith lines")

    assert layout.lock.stat().st_size == size
    assert owner_in(layout.lock.read_bytes()) == "engine of nora (pid 7 on here)"


def test_an_owner_that_let_go_needs_no_look(layout, held):
    held.tell("an old fault")
    let_go = EngineView(heartbeat_at_ms=NOW_MS - 60_000, released=True)

    assert owner_sign(layout, let_go, NOW_MS) == OwnerSign()


def test_an_owner_that_beats_is_only_asked_what_it_says_itself(layout, held):
    beats = EngineView(heartbeat_at_ms=NOW_MS - 500, released=False)
    assert owner_sign(layout, beats, NOW_MS) == OwnerSign()

    held.tell("the disk is full")
    assert owner_sign(layout, beats, NOW_MS).fault == "the disk is full"


def test_a_fault_of_an_owner_that_is_gone_is_no_fault_of_now(layout, held):
    held.tell("the disk is full")
    held.release()

    assert not is_owned(layout)
    assert owner_sign(layout, SILENT, NOW_MS) == OwnerSign(
        last_words="the disk is full"
    )


@pytest.mark.parametrize(
    "other", [{"pid": 70}, {"pid": 6}, {"host": "there"}], ids=["70", "6", "elsewhere"]
)
def test_one_that_starts_is_not_taken_for_the_owner_that_died(layout, held, other):
    found = owner_sign(layout, replace(SILENT, **other), NOW_MS)

    assert found == OwnerSign(holder="engine of nora (pid 7 on here)")
    assert not found.hangs


def test_one_that_applies_a_command_is_silent_and_does_not_hang(layout):
    verb = "launch of ann (pid 7 on here), for a moment"
    held = Ownership.taken(layout, verb)

    assert owner_sign(layout, SILENT, NOW_MS) == OwnerSign(holder=verb)
    held.release()
