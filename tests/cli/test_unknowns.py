from __future__ import annotations

import json
import shutil

import pytest
from tests.cli.shell import SpareShell, campaign_text, carry_out, people, step

SETTINGS = """
shares = { ambiguous = 1.0 }
delivery = "at_most_once"
look_up = { delivered = 1.0, script = { c000002 = "unknown" } }
"""


@pytest.fixture(scope="module")
def doubtful_workspace(tmp_path_factory, fresh_workspace):
    """A workspace with an ended run of four records that are all unknown; copy it."""
    folder = tmp_path_factory.mktemp("doubtful")
    shutil.copytree(fresh_workspace, folder / "floor")
    text = campaign_text(folder, "autumn", steps=step("simulator", SETTINGS))
    spare = SpareShell(folder / "floor")
    spare.launched(text, people(folder / "people.csv", 4))
    carry_out(spare.root)
    return spare.root


@pytest.fixture
def run_id(shell, doubtful_workspace):
    shutil.rmtree(shell.root)
    shutil.copytree(doubtful_workspace, shell.root)
    return shell.newest


def states(shell, run_id):
    return [one["state"] for one in shell("records", run_id, "--json").json]


def test_unknown_records_are_listed_with_the_key_to_ask_by(shell, run_id):
    told = shell("unknowns", "--json").json

    assert [one["seq"] for one in told] == [1, 2, 3, 4]
    assert {one["run"] for one in told} == {run_id}
    assert all(len(one["key"]) == 32 for one in told)
    assert told[0]["contact"] == "c0***01"
    page = shell("unknowns", run_id, "--limit", 3)
    assert page.out.count("no_reply") == 3
    assert f"4 in all; more: --after {run_id}/3" in page.err
    rest = shell("unknowns", "--after", f"{run_id}/3", "--json").json
    assert [one["seq"] for one in rest] == [4]


def test_status_counts_unknown_records_until_they_are_resolved(shell, run_id):
    said = ("--as", "delivered", "--reason", "their log", "--yes")
    before = shell("status")
    shell("resolve", run_id, 2, *said)
    told = shell("status", "--json").json
    shell("resolve", run_id, "--all", *said)

    # They are no fault: it says so, and its exit code tells of none.
    line = "1 ended | 0 left | 4 unknown | no engine\n"
    assert (before.code, before.out) == (0, line)
    assert told["unknown"] == 3
    assert "unknown" not in shell("status").out


def test_one_record_is_resolved_with_a_reason(shell, run_id):
    said = shell(
        *("resolve", run_id, 2, "--as", "delivered"),
        *("--reason", "provider's log", "--yes"),
    )

    assert (said.code, said.out) == (0, "resolve settled: 1 unknown record resolved\n")
    assert states(shell, run_id) == ["unknown", "delivered", "unknown", "unknown"]
    told = shell("journey", run_id, 2, "--json").json
    (entry,) = [one for one in told if one["event"] == "resolved"]
    assert entry["outcome"] == "as delivered"
    assert entry["detail"].endswith(": provider's log")
    audit = shell("books", run_id, "--audit", "--json").json
    assert audit["differences"] == []


def test_a_cohort_is_previewed_with_its_count_and_asked_about(shell, run_id, typed):
    typed("yes")
    said = shell(
        *("resolve", run_id, "--code", "no_reply", "--step", "call"),
        *("--as", "not-delivered", "--reason", "lost", "--json"),
    )

    assert said.json["state"] == "settled"
    assert "resolve as not-delivered (code no_reply, step call)" in said.err
    assert "4 unknown records become failed, which can be retried." in said.err
    assert "The run's history stays as it was written" in said.err
    assert states(shell, run_id) == ["failed"] * 4


def test_any_other_word_changes_nothing(shell, run_id, typed):
    typed("sure")
    said = shell("resolve", run_id, "--all", "--as", "delivered", "--reason", "x")

    assert said.code == 1
    assert "nothing was changed" in said.err
    assert states(shell, run_id) == ["unknown"] * 4


