from __future__ import annotations

import json
import sys

import pytest
from tests.cli.shell import campaign_text, carry_out, people, step
from tests.support.provider import Provider, Reply


@pytest.fixture
def hook():
    with Provider() as serving:
        yield serving


def configured(shell, hook, more=""):
    """Ask for alerts of failures, told to *hook*."""
    path = shell.root / "watchfloor.toml"
    text = path.read_text(encoding="utf-8")
    table = f'\n[alerts]\non = ["failed"]\n[alerts.webhook.chat]\nurl = "{hook.url}"\n'
    path.write_text(f"{text}{table}{more}\n", encoding="utf-8")


def failing(folder):
    """Write a campaign that fails at its launch, since a secret is missing."""
    settings = (
        'url = "http://127.0.0.1:9/"\nheaders = { Authorization = "env:NOT_THERE" }'
    )
    return campaign_text(folder, "autumn", steps=step("webhook", settings))


@pytest.fixture
def failed(shell, hook, tmp_path):
    """The id of a run that failed, of which the hook was told."""
    configured(shell, hook)
    run_id = shell.launched(failing(tmp_path), people(tmp_path / "people.csv", 3))
    carry_out(shell.root)
    return run_id


def test_an_alert_is_shown_with_who_was_told_and_the_answer(shell, failed, hook):
    told = shell("alerts")

    assert told.code == 4
    assert failed in told.out
    assert "stands" in told.out
    assert "webhook chat" in told.out
    assert "answered 200" in told.out
    assert len(hook.arrivals) == 1

    answer = shell("alerts", "--json")
    assert answer.code == 4
    [alert] = answer.json["alerts"]
    assert (alert["kind"], alert["run"], alert["stands"]) == ("failed", failed, True)
    [message] = alert["told"]
    assert (message["hook"], message["state"]) == ("webhook chat", "sent")
    assert message["id"] == hook.arrivals[0].key


def test_without_an_alert_that_is_said_and_all_is_well(shell):
    told = shell("alerts")

    assert told.code == 0
    assert told.out == ""
    assert "Nobody is alerted of anything" in told.err
    assert "No alert stands" in told.err
    assert shell("alerts", "--json").json["alerts"] == []


def test_a_test_says_what_each_hook_made_of_it(shell, hook, tmp_path):
    pager = tmp_path / "pager.py"
    pager.write_text(
        "import sys\nprint('\\x1b]0;x\\x07')\nraise SystemExit(3)\n", encoding="utf-8"
    )
    more = f'[alerts.command.pager]\nargv = ["{sys.executable}", "{pager}"]\n'
    configured(shell, hook, more)

    told = shell("alerts", "test")

    assert told.code == 1
    assert told.out.splitlines()[0].startswith("FAIL command pager: ended with 3")
    assert told.out.splitlines()[1] == "ok   webhook chat: answered 200"
    assert "\x1b" not in told.out
    [arrival] = hook.arrivals
    assert json.loads(arrival.body)["what"] == "test"
    # A test is no alert.
    assert shell("alerts", "--json").json["alerts"] == []


def test_a_test_without_a_hook_says_where_one_is_set(shell):
    told = shell("alerts", "test", "--json")

    assert told.code == 1
    assert "add one below [alerts]" in told.err


def test_the_doctor_checks_the_table_and_that_people_were_told(shell, hook, tmp_path):
    configured(shell, hook)
    named = {one["name"]: one for one in shell("doctor", "--json").json}
    assert named["alerts"]["is_well"]
    assert named["alerts"]["found"].startswith("on failed, through webhook chat; 0")

    path = shell.root / "watchfloor.toml"
    path.write_text(path.read_text("utf-8").replace(hook.url, "nowhere"), "utf-8")
    wrong = {one["name"]: one for one in shell("doctor", "--json").json}
    assert not wrong["settings"]["is_well"]
    assert "alerts.webhook.chat.url" in wrong["settings"]["found"]
    # What stands can be read whatever is wrong with the file.
    assert "alerts.webhook.chat.url" in shell("alerts").err


def test_a_span_that_is_none_is_a_mistake_of_usage(shell):
    for verb in ("alerts", "handover"):
        told = shell(verb, "--since", "a\x1bwhile")
        assert told.code == 2
        assert "write e.g. 30m, 8h or 2d" in told.err
        assert "\x1b" not in told.err


def test_a_note_is_printed_as_text_and_as_json(shell, failed):
    told = shell("handover", "--since", "1h")

    assert told.code == 0
    lines = told.out.splitlines()
    assert lines[0].startswith("Handover: Night shift (")
    assert any(line.startswith("- ") and failed in line for line in lines)
    assert "Open questions:" in lines
    assert all(line == line.rstrip() for line in lines)

    note = shell("handover", "--since", "1h", "--json").json
    assert [one["id"] for one in note["runs"]] == [failed]
    assert note["engine"]["starts"] == 1
    assert note["engine"]["alive"] is False
    assert [one["cleared_at"] for one in note["alerts"]] == [None]
    assert len(note["questions"]) == 1


def test_a_note_can_be_read_in_a_workspace_nobody_used(shell):
    told = shell("handover")

    assert told.code == 0
    assert "Runs: none was live or ended" in told.out


def test_a_hook_that_answers_with_an_error_is_told_in_the_table(shell, hook, tmp_path):
    hook.otherwise = Reply(status=503)
    configured(shell, hook)
    shell.launched(failing(tmp_path), people(tmp_path / "people.csv", 3))
    carry_out(shell.root)

    [alert] = shell("alerts", "--json").json["alerts"]

    [message] = alert["told"]
    assert (message["state"], message["tries"]) == ("owed", 1)
    assert message["detail"].startswith("answered 503")
    assert message["next_at"] is not None
    assert "next try 20" in shell("alerts").out
