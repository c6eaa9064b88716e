from __future__ import annotations

import csv
import errno
import os
import pty
import stat

import pytest
from tests.cli.shell import campaign_text, carry_out, people, step
from tests.support.mounts import mounted, needs_mounts

from watchfloor.domain.records import STATE_WORDS

#: What the design promises of each of ``records --json`` and ``journey --json``.
RECORD = {
    "seq",
    "contact",
    "state",
    "step",
    "attempts",
    "outcome_class",
    "code",
    "updated_at",
    "next_at",
    "blocked_by",
}
ENTRY = {"at", "step", "event", "outcome", "took_ms", "detail"}


@pytest.fixture
def promising(busy):
    return busy.run_of("promising")


def test_a_record_has_every_key_that_was_promised(busy, promising):
    records = busy("records", promising, "--json", "--limit", 100).json

    assert len(records) == 60
    assert [one["seq"] for one in records] == list(range(1, 61))
    assert all(set(one) >= RECORD for one in records)
    states = {one["state"] for one in records}
    assert states == {"delivered", "failed", "callback"}
    assert {one["step"] for one in records} == {"call"}


def test_a_record_says_why_it_does_not_move(busy, promising):
    promised = busy("records", promising, "--state", "callback", "--json").json

    assert promised
    assert {one["blocked_by"] for one in promised} == {"no engine"}
    assert all(one["next_at"] for one in promised)
    done = busy("records", promising, "--state", "delivered", "--json").json
    assert {one["blocked_by"] for one in done} == {None}
    assert {one["outcome_class"] for one in done} == {"delivered"}


@pytest.mark.parametrize("state", STATE_WORDS)
def test_every_state_of_the_books_can_be_listed(busy, promising, state):
    books = busy("show", promising, "--json").json["books"]
    found = busy("records", promising, "--state", state, "--limit", 100, "--json").json

    assert len(found) == books[state]
    assert {one["state"] for one in found} <= {state}


def test_a_state_that_is_none_is_answered_with_the_ones_there_are(busy, promising):
    answer = busy("records", promising, "--state", "done")

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err == (
        "watchfloor: --state 'done' is no state; it is one of "
        f"{', '.join(STATE_WORDS)}\n"
    )


@pytest.mark.parametrize("state", [[], ["--state", "delivered"]])
def test_pages_follow_one_another_without_gap_or_repetition(busy, promising, state):
    whole = busy("records", promising, *state, "--limit", 100, "--json").json
    paged, after = [], 0
    while page := busy(
        "records", promising, *state, "--limit", 7, "--after", after, "--json"
    ).json:
        assert len(page) <= 7
        paged += page
        after = page[-1]["seq"]

    assert [one["seq"] for one in paged] == [one["seq"] for one in whole]


def test_a_page_that_is_not_the_last_says_how_to_go_on(busy, promising):
    first = busy("records", promising, "--limit", 7)

    assert first.err == "more: --after 7\n"
    assert len(first.out.splitlines()) == 8
    assert busy("records", promising, "--after", 53).err == ""


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_below_one_is_one(busy, promising, limit):
    found = busy("records", promising, "--limit", limit, "--json").json

    assert [one["seq"] for one in found] == [1]


def test_contacts_are_masked_unless_asked_for(busy, promising):
    for arguments in (["records", promising], ["journey", promising, 1]):
        for form in ([], ["--json"]):
            assert "c000001" not in busy(*arguments, *form).out
    assert busy("records", promising, "--json").json[0]["contact"] == "c0***01"
    assert "c0***01" in busy("records", promising).out
    assert "c0***01" in busy("journey", promising, 1).out


def test_contacts_are_shown_where_asked_for(busy, promising):
    unmasked = busy("records", promising, "--unmask", "--json").json

    assert unmasked[0]["contact"] == "c000001"
    assert "c000001" in busy("records", promising, "--unmask").out
    assert "c000001" in busy("journey", promising, 1, "--unmask").out


def test_a_journey_tells_from_the_row_to_the_outcome(busy, promising):
    record = busy("records", promising, "--state", "failed", "--json").json[0]
    entries = busy("journey", promising, record["seq"], "--json").json

    assert all(set(entry) == ENTRY for entry in entries)
    assert [entry["event"] for entry in entries] == ["received", "attempt 1"]
    assert entries[0]["detail"] == f"row {record['row_no']} of people.csv"
    assert entries[1]["outcome"] == "permanent no_such_contact"
    assert entries[1]["took_ms"] >= 0
    told = busy("journey", promising, record["seq"]).out
    assert told.startswith(f"record {record['seq']} of {promising}: ")
    assert "permanent no_such_contact" in told


def test_a_record_that_is_not_there_is_not_found(busy, promising):
    answer = busy("journey", promising, 61)

    assert answer.code == 3
    assert answer.err == f"watchfloor: run {promising} has no record 61\n"


def test_rejects_go_out_as_they_came_in_with_the_reason(shell, rejecting, tmp_path):
    file = tmp_path / "fix.csv"
    answer = shell("rejects", rejecting, "-o", file, "--json")

    assert answer.json == {"run": rejecting, "file": str(file), "rejects": 4}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "watchfloor_row,watchfloor_reason,id,first_name"
    assert lines[1].startswith("4,")
    assert lines[1].endswith(",,Nobody")
    assert next(csv.reader([lines[2]]))[:2] == ["5", "duplicate of row 1"]


