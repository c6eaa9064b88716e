from __future__ import annotations

import json

import pytest
from tests.cli.shell import step
from tests.support.hostile import traces

#: Every verb that answers from the store. OLD has ended, NEW is paused.
VERBS = [
    ["runs"],
    ["show", "OLD"],
    ["show", "NEW"],
    ["records", "OLD"],
    ["records", "OLD", "--unmask"],
    ["journey", "OLD", "1"],
    ["journey", "OLD", "1", "--unmask"],
    ["failures", "OLD"],
    ["events", "OLD"],
    ["events", "NEW"],
    ["books", "OLD", "--audit"],
    ["status"],
    ["status", "--short"],
    ["doctor"],
    ["campaign", "list"],
    ["pause", "NEW", "--yes"],
    ["resume", "OLD", "--yes"],
    ["stop", "NEW"],
    ["cancel", "NEW"],
    ["launch", "FILE", "--upload", "FILE", "--yes"],
    ["campaign", "check", "FILE"],
]

#: What only the caller says, as a shell's ``*`` does.
SAID = "a\x1b[31m\u202eb\x9bc"
CALLS = [
    [SAID],
    ["runs", SAID],
    ["show", SAID],
    ["records", "OLD", "--state", SAID],
    ["records", "OLD", "--limit", SAID],
    ["journey", "OLD", SAID],
    ["failures", "OLD", "--by", SAID],
    ["failures", "OLD", "--state", SAID],
    ["launch", SAID, "--upload", SAID],
    ["launch", "FILE", "--upload", SAID],
    ["rejects", "OLD", "-o", f"/{SAID}/{SAID}"],
    ["campaign", "check", SAID],
    ["completion", SAID],
    ["--workspace", SAID, "runs"],
    ["--workspace", SAID, "status"],
    ["--workspace", SAID, "engine"],
    ["--workspace", SAID, "doctor"],
]


@pytest.fixture
def call(spiteful):
    """Call with the places of this workspace put in."""
    new, old = [run["id"] for run in spiteful("runs", "--json").json]
    (file,) = spiteful.layout.campaigns.iterdir()
    places = {"NEW": new, "OLD": old, "FILE": str(file)}

    def called(arguments):
        return spiteful(*(places.get(one, one) for one in arguments))

    return called


def assert_harmless(answer):
    assert not traces(answer.out + answer.err)


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_no_hostile_text_of_the_store_reaches_the_terminal(call, arguments):
    answer = call(arguments)

    assert answer.out or answer.err
    assert_harmless(answer)


@pytest.mark.parametrize(
    "arguments", [one for one in VERBS if "--short" not in one], ids=" ".join
)
def test_json_is_ascii_and_loses_nothing(call, arguments):
    answer = call([*arguments, "--json"])

    assert answer.out.isascii()
    assert_harmless(answer)
    assert answer.out == "" or json.loads(answer.out) is not None


@pytest.mark.parametrize(
    "arguments", CALLS, ids=lambda one: " ".join(one).replace(SAID, "SAID")
)
def test_no_hostile_argument_is_echoed_to_the_terminal(call, arguments):
    answer = call(arguments)

    assert answer.code != 0
    assert answer.out or answer.err
    assert_harmless(answer)


def test_hostile_text_is_shown_and_not_swallowed(call):
    assert "␛[31mred␛]52;c;aGk=␇" in call(["runs"]).out
    assert "gpj.exe" in call(["journey", "OLD", "1"]).out
    assert "people ␛]0;owned␇·.csv" in call(["show", "OLD"]).out
    assert "c6" in call(["records", "OLD", "--unmask"]).out


def test_json_gives_hostile_text_back_as_it_was(call):
    named = call(["runs", "--json"]).json[0]

    assert named["campaign_name"].startswith("\x1b[31mred\x1b]52;")
    assert named["upload_name"] == "people \x1b]0;owned\x07\u202e.csv"


def test_a_hostile_name_of_a_new_workspace_is_harmless_too(shell, tmp_path):
    answer = shell.bare("init", tmp_path / SAID, "--name", SAID)

    assert answer.code == 0
    assert_harmless(answer)
    assert_harmless(shell.bare("--workspace", tmp_path / SAID, "doctor"))
    assert_harmless(shell.bare("init", tmp_path / SAID))


def test_a_header_that_attacks_is_harmless_in_a_refusal_and_in_a_review(
    shell, tmp_path, typed
):
    upload = tmp_path / "people.csv"
    upload.write_text(f"{SAID},id\nx,c1\n", encoding="utf-8")
    campaign = tmp_path / "autumn.toml"
    head = f'[campaign]\nid = "autumn"\nname = {json.dumps(SAID)}\n'
    audience = '[audience]\ncontact = "{}"\nkind = "id"\n'
    campaign.write_text(head + audience.format("phone") + step("simulator"))
    refused = shell("launch", campaign, "--upload", upload)
    campaign.write_text(head + audience.format("id") + step("simulator"))
    typed("no")
    reviewed = shell("launch", campaign, "--upload", upload)

    assert "no contact column 'phone'" in refused.err
    assert "columns: " in reviewed.err
    assert_harmless(refused)
    assert_harmless(reviewed)
