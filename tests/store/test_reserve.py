from __future__ import annotations

import os

import pytest
from tests.support.mounts import files_of_at_most

from watchfloor.store.reserve import (
    ASKING_SIZE,
    ASKING_STEP,
    BESIDE,
    SIZE,
    STEP,
    AskingReserve,
    Reserve,
    Seen,
    seen_reserve,
)


@pytest.fixture
def reserve(layout):
    return Reserve(layout)


def test_a_reserve_takes_its_room_for_good_and_is_nobody_elses_to_read(layout, reserve):
    assert seen_reserve(layout) == Seen()

    assert reserve.make()

    assert seen_reserve(layout).is_whole
    assert layout.reserve.stat().st_mode & 0o077 == 0
    reserve.remove()
    assert not seen_reserve(layout).exists


def test_it_is_given_step_by_step_until_none_is_left(layout, reserve):
    reserve.make()
    given = 0
    while reserve.give():
        given += 1
        assert seen_reserve(layout).size == SIZE - given * STEP

    assert given == SIZE // STEP
    assert reserve.make()
    assert seen_reserve(layout).is_whole


def test_a_hole_is_no_room_and_is_filled(layout, reserve):
    with layout.reserve.open("wb") as hole:
        hole.truncate(SIZE)
    assert not seen_reserve(layout).is_whole

    assert reserve.make()

    assert seen_reserve(layout).is_whole


def test_one_that_is_longer_is_cut_to_its_size(layout, reserve):
    layout.reserve.write_bytes(bytes(SIZE + STEP))

    assert reserve.make()

    assert seen_reserve(layout).size == SIZE


def test_what_is_no_file_of_ours_is_neither_followed_nor_written(layout, reserve):
    other = layout.root / "other"
    other.write_bytes(b"theirs")
    layout.reserve.symlink_to(other)

    assert not reserve.make()
    assert not reserve.give()
    assert seen_reserve(layout) == Seen()
    assert other.read_bytes() == b"theirs"


def test_where_none_is_none_is_given(reserve):
    assert not reserve.give()


def test_a_system_that_cannot_allocate_writes_it_out(layout, reserve, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")

    assert reserve.make()

    assert seen_reserve(layout).is_whole


@pytest.mark.parametrize("held", [0, STEP])
def test_a_system_that_stops_half_way_leaves_it_as_it_was(
    layout, reserve, monkeypatch, held
):
    monkeypatch.delattr(os, "posix_fallocate")
    layout.reserve.write_bytes(bytes(held))

    with files_of_at_most(3 * STEP + 1):
        assert not reserve.make()

    assert seen_reserve(layout).size == held


def test_a_sound_disk_needs_no_way(layout, reserve):
    reserve.make()

    reserve.make_way()

    assert seen_reserve(layout).is_whole


def test_what_is_kept_for_others_is_not_given(layout):
    asking = AskingReserve(layout)
    assert asking.make()

    while asking.give(leaving=ASKING_SIZE // 2):
        pass

    assert layout.asking_reserve.stat().st_size == ASKING_SIZE // 2
    assert asking.give()
    assert layout.asking_reserve.stat().st_size == ASKING_SIZE // 2 - ASKING_STEP
    assert not asking.is_whole


def test_one_that_is_whole_without_room_beside_it_is_not_enough(
    layout, reserve, monkeypatch
):
    assert reserve.make()
    seen = os.statvfs(layout.root)
    few = (BESIDE - 1) // seen.f_frsize
    values = [*seen]
    values[4] = few
    filled = os.statvfs_result(values)
    monkeypatch.setattr(os, "fstatvfs", lambda _: filled)

    assert not reserve.make()
    assert reserve.is_whole
