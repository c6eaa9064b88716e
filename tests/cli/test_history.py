from __future__ import annotations

import json
import sys

import pytest
from sqlalchemy import update
from tests.cli.shell import campaign_text, carry_out, people, step

from watchfloor.cli import compose
from watchfloor.engine.tenure import tenure
from watchfloor.store.archive.places import archive_of
from watchfloor.store.tables import books, run


@pytest.fixture
def ended(rejecting):
    """The id of an ended run of three people with its history, in this workspace."""
    return rejecting


def set_back(shell, archived):
    """Make the newest run look as while its history is being created."""
    around, owner = compose.surroundings(), compose.owner("a test")
    with tenure(shell.layout, around, owner, dispatches=False) as committer:
        writer = committer._connection
        with writer.begin():
            writer.execute(update(run).values(history="creating"))
            writer.execute(update(books).values(records=200, archived=archived))


def test_a_history_tells_outcome_times_report_and_archive(shell, ended):
    said = shell("history", ended)

    assert said.code == 0
    words = dict(line.split(maxsplit=1) for line in said.out.splitlines()[:9])
    assert words["run"] == ended
    assert words["history"] == "created"
    assert words["outcome"] == "completed"
    assert words["records"] == words["attempts"] == "3"
    assert f"archive/{ended} (parquet, 1 parts, " in said.out
    assert "CLASS" in said.out
    assert "delivered" in said.out


def test_a_history_as_json_speaks_the_glossarys_words(shell, ended):
    told = shell("history", ended, "--json").json

    assert (told["run"], told["history"], told["progress"]) == (ended, "created", 1.0)
    assert told["books"]["records"] == told["archived"] == 3
    assert sum(line["attempts"] for line in told["report"]) == 3
    assert {line["outcome_class"] for line in told["report"]} == {"delivered"}
    assert told["report"][0]["hour"].endswith(":00:00.000Z")
    assert set(told["durations_s"]) >= {"total", "paused", "unaccounted"}
    assert told["archive"]["format"] == "parquet"
    assert (told["hidden"], told["purge"], told["results"]) == (False, None, {})


def test_a_history_in_the_making_says_how_far_it_is(shell, ended):
    set_back(shell, 86)

    said = shell("history", ended)

    assert "creating history 43 %, 86 of 200 records" in said.out
    assert shell("history", ended, "--json").json["progress"] == 0.43
    refused = shell("history", ended, "--records")
    assert refused.code == 1
    assert "has no archive yet" in refused.err


def test_a_live_run_has_no_history_yet(shell, queued):
    said = shell("history", queued)

    assert (said.code, said.out.splitlines()[1].split(maxsplit=1)) == (
        0,
        ["history", "none: the run has not ended"],
    )


def test_archived_records_are_masked_unless_they_are_asked_for(shell, ended):
    lines = shell("history", ended, "--records").out.splitlines()
    masked = [json.loads(line) for line in lines]
    full = shell("history", ended, "--records", "--unmask", "--json").json

    assert [one["seq"] for one in masked] == [1, 2, 3]
    assert {one["contact"] for one in masked} == {"c0***01", "c0***02", "c0***03"}
    assert all("fields" not in one for one in masked)
    assert full[0]["contact"] == "c000001"
    assert full[0]["fields"]["first_name"] == "Nobody"
    assert full[0]["state"] == "delivered"


def test_without_pyarrow_an_archive_is_json_lines_and_reads_the_same(
    shell, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "watchfloor.store.archive.parquet", None)
    text = campaign_text(tmp_path, "autumn", steps=step("simulator"))
    shell.launched(text, people(tmp_path / "people.csv", 3))
    carry_out(shell.root)

    said = shell("history", shell.newest, "--records")

    assert "jsonl.gz" in shell("history", shell.newest).out
    assert len(said.out.splitlines()) == 3


def test_a_damaged_archive_is_told_in_a_sentence(shell, ended):
    part = next(archive_of(shell.layout, ended).glob("records-*"))
    part.write_bytes(b"")

    said = shell("history", ended, "--records")

    assert (said.code, said.out) == (1, "")
    assert f"is damaged: {part.name}" in said.err


def test_a_hidden_run_is_shown_again_and_both_are_told(shell, ended):
    assert shell("hide", ended, "--reason", "old").out == "hide settled\n"
    assert shell("history", ended, "--json").json["hidden"]
    again = shell("hide", ended)
    assert again.code == 1
    assert "is hidden already" in again.err
    assert shell("unhide", ended, "--json").json["state"] == "settled"

    assert not shell("history", ended, "--json").json["hidden"]
    told = [one["event"] for one in shell("events", ended, "--json").json]
    assert told[-3:] == ["hidden", "hide refused", "shown again"]


def test_a_live_run_is_not_hidden(shell, queued):
    said = shell("hide", queued)

    assert said.code == 1
    assert "has not ended" in said.err


def test_a_purge_shows_what_goes_and_wants_the_id_typed(shell, ended, typed):
    typed("yes")
    refused = shell("purge", ended)
    assert refused.code == 1
    assert "3 records lose their contact and their fields" in refused.err
    assert "4 rejected rows lose their text" in refused.err
    assert "this cannot be undone" in refused.err
    assert "Nothing was asked" in refused.err
    assert "c000001" in shell("records", ended, "--unmask").out

    typed(ended)
    done = shell("purge", ended, "--reason", "their wish")

    assert (done.code, done.out) == (0, "purge settled\n")
    assert "created, purged" in shell("history", ended).out
    page = shell("records", ended, "--unmask", "--json").json
    assert {one["contact"] for one in page} == {"purged"}
    assert not shell.uploads
    audit = shell("books", ended, "--audit")
    assert (audit.code, "balanced" in audit.out) == (0, True)
    told = shell("history", ended, "--records")
    assert told.code == 1
    assert "was purged" in told.err


def test_a_purge_without_a_terminal_needs_yes(shell, ended):
    said = shell("purge", ended)

    assert said.code == 1
    assert "--yes" in said.err
    assert shell("purge", ended, "--yes").code == 0


def test_what_cannot_be_purged_is_refused_before_anything_is_asked_of_a_person(
    shell, queued
):
    said = shell("purge", queued)

    assert said.code == 1
    assert "has not ended" in said.err


@pytest.mark.parametrize("verb", ["history", "hide", "unhide", "purge"])
def test_a_run_that_is_not_there_is_not_found(shell, verb):
    said = shell(verb, "nothing")

    assert (said.code, said.out) == (3, "")
    assert "watchfloor runs" in said.err


@pytest.mark.parametrize("options", [(), ("--json",), ("--records", "--unmask")])
def test_no_hostile_text_reaches_the_terminal(spiteful, options):
    ended = next(
        one["id"]
        for one in spiteful("runs", "--json").json
        if one["history"] == "created"
    )

    said = spiteful("history", ended, *options)

    assert said.code == 0
    for text in (said.out, said.err):
        assert not set("\x1b\x9b\x07\u202e\u2066\u200b\x00") & set(text)
