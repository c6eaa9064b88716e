from __future__ import annotations

import pytest
from tests.cli.shell import campaign_text, people, step

from watchfloor.store.inbox import Inbox


@pytest.fixture
def campaign(tmp_path):
    return campaign_text(tmp_path, "autumn")


def assert_nothing_came_of_it(shell):
    assert shell("runs", "--json").json == []
    assert shell.uploads == []
    inbox = Inbox(shell.layout)
    assert inbox.waiting() == []
    inbox.close()


def test_a_launch_prints_the_id_of_a_queued_run_and_nothing_else(
    shell, campaign, upload
):
    answer = shell("launch", campaign, "--upload", upload, "--yes")
    (run,) = shell("runs", "--json").json

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"{run['id']}\n"
    assert (run["phase"], run["label"], run["launch_id"]) == ("queued", "Queued", None)
    assert (run["campaign"], run["campaign_name"]) == ("autumn", "Autumn")
    assert run["upload_name"] == "people.csv"


def test_a_launch_in_json_has_the_id_and_the_receipt(shell, campaign, upload):
    told = shell("launch", campaign, "--upload", upload, "--yes", "--json").json

    assert told["id"] == told["run"] == shell.newest
    assert (told["verb"], told["state"], told["refusal"]) == ("launch", "settled", None)


def test_the_upload_is_kept_whole_and_private(shell, campaign, upload):
    shell.launched(campaign, upload)
    (kept,) = shell.layout.uploads.iterdir()

    assert kept.read_bytes() == upload.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_campaign_file_that_changes_after_the_launch_changes_no_run(
    shell, campaign, upload
):
    run = shell.launched(campaign, upload)
    campaign.write_text("[campaign")

    assert shell("show", run, "--json").json["campaign_name"] == "Autumn"


def test_a_missing_contact_column_is_refused_with_the_closest_one(
    shell, campaign, tmp_path
):
    upload = tmp_path / "people.csv"
    upload.write_text("ID,first_name\nc1,Ann\n")
    answer = shell("launch", campaign, "--upload", upload, "--yes")

    assert answer.code == 1
    assert answer.err == (
        f"watchfloor: {upload}: no contact column 'id'; did you mean 'ID'? "
        "the columns are: ID, first_name\n"
    )
    assert_nothing_came_of_it(shell)


def test_a_template_that_names_an_unknown_column_is_refused(shell, tmp_path, upload):
    settings = 'url = "http://127.0.0.1:9/"\nbody = { to = "${frist_name}" }'
    campaign = campaign_text(tmp_path, "post", steps=step("webhook", settings))
    answer = shell("launch", campaign, "--upload", upload, "--yes")

    assert answer.code == 1
    assert "steps[0].settings: the template names ${frist_name}" in answer.err
    assert "did you mean ${first_name}?" in answer.err
    assert_nothing_came_of_it(shell)


@pytest.mark.parametrize("which", ["campaign", "upload"])
def test_a_missing_file_is_named(shell, campaign, upload, tmp_path, which):
    gone = tmp_path / "gone"
    files = {"campaign": campaign, "upload": upload} | {which: gone}
    answer = shell("launch", files["campaign"], "--upload", files["upload"], "--yes")

    assert answer.code == 1
    assert str(gone) in answer.err
    assert answer.err.count("\n") == 1
    assert_nothing_came_of_it(shell)


@pytest.mark.parametrize("which", ["campaign", "upload"])
def test_a_directory_is_no_file(shell, campaign, upload, tmp_path, which):
    files = {"campaign": campaign, "upload": upload} | {which: tmp_path}
    answer = shell("launch", files["campaign"], "--upload", files["upload"], "--yes")

    assert answer.code == 1
    assert str(tmp_path) in answer.err
    assert answer.err.count("\n") == 1
    assert_nothing_came_of_it(shell)


@pytest.mark.parametrize("content", ["", "id,first_name\n", "\n\n"])
def test_an_upload_without_a_row_is_answered_in_a_sentence(
    shell, campaign, tmp_path, content
):
    upload = tmp_path / "empty.csv"
    upload.write_text(content)
    answer = shell("launch", campaign, "--upload", upload, "--yes")

    assert answer.code == 1
    assert str(upload) in answer.err
    assert answer.err.count("\n") == 1
    assert_nothing_came_of_it(shell)


