"""Files are made for their owner alone, where nothing was, and through no link."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from tests.cli.shell import SpareShell, campaign_text, carry_out, people
from tests.support.patience import DEADLINE_S

from watchfloor.cli.main import main
from watchfloor.domain.campaign import Audience
from watchfloor.domain.errors import ConfigError
from watchfloor.intake.audience_file import AudienceReader
from watchfloor.intake.result_file import ResultFile
from watchfloor.intake.toml_file import read_toml_text
from watchfloor.store.archive.private_files import opened

#: What else a workspace is made of, beside its folders.
PIECES = ["watchfloor.toml", "state.db", "inbox.db", "engine.lock", "anchors.jsonl"]
FOLDERS = ["campaigns", "uploads", "inbox"]


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def open_to_others(*places: Path) -> dict[str, str]:
    """Return what others than the owner may read, write or enter, with its mode."""
    found = {}
    for place in places:
        for path in [place, *place.rglob("*")]:
            mode = stat.S_IMODE(path.lstat().st_mode)
            wanted = 0o700 if path.is_dir() else 0o600
            if mode != wanted:
                found[str(path.relative_to(place.parent))] = f"{mode:o}"
    return found


@pytest.mark.parametrize("mask", [0o000, 0o077], ids=oct)
def test_whatever_the_umask_is_all_that_is_made_is_the_owners_alone(
    tmp_path, umask, mask
):
    given, made, out = (tmp_path / name for name in ("given", "made", "out"))
    given.mkdir()
    out.mkdir(mode=0o700)
    campaign = campaign_text(given, "autumn")
    upload = people(given / "people.csv", 3, ["", "c000001"])
    root = made / "deep" / "floor"
    umask(mask)

    assert main(["init", str(root)]) == 0
    shell = SpareShell(root)
    run = shell.launched(campaign, upload)
    carry_out(root)
    calls = [
        ("bundle", run),
        ("bundle", run, "-o", out / "run.zip"),
        ("rejects", run, "-o", out / "rejects.csv"),
        ("audit", "anchor", "-o", out / "anchors.jsonl"),
        ("backup", out / "floor.backup"),
    ]
    for call in calls:
        answer = shell(*call)
        assert answer.code == 0, (call, answer)
    assert main(["restore", str(out / "floor.backup"), str(made / "again")]) == 0

    assert {"archive", "bundles", "state.db"} <= {one.name for one in root.iterdir()}
    assert len(list(out.iterdir())) == 5
    assert open_to_others(made, out) == {}


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("leads_to", ["victim", "nowhere"])
def test_a_workspace_is_not_made_through_a_link(tmp_path, capsys, piece, leads_to):
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    root = tmp_path / "floor"
    root.mkdir()
    (root / piece).symlink_to(tmp_path / leads_to)

    assert main(["init", str(root)]) == 1

    assert "nothing was" in capsys.readouterr().err
    assert [path.name for path in root.iterdir()] == [piece]
    assert victim.read_text(encoding="utf-8") == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_of_a_workspace_is_a_link(tmp_path, capsys, folder):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "floor"
    root.mkdir()
    (root / folder).symlink_to(elsewhere, target_is_directory=True)

    assert main(["init", str(root)]) == 1

    assert f"{folder} is a link; nothing was made" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


def test_a_store_that_is_there_is_not_taken_for_a_new_one(tmp_path, capsys):
    root = tmp_path / "floor"
    assert main(["init", str(root)]) == 0
    (root / "watchfloor.toml").unlink()
    before = (root / "state.db").read_bytes()

    assert main(["init", str(root)]) == 1

    assert "state.db is there already; nothing was made" in capsys.readouterr().err
    assert (root / "state.db").read_bytes() == before


def test_a_folder_that_others_can_write_to_is_closed_to_them(tmp_path):
    root = tmp_path / "floor"
    root.mkdir()
    root.chmod(0o777)

    assert main(["init", str(root)]) == 0

    assert stat.S_IMODE(root.stat().st_mode) == 0o755


def test_a_folder_that_everybody_lists_makes_no_file_readable(tmp_path):
    root = tmp_path / "floor"
    root.mkdir()
    root.chmod(0o755)
    upload = people(tmp_path / "people.csv", 3)
    assert main(["init", str(root)]) == 0

    SpareShell(root).launched(campaign_text(tmp_path, "autumn"), upload)
    carry_out(root)

    assert open_to_others(root) == {"floor": "755"}


@pytest.mark.parametrize(("piece", "mode"), [("", 0o777), ("watchfloor.toml", 0o620)])
def test_no_engine_begins_on_settings_that_others_could_change(
    piece, mode, tmp_path, capsys
):
    root = tmp_path / "floor"
    assert main(["init", str(root)]) == 0
    (root / piece).chmod(mode)
    words = ["--workspace", str(root), "engine", "--until-idle"]

    assert main(words) == 1

    said = capsys.readouterr().err
    assert f"others may write {root / piece} (mode {mode:04o})" in said
    assert f"chmod go-w {root / piece}" in said
    (root / piece).chmod(mode & ~0o022)
    assert main(words) == 0


@pytest.mark.parametrize(
    "written",
    [("bundle", "-o"), ("rejects", "-o"), ("backup",), ("audit", "anchor", "-o")],
    ids=" ".join,
)
def test_nothing_is_written_through_a_link(tmp_path, written, ended_run):
    shell, run = ended_run
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    link = tmp_path / "out"
    verb, *rest = written
    named = [run] if verb in {"bundle", "rejects"} else []

    for target in (victim, tmp_path / "nowhere"):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        answer = shell(verb, *named, *rest, link)
        assert answer.code == 1, answer
        assert "nothing was" in answer.err or "no backup was made" in answer.err

    assert victim.read_text(encoding="utf-8") == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture(scope="session")
def ended_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ended")
    assert main(["init", str(folder / "floor")]) == 0
    shell = SpareShell(folder / "floor")
    run = shell.launched(
        campaign_text(folder, "autumn"), people(folder / "people.csv", 2, [""])
    )
    carry_out(shell.root)
    return shell, run


def swallowed(read, *arguments: object) -> str:
    """Return the refusal of what reads a file; it must not wait for anybody."""
    said: list[str] = []

    def reading() -> None:
        try:
            read(*arguments)
        except ConfigError as error:
            said.append(str(error))

    thread = threading.Thread(target=reading, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert not thread.is_alive(), "it waits for somebody to write into a pipe"
    assert len(said) == 1
    return said[0]


@pytest.mark.parametrize(
    ("read", "more"),
    [
        (AudienceReader, (Audience(contact="id", kind="id"),)),
        (ResultFile, ()),
        (read_toml_text, ()),
    ],
    ids=["upload", "results", "campaign"],
)
def test_a_pipe_in_a_files_place_is_not_waited_for(tmp_path, read, more):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)

    assert "no regular file" in swallowed(read, pipe, *more)


def test_a_pipe_in_a_private_file_s_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "upload.csv")

    with pytest.raises(OSError, match="no plain file"):
        opened(tmp_path / "upload.csv")
