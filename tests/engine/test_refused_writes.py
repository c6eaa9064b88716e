"""Disks that take no more, each told in other words by the system than a full one.

SQLite knows only one of them by name; the others are I/O errors to it, after which
nobody knows what is on the disk: the engine stops, and says what a person does next.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess

import pytest
from tests.cli.shell import SpareShell
from tests.support.floor import Floor, ids, webhook
from tests.support.mounts import mounted, needs_mounts
from tests.support.patience import until
from tests.support.process import EngineProcess
from tests.support.provider import Reply

from watchfloor.store import disk
from watchfloor.store.disk import refused_write

MIB = 1 << 20


def carried_on(floor, run_id):
    """Let the next engine do what is left; return the books that must hold then."""
    floor.carried_out()
    books = floor.assert_books_hold(run_id)
    assert books.delivered + books.unknown == books.records
    return books


def test_a_process_that_may_write_no_longer_files_stops_and_says_which_limit(
    floor, provider
):
    provider.otherwise = Reply(after_s=0.01, body={"detail": "x" * 400})
    run_id = floor.launched(webhook(provider.url, permits=8), ids(3_000))
    log = floor.layout.state.with_name("state.db-wal")
    with EngineProcess(floor.layout) as engine:
        until(lambda: floor.books(run_id).delivered > 20)
        most = max(log.stat().st_size, floor.layout.state.stat().st_size)
        _, hard = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (most, hard))
        code = engine.ended()
        said = engine.said
        sent = len(provider.arrivals)

    assert code == 1
    assert "SQLITE_IOERR_WRITE" in said
    assert f"may write no file beyond {most:,} bytes (ulimit -f)" in said
    then = f"then start an engine: watchfloor --workspace {floor.layout.root} engine"
    assert f"LimitFSIZE= of its unit); {then}" in said
    status = SpareShell(floor.layout.root)("status")
    assert status.code == 4
    assert "ulimit -f" in status.out
    # Nothing was sent after that; the next engine accounts for what was in flight.
    assert len(provider.arrivals) == sent
    assert carried_on(floor, run_id).unknown == 0


@pytest.fixture
def fragile_disk(tmp_path):
    """Mount a disk that its system makes read-only once it fails."""
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(48 * MIB)
    try:
        made = subprocess.run(["mkfs.ext4", "-q", "-F", image], check=False)  # noqa: S607 - the system's own
    except FileNotFoundError:
        pytest.skip("there is no mkfs.ext4")
    assert made.returncode == 0
    with mounted(place, ("-o", "loop", image)):
        yield place


@needs_mounts
def test_a_disk_that_becomes_read_only_beneath_an_engine_stops_it(
    fragile_disk, unused_workspace, provider
):
    provider.otherwise = Reply(after_s=0.01)
    floor = Floor(fragile_disk, unused_workspace)
    run_id = floor.launched(webhook(provider.url, permits=8), ids(2_000))
    with floor.engine() as engine:
        until(lambda: floor.books(run_id).delivered > 20)
        subprocess.run(["mount", "-o", "remount,abort", fragile_disk], check=True)  # noqa: S607 - the system's own
        with pytest.raises(OSError, match="Read-only file system"):
            (fragile_disk / "more").write_text("x")
        until(lambda: not engine.is_running)
        told, engine.error = str(engine.error), None
    floor.close()

    assert "the disk takes no more writes: Read-only file system" in told
    assert "mount it to be written; then start an engine" in told
    assert len(provider.arrivals) < 2_000


@pytest.mark.parametrize(
    ("number", "said", "do"),
    [
        (errno.EDQUOT, "the quota of the account is used up", "quota raised"),
        (errno.ENOSPC, "the disk is full", "make room"),
        (errno.EIO, "Input/output error", "dmesg"),
    ],
)
def test_what_no_test_can_bring_about_has_its_own_words(number, said, do):
    told = disk._told(OSError(number, os.strerror(number)))

    assert told.said == said
    assert do in told.do


def test_a_disk_that_takes_more_is_told_of_nothing_and_keeps_nothing(floor):
    before = sorted(floor.layout.root.iterdir())

    assert refused_write(floor.layout.state) is None
    assert sorted(floor.layout.root.iterdir()) == before
