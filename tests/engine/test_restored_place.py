"""Where a backup and a restored workspace get their names, and what is left else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from tests.support.backups import backed_up, come_back
from tests.support.floor import ASKER, Floor, campaign, ids

from watchfloor.domain.anchors import anchors_in
from watchfloor.domain.errors import ConfigError
from watchfloor.engine.auditing import Anchoring, known_anchors, verified
from watchfloor.engine.restoring import restore
from watchfloor.engine.sharing_files import share
from watchfloor.store.layout import Layout


@pytest.fixture
def backup(floor, tmp_path):
    """A backup in a folder of its own."""
    (tmp_path / "kept").mkdir()
    backed_up(floor, tmp_path / "kept" / "b.tar")
    return tmp_path / "kept" / "b.tar"


@pytest.fixture
def unsettled(monkeypatch):
    """Let no sync of the named folder come to an end."""

    def of(folder):
        synced = os.fsync

        def fails(descriptor):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                raise OSError(errno.EIO, "Input/output error")
            synced(descriptor)

        monkeypatch.setattr(os, "fsync", fails)

    return of


def restored(floor, backup, root, **options):
    return restore(backup, root, floor.around, floor.owner, ASKER, **options)


def marked(backup):
    return backup.with_name("b.tar.restored")


def test_a_backup_whose_name_may_not_last_is_there_and_says_so(
    floor, tmp_path, unsettled
):
    unsettled(tmp_path)

    made = backed_up(floor, tmp_path / "b.tar")

    assert "its name may not outlast a power cut" in made.warnings[0]
    assert made.bytes == (tmp_path / "b.tar").stat().st_size


def test_a_workspace_whose_name_may_not_last_is_there_and_marked(
    floor, backup, tmp_path, unsettled
):
    unsettled(tmp_path)

    came = restored(floor, backup, tmp_path / "back")

    assert "its name may not outlast a power cut" in came.warnings[0]
    assert Layout(tmp_path / "back").exists
    with pytest.raises(ConfigError, match="was restored before"):
        restored(floor, backup, tmp_path / "other")


def test_a_backup_is_marked_before_its_workspace_has_a_name(
    floor, backup, tmp_path, monkeypatch
):
    seen = []

    def refuse(*_, **__):
        seen.append(marked(backup).read_text())
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(ConfigError, match="busy; nothing is left"):
        restored(floor, backup, tmp_path / "back")

    [told] = seen
    assert told.startswith(f"restored to {tmp_path / 'back'}, instance ")
    # What had no effect is not told of afterwards.
    assert [path.name for path in backup.parent.iterdir()] == ["b.tar"]
    assert not (tmp_path / "back").exists()


def test_one_that_is_meant_again_leaves_the_first_mark_as_it_is(
    floor, backup, tmp_path
):
    marked(backup).write_text("restored to somewhere, long ago\n")

    restored(floor, backup, tmp_path / "back", again=True)

    assert marked(backup).read_text() == "restored to somewhere, long ago\n"


def test_a_mark_that_cannot_be_written_is_told(floor, backup, tmp_path, unsettled):
    unsettled(backup.parent)

    came = restored(floor, backup, tmp_path / "back")

    assert (
        "nothing keeps this backup from being restored once more" in (came.warnings[0])
    )


def test_a_place_that_nothing_can_take_is_refused_by_name(
    floor, backup, tmp_path, monkeypatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    for place in (Path(), tmp_path / "here"):
        with pytest.raises(
            ConfigError, match=r"here is where you are, .* as \S+/floor"
        ):
            restored(floor, backup, place)
    assert not marked(backup).exists()


def test_a_file_that_cannot_be_read_is_named_with_the_way_out(
    floor, tmp_path, monkeypatch
):
    closed = floor.layout.campaigns / "closed.toml"
    closed.touch()
    opened = os.open

    def refuse(path, *rest, **named):
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError, match=r"campaigns/closed\.toml: Permission denied"):
        backed_up(floor, tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir() if "b.tar" in path.name] == []


def test_a_file_whose_name_no_backup_can_hold_is_left_out_and_named(floor, tmp_path):
    name = "campaigns/" + "\u53f0" * 60 + ".toml"
    (floor.layout.root / name).touch()

    assert backed_up(floor, tmp_path / "b.tar").left_out == (name,)


def modes(layout):
    places = ("", "campaigns", "inbox", "uploads", "suppression", "state.db")
    files = ("watchfloor.toml", "suppression/all.csv", "campaigns/open.toml")
    return {
        name: stat.S_IMODE((layout.root / name).stat().st_mode)
        for name in (*places, *files, "campaigns/closed.toml")
    }


def test_a_group_that_shared_a_workspace_shares_what_comes_back(floor, tmp_path):
    share(floor.layout, os.getegid())
    (floor.layout.root / "suppression").mkdir(mode=0o700)
    (floor.layout.root / "suppression").chmod(0o2750)
    for name in ("suppression/all.csv", "campaigns/open.toml"):
        text = 'audience.suppression = ["suppression/all.csv"]'
        (floor.layout.root / name).write_text(text, encoding="utf-8")
        (floor.layout.root / name).chmod(0o640)
    (floor.layout.campaigns / "closed.toml").touch(mode=0o600)
    backed_up(floor, tmp_path / "b.tar")

    came = restored(floor, tmp_path / "b.tar", tmp_path / "back")

    assert came.shared_with
    assert modes(Layout(tmp_path / "back")) == modes(floor.layout)


def test_a_group_that_is_not_here_is_told_and_the_workspace_stays_closed(
    floor, tmp_path, monkeypatch
):
    share(floor.layout, os.getegid())
    backed_up(floor, tmp_path / "b.tar")

    def unknown(_):
        raise KeyError("no such group")

    monkeypatch.setattr("grp.getgrnam", unknown)
    came = restored(floor, tmp_path / "b.tar", tmp_path / "back")

    assert came.shared_with == ""
    assert "this system has no group" in came.warnings[0]
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o700
    assert Layout(tmp_path / "back").file_mode == 0o600


def test_a_trial_of_a_backup_does_not_break_the_audit_of_the_original(floor, tmp_path):
    outside = tmp_path / "outside.jsonl"
    floor.configure(f'[audit]\nanchor = "{outside}"')
    floor.launched(campaign(), ids(2))
    noted(floor, outside)
    backed_up(floor, tmp_path / "b.tar")
    before = outside.read_bytes()

    with come_back(floor, tmp_path / "b.tar") as (came, other):
        assert f"names {outside}, where the workspace before keeps" in came.warnings[0]
        with pytest.raises(
            ConfigError, match=r"is of another workspace, .* a new file"
        ):
            noted(other, outside)
        # On its way after a loss it has a file of its own, and the one of the store.
        noted(other, tmp_path / "new.jsonl")
        found = verified(other.layout, anchors_in(known_anchors([outside])))
        assert (found.broken, found.held) == (None, 1)

    assert outside.read_bytes() == before
    floor.launched(campaign(), ids(3))
    noted(floor, outside)
    found = verified(floor.layout, anchors_in(known_anchors([outside])))
    assert (found.broken, found.held) == (None, 2)


def noted(floor: Floor, *paths):
    """Note the head of a floor's chain as a new engine of it does."""
    files = [floor.layout.anchors, *paths]
    around = floor.around
    Anchoring(floor.layout, lambda: files, around.now_ms, around.monotonic_s).note()
