"""Nobody is contacted from a file that is not the one that was reviewed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from tests.support.floor import campaign, ids

from watchfloor.domain.errors import ConfigError
from watchfloor.engine.uploads import check_launched
from watchfloor.store.reads.uploads import Upload

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give a file to another account"
)
#: An account of no name: a number is enough to own a file.
SOMEBODY = 61_962
STREAMING = 'mode = "streaming"'


@pytest.mark.parametrize("audience", ["", STREAMING], ids=["extract-first", "stream"])
def test_an_upload_that_was_changed_after_the_launch_contacts_nobody(floor, audience):
    launch = floor.prepared(campaign(audience=audience), ids(3))
    kept = floor.layout.upload(launch.command.payload["upload_id"])
    floor.asked(launch.command)
    # As long as before: only the digest tells.
    kept.write_bytes(kept.read_bytes().replace(b"c00001", b"c99991"))

    with floor.engine():
        ended = floor.until_ended(launch.run_id)

    assert "not the file that was launched" in ended.cause
    assert ended.books.extracted == ended.books.attempts == 0


def test_an_upload_that_grew_contacts_nobody(floor):
    launch = floor.prepared(campaign(), ids(3))
    kept = floor.layout.upload(launch.command.payload["upload_id"])
    floor.asked(launch.command)
    with kept.open("a") as file:
        file.write("c99999,more\n")

    with floor.engine():
        ended = floor.until_ended(launch.run_id)

    assert "not the file that was launched" in ended.cause
    assert ended.books.attempts == 0


def test_an_upload_and_its_name_are_on_the_disk_before_its_launch_is_asked_for(
    floor, monkeypatch
):
    synced, sync = [], os.fsync

    def noted(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    launch = floor.prepared(campaign(), ids(1))

    kept = floor.layout.upload(launch.command.payload["upload_id"])
    assert synced == [kept, floor.layout.uploads]


def launched(path, content=b"id\na\nb\n"):
    path.write_bytes(content)
    return Upload(path.stem, "x.csv", hashlib.sha256(content).hexdigest(), 7, 0)


@needs_root
def test_another_account_s_upload_becomes_the_engine_s_before_it_is_read(tmp_path):
    path = tmp_path / "u-1.csv"
    told = launched(path)
    path.chmod(0o640)
    os.chown(path, SOMEBODY, -1)
    with path.open("r+b") as still_theirs:
        check_launched(path, told)
        still_theirs.write(b"id\nx\ny\n")

    about = path.stat()
    assert (about.st_uid, about.st_mode & 0o777) == (os.geteuid(), 0o640)
    assert path.read_bytes() == b"id\na\nb\n"
    assert [one.name for one in tmp_path.iterdir()] == ["u-1.csv"]


@needs_root
def test_another_account_s_file_that_is_not_what_was_launched_stays_theirs(tmp_path):
    path = tmp_path / "u-1.csv"
    told = launched(path)._replace(sha256="0" * 64)
    os.chown(path, SOMEBODY, -1)

    with pytest.raises(ConfigError, match="not the file that was launched") as refused:
        check_launched(path, told)

    # What it is instead is nobody's to learn: it may be a file of the owner's.
    assert hashlib.sha256(path.read_bytes()).hexdigest() not in str(refused.value)
    assert path.stat().st_uid == SOMEBODY
    assert [one.name for one in tmp_path.iterdir()] == ["u-1.csv"]


def test_what_a_killed_engine_left_of_a_take_over_is_removed(tmp_path):
    path = tmp_path / "u-1.csv"
    told = launched(path)
    (tmp_path / ".u-1.csv.0123").write_text("half")

    check_launched(path, told)

    assert [one.name for one in tmp_path.iterdir()] == ["u-1.csv"]


def test_a_pipe_in_an_upload_s_place_is_not_waited_for(tmp_path):
    path = tmp_path / "u-1.csv"
    told = launched(path)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(ConfigError, match="no regular file"):
        check_launched(path, told)
