"""Suppression lists go with a backup, and a run that lacks one waits for a person."""

from __future__ import annotations

import os
import tarfile

import pytest
from tests.support.backups import backed_up, come_back
from tests.support.floor import campaign, ids, webhook

from watchfloor.domain.regions import Gate, Intake, Phase, Verb
from watchfloor.engine.backing_up import back_up

NAME = "suppression/global.csv"
LISTED = f'suppression = ["{NAME}"]'


@pytest.fixture
def lists(floor):
    """The folder that keeps the list of ``LISTED``, with one contact on it."""
    folder = floor.layout.root / "suppression"
    folder.mkdir()
    (folder / "global.csv").write_text("id\nc00002\n", encoding="utf-8")
    return folder


def names_in(backup):
    with tarfile.open(backup) as tar:
        return set(tar.getnames())


def test_a_list_that_a_run_names_comes_back_with_it(floor, provider, lists, tmp_path):
    run_id = floor.launched(webhook(provider.url, audience=LISTED), ids(3))

    made = backed_up(floor, tmp_path / "b.tar")

    assert (made.left_out, made.lists_left_out) == ((), ())
    with come_back(floor, tmp_path / "b.tar") as (came, other):
        assert came.held[0].lists_missing == ()
        other.steered(Verb.RESUME, run_id)
        other.carried_out()
        assert sorted(provider.contacts) == ["c00001", "c00003"]
        assert other.assert_books_hold(run_id).suppressed == 1


@pytest.mark.parametrize("how", [NAME, f"./{NAME}", "suppression//here.csv"])
def test_a_list_that_only_a_campaign_file_names_is_taken_along(
    floor, lists, tmp_path, how
):
    (lists / "here.csv").symlink_to("global.csv")
    text = f'[audience]\nsuppression = ["{how}"]\n[[steps]]\nnot = "done"\n'
    (floor.layout.campaigns / "draft.toml").write_text(text, encoding="utf-8")

    made = backed_up(floor, tmp_path / "b.tar")

    place = "suppression/here.csv" if "here" in how else NAME
    assert made.lists_left_out == ()
    assert place in names_in(tmp_path / "b.tar")
    with come_back(floor, tmp_path / "b.tar") as (_, other):
        back = other.layout.root / place
        assert back.read_bytes() == (lists / "global.csv").read_bytes()
        assert not back.is_symlink()


@pytest.mark.parametrize("what", ["gone", "link", "pipe", "folder", "hidden"])
def test_a_list_that_cannot_be_taken_along_is_named(floor, lists, tmp_path, what):
    name = ".hidden.csv" if what == "hidden" else NAME
    (lists.parent / ".hidden.csv").write_text("id\n", encoding="utf-8")
    floor.launched(campaign(audience=f'suppression = ["{name}"]'), ids(3))
    path = lists / "global.csv"
    if what != "hidden":
        path.unlink()
    if what == "link":
        (tmp_path / "elsewhere.csv").write_text("id\nc00001\n", encoding="utf-8")
        path.symlink_to(tmp_path / "elsewhere.csv")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()

    made = backed_up(floor, tmp_path / "b.tar")

    assert made.lists_left_out == (name,)
    assert name not in names_in(tmp_path / "b.tar")


@pytest.mark.parametrize("name", ["state.db", "inbox/one.json", "uploads/u-1.csv"])
def test_what_is_watchfloors_own_is_no_list_to_take_along(floor, tmp_path, name):
    (floor.layout.root / name).parent.mkdir(exist_ok=True)
    (floor.layout.root / name).touch()
    text = f'[audience]\nsuppression = ["{name}"]\n'
    (floor.layout.campaigns / "odd.toml").write_text(text, encoding="utf-8")

    made = backed_up(floor, tmp_path / "b.tar")

    assert name not in names_in(tmp_path / "b.tar") - {"state.db"}
    assert made.lists_left_out == (() if name == "state.db" else (name,))


@pytest.mark.parametrize("what", ["gone", "pipe"])
def test_a_list_of_which_only_the_past_knows_is_not_told(floor, lists, tmp_path, what):
    run_id = floor.launched(campaign(audience=LISTED), ids(2))
    floor.steered(Verb.CANCEL, run_id)
    (lists / "global.csv").unlink()
    if what == "pipe":
        os.mkfifo(lists / "global.csv")

    assert backed_up(floor, tmp_path / "b.tar").lists_left_out == ()


def test_a_list_that_goes_away_while_the_backup_is_written_is_named(
    floor, lists, tmp_path
):
    floor.launched(campaign(audience=LISTED), ids(2))

    def loses(step, *_):
        if step == "files":
            (lists / "global.csv").unlink(missing_ok=True)

    made = back_up(floor.layout, tmp_path / "b.tar", floor.around, "", loses)

    assert made.lists_left_out == (NAME,)


def test_a_restored_run_without_its_list_waits_and_does_not_fail(
    floor, provider, lists, tmp_path
):
    run_id = floor.launched(webhook(provider.url, audience=LISTED), ids(3))
    (lists / "global.csv").unlink()
    backed_up(floor, tmp_path / "b.tar")

    with come_back(floor, tmp_path / "b.tar") as (came, other):
        assert came.held[0].lists_missing == (NAME,)
        other.carried_out()
        run = other.view(run_id).lifecycle
        assert (run.phase, run.gate, run.intake) == (
            Phase.QUEUED,
            Gate.PAUSED,
            Intake.PENDING,
        )
        assert "waits for a resume" in other.event_words(run_id)

        # Resumed while no engine runs: the next one knows where the run is from.
        other.steered(Verb.RESUME, run_id)
        other.carried_out()
        told = other.view(run_id)
        assert told.lifecycle.gate is Gate.PAUSED
        assert told.gate_asked.by == "engine"
        assert NAME in told.gate_asked.why

        back = other.layout.root / NAME
        back.parent.mkdir()
        back.write_text("id\nc00003\n", encoding="utf-8")
        other.steered(Verb.RESUME, run_id)
        other.carried_out()
        assert sorted(provider.contacts) == ["c00001", "c00002"]
        assert other.assert_books_hold(run_id).suppressed == 1


def test_a_restored_run_that_was_read_waits_for_its_list_as_well(
    floor, lists, tmp_path
):
    run_id = floor.launched(campaign(audience=LISTED), ids(3))
    floor.steered(Verb.PAUSE, run_id)
    floor.carried_out()
    assert floor.view(run_id).lifecycle.intake is Intake.DONE
    (lists / "global.csv").unlink()
    backed_up(floor, tmp_path / "b.tar")

    with come_back(floor, tmp_path / "b.tar") as (_, other):
        other.carried_out()
        assert other.view(run_id).lifecycle.phase is Phase.QUEUED
        other.steered(Verb.RESUME, run_id)
        other.carried_out()
        told = other.view(run_id)
        assert (told.lifecycle.phase, told.lifecycle.gate) == (
            Phase.QUEUED,
            Gate.PAUSED,
        )
        assert NAME in told.gate_asked.why