def test_an_unpublished_campaign_is_refused(shell, tmp_path, upload):
    draft = campaign_text(tmp_path, "draft", published=False)
    answer = shell("launch", draft, "--upload", upload, "--yes")

    assert answer.code == 1
    assert "campaign draft is not published; nothing was launched" in answer.err
    assert_nothing_came_of_it(shell)


def test_a_campaign_with_mistakes_is_refused_with_every_one(shell, tmp_path, upload):
    odd = campaign_text(
        tmp_path, "odd", steps=step("fax"), rest="[limits]\npermits = 0"
    )
    answer = shell("launch", odd, "--upload", upload, "--yes")

    assert answer.code == 1
    assert "limits.permits" in answer.err
    assert_nothing_came_of_it(shell)


def test_the_same_upload_twice_is_a_duplicate_run(shell, campaign, upload, tmp_path):
    first = shell.launched(campaign, upload)
    again = people(tmp_path / "renamed.csv", 5, extra=("", "c00001"))
    answer = shell("launch", campaign, "--upload", again, "--yes")

    assert answer.code == 1
    assert answer.out == "refused DUPLICATE_RUN\n"
    assert f"run {first}" in answer.err
    assert len(shell.uploads) == 1
    assert [run["id"] for run in shell("runs", "--json").json] == [first]


def test_a_duplicate_run_in_json_has_its_name(shell, campaign, upload):
    first = shell.launched(campaign, upload)
    answer = shell("launch", campaign, "--upload", upload, "--yes", "--json")

    assert answer.code == 1
    assert answer.json["state"] == "refused"
    assert answer.json["refusal"] == "DUPLICATE_RUN"
    assert first in answer.json["detail"]


def test_a_twin_is_launched_where_it_is_meant(shell, campaign, upload):
    first = shell.launched(campaign, upload)
    second = shell.launched(campaign, upload, "--allow-twin")

    assert first != second
    assert len(shell.uploads) == 2


def test_an_ended_run_is_no_twin(shell, campaign, upload):
    shell("cancel", shell.launched(campaign, upload), "--yes")

    assert shell("launch", campaign, "--upload", upload, "--yes").code == 0


def test_without_a_terminal_nobody_is_asked_and_nothing_is_launched(
    shell, campaign, upload
):
    answer = shell("launch", campaign, "--upload", upload)

    assert answer.code == 1
    assert "there is no terminal to ask on; nothing was done" in answer.err
    assert "--yes" in answer.err
    assert_nothing_came_of_it(shell)


def test_a_person_reviews_and_says_yes(shell, campaign, upload, typed):
    typed("yes")
    answer = shell("launch", campaign, "--upload", upload)

    assert answer.code == 0
    assert answer.out == f"{shell.newest}\n"
    assert "launch Autumn over people.csv" in answer.err
    assert f"{upload.stat().st_size:,} bytes, sha256 " in answer.err
    assert "columns: id, first_name" in answer.err


def test_the_review_says_how_the_file_was_read_and_that_repeats_still_count(
    shell, campaign, upload, typed
):
    text = upload.read_text(encoding="utf-8")
    first = text.splitlines()[1]
    upload.write_bytes(f"{text}{first}\nc77,J\u00fcrgen\n".encode("cp1252"))
    typed("no")

    said = shell("launch", campaign, "--upload", upload).err

    assert "! read as cp1252: not UTF-8; see whether names" in said
    assert "rows: at most 8 usable, repeats not counted out yet; rejected: " in said
    upload.write_text(text, encoding="utf-8")
    typed("no")
    assert "read as" not in shell("launch", campaign, "--upload", upload).err


@pytest.mark.parametrize("line", ["", "no", "y", "YES"])
def test_anything_but_yes_is_a_no(shell, campaign, upload, typed, line):
    typed(line)
    answer = shell("launch", campaign, "--upload", upload)

    assert answer.code == 1
    assert answer.err.endswith("Nothing was launched.\n")
    assert_nothing_came_of_it(shell)
