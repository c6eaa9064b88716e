from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from watchfloor.domain.workspace import ResultsIntake, Shared, Workspace
from watchfloor.triage.bundled_settings import (
    campaign_told,
    contact_kind,
    references,
    workspace_told,
)

FILE = "file:/srv/token"
HEAD = """
# a comment says a-secret
[campaign]
id = "autumn"
name = "Autumn"
notify = ["ops@example.org", "boss@example.org"]
[audience]
contact = "phone"
region_column = "country"
filter = 'consent = "yes" and not (last_name = "O""Doe" or note = "unclosed)'
suppression = ["lists/mine.csv"]
"""


def steps(channel, settings, when=""):
    return f"""{HEAD}
[[steps]]
name = "call"
channel = "{channel}"
when = '{when}'
[steps.settings]
{settings}
"""


def settings_of(channel: str, settings: str) -> Any:
    told: Any = campaign_told(steps(channel, settings))
    return told["steps"][0]["settings"]


def test_a_campaign_is_told_without_comments_people_and_quoted_values():
    told: Any = campaign_told(
        steps("simulator", "", 'call.code = "busy" or x = "A Name"')
    )

    assert told["campaign"] == {
        "id": "autumn",
        "name": "Autumn",
        "notify": {"count": 2},
    }
    assert told["audience"]["suppression"] == {"count": 1}
    assert "yes" not in told["audience"]["filter"]
    assert "Doe" not in told["audience"]["filter"]
    assert "unclosed" not in told["audience"]["filter"]
    assert told["audience"]["filter"].startswith('consent = "[hidden]" and not (last')
    assert told["steps"][0]["when"] == 'call.code = "busy" or x = "[hidden]"'
    assert "secret" not in json.dumps(told)


def test_of_an_address_scheme_host_and_port_are_told():
    told = settings_of("webhook", 'url = "https://a:b@host.example:444/T0/B1?k=s#f"')

    assert told["url"] == "https://host.example:444/..."


@pytest.mark.parametrize("url", ["javascript:alert(1)", "hunter2", 7])
def test_what_is_no_address_is_hidden(url):
    assert settings_of("webhook", f"url = {json.dumps(url)}")["url"] == "[hidden]"


def test_headers_are_told_by_name_and_their_values_only_where_they_are_open():
    told = settings_of(
        "webhook",
        "headers = { Authorization = 'env:TOKEN', X-Key = 'hunter2', Accept = 'a/b', "
        "X-File = 'file:/srv/jane/token', X-Bad = 'env:not a name' }",
    )

    assert told["headers"] == {
        "Authorization": "env:TOKEN",
        "X-Key": "[hidden]",
        "Accept": "a/b",
        "X-File": "file:[path]",
        "X-Bad": "[hidden]",
    }


def test_of_a_message_its_length_and_placeholders_are_told():
    told = settings_of(
        "smtp",
        "host = 'mail.example.org'\nport = 587\nfrom = 'a@b.example'\n"
        "password = 'env:PW'\nsubject = 'Dear ${first_name}, key is hunter2'\n"
        "reply_to = 'c@d.example'",
    )

    assert told["subject"] == {"characters": 34, "placeholders": ["first_name"]}
    assert (told["host"], told["port"], told["password"]) == (
        "mail.example.org",
        587,
        "env:PW",
    )
    assert told["left_out"] == 2


def test_a_plug_in_of_ones_own_tells_nothing():
    told = settings_of(
        "carrier-pigeon", "coop = 'secret'\n[steps.settings.more]\na = 1"
    )

    assert told == {"left_out": 2}


def test_what_a_simulator_does_to_whom_stays():
    told = settings_of(
        "simulator", "seed = 3\nscript = { '+4915112345678' = ['hang'] }"
    )

    assert told == {"seed": 3, "left_out": 1}


@pytest.mark.parametrize(
    "text", ["", "= broken", "[steps]\nx = 1", 'steps = "a"\naudience = 3\nlimits = []']
)
def test_a_text_that_is_no_campaign_tells_nothing_and_breaks_nothing(text):
    assert "1" not in json.dumps(campaign_told(text))
    contact_kind(text)


def test_a_workspace_is_told_without_who_sends_its_mail():
    told = workspace_told(
        Workspace(
            workspace_id="ws-1",
            name="Desk",
            channels={"webhook": Shared(permits=3)},
            mail={"host": "m.example", "from": "a@b.example", "password": "env:PW"},
            results=replace(ResultsIntake(), token=FILE),
        )
    )

    assert told["mail"] == {"host": "m.example", "password": "env:PW", "left_out": 1}
    assert told["results"].items() >= {"token": "file:[path]"}.items()
    assert told["channels"] == {"webhook": {"permits": 3, "rate_per_s": None}}


def test_every_reference_is_found_wherever_it_stands():
    text = steps("any", "a = { b = ['env:ONE', { c = 'file:/two' }] }\nd = 'no env:X'")
    workspace = Workspace(workspace_id="w", name="W", mail={"password": "env:THREE"})

    assert references(text, workspace) == {
        "env:ONE",
        "file:/two",
        "env:THREE",
        "env:WATCHFLOOR_RESULTS_TOKEN",
    }
    assert references("= broken", None) == frozenset()
