from __future__ import annotations

import errno
import os
import stat
import subprocess

import pytest
from tests.cli.shell import campaign_text, people, step
from tests.support.mounts import mounted, needs_mounts

from watchfloor.channels.base import channel_names
from watchfloor.intake.workspace_file import parse_workspace


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def checked(shell, file):
    """Return the mistakes found, as text and as JSON found the same."""
    told = shell("campaign", "check", file)
    as_json = shell("campaign", "check", file, "--json")
    assert (told.code, as_json.code) == (1, 1)
    assert told.out == ""
    assert as_json.json["file"] == file.name
    mistakes = as_json.json["mistakes"]
    assert told.err.splitlines() == [f"watchfloor: {one}" for one in mistakes]
    return mistakes


def test_what_is_next_in_a_new_workspace_holds_in_any_folder(
    shell, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    made = shell.bare("init", "ward")

    assert f"Next: watchfloor --workspace {tmp_path / 'ward'} launch" in made.err


def test_a_workspace_is_made_private(shell, tmp_path):
    root = tmp_path / "deep" / "ward 7"
    made = shell.bare("init", root)

    assert made.code == 0
    assert made.out == f"{root}\n"
    assert f"Next: watchfloor --workspace '{root}' launch CAMPAIGN.toml" in made.err
    assert {path.name: mode(path) for path in root.iterdir()} == {
        "campaigns": 0o700,
        "uploads": 0o700,
        "inbox": 0o700,
        "engine.lock": 0o600,
        "inbox.db": 0o600,
        "state.db": 0o600,
        "watchfloor.toml": 0o600,
    }
    assert mode(root) == 0o700


def test_a_workspace_is_called_as_told_or_as_its_directory(shell, tmp_path):
    shell.bare("init", tmp_path / "one")
    shell.bare("init", tmp_path / "two", "--name", 'Ward "7" \\ night')
    names = [
        parse_workspace((tmp_path / one / "watchfloor.toml").read_text(), one).name
        for one in ("one", "two")
    ]

    assert names == ["one", 'Ward "7" \\ night']


def test_a_fresh_workspace_is_healthy_and_empty(shell):
    assert shell("doctor").code == 0
    assert shell("status", "--short").out == "no runs | 0 left | no engine\n"
    assert shell("runs", "--json").json == []
    assert shell("runs").err.startswith("No runs yet. Start one: watchfloor launch")


def test_a_second_init_changes_nothing_and_says_so(shell):
    before = {path: path.stat() for path in shell.root.iterdir()}
    again = shell.bare("init", shell.root)

    assert again.code == 1
    assert again.out == ""
    assert again.err == (
        f"watchfloor: {shell.root} is a workspace already; nothing was changed\n"
    )
    assert {path: path.stat() for path in shell.root.iterdir()} == before


def test_a_workspace_cannot_be_made_where_a_file_is(shell, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused = shell.bare("init", tmp_path / "file")

    assert refused.code == 1
    assert "cannot be made" in refused.err
    assert (tmp_path / "file").read_text() == "mine"


@needs_mounts
@pytest.mark.parametrize("free", [0, 4_096, 65_536])
def test_a_workspace_that_finds_no_room_is_taken_away_again(shell, tmp_path, free):
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted(disk, ("-t", "tmpfs", "-o", "size=2m", "none")):
        filler = disk / "filler"
        filler.write_bytes(bytes((2 << 20) - free))
        new, known = disk / "deep" / "ward", disk / "known"
        (known / "campaigns").mkdir(parents=True)
        (known / "campaigns" / "mine.toml").touch()
        refused = [shell.bare("init", place) for place in (new, known, new)]
        left = sorted(str(one.relative_to(disk)) for one in disk.rglob("*"))
        filler.unlink()
        made = shell.bare("init", new)

    for one in refused:
        assert (one.code, one.out) == (1, "")
        assert "full" in one.err or os.strerror(errno.ENOSPC).lower() in one.err
        assert "Nothing of it is left; mend that, then make it again" in one.err
        assert "Errno" not in one.err
        assert "resume" not in one.err
    assert left == ["filler", "known", "known/campaigns", "known/campaigns/mine.toml"]
    assert made.code == 0


def test_a_good_campaign_has_no_mistakes(shell, tmp_path):
    file = campaign_text(tmp_path, "autumn")

    told = shell("campaign", "check", file)
    assert (told.code, told.err) == (0, "")
    assert told.out == "autumn.toml: no mistakes, campaign autumn\n"
    assert shell("campaign", "check", file, "--json").json == {
        "file": "autumn.toml",
        "mistakes": [],
        "campaign": "autumn",
        "not_lent": [],
    }


def test_an_operator_is_told_which_secrets_nobody_lends_to_their_campaign(
    shell, tmp_path
):
    settings = """
url = "http://127.0.0.1:9/"
headers = { X-A = "env:CALLS_TOKEN" }
body = { to = "${contact}" }
"""
    file = campaign_text(tmp_path, "own", steps=step("webhook", settings))

    told = shell("--role", "operator", "campaign", "check", file)
    as_json = shell("--role", "operator", "campaign", "check", file, "--json")

    assert told.code == 0
    assert '! You could not launch it: the campaign refers to "env:CALLS_' in told.err
    assert as_json.json["not_lent"] == ["env:CALLS_TOKEN"]
    assert shell("campaign", "check", file).err == ""


def test_a_check_needs_no_workspace(shell, tmp_path):
    assert shell.bare("campaign", "check", campaign_text(tmp_path, "autumn")).code == 0


def test_every_mistake_is_named_with_its_place_and_what_would_be_right(shell, tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text(
        """
[campaign]
id = "Autumn Reminder"
nmae = "Autumn"

[audience]
contact = 7
kind = "fax"

[[steps]]
name = "call"
channel = "simulator"
[steps.retry]
attempts = 0
backoff = "half an hour"

[limits]
permits = "many"
rate = "20 per second"
"""
    )
    mistakes = checked(shell, file)

    assert [one.split(": ", 2)[:2] for one in mistakes] == [
        ["bad.toml", "campaign.id"],
        ["bad.toml", "campaign.name"],
        ["bad.toml", "campaign.nmae"],
        ["bad.toml", "audience.contact"],
        ["bad.toml", "audience.kind"],
        ["bad.toml", "steps[0].retry.attempts"],
        ["bad.toml", "steps[0].retry.backoff"],
        ["bad.toml", "limits.permits"],
        ["bad.toml", "limits.rate"],
    ]
    right = dict(one.split(": ", 2)[1:] for one in mistakes)
    assert 'name = "Autumn reminder"' in right["campaign.name"]
    assert "did you mean name?" in right["campaign.nmae"]
    assert 'kind = "phone"' in right["audience.kind"]
    assert "attempts = 4" in right["steps[0].retry.attempts"]
    assert 'backoff = "30s"' in right["steps[0].retry.backoff"]
    assert "permits = 50" in right["limits.permits"]
    assert 'rate = "20/s"' in right["limits.rate"]


def test_an_unknown_channel_lists_the_installed_ones(shell, tmp_path):
    file = campaign_text(tmp_path, "fax", steps=step("fax"))

    assert checked(shell, file) == [
        "fax.toml: steps[0].channel: no channel is called 'fax'; installed: "
        + ", ".join(channel_names())
    ]
    assert {"simulator", "webhook"} <= set(channel_names())


@pytest.mark.parametrize(
    ("channel", "settings", "place"),
    [
        ("simulator", "latncy = 3", "latncy"),
        ("simulator", "shares = { transient = 2.0 }", "shares.transient"),
        ("webhook", "", "url"),
        ("webhook", 'url = "ftp://example.org/"', "url"),
        ("webhook", 'url = "http://h/"\nmethod = "GET"', "method"),
    ],
)
def test_a_channel_checks_its_own_settings(shell, tmp_path, channel, settings, place):
    file = campaign_text(tmp_path, "odd", steps=step(channel, settings))
    (mistake,) = checked(shell, file)

    assert mistake.startswith("odd.toml: steps[0].settings: ")
    assert place in mistake


@pytest.mark.parametrize(
    "rest",
    [
        "[window]\nzone = 'Europe/Berlin'\nopen = '09:00'\nclose = '20:00'",
        "[callbacks]\nexpire = '48h'",
        "[approval]\nafter = 20",
        "[guard]\nbreaker_after = 0",
        "[results]\ncollect = '30d'",
    ],
)
def test_every_table_of_the_design_is_understood(shell, tmp_path, rest):
    file = campaign_text(tmp_path, "whole", rest=rest)

    answer = shell("campaign", "check", file)
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("[window]\nopen = '09:00'\nclose = '20:00'", "window.zone"),
        ("[callbacks]\nexpire = 48", "callbacks.expire"),
        ("[approval]\nafter = 0", "approval.after"),
        ("[guard]\npause_when = { share = 0.2 }", "guard.pause_when.class"),
        ("[results]\ncollect = 'for ever'", "results.collect"),
    ],
)
def test_a_mistake_in_any_table_is_named_with_its_place(shell, tmp_path, rest, place):
    file = campaign_text(tmp_path, "whole", rest=rest)

    assert any(one.startswith(f"whole.toml: {place}: ") for one in checked(shell, file))


def test_a_slip_in_the_toml_is_named_with_its_line(shell, tmp_path):
    file = tmp_path / "slip.toml"
    file.write_text('[campaign]\nid = "a"\nname "A"\n')
    (mistake,) = checked(shell, file)

    assert mistake.startswith("slip.toml: line 3, column 6: ")
    assert mistake.endswith("; this is not TOML")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = 1\n" * 200_000])
def test_a_file_that_is_no_campaign_at_all_is_one_sentence(shell, tmp_path, content):
    file = tmp_path / "odd.toml"
    file.write_bytes(content)
    answer = shell("campaign", "check", file)

    assert answer.code == 1
    assert answer.err.count("\n") == 1
    assert "odd.toml" in answer.err


def test_a_directory_is_no_campaign(shell, tmp_path):
    answer = shell("campaign", "check", tmp_path)

    assert answer.code == 1
    assert "cannot be read: is a directory" in answer.err


def test_a_missing_campaign_file_is_named(shell, tmp_path):
    answer = shell("campaign", "check", tmp_path / "none.toml")

    assert answer.code == 1
    assert f"{tmp_path}/none.toml: cannot be read: no such file" in answer.err


def test_the_campaigns_of_a_workspace_are_listed_with_their_state(shell):
    folder = shell.layout.campaigns
    campaign_text(folder, "autumn", shown="Autumn reminder")
    campaign_text(folder, "draft", published=False)
    (folder / "broken.toml").write_text("[campaign")
    (folder / "notes.txt").write_text("not a campaign")

    assert shell("campaign", "list", "--json").json == [
        {
            "file": "autumn.toml",
            "campaign": "autumn",
            "name": "Autumn reminder",
            "state": "published",
        },
        {
            "file": "broken.toml",
            "campaign": "",
            "name": "",
            "state": shell("campaign", "check", folder / "broken.toml", "--json").json[
                "mistakes"
            ][0],
        },
        {
            "file": "draft.toml",
            "campaign": "draft",
            "name": "Draft",
            "state": "not published",
        },
    ]
    told = shell("campaign", "list").out.splitlines()
    assert told[0].split() == ["FILE", "CAMPAIGN", "NAME", "STATE"]
    assert told[1].split() == [
        "autumn.toml",
        "autumn",
        "Autumn",
        "reminder",
        "published",
    ]
    assert len(told) == 4


@pytest.mark.parametrize("name", ["bash", "zsh", "tcsh"])
def test_a_completion_script_knows_every_verb(shell, name):
    answer = shell.bare("completion", name)

    assert answer.code == 0
    for verb in ("launch", "records", "pause", "doctor", "completion"):
        assert verb in answer.out


def test_bash_accepts_its_completion_script(shell):
    script = shell.bare("completion", "bash").out

    found = subprocess.run(
        ["bash", "-n"],  # noqa: S607 - whichever bash there is
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")


def test_a_host_that_a_launch_refuses_is_a_mistake_of_the_campaign(shell, tmp_path):
    settings = """
url = "http://169.254.169.254/latest"
body = { to = "${contact}" }
"""
    file = campaign_text(tmp_path, "inward", steps=step("webhook", settings))
    upload = people(tmp_path / "people.csv", 2)

    [mistake] = checked(shell, file)
    refused = shell("launch", file, "--upload", upload, "--yes")

    assert "169.254.169.254" in mistake
    assert "where clouds keep credentials" in mistake
    assert refused.code == 1
    assert f"watchfloor: {mistake}\n" in refused.err
