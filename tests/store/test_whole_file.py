from __future__ import annotations

import subprocess
import sys

import pytest
from tests.support.mounts import files_of_at_most

from watchfloor.domain.errors import ConfigError
from watchfloor.store import whole_file
from watchfloor.store.whole_file import write_whole


def names(folder):
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture(params=["nameless", "aside"])
def way(request, monkeypatch):
    """Both ways: with a file without a name, and where a system knows none."""
    if request.param == "aside":
        monkeypatch.setattr(whole_file, "_DESCRIPTORS", "/nowhere")
    return request.param


def test_a_file_is_its_owners_alone_and_holds_everything(tmp_path, way):
    write_whole(tmp_path / "b.zip", b"content")

    assert (tmp_path / "b.zip").read_bytes() == b"content"
    assert (tmp_path / "b.zip").stat().st_mode & 0o7777 == 0o600
    assert names(tmp_path) == ["b.zip"]


def test_a_file_that_is_there_is_kept(tmp_path, way):
    (tmp_path / "b.zip").write_bytes(b"mine")

    with pytest.raises(ConfigError, match="exists; nothing was written"):
        write_whole(tmp_path / "b.zip", b"other")

    assert (tmp_path / "b.zip").read_bytes() == b"mine"
    assert names(tmp_path) == ["b.zip"]


@pytest.mark.parametrize("leads_to", ["there", "nowhere"])
def test_no_link_is_followed(tmp_path, way, leads_to):
    (tmp_path / "there").write_bytes(b"mine")
    (tmp_path / "b.zip").symlink_to(tmp_path / leads_to)

    with pytest.raises(ConfigError, match="exists"):
        write_whole(tmp_path / "b.zip", b"other")

    assert (tmp_path / "there").read_bytes() == b"mine"
    assert names(tmp_path) == ["b.zip", "there"]


def test_a_folder_that_is_not_there_is_said(tmp_path, way):
    with pytest.raises(ConfigError, match="cannot be made: no such file or directory"):
        write_whole(tmp_path / "gone" / "b.zip", b"other")


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path, way):
    with (
        pytest.raises(ConfigError, match=r"cannot be made: .*; nothing was left"),
        files_of_at_most(50_000),
    ):
        write_whole(tmp_path / "b.zip", b"x" * 100_000)

    assert names(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from watchfloor.store import whole_file
whole_file.sealed = lambda file: os.kill(os.getpid(), signal.SIGKILL)
whole_file.write_whole(Path(sys.argv[1]), b"x" * 1_000_000)
"""


def test_a_process_killed_in_the_middle_leaves_no_half_file(tmp_path):
    target = tmp_path / "b.zip"

    ended = subprocess.run([sys.executable, "-c", KILLED, target], check=False)

    assert ended.returncode == -9
    assert names(tmp_path) == []