def test_rejects_never_overwrite_a_file(shell, rejecting, tmp_path):
    file = tmp_path / "fix.csv"
    file.write_text("mine")
    answer = shell("rejects", rejecting, "-o", file)

    assert answer.code == 1
    assert f"{file} exists; nothing was written" in answer.err
    assert file.read_text() == "mine"


def test_rejects_follow_no_link(shell, rejecting, tmp_path):
    link = tmp_path / "fix.csv"
    link.symlink_to(tmp_path / "elsewhere.csv")
    answer = shell("rejects", rejecting, "-o", link)

    assert answer.code == 1
    assert not (tmp_path / "elsewhere.csv").exists()


def test_rejects_cannot_go_where_no_folder_is(shell, rejecting, tmp_path):
    answer = shell("rejects", rejecting, "-o", tmp_path / "none" / "fix.csv")

    assert answer.code == 1
    assert "cannot be made" in answer.err
    assert "nothing was left behind" in answer.err


@needs_mounts
def test_rejects_that_find_no_room_leave_no_half_file_and_name_it(
    shell, rejecting, tmp_path
):
    disk = tmp_path / "disk"
    disk.mkdir()
    file, filler = disk / "fix.csv", disk / "filler"
    with mounted(disk, ("-t", "tmpfs", "-o", "size=4k", "none")):
        filler.write_bytes(bytes(4096))
        refused = shell("rejects", rejecting, "-o", file)
        left = list(disk.iterdir())
        filler.unlink()
        again = shell("rejects", rejecting, "-o", file)

    assert (refused.code, again.code) == (1, 0)
    no_room = os.strerror(errno.ENOSPC).lower()
    said = f"{file} cannot be made: {no_room}; nothing was left behind"
    assert refused.err == f"watchfloor: {said}\n"
    assert left == [filler]


def test_rejects_of_a_run_that_read_nothing_yet_make_no_file(busy, tmp_path):
    queued = busy.run_of("queued")
    answer = busy("rejects", queued, "-o", tmp_path / "fix.csv")

    assert answer.code == 3
    assert answer.err == (
        f"watchfloor: run {queued} has read no row of its upload yet; "
        "nothing was written\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_rejects_of_a_run_that_is_not_there_make_no_file(busy, tmp_path):
    assert busy("rejects", "none", "-o", tmp_path / "fix.csv").code == 3
    assert list(tmp_path.iterdir()) == []


def test_rejects_go_to_stdout_too(shell, rejecting, tmp_path):
    shell("rejects", rejecting, "-o", tmp_path / "fix.csv")
    answer = shell("rejects", rejecting, "-o", "-")

    assert answer.code == 0
    assert answer.out == (tmp_path / "fix.csv").read_text(encoding="utf-8")
    assert answer.err == "4 rejected rows written to stdout\n"


def test_no_terminal_is_shown_the_raw_text_of_rejects(shell, rejecting, monkeypatch):
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        answer = shell("rejects", rejecting, "-o", "-")
    os.close(master)

    assert answer.code == 1
    assert "no terminal is shown them; name a file" in answer.err


def test_a_corrected_fix_file_goes_in_again(shell, rejecting, tmp_path):
    campaign = campaign_text(tmp_path, "autumn")
    file = tmp_path / "fix.csv"
    shell("rejects", rejecting, "-o", file)
    again = shell.launched(campaign, file)
    carry_out(shell.root)
    # As it was, the duplicate is new to this run; the others are rejected again.
    first = shell("show", again, "--json").json["books"]
    assert (first["invalid"], first["delivered"]) == (3, 1)
    rows = file.read_text(encoding="utf-8").splitlines()
    mended = tmp_path / "mended.csv"
    mended.write_text("\n".join([rows[0], rows[1].replace(",,", ",c000077,"), rows[2]]))
    last = shell.launched(campaign, mended)
    carry_out(shell.root)
    books = shell("show", last, "--json").json["books"]

    assert (books["invalid"], books["delivered"]) == (0, 2)
    found = shell("records", last, "--unmask", "--json").json
    assert [one["contact"] for one in found] == ["c000077", "c000001"]


def test_a_fix_file_of_a_fix_file_is_the_same(shell, rejecting, tmp_path):
    campaign = campaign_text(tmp_path, "autumn")
    shell("rejects", rejecting, "-o", tmp_path / "once.csv")
    again = shell.launched(campaign, tmp_path / "once.csv")
    carry_out(shell.root)
    shell("rejects", again, "-o", tmp_path / "twice.csv")
    once, twice = (
        [line.split(",", 2)[2] for line in path.read_text().splitlines() if "," in line]
        for path in (tmp_path / "once.csv", tmp_path / "twice.csv")
    )

    assert twice[0] == once[0] == "id,first_name"
    assert set(twice) <= set(once)


def test_a_code_that_a_channel_made_up_is_shown_with_its_class(shell, tmp_path):
    settings = 'script = { c000001 = ["ambiguous"] }\ndelivery = "at_most_once"'
    campaign = campaign_text(tmp_path, "odd", steps=step("simulator", settings))
    run = shell.launched(campaign, people(tmp_path / "people.csv", 1))
    carry_out(shell.root)
    (record,) = shell("records", run, "--json").json

    assert (record["state"], record["outcome_class"]) == ("unknown", "ambiguous")
    assert record["code"] == "no_reply"
    journey = shell("journey", run, 1, "--json").json
    assert journey[-1]["event"] == "unknown"
    assert "ask the provider by its key" in journey[-1]["detail"]
