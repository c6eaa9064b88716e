from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from watchfloor.store.backups.scratch import give_name, scratch, settled

#: Makes something beside a name, and is killed over it.
KILLED = """
import os, sys
from pathlib import Path
from watchfloor.store.backups.scratch import scratch
with scratch(Path(sys.argv[1])) as aside:
    (aside / "people").write_text("all of them")
    os._exit(9)
"""


def left(folder):
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def no_links(monkeypatch):
    """A disk that knows one name for a file only."""

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "monday.tar")]
    subprocess.run(command, check=False)
    [name] = left(tmp_path)
    assert (tmp_path / name / "people").is_file()

    with scratch(tmp_path / "tuesday.tar") as aside:
        assert left(tmp_path) == [aside.name]

    assert left(tmp_path) == []


def test_what_another_makes_meanwhile_stays(tmp_path):
    with scratch(tmp_path / "one.tar") as one:
        (one / "half").touch()
        with scratch(tmp_path / "other.tar"):
            pass
        assert (one / "half").is_file()
        assert one.stat().st_mode & 0o777 == 0o700


def test_what_only_looks_alike_stays(tmp_path):
    machine = os.uname().nodename
    for name in (f".x.0123456789ab.{machine}.old", ".x.0123456789ab.partial", "x"):
        (tmp_path / name).mkdir()
    link = tmp_path / f".x.0123456789ab.{machine}.partial"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "note").touch()
    link.symlink_to(tmp_path / "kept")

    with scratch(tmp_path / "b.tar"):
        pass

    assert len(left(tmp_path)) == 5
    assert (tmp_path / "kept" / "note").is_file()


@pytest.mark.parametrize("disk", ["links", "no links"])
def test_a_name_is_given_once(tmp_path, request, disk):
    if disk == "no links":
        request.getfixturevalue("no_links")
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("whole")

    give_name(source, target)

    assert target.read_text() == "whole"
    (tmp_path / "second").write_text("other")
    with pytest.raises(FileExistsError):
        give_name(tmp_path / "second", target)
    assert target.read_text() == "whole"


@pytest.mark.usefixtures("no_links")
def test_a_name_that_cannot_be_given_on_is_not_kept(tmp_path):
    with pytest.raises(FileNotFoundError):
        give_name(tmp_path / "gone", tmp_path / "target")

    assert left(tmp_path) == []


def test_another_fault_than_missing_links_is_none_to_get_round(tmp_path):
    with pytest.raises(FileNotFoundError):
        give_name(tmp_path / "gone", tmp_path / "target")

    assert left(tmp_path) == []


def test_a_name_that_does_not_reach_the_disk_is_told_and_kept(tmp_path, monkeypatch):
    (tmp_path / "made").touch()
    assert settled(tmp_path / "made") == ()

    def fails(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    [told] = settled(tmp_path / "made")

    assert "made is whole, but its name may not outlast a power cut" in told
    assert "Input/output error" in told
    assert (tmp_path / "made").exists()