def test_a_resend_of_an_ended_run_is_refused_with_the_words_to_use(shell, run_id):
    said = shell("resolve", run_id, 1, "--as", "resend", "--reason", "x", "--yes")

    assert (said.code, said.out) == (1, "refused ALREADY_ENDED\n")
    assert f"watchfloor retry {run_id} --class unknown --seq N" in said.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "say which unknown records are meant"),
        ((1, "--all"), "not both"),
        ((1, "--code", "x"), "not both"),
    ],
)
def test_which_records_are_meant_must_be_said_once(shell, run_id, arguments, why):
    said = shell(
        "resolve", run_id, *arguments, "--as", "delivered", "--reason", "x", "--yes"
    )

    assert said.code == 1
    assert why in said.err
    assert states(shell, run_id) == ["unknown"] * 4


@pytest.mark.parametrize(
    "arguments",
    [
        ("--as", "delivered"),
        ("--reason", "x"),
        ("--as", "maybe", "--reason", "x"),
    ],
)
def test_way_and_reason_are_always_needed(shell, run_id, arguments):
    assert shell("resolve", run_id, 1, *arguments, "--yes").code == 2


def test_a_blank_reason_is_none(shell, run_id):
    said = shell("resolve", run_id, 1, "--as", "delivered", "--reason", " ", "--yes")

    assert said.code == 1
    assert "needs a reason" in said.err


def test_a_look_up_waits_for_an_engine_and_then_settles_what_is_certain(shell, run_id):
    said = shell("look-up", run_id, "--reason", "morning round")

    assert said.code == 0
    assert said.out.startswith("look-up acknowledged: the engine asks the provider")
    assert "No engine runs: it is stored and waits for one" in said.err
    carry_out(shell.root)
    assert states(shell, run_id) == ["delivered", "unknown", "delivered", "delivered"]


def test_a_look_up_that_no_engine_carries_on_is_withdrawn_and_no_longer_in_the_way(
    shell, run_id
):
    shell("look-up", run_id, "--reason", "morning round")
    held = shell("purge", run_id, "--yes")
    assert f"watchfloor look-up {run_id} --withdraw --reason TEXT" in held.err

    said = shell("look-up", run_id, "--withdraw", "--reason", "their desk is closed")
    assert said.code == 0
    assert said.out.startswith("withdraw-look-up settled: asked about 0 records")
    told = next(
        one
        for one in shell("events", run_id, "--json").json
        if one["event"] == "look-up withdrawn"
    )
    assert told["reason"] == "their desk is closed"
    carry_out(shell.root)
    assert set(states(shell, run_id)) == {"unknown"}
    again = shell("look-up", run_id, "--withdraw", "--reason", "again")
    assert again.code == 1
    assert "NOT_YET" in again.err
    assert "no look-up of this run is under way" in again.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--withdraw",), "needs a reason"),
        ((1, "--withdraw", "--reason", "x"), "withdrawn as a whole"),
    ],
)
def test_a_withdrawal_without_reason_or_of_one_record_is_none(
    shell, run_id, arguments, why
):
    shell("look-up", run_id, "--reason", "morning round")

    said = shell("look-up", run_id, *arguments)

    assert said.code == 1
    assert why in said.err
    carry_out(shell.root)
    assert "delivered" in states(shell, run_id)


def test_the_history_tells_what_was_resolved_after_it(shell, run_id):
    before = shell("history", run_id, "--json").json
    shell("resolve", run_id, 1, "--as", "delivered", "--reason", "their log", "--yes")

    after = shell("history", run_id, "--json").json

    (said,) = after.pop("resolutions")
    assert (said["as"], said["records"], said["reason"]) == (
        "delivered",
        1,
        "their log",
    )
    assert before.pop("resolutions") == []
    assert after == before
    text = shell("history", run_id).out
    assert "resolved after the history was written, which stays as it is:" in text


def test_a_hostile_reason_reaches_no_terminal_as_it_is(shell, run_id):
    evil = "\x1b]52;c;aGk=\x07[/] \u202egpj"
    shell("resolve", run_id, 1, "--as", "delivered", "--reason", evil, "--yes")

    for verb in (("journey", run_id, 1), ("history", run_id), ("events", run_id)):
        said = shell(*verb)
        assert "\x1b" not in said.out
        assert "\u202e" not in said.out
        assert "[/]" in said.out
        assert json.dumps(evil)[1:-1] in shell(*verb, "--json").out
