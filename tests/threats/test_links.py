"""What is laid in the way of a file that is about to be made, at its very place.

Each test fails where the flag that it is about is taken away. Where a file is made with
``O_EXCL``, that flag alone refuses a link (``open(2)``), and ``O_NOFOLLOW`` beside
it changes nothing that can be seen: it stays for who takes the other one away.
"""

from __future__ import annotations

import hashlib
import os
import signal

import pytest
from tests.support.floor import ASKER, campaign, ids

from watchfloor.cli.handing_on import Successor
from watchfloor.domain.errors import ConfigError, StoreError
from watchfloor.domain.identity import new_id
from watchfloor.engine import uploads
from watchfloor.engine.preparing import prepared_launch
from watchfloor.engine.uploads import check_launched
from watchfloor.store.asks import MOST_BYTES, MOST_VALUES, AskedFiles, _Laid, drop
from watchfloor.store.commands import Command
from watchfloor.store.inbox import create_inbox
from watchfloor.store.layout import Layout, upload_id_of
from watchfloor.store.reads.uploads import Upload

PAUSE = Command(
    command_id="c-1", at_ms=5, verb="pause", run_id="run-1", by="nora", why="lunch"
)
PRECIOUS = "precious"


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_text(PRECIOUS)
    return path


def _link(path, victim):
    path.symlink_to(victim)


def _second_name(path, victim):
    path.hardlink_to(victim)


def _link_to_nothing(path, victim):
    path.symlink_to(victim.with_name("nowhere"))


LAID = [_link, _second_name, _link_to_nothing]


def assert_untouched(victim):
    assert victim.read_text() == PRECIOUS
    assert not victim.with_name("nowhere").exists()


@pytest.mark.parametrize("laid", LAID)
def test_an_upload_is_kept_through_nothing_that_lies_in_its_place(
    floor, victim, tmp_path, laid
):
    file, upload = tmp_path / "c.toml", tmp_path / "people.csv"
    file.write_text(campaign())
    upload.write_text("id,first_name\n" + "".join(f"{one},Ann\n" for one in ids(3)))
    # Whoever guesses the run's id knows where its upload will be.
    known = floor.around._replace(now_ms=lambda: 7, entropy=bytes)
    place = floor.layout.upload(upload_id_of(new_id(7, bytes(3))))
    laid(place, victim)

    with pytest.raises(
        ConfigError, match=r"cannot be kept as .*; nothing was launched"
    ):
        prepared_launch(floor.layout, file, upload, ASKER, known)

    assert_untouched(victim)
    assert os.path.lexists(place)
    place.unlink()
    assert prepared_launch(floor.layout, file, upload, ASKER, known).run_id


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give a file to another account"
)
@pytest.mark.parametrize("laid", LAID)
def test_an_upload_is_taken_over_through_nothing_that_lies_in_its_place(
    tmp_path, victim, monkeypatch, laid
):
    content = b"id\na\nb\n"
    path = tmp_path / "u-1.csv"
    path.write_bytes(content)
    os.chown(path, 61_962, -1)
    told = Upload("u-1", "x.csv", hashlib.sha256(content).hexdigest(), len(content), 0)

    def guessed(_):
        # The name is a chance of 2**64: only a test can lay anything there in time.
        laid(tmp_path / ".u-1.csv.guessed", victim)
        return "guessed"

    monkeypatch.setattr(uploads, "token_hex", guessed)

    with pytest.raises(ConfigError, match="cannot be taken over: File exists"):
        check_launched(path, told)

    assert_untouched(victim)
    assert path.read_bytes() == content


@pytest.mark.parametrize("laid", LAID)
def test_a_command_is_written_through_nothing_that_lies_in_its_place(
    floor, victim, laid
):
    layout = floor.layout
    drop(layout, PAUSE)
    [asked] = layout.asks.iterdir()
    asked.unlink()
    laid(asked.with_name(f"{asked.stem}-{os.getpid()}.new"), victim)

    with pytest.raises(StoreError, match="cannot be written: File exists"):
        drop(layout, PAUSE)

    assert_untouched(victim)
    assert not list(layout.asks.glob("*.ask"))


def test_a_file_that_becomes_a_link_once_it_was_looked_at_is_nobodys_command(
    floor, tmp_path
):
    """Else who makes the link commands as whoever owns what it leads to."""
    layout = floor.layout
    elsewhere = Layout(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    create_inbox(elsewhere)
    drop(elsewhere, PAUSE)
    [theirs] = elsewhere.asks.iterdir()
    link = layout.asks / theirs.name
    link.symlink_to(theirs)

    looked_at = _Laid(1, theirs.name, os.geteuid(), theirs.stat().st_size)
    assert not list(AskedFiles(layout)._read(looked_at, MOST_BYTES, MOST_VALUES))

    assert not os.path.lexists(link)
    assert AskedFiles(elsewhere).waiting() == [PAUSE]


@pytest.mark.parametrize("laid", [_link, _link_to_nothing])
def test_what_an_engine_without_a_screen_says_goes_through_no_link(floor, victim, laid):
    layout = floor.layout
    laid(layout.headless_log, victim)
    made = None
    try:
        with pytest.raises(StoreError, match=r"headless\.log cannot be written"):
            made = Successor(layout)
    finally:
        if made is not None:
            os.kill(made.pid, signal.SIGKILL)
            made._process.communicate()

    assert_untouched(victim)
